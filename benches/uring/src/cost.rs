//! Processor time that a server costs, by the profiler's clock of its threads.
//!
//! Not by `getrusage`: the scheduler's clock was seen to miss a tenth of the time of servers that
//! stay in the kernel for a whole batch, which are those that use the ring. A trace of all context
//! switches agrees with this clock.

use std::fs;
use std::time::Duration;

use perf_event::events::Software;
use perf_event::{Builder, Counter};

use crate::Outcome;

/// Two clocks.
pub struct Cost {
    server: Counter,
    /// The thread of the kernel that does what a core has put off: a part of the way that bytes
    /// take through the loopback.
    helper: Counter,
}

impl Cost {
    /// The cost of a process that has a core for itself; threads that it starts from now on
    /// count, the kernel's that work for it among them.
    pub fn of(process: u32, core: usize) -> Outcome<Self> {
        let helper = thread_named(&format!("ksoftirqd/{core}"))?;
        Ok(Self { server: clock(process)?, helper: clock(helper)? })
    }

    /// What it has used since `of`.
    pub fn used(&mut self) -> Outcome<Duration> {
        Ok(Duration::from_nanos(self.server.read()? + self.helper.read()?))
    }
}

fn clock(process: u32) -> Outcome<Counter> {
    let built = Builder::new(Software::TASK_CLOCK)
        .observe_pid(process as i32)
        .include_kernel()
        .include_hv()
        .inherit(true)
        .enabled(true)
        .build();
    Ok(built.map_err(|error| {
        format!(
            "{error}: processor time cannot be measured; run as root, or set the system's \
                 kernel.perf_event_paranoid to -1"
        )
    })?)
}

/// The number of a thread of the kernel.
fn thread_named(name: &str) -> Outcome<u32> {
    for entry in fs::read_dir("/proc")? {
        let path = entry?.path();
        if fs::read_to_string(path.join("comm")).is_ok_and(|text| text.trim_end() == name) {
            let number = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            return Ok(number.parse()?);
        }
    }
    Err(format!("there is no thread {name}; is this a container that hides them?").into())
}
