//! Jobs: work that is scheduled, what it depends on, and who runs it.

use core::ffi::c_void;
use core::mem::{offset_of, transmute};
use core::ptr::{null_mut, with_exposed_provenance, with_exposed_provenance_mut};
use std::sync::Arc;

use super::args;
use super::boundary::{as_concurrent, call_program, guard, place};
use super::codes::{ND_OK, nd_result};
use super::structs::{nd_concurrent, nd_connection, nd_driver, nd_job};
use crate::driver::{JobCall, JobForEach, JobWhat, JobWords};
use crate::error::{Error, Result, Status};
use crate::{Connection, Job, JobScheduler};

/// A function of the program that runs as a job, once, on any thread. Inside it the driver is used
/// as by one thread: all calls with it are fine but nd_driver_destroy. Return ND_OK or
/// more, or a negative number: one of ND_ERROR_… is the job's result as it is, any other makes it
/// ND_ERROR_JOB_FAILED.
#[allow(non_camel_case_types, reason = "C name")]
pub type nd_job_function = Option<unsafe extern "C" fn(user: *mut c_void) -> i32>;

/// A function of the program that runs for one connection, on any thread, while others run for
/// others: it may use the driver through `concurrent` alone, and for this connection alone. While
/// it pops or sends, what it did is final; what it sent leaves with the next flush or update.
/// The first negative number that it returns is the result of the job, as for nd_job_function; it
/// keeps no other connection from its turn.
#[allow(non_camel_case_types, reason = "C name")]
pub type nd_job_connection_function = Option<
    unsafe extern "C" fn(
        user: *mut c_void,
        concurrent: *mut nd_concurrent,
        connection: nd_connection,
    ) -> i32,
>;

/// Has nd_job_run called for `job`, once, on any thread, soon; or calls it itself. What it returns
/// names the job to the scheduler. Called when the job may run, inside of a call that schedules,
/// completes or runs jobs, on any thread that makes one.
#[allow(non_camel_case_types, reason = "C name")]
pub type nd_job_schedule_function =
    Option<unsafe extern "C" fn(user: *mut c_void, job: nd_job) -> u64>;

/// Somebody waits, in nd_job_complete, for a job that has begun on another thread. May run other
/// jobs of the engine meanwhile, and may return at once: the call then sleeps until it is over.
#[allow(non_camel_case_types, reason = "C name")]
pub type nd_job_complete_function = Option<unsafe extern "C" fn(user: *mut c_void, ticket: u64)>;

/// An engine's own job system, as two functions. Fill it with nd_job_scheduler_init.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(non_camel_case_types, reason = "C name")]
pub struct nd_job_scheduler {
    /// Size of this struct in bytes; nd_job_scheduler_init sets it.
    pub struct_size: u32,
    /// How often `schedule` is called for one job of many connections, so that as many threads
    /// work on it. Default 4; 1 to 64.
    pub parallelism: u32,
    /// Handed to the functions as it is.
    pub user: *mut c_void,
    /// Must not be NULL.
    pub schedule: nd_job_schedule_function,
    /// NULL: who waits sleeps.
    pub complete: nd_job_complete_function,
}

/// Size of the first version's nd_job_scheduler.
const SCHEDULER_SIZE_MIN: usize =
    offset_of!(nd_job_scheduler, complete) + size_of::<nd_job_complete_function>();
/// The largest `parallelism`.
const PARALLELISM_MAX: u32 = 64;

/// Schedule an nd_driver_update to run elsewhere. Where: on a thread of the driver (see
/// nd_settings.job_workers), on the engine's scheduler (see nd_driver_set_job_scheduler), or inside
/// of nd_job_complete, if nobody has begun it by then.
///
/// The jobs of one driver run one after the other, in the order in which they were scheduled. From
/// this call on until the job is complete, the driver is its jobs' alone: every other call with it
/// is ND_ERROR_DRIVER_IN_USE, so schedule, do something else, nd_job_complete, go on.
///
/// @param driver  the driver
/// @param dependency  a job, of any driver, that has to be complete before; 0 for none
/// @param out_job  out: the job; may be NULL
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_LIMIT_REACHED (4096 jobs are not complete).
/// What the update returns is the result of the job
/// @thread any
/// @since 0.4
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_schedule_update(
    driver: *mut nd_driver,
    dependency: nd_job,
    out_job: *mut nd_job,
) -> nd_result {
    // SAFETY: the pointer is the caller's, as documented.
    unsafe { schedule(driver, JobWhat::Update, dependency, out_job) }
}

