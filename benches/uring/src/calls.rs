//! The echo whose system calls are batched and nothing else: epoll says what is ready, the ring
//! does all receives in one call and all sends in one. A readiness pump could do so as it is.

use std::net::TcpStream;
use std::os::fd::AsRawFd;

use io_uring::types::Fixed;
use io_uring::{IoUring, opcode, squeue};
use nix::libc;
use nix::sys::epoll::EpollTimeout;

use crate::Outcome;
use crate::epoll::{self, EVENTS_MAX};
use crate::form::Load;
use crate::server::Pace;

/// Marks the completions of sends; only failures have one.
const SENT: u64 = 1 << 32;

/// Echoes until a client leaves.
pub fn run(streams: &[TcpStream], load: &Load, mut pace: Pace) -> Outcome<()> {
    let mut ring: IoUring = IoUring::builder()
        .setup_single_issuer()
        .setup_defer_taskrun()
        .build(2 * EVENTS_MAX as u32)?;
    ring.submitter().register_ring_fd()?;
    let descriptors: Vec<i32> = streams.iter().map(AsRawFd::as_raw_fd).collect();
    ring.submitter().register_files(&descriptors)?;
    let epoll = epoll::watch(streams)?;
    let mut reports = epoll::reports();
    let mut memory: Vec<Vec<u8>> = streams.iter().map(|_| vec![0; load.flight()]).collect();
    loop {
        let timeout = if pace.looks() { EpollTimeout::ZERO } else { EpollTimeout::NONE };
        let count = epoll.wait(&mut reports, timeout)?;
        pace.found(count);
        for report in &reports[..count] {
            let place = report.data() as usize;
            let (pointer, length) = (memory[place].as_mut_ptr(), memory[place].len() as u32);
            let receive = opcode::Recv::new(Fixed(place as u32), pointer, length)
                .flags(libc::MSG_DONTWAIT)
                .build()
                .user_data(place as u64);
            // SAFETY: the memory stays in its place, and nobody else touches it until the call
            // below has returned: a receive that does not wait is over by then.
            unsafe { ring.submission().push(&receive)? };
        }
        ring.submit()?;
        let (_, mut submission, completion) = ring.split();
        for done in completion {
            let (place, result) = ((done.user_data() & !SENT) as usize, done.result());
            if result == 0 {
                return Ok(());
            } else if result == -libc::EAGAIN && done.user_data() & SENT == 0 {
                continue;
            } else if result < 0 {
                return Err(std::io::Error::from_raw_os_error(-result).into());
            }
            let send =
                opcode::Send::new(Fixed(place as u32), memory[place].as_ptr(), result as u32)
                    .flags(libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT)
                    .build()
                    .flags(squeue::Flags::SKIP_SUCCESS)
                    .user_data(SENT | place as u64);
            // SAFETY: as above.
            unsafe { submission.push(&send)? };
        }
        drop(submission);
        ring.submit()?;
    }
}
