//! Extensions that a program brings (RFC 6455 section 9): how they are agreed on, and their place
//! between messages and the wire. It must not know any of them: what a frame becomes is theirs.

use std::fmt;
use std::mem::take;

use bytes::{Bytes, BytesMut};

use super::connection::is_close_code;
use super::deflate::{NAME as DEFLATE, split_quoted};
use super::frame::Opcode;
use crate::proto::http::{is_field_value, is_token};

#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod toy;

/// Extensions of one interface.
pub const EXTENSIONS_MAX: usize = 8;
/// The reserved bits: 4 is RSV1, 2 is RSV2, 1 is RSV3.
pub const RESERVED_BITS: u8 = 7;
/// Bytes that a frame may grow by, beyond its own length once more.
const GROWTH: usize = 1024;
/// Memory of a frame that is kept for the next one.
const KEPT_MAX: usize = 16 * 1024;
/// Close codes (RFC 6455 section 7.4.1).
const TOO_BIG: u16 = 1009;
const NOT_AGREED: u16 = 1010;
const INTERNAL_ERROR: u16 = 1011;

/// An extension as a program registers it: it makes a [`Transform`] for each connection that
/// agrees on it.
pub trait Extension: Send + Sync {
    /// Its name in `Sec-WebSocket-Extensions`: a token.
    fn name(&self) -> &str;

    /// The reserved bits that it may set in data frames, of [`RESERVED_BITS`]. No two extensions
    /// of a connection share one, and permessage-deflate has RSV1.
    fn reserved_bits(&self) -> u8 {
        0
    }

    /// The parameters that a client offers, as `a; b=1`; empty for none.
    fn offer(&self) -> &str {
        ""
    }

    /// Whether a client gives up a connection (1010) whose server does not agree.
    fn is_required(&self) -> bool {
        false
    }

    /// A server reads the parameters of one offer; returns those of its answer, and what the
    /// connection's frames go through. `None` declines.
    fn accept(&self, offer: &str) -> Option<(String, Box<dyn Transform>)>;

    /// A client reads the parameters of the answer.
    ///
    /// # Errors
    /// The close code to give the connection up with: 1010 when the answer will not do.
    fn confirm(&self, answer: &str) -> Result<Box<dyn Transform>, u16>;
}

/// What the data frames of one connection go through.
pub trait Transform: Send + Sync {
    /// Writes what a frame becomes before it is sent; returns the reserved bits to set.
    ///
    /// # Errors
    /// The close code to fail the connection with.
    fn encode(&mut self, frame: Frame<'_>, out: &mut Output) -> Result<u8, u16>;

    /// Writes what a frame was that has arrived.
    ///
    /// # Errors
    /// The close code to fail the connection with.
    fn decode(&mut self, frame: Frame<'_>, out: &mut Output) -> Result<(), u16>;
}

/// One data frame.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// 0 continuation, 1 text, 2 binary.
    pub opcode: u8,
    /// It is the last one of its message.
    pub last: bool,
    /// Of a frame that has arrived: those of the extension's reserved bits that are set.
    pub reserved_bits: u8,
    /// The payload, unmasked.
    pub payload: &'a [u8],
}

/// Where a frame's new payload is written.
#[derive(Debug, Default)]
pub struct Output {
    bytes: Vec<u8>,
    limit: usize,
    overflowed: bool,
}

impl Output {
    fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), limit, overflowed: false }
    }

    /// Appends bytes. False when that is more than the frame may have: then the connection fails
    /// with 1009, whatever the extension returns.
    pub fn write(&mut self, bytes: &[u8]) -> bool {
        if bytes.len() > self.limit - self.bytes.len() {
            self.overflowed = true;
        }
        if !self.overflowed {
            self.bytes.extend_from_slice(bytes);
        }
        !self.overflowed
    }
}

/// An extension that was agreed on.
pub struct Negotiated {
    /// Name and parameters, as in the server's answer.
    pub text: String,
    reserved_bits: u8,
    transform: Box<dyn Transform>,
}

impl fmt::Debug for Negotiated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Checks what a program registers beside what it has registered.
///
/// # Errors
/// Says in words what is wrong.
pub fn check(new: &dyn Extension, others: &[Box<dyn Extension>]) -> Result<(), &'static str> {
    if !is_token(new.name()) {
        return Err("the extension's name is not a token");
    }
    let is_new = |name: &str| !name.eq_ignore_ascii_case(new.name());
    if !is_new(DEFLATE) {
        return Err("permessage-deflate is built in; see the setting deflate");
    }
    if !others.iter().all(|other| is_new(other.name())) {
        return Err("the interface has an extension of this name");
    }
    if new.reserved_bits() > RESERVED_BITS {
        return Err("the reserved bits of an extension are 4, 2 and 1");
    }
    if !are_parameters(new.offer()) {
        return Err("the extension's offer is not a list of parameters");
    }
    if others.len() >= EXTENSIONS_MAX {
        return Err("the interface has 8 extensions, and no more fit");
    }
    Ok(())
}