/// Schedule an nd_driver_flush to run elsewhere, as nd_driver_schedule_update does.
///
/// @param driver  the driver
/// @param dependency  a job, of any driver, that has to be complete before; 0 for none
/// @param out_job  out: the job; may be NULL
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_LIMIT_REACHED (4096 jobs are not complete).
/// What the flush returns is the result of the job
/// @thread any
/// @since 0.4
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_schedule_flush_send(
    driver: *mut nd_driver,
    dependency: nd_job,
    out_job: *mut nd_job,
) -> nd_result {
    // SAFETY: the pointer is the caller's, as documented.
    unsafe { schedule(driver, JobWhat::FlushSend, dependency, out_job) }
}

/// Schedule a function of the program among the jobs of a driver, as nd_driver_schedule_update
/// does: to accept connections between an update and what follows, say.
///
/// @param driver  the driver, which is the function's alone meanwhile
/// @param function  what to call, once
/// @param user  handed to it as it is
/// @param dependency  a job, of any driver, that has to be complete before; 0 for none
/// @param out_job  out: the job; may be NULL
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT (no function);
/// ND_ERROR_LIMIT_REACHED (4096 jobs are not complete). The result of the job is what the function
/// returns
/// @lifetime `user` must stay valid until the job is complete
/// @thread any
/// @since 0.4
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_schedule_job(
    driver: *mut nd_driver,
    function: nd_job_function,
    user: *mut c_void,
    dependency: nd_job,
    out_job: *mut nd_job,
) -> nd_result {
    guard(|| {
        let function = function.ok_or_else(no_function)?;
        let words = [(function as *const ()).expose_provenance(), user.expose_provenance(), 0];
        let what = JobWhat::Call(JobCall::Plain(call, words));
        // SAFETY: the pointer is the caller's, as documented.
        unsafe { add(driver, what, dependency, out_job) }
    })
}

/// Schedule a function that is called for each connection that the program has (accepted, or made
/// by nd_driver_connect, and its Disconnect event not popped when the job begins), on several
/// threads at once. The job is complete when all of them are done. As long as no other kind of job
/// is scheduled, other threads may use the driver beside it, too.
///
/// @param driver  the driver
/// @param function  what to call
/// @param user  handed to it as it is
/// @param batch_size  connections that a thread takes at once; 0 (16) to 64
/// @param dependency  a job, of any driver, that has to be complete before; 0 for none
/// @param out_job  out: the job; may be NULL
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT (no function);
/// ND_ERROR_INVALID_ARGUMENT (batch_size); ND_ERROR_LIMIT_REACHED (4096 jobs are not complete). The
/// result of the job is the first error that the function returns
/// @lifetime `user` must stay valid until the job is complete
/// @thread any
/// @since 0.4
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_schedule_for_each_connection(
    driver: *mut nd_driver,
    function: nd_job_connection_function,
    user: *mut c_void,
    batch_size: u32,
    dependency: nd_job,
    out_job: *mut nd_job,
) -> nd_result {
    guard(|| {
        let function = function.ok_or_else(no_function)?;
        let function = (function as *const ()).expose_provenance();
        let words = [function, user.expose_provenance(), as_concurrent(driver).addr()];
        let what = JobWhat::for_each(JobForEach::Plain(call_for, words), batch_size)?;
        // SAFETY: the pointer is the caller's, as documented.
        unsafe { add(driver, what, dependency, out_job) }
    })
}

/// Have the jobs of a driver run by an engine's own scheduler. Each driver has its own, because an
/// engine may load the library beside another one.
///
/// @param driver  the driver
/// @param scheduler  the functions, copied; NULL: threads of the driver run them again
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT (no schedule function);
/// ND_ERROR_STRUCT_SIZE; ND_ERROR_INVALID_ARGUMENT (parallelism); ND_ERROR_DRIVER_IN_USE (a job is
/// not complete, or this is inside of a function of the scheduler)
/// @lifetime the functions and `user` must stay valid until they are replaced or the driver is
/// destroyed
/// @thread any
/// @since 0.4
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_set_job_scheduler(
    driver: *mut nd_driver,
    scheduler: *const nd_job_scheduler,
) -> nd_result {
    guard(|| {
        let scheduler: Option<Arc<dyn JobScheduler>> = if scheduler.is_null() {
            None
        } else {
            // SAFETY: the pointer is the caller's, as documented; any bytes are a valid table,
            // because NULL is None and any other function pointer is the caller's promise.
            let table = unsafe {
                args::growable(scheduler, no_scheduler(), SCHEDULER_SIZE_MIN, "scheduler")?
            };
            Some(Arc::new(Engine::new(&table)?))
        };
        let (place, check) = place(driver)?;
        place.replace_job_scheduler(scheduler, check)
    })
}

