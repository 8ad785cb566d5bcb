//! The forms of the server, and the loads.

use crate::Outcome;

/// How a ring receives.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Receive {
    /// One request for all that ever comes.
    Multishot,
    /// The same; one completion may bring several buffers.
    Bundle,
    /// One request for each receive.
    Single,
}

/// How a ring sends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Send {
    /// Straight from the buffer that the receive has filled; its completion gives it back.
    Lent,
    /// From memory of the connection, as a driver sends; no completion unless it fails.
    Own,
    /// As `Lent`, without the kernel's copy.
    ZeroCopy,
}

/// How the kernel runs what completes later.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Setup {
    /// Inside of the call that waits (`DEFER_TASKRUN`, `SINGLE_ISSUER`).
    Deferred,
    /// At the next call, without an interrupt (`COOP_TASKRUN`).
    Cooperative,
    /// As soon as it can.
    Plain,
    /// A thread of the kernel submits (`SQPOLL`).
    Polled,
}

/// What a server on a ring does.
#[derive(Clone, Copy)]
pub struct Ring {
    pub receive: Receive,
    pub send: Send,
    pub setup: Setup,
    /// Waits for so many completions, 20 µs at most once there is one.
    pub batch: usize,
}

/// What a server is built on.
#[derive(Clone, Copy)]
pub enum Kind {
    /// Echoes each receive at once.
    Epoll,
    /// First all receives, then all sends.
    Phases,
    Calls,
    Ring(Ring),
}

/// One server.
#[derive(Clone, Copy)]
pub struct Form {
    pub name: &'static str,
    pub what: &'static str,
    pub kind: Kind,
}

const BEST: Ring =
    Ring { receive: Receive::Multishot, send: Send::Lent, setup: Setup::Deferred, batch: 1 };

const fn ring(name: &'static str, what: &'static str, ring: Ring) -> Form {
    Form { name, what, kind: Kind::Ring(ring) }
}

/// All forms. The first is what the others are compared with.
pub const FORMS: &[Form] = &[
    Form { name: "epoll", what: "epoll: one `recv`, one `send`", kind: Kind::Epoll },
    Form { name: "again", what: "the same once more: what chance does", kind: Kind::Epoll },
    Form { name: "phases", what: "epoll: first all `recv`, then all `send`", kind: Kind::Phases },
    ring("lent", "multishot receives; sends from the buffer received into", BEST),
    ring("own", "the same; sends from memory of its own", Ring { send: Send::Own, ..BEST }),
    ring("batch", "as `lent`; waits for 32, 20 µs at most", Ring { batch: 32, ..BEST }),
    ring("bundle", "as `own`; receives in bundles", {
        Ring { receive: Receive::Bundle, send: Send::Own, ..BEST }
    }),
    ring("single", "as `own`; a request per receive", {
        Ring { receive: Receive::Single, send: Send::Own, ..BEST }
    }),
    ring("zero", "as `lent`; zero-copy sends", Ring { send: Send::ZeroCopy, ..BEST }),
    ring("coop", "as `own`; `COOP_TASKRUN`", {
        Ring { send: Send::Own, setup: Setup::Cooperative, ..BEST }
    }),
    ring("plain", "as `own`; no flags", Ring { send: Send::Own, setup: Setup::Plain, ..BEST }),
    ring("sqpoll", "as `own`; `SQPOLL`", {
        Ring { send: Send::Own, setup: Setup::Polled, ..BEST }
    }),
    Form {
        name: "calls",
        what: "readiness by epoll; all receives in one call, all sends in one",
        kind: Kind::Calls,
    },
];

/// What the clients do.
#[derive(Clone, Copy)]
pub struct Load {
    pub name: &'static str,
    pub connections: usize,
    /// Bytes of a message.
    pub size: usize,
    /// Messages in flight on each connection.
    pub window: usize,
    /// The server looks every so many milliseconds, as a game does; 0: it is woken.
    pub frame_ms: u64,
}

impl Load {
    /// Bytes that one connection has in flight.
    pub const fn flight(&self) -> usize {
        self.size * self.window
    }
}

const fn load(name: &'static str, connections: usize, size: usize, window: usize) -> Load {
    Load { name, connections, size, window, frame_ms: 0 }
}

/// All loads.
pub const LOADS: &[Load] = &[
    load("1x64", 1, 64, 1),
    load("100x64", 100, 64, 1),
    load("100x64-16", 100, 64, 16),
    load("1000x128", 1000, 128, 1),
    Load { frame_ms: 8, ..load("1000x128-frames", 1000, 128, 1) },
    load("10x16k", 10, 16 * 1024, 1),
];

/// The form or load of a name.
///
/// # Errors
/// When there is none; lists those that there are.
pub fn find<T: Copy>(all: &[T], name_of: fn(&T) -> &'static str, name: &str) -> Outcome<T> {
    all.iter().copied().find(|item| name_of(item) == name).ok_or_else(|| {
        let known: Vec<&str> = all.iter().map(name_of).collect();
        format!("there is no \"{name}\"; there are: {}", known.join(", ")).into()
    })
}
