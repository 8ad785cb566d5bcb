//! Interfaces that a program brings, as tables of functions; and what wakes their driver.

use core::ffi::c_void;
use core::mem::offset_of;
use core::ptr::{null, null_mut, with_exposed_provenance_mut};

use super::args;
use super::boundary::{guard, wake, with_driver_and_site};
use super::codes::{ND_OK, nd_result};
use super::endpoints;
use super::structs::{nd_driver, nd_endpoint};
use crate::driver::Site;
use crate::error::{Error, Result, Status};
use crate::proto::endpoint::NetworkEndpoint;
use crate::{CUSTOM_BATCH_MAX, CustomInterface, IncomingPacket, OutgoingPacket};

/// Size of the first version's nd_interface_functions.
const SIZE_MIN: usize =
    offset_of!(nd_interface_functions, release) + size_of::<nd_interface_release>();

/// Takes an address of the interface, once. `endpoint` may be of any family, or
/// ND_FAMILY_INVALID for any: a client connects without having bound the interface. Write what the
/// address is now to `out_endpoint`, which holds `endpoint` before. Return 0, or a negative number
/// to fail nd_driver_bind or nd_driver_connect.
#[allow(non_camel_case_types, reason = "C name")]
pub type nd_interface_bind = Option<
    unsafe extern "C" fn(
        user: *mut c_void,
        endpoint: *const nd_endpoint,
        out_endpoint: *mut nd_endpoint,
    ) -> i32,
>;

/// Connection requests are welcome from here on. Called by each nd_driver_listen. Return 0, or a
/// negative number to fail it.
#[allow(non_camel_case_types, reason = "C name")]
pub type nd_interface_listen = Option<unsafe extern "C" fn(user: *mut c_void) -> i32>;

/// Fills in datagrams that have arrived, from the first of the `capacity` places on, and writes to
/// `out_count` how many. Called by each nd_driver_update and by nd_driver_wait; again at once when
/// all places were filled. Must not wait. Return 0, or a negative number when receiving has failed:
/// the call of the driver returns ND_ERROR_NETWORK_SOCKET and nothing else changes.
#[allow(non_camel_case_types, reason = "C name")]
pub type nd_interface_receive = Option<
    unsafe extern "C" fn(
        user: *mut c_void,
        packets: *mut nd_incoming_packet,
        capacity: u32,
        out_count: *mut u32,
    ) -> i32,
>;

/// Sends datagrams, from the first of the `count` on, and writes to `out_taken` how many it took
/// (it holds `count` before). The others are offered again with the next flush, update or wait, and
/// count against send_queue_capacity meanwhile. Must not wait. Return 0, or a negative number when
/// sending has failed: the datagrams are lost, as datagrams may be, and the call of the driver
/// returns ND_ERROR_NETWORK_SOCKET.
#[allow(non_camel_case_types, reason = "C name")]
pub type nd_interface_send = Option<
    unsafe extern "C" fn(
        user: *mut c_void,
        packets: *const nd_outgoing_packet,
        count: u32,
        out_taken: *mut u32,
    ) -> i32,
>;

/// Frees what belongs to the interface. Called once, by nd_driver_destroy.
#[allow(non_camel_case_types, reason = "C name")]
pub type nd_interface_release = Option<unsafe extern "C" fn(user: *mut c_void)>;

/// A place for a datagram that has arrived.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(non_camel_case_types, reason = "C name")]
pub struct nd_incoming_packet {
    /// Where it came from: fill it in. Answers go there. Without a valid one the datagram is
    /// dropped and counted as malformed.
    pub endpoint: nd_endpoint,
    /// Bytes of it: fill it in. Longer than `capacity`: it is dropped and counted as malformed.
    pub length: u32,
    /// Bytes that fit at `data`: max_message_size of the driver.
    pub capacity: u32,
    /// Where to write it; valid during the call.
    pub data: *mut u8,
}

/// A datagram to send.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(non_camel_case_types, reason = "C name")]
pub struct nd_outgoing_packet {
    /// Where it goes.
    pub endpoint: nd_endpoint,
    /// Bytes at `data`.
    pub length: u32,
    /// 0.
    pub reserved: u32,
    /// The datagram; valid during the call.
    pub data: *const u8,
}

