//! Extensions that a program brings, as tables of functions.

use core::cell::RefCell;
use core::ffi::{c_char, c_void};
use core::mem::offset_of;
use core::ptr::{null, null_mut, with_exposed_provenance_mut};
use std::ffi::CString;

use super::args;
use super::boundary::{guard, with_driver_and_site};
use super::codes::nd_result;
use super::structs::nd_driver;
use crate::driver::Site;
use crate::error::{self, Error, Status};
use crate::proto::websocket::extension::{Extension, Frame, Output, RESERVED_BITS, Transform};

/// Reserved bit RSV1 of a frame. An extension that uses it is not agreed on beside
/// permessage-deflate.
pub const ND_EXTENSION_RSV1: u32 = 4;
/// Reserved bit RSV2 of a frame.
pub const ND_EXTENSION_RSV2: u32 = 2;
/// Reserved bit RSV3 of a frame.
pub const ND_EXTENSION_RSV3: u32 = 1;
/// A client closes a connection with 1010 whose server did not agree on the extension.
pub const ND_EXTENSION_FLAG_REQUIRED: u32 = 1;

/// Size of the first version's nd_extension.
const SIZE_MIN: usize = offset_of!(nd_extension, release) + size_of::<nd_extension_release>();
/// Bytes that negotiate may write, the NUL included.
const ANSWER_CAPACITY: usize = 512;
/// The client's failure when its function gives a number that is no close code.
const NOT_AGREED: u16 = 1010;
const INTERNAL_ERROR: u16 = 1011;

/// Agrees on an extension, once for each connection.
///
/// `server` is 1 on a server: `parameters` are those of a client's offer, as written behind the
/// name, and `answer` has room for `answer_capacity` bytes of the answer's parameters with a NUL
/// (it holds "" before). `server` is 0 on a client: `parameters` are those of the server's answer,
/// and `answer` is NULL. `out_session` takes what the other functions get for this connection.
/// Return 0 to agree. On a server any other number declines; on a client it is the close code
/// (1002, 1007 to 1011, 3000 to 4999; else 1010) to close the connection with.
#[allow(non_camel_case_types, reason = "C name")]
pub type nd_extension_negotiate = Option<
    unsafe extern "C" fn(
        user: *mut c_void,
        server: i32,
        parameters: *const c_char,
        answer: *mut c_char,
        answer_capacity: u32,
        out_session: *mut *mut c_void,
    ) -> i32,
>;

/// Encodes or decodes the payload of one data frame: writes the new one with nd_extension_write,
/// in as many pieces as it likes; what it does not write is not there. Return 0, or the close code
/// to fail the connection with (1002, 1007 to 1011, 3000 to 4999; another number is 1011).
#[allow(non_camel_case_types, reason = "C name")]
pub type nd_extension_transform = Option<
    unsafe extern "C" fn(
        user: *mut c_void,
        session: *mut c_void,
        frame: *mut nd_extension_frame,
    ) -> i32,
>;

/// Frees what negotiate made for a connection. Called once for each connection that agreed.
#[allow(non_camel_case_types, reason = "C name")]
pub type nd_extension_release =
    Option<unsafe extern "C" fn(user: *mut c_void, session: *mut c_void)>;

/// A data frame on its way through an extension.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(non_camel_case_types, reason = "C name")]
pub struct nd_extension_frame {
    /// 0 continuation, 1 text, 2 binary.
    pub opcode: u32,
    /// 1 for the last (or only) frame of its message.
    pub last: u32,
    /// ND_EXTENSION_RSV… bits. Decode: those of the extension's that are set. Encode: 0, and set
    /// the ones that the frame shall have.
    pub reserved_bits: u32,
    /// Bytes at `data`.
    pub data_length: u32,
    /// The payload, unmasked; valid during the call.
    pub data: *const u8,
}

/// An extension of the WebSocket protocol (RFC 6455 section 9): functions that agree on it and
/// that every data frame goes through. Fill it with nd_extension_init.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(non_camel_case_types, reason = "C name")]
pub struct nd_extension {
    /// Size of this struct in bytes; nd_extension_init sets it.
    pub struct_size: u32,
    /// ND_EXTENSION_RSV… bits that its frames may have set. Default 0.
    pub reserved_bits: u32,
    /// ND_EXTENSION_FLAG_… bits. Default 0.
    pub flags: u32,
    /// 0.
    pub reserved: u32,
    /// Its name in Sec-WebSocket-Extensions, a token; copied.
    pub name: *const c_char,
    /// Parameters that a client offers, such as "key=5; fast"; copied. NULL (default): none.
    pub offer: *const c_char,
    /// Handed to the functions as it is.
    pub user: *mut c_void,
    /// NULL: agrees always, without parameters and session.
    pub negotiate: nd_extension_negotiate,
    /// What frames go through that are sent.
    pub encode: nd_extension_transform,
    /// What frames go through that have arrived.
    pub decode: nd_extension_transform,
    /// NULL: there is nothing to free.
    pub release: nd_extension_release,
}

