//! The echo whose receives and sends go through the ring: one system call for all that is ready.

use std::net::TcpStream;
use std::os::fd::AsRawFd;

use io_uring::types::{Fixed, SubmitArgs, Timespec};
use io_uring::{IoUring, cqueue, opcode, squeue};
use nix::libc;

use crate::Outcome;
use crate::buffers::Buffers;
use crate::form::{Load, Receive, Ring, Send, Setup};
use crate::server::Pace;

/// What a completion belongs to: `kind << 48 | buffer << 32 | connection`.
const SENT: u64 = 1 << 48;
/// Receive only once there is something: `IORING_RECVSEND_POLL_FIRST`.
const POLL_FIRST: u16 = 1;
const SUBMISSIONS: u32 = 4096;
const COMPLETIONS: u32 = 16 * 1024;
/// How long a batch may take to fill up.
const BATCH_US: u32 = 20;
/// The thread of `SQPOLL` sleeps after so many idle milliseconds.
const POLL_IDLE_MS: u32 = 1;

/// A server.
struct Echo {
    form: Ring,
    buffers: Buffers,
    /// What is sent from, if it is the server's own memory. The clients wait for an echo before
    /// they send more than a window, and a window fits into the socket: a send is over in the
    /// call that submits it.
    own: Vec<Vec<u8>>,
    /// Requests for the next call.
    requests: Vec<squeue::Entry>,
    ended: bool,
}

/// Echoes until a client leaves.
pub fn run(
    streams: &[TcpStream],
    load: &Load,
    form: Ring,
    mut pace: Pace,
    poll_core: usize,
) -> Outcome<()> {
    let mut ring = build(form.setup, poll_core)?;
    let descriptors: Vec<i32> = streams.iter().map(AsRawFd::as_raw_fd).collect();
    ring.submitter().register_files(&descriptors)?;
    let count = (2 * load.connections).next_power_of_two().max(16) as u16;
    let mut echo = Echo {
        form,
        buffers: Buffers::register(&ring, count, load.flight())?,
        own: streams.iter().map(|_| Vec::with_capacity(load.flight())).collect(),
        requests: (0..streams.len()).map(|place| receive(form.receive, place)).collect(),
        ended: false,
    };
    let mut done = Vec::with_capacity(COMPLETIONS as usize);
    while !echo.ended {
        // SAFETY: memory that requests name is the buffers', which stay for good, or the
        // connections', which are changed only when their sends are over.
        unsafe { ring.submission().push_multiple(&echo.requests)? };
        echo.requests.clear();
        enter(&ring, form.batch, pace.looks())?;
        done.extend(ring.completion());
        pace.found(done.len());
        for entry in done.drain(..) {
            echo.handle(&entry)?;
        }
        echo.buffers.publish();
    }
    Ok(())
}

fn build(setup: Setup, poll_core: usize) -> Outcome<IoUring> {
    let mut builder = IoUring::builder();
    builder.setup_cqsize(COMPLETIONS);
    match setup {
        Setup::Deferred => builder.setup_single_issuer().setup_defer_taskrun(),
        Setup::Cooperative => {
            builder.setup_single_issuer().setup_coop_taskrun().setup_taskrun_flag()
        }
        Setup::Plain => &mut builder,
        Setup::Polled => {
            builder.setup_single_issuer().setup_sqpoll(POLL_IDLE_MS);
            builder.setup_sqpoll_cpu(poll_core as u32)
        }
    };
    let ring = builder.build(SUBMISSIONS)?;
    ring.submitter().register_ring_fd()?;
    Ok(ring)
}

/// Submits, and waits as the form wants, or just looks.
fn enter(ring: &IoUring, batch: usize, looks: bool) -> Outcome<()> {
    let (now, ever) = (Timespec::new(), Timespec::new().sec(3600));
    let entered = if looks {
        let args = SubmitArgs::new().timespec(&now);
        ring.submitter().submit_with_args(COMPLETIONS as usize, &args)
    } else if batch > 1 {
        let args = SubmitArgs::new().timespec(&ever).min_wait_usec(BATCH_US);
        ring.submitter().submit_with_args(batch, &args)
    } else {
        ring.submit_and_wait(1)
    };
    match entered {
        Err(error) if error.raw_os_error() == Some(libc::ETIME) => Ok(()),
        other => Ok(other.map(drop)?),
    }
}

fn receive(form: Receive, place: usize) -> squeue::Entry {
    let target = Fixed(place as u32);
    let entry = match form {
        Receive::Multishot => opcode::RecvMulti::new(target, 0).build(),
        Receive::Bundle => opcode::RecvMultiBundle::new(target, 0).build(),
        Receive::Single => opcode::Recv::new(target, std::ptr::null_mut(), 0)
            .buf_group(0)
            .ioprio(POLL_FIRST)
            .build()
            .flags(squeue::Flags::BUFFER_SELECT),
    };
    entry.user_data(place as u64)
}

impl Echo {
    fn handle(&mut self, done: &cqueue::Entry) -> Outcome<()> {
        let place = (done.user_data() & 0xffff_ffff) as usize;
        let result = done.result();
        if result < 0 && result != -libc::ENOBUFS {
            return Err(std::io::Error::from_raw_os_error(-result).into());
        }
        if done.user_data() & SENT != 0 {
            let lent = self.form.send == Send::Lent
                || self.form.send == Send::ZeroCopy && cqueue::notif(done.flags());
            if lent {
                self.buffers.give((done.user_data() >> 32) as u16);
            }
            return Ok(());
        }
        if let Some(first) = cqueue::buffer_select(done.flags()).filter(|_| result > 0) {
            self.echo(place, first, result as usize);
        }
        self.ended |= result == 0;
        if !cqueue::more(done.flags()) {
            self.requests.push(receive(self.form.receive, place));
        }
        Ok(())
    }

    /// Sends what one receive has brought, in one buffer or, in a bundle, in several.
    fn echo(&mut self, place: usize, first: u16, length: usize) {
        let (mut id, mut rest) = (first, length);
        self.own[place].clear();
        while rest > 0 {
            let part = rest.min(self.buffers.size());
            if self.form.send == Send::Own {
                self.own[place].extend_from_slice(self.buffers.bytes(id, part));
                self.buffers.give(id);
            } else {
                self.send(place, id, self.buffers.pointer(id), part);
            }
            rest -= part;
            id = self.buffers.next(id);
        }
        if self.form.send == Send::Own {
            self.send(place, 0, self.own[place].as_ptr(), length);
        }
    }

    fn send(&mut self, place: usize, id: u16, bytes: *const u8, length: usize) {
        let (target, length) = (Fixed(place as u32), length as u32);
        let flags = libc::MSG_NOSIGNAL | libc::MSG_WAITALL;
        let entry = match self.form.send {
            Send::ZeroCopy => opcode::SendZc::new(target, bytes, length).flags(flags).build(),
            Send::Lent => opcode::Send::new(target, bytes, length).flags(flags).build(),
            Send::Own => opcode::Send::new(target, bytes, length)
                .flags(flags)
                .build()
                .flags(squeue::Flags::SKIP_SUCCESS),
        };
        self.requests.push(entry.user_data(SENT | u64::from(id) << 32 | place as u64));
    }
}
