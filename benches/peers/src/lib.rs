//! The load and the measuring of `benches/udp/load.h`, for peers that are written in Rust. What
//! each call does is said there; nothing here adds to it.

use std::ffi::CString;
use std::os::raw::{c_char, c_int};
use std::time::Duration;

/// Bytes of the longest message.
pub const MESSAGE_MAX: usize = 16_384;
/// How long a server may sleep before it asks [`serve_turn`] again.
pub const SERVE_SLEEP: Duration = Duration::from_millis(100);
/// Bytes asked of the system for each UDP socket's buffers, for every peer alike.
const SOCKET_BUFFER: usize = 4 << 20;

/// What the messages are for.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Messages come back.
    Echo,
    /// As fast as possible, one way.
    Bulk,
    /// So many per second, one way.
    Stream,
}

/// The options of a program, laid out as `struct load_options`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The load.
    pub kind: Kind,
    server: c_int,
    reliable: c_int,
    stock: c_int,
    /// The server's port.
    pub port: u16,
    /// Connections of the client's process.
    pub clients: u32,
    /// Bytes of a message.
    pub size: u32,
    /// Messages under way per client.
    pub window: u32,
    /// Messages per second.
    pub rate: u32,
    /// Bytes of the bulk.
    pub bytes: u64,
    /// Measured time.
    pub seconds: f64,
}

impl Options {
    /// The options of this process.
    pub fn parse() -> Self {
        let words: Vec<CString> =
            std::env::args().map(|word| CString::new(word).expect("has no NUL")).collect();
        let mut pointers: Vec<*const c_char> = words.iter().map(|word| word.as_ptr()).collect();
        // SAFETY: so many strings, which live until the call is over; it keeps none of them.
        unsafe { load_parse(pointers.len() as c_int, pointers.as_mut_ptr()) }
    }

    /// Be the server.
    pub fn is_server(&self) -> bool {
        self.server != 0
    }

    /// Reliable and in order.
    pub fn is_reliable(&self) -> bool {
        self.reliable != 0
    }
}

/// What the clients have to do next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// End the program.
    Over,
    /// Ask those that received something what to send.
    Go,
    /// Ask all of them.
    Sweep,
}

unsafe extern "C" {
    fn load_parse(count: c_int, words: *mut *const c_char) -> Options;
    fn load_begin(options: *const Options);
    fn load_turn() -> c_int;
    fn load_next(client: u32, out: *mut u8) -> u32;
    fn load_refused(client: u32);
    fn load_received(client: u32, data: *const u8, length: u32);
    fn load_sleep_us() -> u32;
    fn load_report();
    fn serve_begin(options: *const Options, port: u16);
    fn serve_received(data: *const u8, length: u32);
    fn serve_turn() -> c_int;
}

// The C side keeps one state per process and no thread of it: the programs here have one thread.

/// The client's side.
pub mod load {
    use super::{Duration, MESSAGE_MAX, Options, State};

    /// Starts the load.
    pub fn begin(options: &Options) {
        // SAFETY: it copies the options.
        unsafe { super::load_begin(options) }
    }

    /// Once per turn of the loop.
    pub fn turn() -> State {
        // SAFETY: it takes nothing.
        match unsafe { super::load_turn() } {
            0 => State::Over,
            1 => State::Go,
            _ => State::Sweep,
        }
    }

    /// The next message of a client.
    pub fn next(client: usize, buffer: &mut [u8; MESSAGE_MAX]) -> Option<&[u8]> {
        // SAFETY: the buffer is as long as it needs to be.
        let length = unsafe { super::load_next(client as u32, buffer.as_mut_ptr()) };
        (length > 0).then(|| &buffer[..length as usize])
    }

    /// The last message could not be sent.
    pub fn refused(client: usize) {
        // SAFETY: it takes a number.
        unsafe { super::load_refused(client as u32) }
    }

    /// An echo has come back.
    pub fn received(client: usize, data: &[u8]) {
        // SAFETY: so many bytes, read during the call.
        unsafe { super::load_received(client as u32, data.as_ptr(), data.len() as u32) }
    }

    /// How long the loop may sleep.
    pub fn sleep() -> Duration {
        // SAFETY: it takes nothing.
        Duration::from_micros(u64::from(unsafe { super::load_sleep_us() }))
    }

    /// Prints the results.
    pub fn report() {
        // SAFETY: it takes nothing.
        unsafe { super::load_report() }
    }
}

/// The server's side.
pub mod serve {
    use super::Options;

    /// Prints the port.
    pub fn begin(options: &Options, port: u16) {
        // SAFETY: it copies the options.
        unsafe { super::serve_begin(options, port) }
    }

    /// A message has come in.
    pub fn received(data: &[u8]) {
        // SAFETY: so many bytes, read during the call.
        unsafe { super::serve_received(data.as_ptr(), data.len() as u32) }
    }

    /// Shall the program go on?
    pub fn turn() -> bool {
        // SAFETY: it takes nothing.
        unsafe { super::serve_turn() != 0 }
    }
}

/// A UDP socket of this machine with buffers like those of every peer; port 0 is any.
pub fn socket(port: u16) -> std::io::Result<std::net::UdpSocket> {
    use socket2::{Domain, Protocol, Socket, Type};
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    let _ = socket.set_recv_buffer_size(SOCKET_BUFFER);
    let _ = socket.set_send_buffer_size(SOCKET_BUFFER);
    socket.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], port)).into())?;
    Ok(socket.into())
}
