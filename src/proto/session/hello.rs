//! Does the peer speak it? Both sides say Hello inside a message that Unity Transport drops.
//!
//! A Hello is a Data packet of the connection protocol for pipeline 255, which no stock peer has
//! made. The client says it after the Accept, three times at most; the server answers each. The
//! client sends session packets from the answer on, the server from the first of those on. So
//! whatever is lost, none reaches a peer that does not know of them.

use crate::proto::time::{MICROS_PER_MS, Micros};
use crate::proto::utp::packet::{Token, data_header};

/// The pipeline of a Hello.
pub const PIPELINE: u8 = 255;
/// The version of the session's protocol. Peers of another one do not agree: what the same frame
/// means may have changed (in 1, REPAIR had a count where it has a mask of members now).
pub const VERSION: u8 = 2;
/// How often a client says it.
pub const ATTEMPTS_MAX: u32 = 3;
/// Time until the second; the third waits twice as long.
const INTERVAL: Micros = 200 * MICROS_PER_MS;

/// The feature of a side that takes PART frames, and packets of pipelines on channel 0: it can be
/// sent what is too long for its path in pieces.
pub const FEATURE_PIECES: u32 = 1;

/// What a Hello begins with.
const MAGIC: [u8; 4] = *b"ndHi";
/// The flag of an answer.
const ANSWER: u8 = 1;

/// What each side says of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hello {
    /// The version it speaks.
    pub version: u8,
    /// It has got a Hello, and answers it.
    pub answer: bool,
    /// What it can do besides; bits without a meaning are ignored.
    pub features: u32,
    /// Bytes of the longest datagram it takes.
    pub datagram_size_max: u16,
    /// What it lets come on reliable channels.
    pub window: u32,
    /// Tells whether both have made the same pipelines.
    pub pipelines: u32,
}

impl Hello {
    /// Can it be sent in pieces what is too long for a datagram?
    #[must_use]
    pub const fn takes_pieces(&self) -> bool {
        self.features & FEATURE_PIECES != 0
    }

    /// Appends the whole packet.
    pub fn write(&self, token: Token, out: &mut Vec<u8>) {
        out.extend_from_slice(&data_header(token, PIPELINE));
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&[self.version, if self.answer { ANSWER } else { 0 }]);
        out.extend_from_slice(&self.features.to_le_bytes());
        out.extend_from_slice(&self.datagram_size_max.to_le_bytes());
        out.extend_from_slice(&self.window.to_le_bytes());
        out.extend_from_slice(&self.pipelines.to_le_bytes());
    }

    /// Reads the message of a Data packet for [`PIPELINE`]; `None` when it is no Hello of
    /// [`VERSION`]. Bytes behind it are ignored.
    #[must_use]
    pub fn parse(message: &[u8]) -> Option<Self> {
        let rest = message.strip_prefix(&MAGIC)?;
        let (&[version, flags], rest) = rest.split_first_chunk()?;
        let (&features, rest) = rest.split_first_chunk()?;
        let (&datagram, rest) = rest.split_first_chunk()?;
        let (&window, rest) = rest.split_first_chunk()?;
        let (&pipelines, _) = rest.split_first_chunk()?;
        (version == VERSION).then_some(Self {
            version,
            answer: flags & ANSWER != 0,
            features: u32::from_le_bytes(features),
            datagram_size_max: u16::from_le_bytes(datagram),
            window: u32::from_le_bytes(window),
            pipelines: u32::from_le_bytes(pipelines),
        })
    }
}

/// A digest of descriptions of pipelines, in order: FNV-1a of 32 bits.
#[must_use]
pub fn digest<'a>(descriptions: impl IntoIterator<Item = &'a [u8]>) -> u32 {
    let mut hash = 0x811c_9dc5_u32;
    for description in descriptions {
        let ends = (description.len() as u32).to_le_bytes();
        for &byte in ends.iter().chain(description) {
            hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        }
    }
    hash
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Nothing is said, or nothing any more.
    Silent,
    /// A client that says Hello.
    Asking { attempts: u32, due: Micros },
    /// A server that has heard one.
    Heard,
    /// Both know.
    Agreed,
}

/// The conversation, on one side.
#[derive(Clone, Copy, Debug)]
pub struct Negotiation {
    state: State,
    client: bool,
    answer_due: bool,
    peer: Option<Hello>,
}

impl Negotiation {
    /// A side that neither says nor answers anything.
    #[must_use]
    pub const fn off() -> Self {
        Self { state: State::Agreed, client: true, answer_due: false, peer: None }
    }

    /// A client whose connection was just accepted.
    #[must_use]
    pub const fn client(now: Micros) -> Self {
        let state = State::Asking { attempts: 0, due: now };
        Self { state, client: true, answer_due: false, peer: None }
    }

    /// A server's side.
    #[must_use]
    pub const fn server() -> Self {
        Self { state: State::Silent, client: false, answer_due: false, peer: None }
    }

    /// Takes the peer's Hello. True when it is the first: the peer speaks it.
    pub fn handle_hello(&mut self, hello: &Hello) -> bool {
        let fits = match self.state {
            State::Asking { .. } | State::Silent => hello.answer == self.client,
            // A client repeats itself when the answer was lost.
            State::Heard | State::Agreed => !self.client && !hello.answer && self.peer.is_some(),
        };
        if !fits {
            return false;
        }
        self.answer_due |= !self.client;
        if self.peer.is_some() {
            return false;
        }
        self.peer = Some(*hello);
        self.state = if self.client { State::Agreed } else { State::Heard };
        true
    }

    /// A session packet came: the client has heard the answer. True when that is news.
    pub fn handle_packet(&mut self) -> bool {
        let news = self.state == State::Heard;
        if news {
            self.state = State::Agreed;
        }
        news
    }