/// The elements of all `Sec-WebSocket-Extensions` headers of a head, without the empty ones.
pub fn elements<'a>(values: impl Iterator<Item = &'a str>) -> impl Iterator<Item = &'a str> {
    values
        .flat_map(|value| split_quoted(value, ','))
        .map(|element| element.trim_matches([' ', '\t']))
        .filter(|element| !element.is_empty())
}

/// The name of an element, and its parameters as they were written.
#[must_use]
pub fn split(element: &str) -> (&str, &str) {
    let (name, rest) = element.split_once(';').unwrap_or((element, ""));
    (name.trim_matches([' ', '\t']), rest.trim_matches([' ', '\t']))
}

/// Whether a text may stand behind an extension's name (RFC 6455 section 9.1).
fn are_parameters(text: &str) -> bool {
    let is_one = |part: &str| {
        let part = part.trim_matches([' ', '\t']);
        let (name, value) = part.split_once('=').unwrap_or((part, "a"));
        let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        is_token(name) && is_token(quoted.unwrap_or(value))
    };
    text.is_empty() || (is_field_value(text) && split_quoted(text, ';').all(is_one))
}

fn join(name: &str, parameters: &str) -> String {
    if parameters.is_empty() { name.to_owned() } else { format!("{name}; {parameters}") }
}

/// What a client offers of the program's extensions, an element each.
pub fn offers(own: &[Box<dyn Extension>]) -> impl Iterator<Item = String> {
    own.iter().map(|extension| join(extension.name(), extension.offer()))
}

/// A server chooses among a client's offers: of each of its own extensions the first one that it
/// takes, unless another extension has its bits. `taken` are the bits of permessage-deflate.
pub fn accept<'a, I: Iterator<Item = &'a str>>(
    values: impl Fn() -> I,
    own: &[Box<dyn Extension>],
    mut taken: u8,
) -> Vec<Negotiated> {
    let mut agreed = Vec::new();
    for extension in own.iter().filter(|extension| extension.reserved_bits() <= RESERVED_BITS) {
        let bits = extension.reserved_bits();
        if bits & taken != 0 {
            continue;
        }
        let name = extension.name();
        let offers = elements(values()).map(split);
        let mut offers = offers.filter(|(found, _)| found.eq_ignore_ascii_case(name));
        let found = offers.find_map(|(_, parameters)| {
            let (answer, transform) = extension.accept(parameters)?;
            let text = join(name, &answer);
            are_parameters(&answer).then(|| Negotiated { text, reserved_bits: bits, transform })
        });
        if found.is_some() {
            taken |= bits;
        }
        agreed.extend(found);
    }
    agreed
}

/// A client reads which of its extensions the server has agreed on.
///
/// # Errors
/// The close code to give the connection up with: 1010 when a required one is missing, two share a
/// bit, one stands twice, or in front of permessage-deflate, which this side always does first.
pub fn confirm<'a>(
    values: impl Iterator<Item = &'a str>,
    own: &[Box<dyn Extension>],
    mut taken: u8,
) -> Result<Vec<Negotiated>, u16> {
    let mut agreed = Vec::new();
    let mut seen = [false; EXTENSIONS_MAX];
    for element in elements(values) {
        let (name, parameters) = split(element);
        let at = own.iter().position(|extension| name.eq_ignore_ascii_case(extension.name()));
        let Some(at) = at else {
            if agreed.is_empty() {
                continue;
            }
            return Err(NOT_AGREED);
        };
        let bits = own[at].reserved_bits();
        if std::mem::replace(&mut seen[at], true) || bits & taken != 0 {
            return Err(NOT_AGREED);
        }
        taken |= bits;
        let refused = |code| if is_close_code(code) { code } else { NOT_AGREED };
        let transform = own[at].confirm(parameters).map_err(refused)?;
        agreed.push(Negotiated { text: element.to_owned(), reserved_bits: bits, transform });
    }
    let missing = own.iter().zip(seen).any(|(extension, seen)| extension.is_required() && !seen);
    if missing { Err(NOT_AGREED) } else { Ok(agreed) }
}

/// Bytes that a frame may have on the wire when its payload has so many.
pub(super) const fn frame_size_max(length: usize) -> usize {
    length.saturating_mul(2).saturating_add(GROWTH)
}

/// The extensions of one connection, in the order of the server's answer, and the frame that is
/// coming in.
pub(super) struct Chain {
    list: Vec<Negotiated>,
    bits: u8,
    /// Payload of the frame that is coming in, unmasked.
    frame: Vec<u8>,
    /// What came behind the frame whose decoded payload is being read.
    rest: BytesMut,
    /// The input is a decoded payload.
    pub(super) decoded: bool,
    /// Why a frame could not be sent: the connection is to fail with this code.
    pub(super) broken: Option<u16>,
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.list).finish()
    }
}