/// Fill an extension with the defaults: no bits, no functions.
///
/// @param out_extension  out: the struct
/// @return ND_OK; ND_ERROR_NULL_ARGUMENT
/// @thread any
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_extension_init(out_extension: *mut nd_extension) -> nd_result {
    // SAFETY: the pointer is the caller's, as documented.
    guard(|| unsafe {
        *args::output(out_extension, "out_extension")? = default_extension();
        Ok(())
    })
}

fn default_extension() -> nd_extension {
    nd_extension {
        struct_size: size_of::<nd_extension>() as u32,
        reserved_bits: 0,
        flags: 0,
        reserved: 0,
        name: null(),
        offer: null(),
        user: null_mut(),
        negotiate: None,
        encode: None,
        decode: None,
        release: None,
    }
}

/// Register an extension for plain WebSocket connections that are opened from now on: listeners of
/// the interface agree on it, clients on it offer it (nd_driver_connect_url uses the first
/// WebSocket interface). ND_TEXT_EXTENSIONS of a connection says what was agreed on.
///
/// A message is compressed first and goes through the extensions then, in the order of the server's
/// answer, frame by frame; control frames do not. A frame on the wire may have twice the bytes of
/// its payload and 1024 more; what a received frame becomes counts against
/// websocket_message_size_max (1009).
///
/// @param driver  the driver
/// @param interface_index  a WebSocket interface
/// @param extension  what to register; the struct and its texts are copied
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_STRUCT_SIZE;
/// ND_ERROR_INVALID_ARGUMENT (another kind of interface; a name that is no token, is taken or
/// permessage-deflate; unknown bits; a bad offer; a ninth extension); ND_ERROR_DRIVER_IN_USE
/// @lifetime the functions and `user` must stay valid until nd_driver_destroy has returned
/// @thread the one that uses the driver now; the functions run inside calls and jobs of this
/// driver, on the thread that makes the call or runs the job, with nd_settings.background_pump also
/// on the library's thread; they must not call it
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_add_extension(
    driver: *mut nd_driver,
    interface_index: u32,
    extension: *const nd_extension,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented; any bytes are a valid nd_extension,
    // because NULL is None and any other function pointer is the caller's promise.
    with_driver_and_site(driver, |driver, site| unsafe {
        let table = args::growable(extension, default_extension(), SIZE_MIN, "extension")?;
        driver.add_extension(interface_index, Box::new(extension_from_abi(&table, site)?))
    })
}

/// Append to the payload that the running encode or decode function makes.
///
/// @param data  the bytes, copied
/// @param data_length  length of `data` in bytes
/// @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_NETWORK_PACKET_OVERFLOW (more than the frame may
/// have; the connection fails with 1009 whatever the function returns);
/// ND_ERROR_NETWORK_STATE_MISMATCH (no such function runs on this thread)
/// @thread the one that runs the encode or decode function
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_extension_write(data: *const u8, data_length: u32) -> nd_result {
    // SAFETY: the pointer is the caller's, as documented.
    guard(|| unsafe {
        let data = args::slice(data, data_length, "data")?;
        OUTPUT.with_borrow_mut(|output| match output {
            None => {
                let text = "call it from the encode or decode function of an extension";
                Err(Error::new(Status::NetworkStateMismatch, text))
            }
            Some(output) => {
                let text = "the frame's new payload is too long";
                let overflow = || Error::new(Status::NetworkPacketOverflow, text);
                output.write(data).then_some(()).ok_or_else(overflow)
            }
        })
    })
}

thread_local! {
    /// Where the function that runs on this thread writes to.
    static OUTPUT: RefCell<Option<Output>> = const { RefCell::new(None) };
}

/// The functions of a table; pointers are kept as numbers, so that they may change threads with
/// the driver.
#[derive(Clone, Copy)]
struct Functions {
    /// The driver inside of whose calls they run.
    site: Site,
    user: usize,
    negotiate: nd_extension_negotiate,
    encode: nd_extension_transform,
    decode: nd_extension_transform,
    release: nd_extension_release,
}

struct Table {
    name: String,
    offer: String,
    reserved_bits: u8,
    required: bool,
    functions: Functions,
}

struct Session {
    functions: Functions,
    session: usize,
}

