//! Stages of pipelines that a program brings, as tables of functions.
#![allow(non_camel_case_types, reason = "C names")]

use core::cell::Cell;
use core::ffi::{c_char, c_void};
use core::mem::offset_of;
use core::ptr::{null, null_mut, with_exposed_provenance_mut};
use std::sync::Arc;

use super::args;
use super::boundary::{guard, with_driver_and_site};
use super::codes::{
    ND_ERROR_NETWORK_PACKET_OVERFLOW, ND_ERROR_NETWORK_SEND_QUEUE_FULL, ND_PIPELINE_STAGE_CUSTOM,
    nd_result,
};
use super::structs::nd_driver;
use crate::driver::Site;
use crate::error::{Error, Status};
use crate::proto::time::Micros;
use crate::{CustomInstance, CustomStage, SendError, StageError, StageNext};

/// Size of the first version's nd_stage_functions.
const SIZE_MIN: usize = offset_of!(nd_stage_functions, destroy) + size_of::<nd_stage_destroy>();
/// nd_stage_call.wake_us of a stage that asks for nothing.
const NEVER: Micros = 0;
/// What a stage answers whose state could not be made.
const NO_INSTANCE: i32 = -1;

/// Makes a stage's state for one connection (and once when a pipeline is made, to see that it
/// can): `out_instance` takes what the other functions get for
/// it. `seed` is a random number that is the same in every run with the same connections. Return 0;
/// another number is taken as the refusal of everything that goes through the stage.
pub type nd_stage_create = Option<
    unsafe extern "C" fn(user: *mut c_void, seed: u64, out_instance: *mut *mut c_void) -> i32,
>;

/// Handles one packet, or the time that the stage asked for. It hands on what it makes of the
/// packet with nd_stage_forward, now, later or never, once or several times.
///
/// Return 0. When sending, another number refuses the message: ND_ERROR_NETWORK_SEND_QUEUE_FULL and
/// _PACKET_OVERFLOW (as nd_stage_forward returned them) reach the caller of the send as they are,
/// others as ND_ERROR_INVALID_ARGUMENT. When receiving, the packet is counted as malformed. After a
/// time that was asked for the number does not matter.
pub type nd_stage_handle = Option<
    unsafe extern "C" fn(user: *mut c_void, instance: *mut c_void, call: *mut nd_stage_call) -> i32,
>;

/// Frees what create made.
pub type nd_stage_destroy = Option<unsafe extern "C" fn(user: *mut c_void, instance: *mut c_void)>;

/// A call of a stage's function.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nd_stage_call {
    /// The driver's time in microseconds.
    pub now_us: u64,
    /// When `timeout` is to be called, in the driver's time; 0 (at first) is never. Set it to ask
    /// for it; it stays as it is from call to call until its time comes, and is 0 then.
    pub wake_us: u64,
    /// The packet: on its way out as the stages before made it, on its way in without the headers
    /// of the stages behind. It may be changed in place. NULL for `timeout`.
    pub data: *mut u8,
    /// Bytes at `data`.
    pub data_length: u32,
    /// What nd_stage_forward takes now, header and payload together.
    pub forward_max: u32,
    /// 1: what is handed on goes to the program; 0: to the peer. `timeout` is called once for
    /// each.
    pub receiving: u32,
    /// 0.
    pub reserved: u32,
}

/// A stage of pipelines. Fill it with nd_stage_functions_init.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nd_stage_functions {
    /// Size of this struct in bytes; nd_stage_functions_init sets it.
    pub struct_size: u32,
    /// Bytes of the longest header that the stage puts in front of a packet. Default 0.
    pub header_size: u32,
    /// Bytes of the longest message, for a stage that cuts messages. Default 0: what fits into a
    /// packet.
    pub payload_capacity: u32,
    /// 0.
    pub reserved: u32,
    /// A name for logs; copied.
    pub name: *const c_char,
    /// Handed to the functions as it is.
    pub user: *mut c_void,
    /// NULL: there is no state, and the others get NULL as instance.
    pub create: nd_stage_create,
    /// A packet on its way out. NULL: it goes on as it is.
    pub send: nd_stage_handle,
    /// A packet on its way in. NULL: it goes on as it is.
    pub receive: nd_stage_handle,
    /// The time that was asked for in wake_us. NULL: nothing.
    pub timeout: nd_stage_handle,
    /// NULL: there is nothing to free.
    pub destroy: nd_stage_destroy,
}

/// Fill a table with the defaults: a stage that does nothing.
///
/// @param out_functions  out: every field set
/// @return ND_OK; ND_ERROR_NULL_ARGUMENT
/// @thread any
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stage_functions_init(
    out_functions: *mut nd_stage_functions,
) -> nd_result {
    // SAFETY: the pointer is the caller's, as documented.
    guard(|| unsafe {
        *args::output(out_functions, "out_functions")? = default_functions();
        Ok(())
    })
}