    /// What the peer has said.
    #[must_use]
    pub const fn peer(&self) -> Option<&Hello> {
        self.peer.as_ref()
    }

    /// May session packets come in?
    #[must_use]
    pub const fn may_receive(&self) -> bool {
        self.peer.is_some()
    }

    /// May they go out?
    #[must_use]
    pub const fn may_send(&self) -> bool {
        self.peer.is_some() && matches!(self.state, State::Agreed)
    }

    /// May they, and is there no Hello to be said?
    #[inline(always)]
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.may_send() && !self.answer_due
    }

    /// Is a Hello due now? It counts as sent.
    pub fn poll_hello(&mut self, now: Micros) -> bool {
        if std::mem::take(&mut self.answer_due) {
            return true;
        }
        let State::Asking { attempts, due } = self.state else { return false };
        if due > now {
            return false;
        }
        self.state = if attempts >= ATTEMPTS_MAX {
            State::Silent
        } else {
            State::Asking { attempts: attempts + 1, due: now + (INTERVAL << attempts) }
        };
        attempts < ATTEMPTS_MAX
    }

    /// Is what this side says an answer?
    #[must_use]
    pub const fn answers(&self) -> bool {
        !self.client
    }

    /// Is one due whatever the time?
    #[must_use]
    pub const fn wants_transmit(&self, now: Micros) -> bool {
        match self.state {
            State::Asking { due, .. } => due <= now,
            _ => self.answer_due,
        }
    }

    /// When the next one is due.
    #[must_use]
    pub const fn next_timeout(&self) -> Option<Micros> {
        match self.state {
            State::Asking { due, .. } => Some(due),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::proto::utp::packet::{Packet, parse};

    const TOKEN: Token = [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88];
    const HELLO: Hello = Hello {
        version: 2,
        answer: false,
        features: 0x0403_0201,
        datagram_size_max: 1400,
        window: 0x0020_0000,
        pipelines: 0xdead_beef,
    };
    const ANSWERED: Hello = Hello { answer: true, ..HELLO };

    #[test]
    fn golden_bytes_of_a_hello_which_is_a_message_of_unity_transport() {
        let mut out = Vec::new();
        HELLO.write(TOKEN, &mut out);
        let text = "01 11 22 33 44 55 66 77 88 ff 6e 64 48 69 02 00 01 02 03 04 78 05 \
                    00 00 20 00 ef be ad de";
        let expected: Vec<u8> =
            text.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
        assert_eq!(out, expected);
        let Ok(Packet::Data { token, pipeline, payload }) = parse(&out) else { panic!("data") };
        assert_eq!((token, pipeline), (TOKEN, 255));
        assert_eq!(Hello::parse(payload), Some(HELLO));
        for length in 0..payload.len() {
            assert_eq!(Hello::parse(&payload[..length]), None);
        }
        let mut later = [payload, b"more"].concat();
        assert_eq!(Hello::parse(&later), Some(HELLO));
        for other in [0, 1, 3, 255] {
            later[4] = other;
            assert_eq!(Hello::parse(&later), None, "version {other}");
        }
    }

    #[test]
    fn both_sides_agree() {
        let (mut client, mut server) = (Negotiation::client(0), Negotiation::server());
        assert!(client.poll_hello(0) && !client.poll_hello(0) && !server.poll_hello(0));
        assert!(server.handle_hello(&HELLO) && server.poll_hello(5) && !server.poll_hello(5));
        assert!(server.may_receive() && !server.may_send());
        assert!(client.handle_hello(&ANSWERED));
        assert!(client.may_send() && client.next_timeout().is_none() && !client.poll_hello(9));
        assert!(server.handle_packet() && server.may_send() && !server.handle_packet());
        // A copy of the first Hello is answered again, and nothing else happens.
        assert!(!server.handle_hello(&HELLO) && server.poll_hello(99) && server.may_send());
        assert!(!client.handle_hello(&ANSWERED) && !client.wants_transmit(99));
    }

    #[test]
    fn a_client_asks_three_times_and_then_never_again() {
        let mut client = Negotiation::client(0);
        let mut asked = Vec::new();
        while let Some(now) = client.next_timeout() {
            assert!(client.wants_transmit(now));
            if client.poll_hello(now) {
                asked.push(now / 1000);
            }
        }
        assert_eq!(asked, [0, 200, 600]);
        assert!(!client.may_receive() && !client.may_send());
        // An answer that comes late is welcome all the same.
        assert!(client.handle_hello(&ANSWERED) && client.may_send());
    }

    #[test]
    fn a_side_that_is_off_and_the_wrong_hello_say_nothing() {
        let mut off = Negotiation::off();
        assert!(!off.handle_hello(&HELLO) && !off.handle_hello(&ANSWERED));
        assert!(!off.poll_hello(0) && !off.may_receive() && !off.may_send());
        let mut server = Negotiation::server();
        assert!(!server.handle_hello(&ANSWERED) && !server.wants_transmit(0));
        let mut client = Negotiation::client(0);
        assert!(!client.handle_hello(&HELLO) && !client.may_receive());
    }

    #[test]
    fn different_pipelines_have_different_digests() {
        let some: [&[u8]; 2] = [b"a", b"bc"];
        let others: [&[u8]; 2] = [b"ab", b"c"];
        assert_ne!(digest(some), digest(others));
        assert_eq!(digest(some), digest(some));
        assert_eq!(digest([]), 0x811c_9dc5);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(message: Vec<u8>) {
            let message = [&MAGIC[..], &message].concat();
            if let Some(hello) = Hello::parse(&message) {
                let mut out = Vec::new();
                hello.write(TOKEN, &mut out);
                prop_assert_eq!(Hello::parse(&out[10..]), Some(hello));
            }
        }
    }
}