/// # Safety
/// The texts are NULL or NUL-ended; the functions and `user` stay valid until the driver is gone.
unsafe fn extension_from_abi(table: &nd_extension, site: Site) -> error::Result<Table> {
    if table.reserved_bits > u32::from(RESERVED_BITS) {
        return Err(Error::argument("reserved_bits has bits that are not ND_EXTENSION_RSV…"));
    }
    if table.flags & !ND_EXTENSION_FLAG_REQUIRED != 0 || table.reserved != 0 {
        return Err(Error::argument("flags has bits that are not ND_EXTENSION_FLAG_…"));
    }
    if table.encode.is_none() || table.decode.is_none() {
        return Err(Error::new(Status::NullArgument, "encode or decode is NULL"));
    }
    // SAFETY: as the caller promised.
    let (name, offer) =
        unsafe { (args::text(table.name, "name")?, args::optional_text(table.offer, "offer")?) };
    Ok(Table {
        name: name.to_owned(),
        offer: offer.unwrap_or_default().to_owned(),
        reserved_bits: table.reserved_bits as u8,
        required: table.flags & ND_EXTENSION_FLAG_REQUIRED != 0,
        functions: Functions {
            site,
            user: table.user.expose_provenance(),
            negotiate: table.negotiate,
            encode: table.encode,
            decode: table.decode,
            release: table.release,
        },
    })
}

impl Table {
    /// Asks the program. `answer` is where a server's parameters go.
    fn negotiate(&self, parameters: &str, answer: Option<&mut [u8]>) -> Result<Session, i32> {
        let Functions { site, user, negotiate, .. } = self.functions;
        let mut session: *mut c_void = null_mut();
        if let Some(negotiate) = negotiate {
            let parameters = CString::new(parameters).map_err(|_| i32::from(NOT_AGREED))?;
            let server = i32::from(answer.is_some());
            let (answer, capacity) = answer
                .map_or((null_mut(), 0), |room| (room.as_mut_ptr().cast(), room.len() as u32));
            // SAFETY: the caller of nd_driver_add_extension keeps the function and its user
            // pointer valid; the other pointers are valid during the call.
            let outcome = site.call_out(|| unsafe {
                negotiate(
                    with_exposed_provenance_mut(user),
                    server,
                    parameters.as_ptr(),
                    answer,
                    capacity,
                    &raw mut session,
                )
            });
            if outcome != 0 {
                return Err(outcome);
            }
        }
        Ok(Session { functions: self.functions, session: session.expose_provenance() })
    }
}

impl Extension for Table {
    fn name(&self) -> &str {
        &self.name
    }

    fn reserved_bits(&self) -> u8 {
        self.reserved_bits
    }

    fn offer(&self) -> &str {
        &self.offer
    }

    fn is_required(&self) -> bool {
        self.required
    }

    fn accept(&self, offer: &str) -> Option<(String, Box<dyn Transform>)> {
        let mut answer = [0; ANSWER_CAPACITY];
        let session = self.negotiate(offer, Some(&mut answer)).ok()?;
        let length = answer.iter().position(|&byte| byte == 0)?;
        let answer = std::str::from_utf8(&answer[..length]).ok()?;
        Some((answer.to_owned(), Box::new(session)))
    }

    fn confirm(&self, answer: &str) -> Result<Box<dyn Transform>, u16> {
        match self.negotiate(answer, None) {
            Ok(session) => Ok(Box::new(session)),
            Err(code) => Err(u16::try_from(code).unwrap_or(NOT_AGREED)),
        }
    }
}

impl Session {
    /// Runs a function over a frame; returns the bits that it has set.
    fn run(
        &self,
        function: nd_extension_transform,
        frame: Frame<'_>,
        out: &mut Output,
    ) -> Result<u8, u16> {
        let Some(function) = function else { return Err(INTERNAL_ERROR) };
        let mut raw = nd_extension_frame {
            opcode: u32::from(frame.opcode),
            last: u32::from(frame.last),
            reserved_bits: u32::from(frame.reserved_bits),
            data_length: frame.payload.len() as u32,
            data: frame.payload.as_ptr(),
        };
        // A callback of another driver may be further out on this thread.
        let outer = OUTPUT.replace(Some(std::mem::take(out)));
        // SAFETY: as in `negotiate`; the frame is valid during the call.
        let code = self.functions.site.call_out(|| unsafe {
            function(
                with_exposed_provenance_mut(self.functions.user),
                with_exposed_provenance_mut(self.session),
                &raw mut raw,
            )
        });
        *out = OUTPUT.replace(outer).unwrap_or_default();
        match code {
            0 => Ok(u8::try_from(raw.reserved_bits).unwrap_or(u8::MAX)),
            code => Err(u16::try_from(code).unwrap_or(INTERNAL_ERROR)),
        }
    }
}

impl Transform for Session {
    fn encode(&mut self, frame: Frame<'_>, out: &mut Output) -> Result<u8, u16> {
        self.run(self.functions.encode, frame, out)
    }

    fn decode(&mut self, frame: Frame<'_>, out: &mut Output) -> Result<(), u16> {
        self.run(self.functions.decode, frame, out).map(|_| ())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(release) = self.functions.release {
            // SAFETY: as in `negotiate`; this is the one call for this session.
            self.functions.site.call_out(|| unsafe {
                release(
                    with_exposed_provenance_mut(self.functions.user),
                    with_exposed_provenance_mut(self.session),
                );
            });
        }
    }
}