/// Fill a table of scheduler functions with the defaults: no functions.
///
/// @param out_scheduler  out: the struct
/// @return ND_OK; ND_ERROR_NULL_ARGUMENT
/// @thread any
/// @since 0.4
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_job_scheduler_init(out_scheduler: *mut nd_job_scheduler) -> nd_result {
    // SAFETY: the pointer is the caller's, as documented.
    guard(|| unsafe {
        *args::output(out_scheduler, "out_scheduler")? = no_scheduler();
        Ok(())
    })
}

/// For an engine's scheduler: run a job now, on this thread. Does nothing when somebody else has
/// begun it, unless it is one of many connections, which several threads work on.
///
/// @param job  as nd_job_schedule_function was given it
/// @return ND_OK. How the job ends is the result of nd_job_complete
/// @thread any
/// @since 0.4
#[unsafe(no_mangle)]
pub extern "C" fn nd_job_run(job: nd_job) -> nd_result {
    guard(|| {
        Job::from_u64(job).run();
        Ok(())
    })
}

/// Wait until a job is complete. The job, and what it depends on, runs inside of this call as far
/// as nobody else has begun. May be called by any number of threads, any number of times.
///
/// @param job  the job; 0, and a value that names none (any more), is complete
/// @return the result of the job: the first error of what it did and of the jobs that it was told
/// to depend on, or ND_OK. It is kept until 256 later jobs of the process are complete.
/// ND_ERROR_INVALID_ARGUMENT: called inside of a job for one that waits for that job.
/// ND_ERROR_DRIVER_IN_USE: called where the job can never run, inside of a function of the program
/// (of a custom interface, stage or extension, or one that takes memory back) that a call on the
/// job's driver calls; or, unless the job is complete, inside of a log callback. The job stays
/// scheduled after both errors
/// @lifetime as what has run: an update ends the validity of the data of events popped before
/// @thread any
/// @since 0.4
#[unsafe(no_mangle)]
pub extern "C" fn nd_job_complete(job: nd_job) -> nd_result {
    guard(|| Job::from_u64(job).complete())
}

/// Is a job complete? Never waits, and runs nothing: with job_workers 0 and without a scheduler
/// only nd_job_complete moves jobs.
///
/// @param job  the job
/// @param out_complete  out: 1 when it is complete, else 0
/// @return ND_OK; ND_ERROR_NULL_ARGUMENT
/// @thread any
/// @since 0.4
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_job_is_complete(job: nd_job, out_complete: *mut u32) -> nd_result {
    // SAFETY: the pointer is the caller's, as documented.
    guard(|| unsafe {
        *args::output(out_complete, "out_complete")? = u32::from(Job::from_u64(job).is_complete());
        Ok(())
    })
}

/// Make one job of several, of any drivers: it is complete when all of them are, and its result is
/// the first error among them.
///
/// @param jobs  the jobs; may be NULL when the count is 0
/// @param job_count  how many
/// @param out_job  out: the job
/// @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_LIMIT_REACHED (4096 jobs are not complete)
/// @thread any
/// @since 0.4
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_job_combine(
    jobs: *const nd_job,
    job_count: u32,
    out_job: *mut nd_job,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    guard(|| unsafe {
        let out = args::output(out_job, "out_job")?;
        let jobs = args::slice(jobs, job_count, "jobs")?;
        *out = Job::combine(jobs.iter().map(|&job| Job::from_u64(job)))?.to_u64();
        Ok(())
    })
}

unsafe fn schedule(
    driver: *mut nd_driver,
    what: JobWhat,
    dependency: nd_job,
    out_job: *mut nd_job,
) -> nd_result {
    // SAFETY: handed on.
    guard(|| unsafe { add(driver, what, dependency, out_job) })
}