fn default_functions() -> nd_stage_functions {
    nd_stage_functions {
        struct_size: size_of::<nd_stage_functions>() as u32,
        header_size: 0,
        payload_capacity: 0,
        reserved: 0,
        name: null(),
        user: null_mut(),
        create: None,
        send: None,
        receive: None,
        timeout: None,
        destroy: None,
    }
}

/// Register a stage that pipelines of the driver may have, before anything is bound.
///
/// A function changes call->data in place, or makes bytes of its own, and hands them on with
/// nd_stage_forward; examples/c/stage_xor.c is a whole stage in a few lines.
///
/// @param driver  the driver
/// @param functions  what to register; the struct and its name are copied
/// @param out_stage  out: its number, for nd_pipeline_stage
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_STRUCT_SIZE;
/// ND_ERROR_INVALID_ARGUMENT; ND_ERROR_NETWORK_STATE_MISMATCH (bound, or connected before);
/// ND_ERROR_LIMIT_REACHED (a 65th stage); ND_ERROR_DRIVER_IN_USE
/// @lifetime the functions and `user` must stay valid until nd_driver_destroy has returned
/// @thread the one that uses the driver now; the functions run inside calls and jobs of this
/// driver, on the thread that makes the call or runs the job, with nd_settings.background_pump also
/// on the library's thread; they must not call it
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_register_stage(
    driver: *mut nd_driver,
    functions: *const nd_stage_functions,
    out_stage: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented; any bytes are a valid table, because
    // NULL is None and any other function pointer is the caller's promise.
    with_driver_and_site(driver, |driver, site| unsafe {
        let out = args::output(out_stage, "out_stage")?;
        let table = args::growable(functions, default_functions(), SIZE_MIN, "functions")?;
        super::settings::check_reserved(table.reserved)?;
        let stage = Table {
            name: args::optional_text(table.name, "name")?.unwrap_or("stage").to_owned(),
            header_size: table.header_size as usize,
            payload_capacity: table.payload_capacity as usize,
            create: table.create,
            functions: Functions {
                site,
                user: table.user.expose_provenance(),
                send: table.send,
                receive: table.receive,
                timeout: table.timeout,
                destroy: table.destroy,
            },
        };
        *out = ND_PIPELINE_STAGE_CUSTOM + driver.register_stage(Arc::new(stage))?;
        Ok(())
    })
}

/// Hand on what a stage has made of a packet: to the next stage when sending, to the one before
/// when receiving.
///
/// @param header  goes in front; NULL when the length is 0
/// @param header_length  its length in bytes
/// @param payload  the rest; NULL when the length is 0. Both are copied
/// @param payload_length  its length in bytes
/// @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_NETWORK_PACKET_OVERFLOW,
/// ND_ERROR_NETWORK_SEND_QUEUE_FULL (sending: what comes behind did not take it);
/// ND_ERROR_INVALID_ARGUMENT (sending: a stage behind refused it);
/// ND_ERROR_NETWORK_STATE_MISMATCH (no function of a stage runs on this thread)
/// @thread the one that runs the stage's function
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stage_forward(
    header: *const u8,
    header_length: u32,
    payload: *const u8,
    payload_length: u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    guard(|| unsafe {
        let header = args::slice(header, header_length, "header")?;
        let payload = args::slice(payload, payload_length, "payload")?;
        // A stage behind may be the program's too, and has the place to itself meanwhile.
        let exit = NEXT.replace(null_mut());
        if exit.is_null() {
            let text = "call it from a function of a pipeline's stage";
            return Err(Error::new(Status::NetworkStateMismatch, text));
        }
        // SAFETY: it points to the reference that `Instance::run` holds while the function runs,
        // and nobody else uses that meanwhile.
        let outcome = (*exit.cast::<&mut dyn StageNext>()).forward(header, payload);
        NEXT.set(exit);
        outcome.map_err(|refusal| match refusal {
            SendError::QueueFull => {
                Error::new(Status::NetworkSendQueueFull, "what comes behind the stage is full")
            }
            SendError::Overflow => {
                Error::new(Status::NetworkPacketOverflow, "it is longer than what may follow")
            }
            SendError::Stage(error) => Error::argument(error.to_string()),
        })
    })
}

thread_local! {
    /// Where the stage that runs on this thread hands its packets to: a pointer to a
    /// `&mut dyn StageNext`; NULL while none runs.
    static NEXT: Cell<*mut c_void> = const { Cell::new(null_mut()) };
}

/// The functions of a table; pointers are kept as numbers, so that they may change threads with
/// the driver.
#[derive(Clone, Copy)]
struct Functions {
    /// The driver inside of whose calls they run.
    site: Site,
    user: usize,
    send: nd_stage_handle,
    receive: nd_stage_handle,
    timeout: nd_stage_handle,
    destroy: nd_stage_destroy,
}