impl Chain {
    pub(super) fn new(list: Vec<Negotiated>) -> Self {
        let bits = list.iter().fold(0, |bits, extension| bits | extension.reserved_bits);
        Self { list, bits, frame: Vec::new(), rest: BytesMut::new(), decoded: false, broken: None }
    }

    /// The reserved bits that may be set in data frames.
    pub(super) const fn bits(&self) -> u8 {
        self.bits
    }

    /// What a payload becomes on its way out, and its reserved bits. `None` when an extension
    /// failed: `broken` says why.
    pub(super) fn encode(
        &mut self,
        opcode: Opcode,
        last: bool,
        payload: &[u8],
    ) -> Option<(Vec<u8>, u8)> {
        let mut bytes: Option<Vec<u8>> = None;
        let mut bits = 0;
        for Negotiated { reserved_bits, transform, .. } in &mut self.list {
            let payload = bytes.as_deref().unwrap_or(payload);
            let frame = Frame { opcode: opcode as u8, last, reserved_bits: 0, payload };
            let mut out = Output::new(frame_size_max(payload.len()));
            let outcome = transform.encode(frame, &mut out);
            match outcome {
                _ if out.overflowed => self.broken = Some(TOO_BIG),
                Ok(set) if set & !*reserved_bits != 0 => self.broken = Some(INTERNAL_ERROR),
                Ok(set) => bits |= set,
                Err(code) => self.broken = Some(checked(code)),
            }
            if self.broken.is_some() {
                return None;
            }
            bytes = Some(out.bytes);
        }
        Some((bytes.unwrap_or_default(), bits))
    }

    /// Keeps what came behind a frame while its decoded payload is the input.
    pub(super) fn hold(&mut self, rest: BytesMut) {
        self.rest = rest;
    }

    /// Gives back what came behind a frame: its decoded payload was read.
    pub(super) fn release(&mut self) -> BytesMut {
        self.decoded = false;
        take(&mut self.rest)
    }

    /// Further bytes behind the frame that is being read.
    pub(super) fn push_behind(&mut self, input: &[u8]) {
        self.rest.extend_from_slice(input);
    }

    /// Moves what is held out of the shared read buffer.
    pub(super) fn park(&mut self) {
        if !self.rest.is_empty() {
            self.rest = BytesMut::from(&self.rest[..]);
        }
    }

    /// Bytes that are held.
    pub(super) fn buffered(&self) -> usize {
        self.frame.len() + self.rest.len()
    }

    /// Bytes of memory for them.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) fn memory_held(&self) -> usize {
        self.frame.capacity() + self.rest.capacity()
    }

    /// Nothing more is read.
    pub(super) fn forget_received(&mut self) {
        self.frame = Vec::new();
        self.rest = BytesMut::new();
        self.decoded = false;
    }

    /// Takes a piece of a frame's payload. Returns what the frame was once it is whole, at most
    /// `limit` bytes.
    pub(super) fn take_piece(
        &mut self,
        (opcode, last, bits): (u8, bool, u8),
        piece: &[u8],
        is_whole: bool,
        limit: usize,
    ) -> Result<Option<Bytes>, u16> {
        if !is_whole {
            self.frame.extend_from_slice(piece);
            return Ok(None);
        }
        let mut frame = take(&mut self.frame);
        let mut bytes: Option<Vec<u8>> = None;
        if !frame.is_empty() {
            frame.extend_from_slice(piece);
        }
        for (at, extension) in self.list.iter_mut().enumerate().rev() {
            let first = if frame.is_empty() { piece } else { &frame[..] };
            let payload = bytes.as_deref().unwrap_or(first);
            let reserved_bits = bits & extension.reserved_bits;
            // In between a frame may be longer than what it is in the end.
            let mut out = Output::new(if at == 0 { limit } else { frame_size_max(limit) });
            extension
                .transform
                .decode(Frame { opcode, last, reserved_bits, payload }, &mut out)
                .map_err(|code| if out.overflowed { TOO_BIG } else { checked(code) })?;
            if out.overflowed {
                return Err(TOO_BIG);
            }
            bytes = Some(out.bytes);
        }
        if frame.capacity() <= KEPT_MAX {
            frame.clear();
            self.frame = frame;
        }
        self.decoded = true;
        Ok(Some(Bytes::from(bytes.unwrap_or_default())))
    }
}

/// The code that an extension failed with, if a Close frame may carry it.
const fn checked(code: u16) -> u16 {
    if is_close_code(code) { code } else { INTERNAL_ERROR }
}