unsafe fn add(
    driver: *mut nd_driver,
    what: JobWhat,
    dependency: nd_job,
    out_job: *mut nd_job,
) -> Result<()> {
    let out = match out_job.is_null() {
        true => None,
        // SAFETY: the pointer is the caller's, as documented at each export.
        false => Some(unsafe { args::output(out_job, "out_job") }?),
    };
    let (place, check) = place(driver)?;
    let job = place.schedule(what, Job::from_u64(dependency), check)?;
    if let Some(out) = out {
        *out = job.to_u64();
    }
    Ok(())
}

fn no_function() -> Error {
    Error::new(Status::NullArgument, "function is NULL; pass what the job is to call")
}

const fn no_scheduler() -> nd_job_scheduler {
    nd_job_scheduler {
        struct_size: size_of::<nd_job_scheduler>() as u32,
        parallelism: 4,
        user: null_mut(),
        schedule: None,
        complete: None,
    }
}

/// Calls a job's function.
fn call([function, user, _]: JobWords) -> Result<()> {
    type Function = unsafe extern "C" fn(*mut c_void) -> nd_result;
    let function = with_exposed_provenance::<()>(function);
    // SAFETY: the number is a function of this type, as nd_driver_schedule_job exposed it.
    let function = unsafe { transmute::<*const (), Function>(function) };
    // SAFETY: the caller of nd_driver_schedule_job keeps the user pointer valid.
    outcome(|| unsafe { function(with_exposed_provenance_mut(user)) })
}

/// Calls a job's function for one connection.
fn call_for([function, user, concurrent]: JobWords, connection: Connection) -> Result<()> {
    type Function =
        unsafe extern "C" fn(*mut c_void, *mut nd_concurrent, nd_connection) -> nd_result;
    let function = with_exposed_provenance::<()>(function);
    let concurrent = core::ptr::without_provenance_mut(concurrent);
    // SAFETY: the number is a function of this type, as nd_driver_schedule_for_each_connection
    // exposed it.
    let function = unsafe { transmute::<*const (), Function>(function) };
    // SAFETY: the caller of that keeps the user pointer valid.
    outcome(|| unsafe {
        function(with_exposed_provenance_mut(user), concurrent, connection.to_u64())
    })
}

/// What a function of the program returned: the error of a call that it made, if it is that one.
fn outcome(function: impl FnOnce() -> nd_result) -> Result<()> {
    let (code, error) = call_program(function);
    if code >= ND_OK {
        return Ok(());
    }
    if let Some(error) = error.filter(|error| error.status() as nd_result == code) {
        return Err(error);
    }
    let status = Status::from_number(code).unwrap_or(Status::JobFailed);
    Err(Error::new(status, format!("the function of a job returned {code}")))
}

/// The functions of a table; the pointer is kept as a number, so that any thread may use it.
struct Engine {
    user: usize,
    schedule: unsafe extern "C" fn(*mut c_void, nd_job) -> u64,
    complete: nd_job_complete_function,
    parallelism: u32,
}

impl Engine {
    fn new(table: &nd_job_scheduler) -> Result<Self> {
        let schedule = table.schedule.ok_or_else(|| {
            Error::new(Status::NullArgument, "scheduler.schedule is NULL; pass a function")
        })?;
        let parallelism = table.parallelism;
        if !(1..=PARALLELISM_MAX).contains(&parallelism) {
            let text = format!("scheduler.parallelism is {parallelism}; it must be from 1 to 64");
            return Err(Error::argument(text));
        }
        let (user, complete) = (table.user.expose_provenance(), table.complete);
        Ok(Self { user, schedule, complete, parallelism })
    }
}

impl JobScheduler for Engine {
    fn schedule(&self, job: Job) -> u64 {
        // SAFETY: the caller of nd_driver_set_job_scheduler keeps the function and its user
        // pointer valid.
        unsafe { (self.schedule)(with_exposed_provenance_mut(self.user), job.to_u64()) }
    }

    fn complete(&self, ticket: u64) {
        let Some(complete) = self.complete else { return };
        // SAFETY: as in `schedule`.
        unsafe { complete(with_exposed_provenance_mut(self.user), ticket) };
    }

    fn parallelism(&self) -> u32 {
        self.parallelism
    }
}