struct Table {
    name: String,
    header_size: usize,
    payload_capacity: usize,
    create: nd_stage_create,
    functions: Functions,
}

struct Instance {
    functions: Functions,
    /// What `create` made; `None` when it failed.
    instance: Option<usize>,
    wake: Micros,
}

impl CustomStage for Table {
    fn name(&self) -> &str {
        &self.name
    }

    fn header_size(&self) -> usize {
        self.header_size
    }

    fn payload_capacity(&self) -> usize {
        self.payload_capacity
    }

    fn create(&self, seed: u64) -> Box<dyn CustomInstance> {
        let mut instance: *mut c_void = null_mut();
        let made = self.create.is_none_or(|create| {
            // SAFETY: the caller of nd_driver_register_stage keeps the function and its user
            // pointer valid; the out pointer is valid during the call.
            self.functions.site.call_out(|| unsafe {
                create(with_exposed_provenance_mut(self.functions.user), seed, &raw mut instance)
                    == 0
            })
        });
        Box::new(Instance {
            functions: self.functions,
            instance: made.then(|| instance.expose_provenance()),
            wake: NEVER,
        })
    }
}

impl Instance {
    /// Runs a function over a packet; `None` where there is none, or nothing to run it with.
    fn run(
        &mut self,
        function: nd_stage_handle,
        now: Micros,
        packet: &mut [u8],
        receiving: bool,
        next: &mut dyn StageNext,
    ) -> i32 {
        let Some(instance) = self.instance else { return NO_INSTANCE };
        let Some(function) = function else {
            return match next.forward(&[], packet) {
                Ok(()) => 0,
                Err(SendError::QueueFull) => ND_ERROR_NETWORK_SEND_QUEUE_FULL,
                Err(SendError::Overflow) => ND_ERROR_NETWORK_PACKET_OVERFLOW,
                Err(SendError::Stage(error)) => error.0,
            };
        };
        let mut call = nd_stage_call {
            now_us: now,
            wake_us: self.wake,
            data: if packet.is_empty() { null_mut() } else { packet.as_mut_ptr() },
            data_length: packet.len() as u32,
            forward_max: u32::try_from(next.packet_max()).unwrap_or(u32::MAX),
            receiving: u32::from(receiving),
            reserved: 0,
        };
        let mut next = next;
        // A function of another stage may be further out on this thread.
        let outer = NEXT.replace((&raw mut next).cast());
        // SAFETY: as in `create`; the call and its packet are valid during the call.
        let result = self.functions.site.call_out(|| unsafe {
            function(
                with_exposed_provenance_mut(self.functions.user),
                with_exposed_provenance_mut(instance),
                &raw mut call,
            )
        });
        NEXT.set(outer);
        self.wake = call.wake_us;
        result
    }

    fn run_timeout(&mut self, now: Micros, receiving: bool, next: &mut dyn StageNext) {
        if self.wake <= now {
            self.wake = NEVER;
        }
        if self.functions.timeout.is_some() {
            self.run(self.functions.timeout, now, &mut [], receiving, next);
        }
    }
}

impl CustomInstance for Instance {
    fn handle_send(
        &mut self,
        now: Micros,
        packet: &mut [u8],
        next: &mut dyn StageNext,
    ) -> Result<(), SendError> {
        match self.run(self.functions.send, now, packet, false, next) {
            0 => Ok(()),
            ND_ERROR_NETWORK_SEND_QUEUE_FULL => Err(SendError::QueueFull),
            ND_ERROR_NETWORK_PACKET_OVERFLOW => Err(SendError::Overflow),
            number => Err(SendError::Stage(StageError(number))),
        }
    }

    fn handle_packet(
        &mut self,
        now: Micros,
        packet: &mut [u8],
        next: &mut dyn StageNext,
    ) -> Result<(), StageError> {
        match self.run(self.functions.receive, now, packet, true, next) {
            0 => Ok(()),
            number => Err(StageError(number)),
        }
    }

    fn next_timeout(&self) -> Option<Micros> {
        (self.wake != NEVER).then_some(self.wake)
    }

    fn handle_send_timeout(&mut self, now: Micros, next: &mut dyn StageNext) {
        self.run_timeout(now, false, next);
    }

    fn handle_receive_timeout(&mut self, now: Micros, next: &mut dyn StageNext) {
        self.run_timeout(now, true, next);
    }

    fn is_idle(&self) -> bool {
        self.wake == NEVER
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let (Some(instance), Some(destroy)) = (self.instance, self.functions.destroy) {
            // SAFETY: as in `create`; this is the one call for this instance.
            self.functions.site.call_out(|| unsafe {
                destroy(
                    with_exposed_provenance_mut(self.functions.user),
                    with_exposed_provenance_mut(instance),
                );
            });
        }
    }
}