/// A way for packets to travel that the program brings. Fill it with nd_interface_functions_init.
///
/// It carries whole datagrams of at most max_message_size bytes, which may be lost, doubled or
/// overtaken, between endpoints that only it understands: ND_FAMILY_CUSTOM with up to 60 bytes,
/// IPv4 or IPv6. Its connections speak UTP, like those over UDP, with the same limits.
///
/// The functions run inside calls and jobs of the driver, one at a time, on the thread that makes
/// the call or runs the job; with nd_settings.background_pump also on the library's thread. They
/// must not call the driver, except nd_driver_wake.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(non_camel_case_types, reason = "C name")]
pub struct nd_interface_functions {
    /// Size of this struct in bytes; nd_interface_functions_init sets it.
    pub struct_size: u32,
    /// 0.
    pub reserved: u32,
    /// Handed to the functions as it is.
    pub user: *mut c_void,
    /// NULL: any endpoint is fine as it is.
    pub bind: nd_interface_bind,
    /// NULL: there is nothing to do.
    pub listen: nd_interface_listen,
    /// What has arrived. Must not be NULL.
    pub receive: nd_interface_receive,
    /// What is to be sent. Must not be NULL.
    pub send: nd_interface_send,
    /// NULL: there is nothing to free.
    pub release: nd_interface_release,
}

/// Fill a table of interface functions with the defaults: no functions.
///
/// @param out_functions  out: the struct
/// @return ND_OK; ND_ERROR_NULL_ARGUMENT
/// @thread any
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_interface_functions_init(
    out_functions: *mut nd_interface_functions,
) -> nd_result {
    // SAFETY: the pointer is the caller's, as documented.
    guard(|| unsafe {
        *args::output(out_functions, "out_functions")? = no_functions();
        Ok(())
    })
}

/// Give a driver an interface of your own: memory that processes share, a relay, a serial line, the
/// library of a game platform. It is bound, listens and is connected on like a UDP interface; it
/// has one endpoint.
///
/// @param driver  the driver
/// @param functions  what to call; the struct is copied
/// @param out_interface  out: the number by which other calls name it, counting from 0
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT (receive or send, too);
/// ND_ERROR_STRUCT_SIZE; ND_ERROR_INVALID_ARGUMENT; ND_ERROR_LIMIT_REACHED (16 interfaces);
/// ND_ERROR_DRIVER_IN_USE
/// @lifetime the functions and `user` must stay valid until `release` was called, which is before
/// nd_driver_destroy returns; never when this call fails
/// @thread the one that uses the driver now
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_add_custom_interface(
    driver: *mut nd_driver,
    functions: *const nd_interface_functions,
    out_interface: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented; any bytes are a valid table, because
    // NULL is None and any other function pointer is the caller's promise.
    with_driver_and_site(driver, |driver, site| unsafe {
        let out = args::output(out_interface, "out_interface")?;
        let functions = args::growable(functions, no_functions(), SIZE_MIN, "functions")?;
        super::settings::check_reserved(functions.reserved)?;
        if functions.receive.is_none() || functions.send.is_none() {
            return Err(Error::new(Status::NullArgument, "receive or send is NULL"));
        }
        *out = driver.add_custom_interface_with(|| Box::new(Table::new(&functions, site)))?;
        Ok(())
    })
}

/// Wake a driver: an nd_driver_wait that goes on, or else the next one, looks at what has come and
/// returns at once, even if updates come between. For custom interfaces that have something to
/// receive, and for programs that have something to do. Cheap while the driver is awake.
///
/// @param driver  the driver
/// @return ND_OK; ND_ERROR_INVALID_HANDLE
/// @thread any, also while another one is inside a call with the driver
/// @since 0.3
#[unsafe(no_mangle)]
pub extern "C" fn nd_driver_wake(driver: *mut nd_driver) -> nd_result {
    guard(|| wake(driver))
}

const fn no_functions() -> nd_interface_functions {
    nd_interface_functions {
        struct_size: size_of::<nd_interface_functions>() as u32,
        reserved: 0,
        user: null_mut(),
        bind: None,
        listen: None,
        receive: None,
        send: None,
        release: None,
    }
}

/// The functions of a table; the pointer is kept as a number, so that it may change threads with
/// the driver.
struct Table {
    /// The driver inside of whose calls they run.
    site: Site,
    user: usize,
    bind: nd_interface_bind,
    listen: nd_interface_listen,
    receive: nd_interface_receive,
    send: nd_interface_send,
    release: nd_interface_release,
}

impl Table {
    fn new(functions: &nd_interface_functions, site: Site) -> Self {
        Self {
            site,
            user: functions.user.expose_provenance(),
            bind: functions.bind,
            listen: functions.listen,
            receive: functions.receive,
            send: functions.send,
            release: functions.release,
        }
    }

    fn user(&self) -> *mut c_void {
        with_exposed_provenance_mut(self.user)
    }
}

/// What a function of the program returned.
fn outcome(name: &str, code: i32) -> Result<()> {
    if code == ND_OK {
        return Ok(());
    }
    let text = format!("the {name} function of the custom interface returned {code}");
    Err(Error::new(Status::NetworkSocketError, text))
}

impl CustomInterface for Table {
    fn bind(&mut self, endpoint: &NetworkEndpoint) -> Result<NetworkEndpoint> {
        let Some(bind) = self.bind else { return Ok(*endpoint) };
        let wanted = endpoints::to_abi(endpoint);
        let mut bound = wanted;
        // SAFETY: the caller of nd_driver_add_custom_interface keeps the function and its user
        // pointer valid; the other pointers are valid during the call.
        let code =
            self.site.call_out(|| unsafe { bind(self.user(), &raw const wanted, &raw mut bound) });
        outcome("bind", code)?;
        endpoints::from_abi(&bound).ok_or_else(|| {
            let text = "the bind function of the custom interface gave an endpoint of no family";
            Error::new(Status::NetworkSocketError, text)
        })
    }

    fn listen(&mut self) -> Result<()> {
        let Some(listen) = self.listen else { return Ok(()) };
        // SAFETY: as in `bind`.
        outcome("listen", self.site.call_out(|| unsafe { listen(self.user()) }))
    }

    fn receive(&mut self, packets: &mut [IncomingPacket]) -> Result<usize> {
        let Some(receive) = self.receive else { return Ok(0) };
        let nowhere = endpoints::to_abi(&NetworkEndpoint::INVALID);
        let empty =
            nd_incoming_packet { endpoint: nowhere, length: 0, capacity: 0, data: null_mut() };
        let mut places = [empty; CUSTOM_BATCH_MAX];
        for (place, packet) in places.iter_mut().zip(&mut *packets) {
            let room = packet.room();
            place.capacity = room.len() as u32;
            place.data = room.as_mut_ptr();
        }
        let capacity = packets.len().min(CUSTOM_BATCH_MAX) as u32;
        let mut count = 0;
        // SAFETY: as in `bind`; each place has room for its capacity.
        let code = self.site.call_out(|| unsafe {
            receive(self.user(), places.as_mut_ptr(), capacity, &raw mut count)
        });
        outcome("receive", code)?;
        for (place, packet) in places.iter().zip(packets).take(count as usize) {
            match endpoints::from_abi(&place.endpoint) {
                Some(from) => packet.set(from, place.length as usize),
                None => packet.set(NetworkEndpoint::INVALID, 0),
            }
        }
        Ok(count as usize)
    }

    fn send(&mut self, packets: &[OutgoingPacket<'_>]) -> Result<usize> {
        let Some(send) = self.send else { return Ok(packets.len()) };
        let nowhere = endpoints::to_abi(&NetworkEndpoint::INVALID);
        let empty = nd_outgoing_packet { endpoint: nowhere, length: 0, reserved: 0, data: null() };
        let mut places = [empty; CUSTOM_BATCH_MAX];
        for (place, packet) in places.iter_mut().zip(packets) {
            place.endpoint = endpoints::to_abi(&packet.endpoint);
            place.length = packet.data.len() as u32;
            place.data = packet.data.as_ptr();
        }
        let count = packets.len().min(CUSTOM_BATCH_MAX) as u32;
        let mut taken = count;
        // SAFETY: as in `bind`; each place names memory of its length.
        let code = self
            .site
            .call_out(|| unsafe { send(self.user(), places.as_ptr(), count, &raw mut taken) });
        outcome("send", code)?;
        Ok(taken as usize)
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        if let Some(release) = self.release {
            // SAFETY: as in `bind`; this is the one call.
            self.site.call_out(|| unsafe { release(self.user()) });
        }
    }
}
