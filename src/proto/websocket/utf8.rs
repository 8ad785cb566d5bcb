//! Text that comes in pieces is UTF-8 as a whole (RFC 6455 section 8.1): what a piece leaves
//! unfinished is kept. Nothing here knows frames.

/// The start of a character at the end of a text that goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Utf8Tail {
    bytes: [u8; 3],
    length: u8,
}

/// No continuation makes a text of this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotUtf8;

impl Utf8Tail {
    /// The state after another piece of the text.
    ///
    /// # Errors
    /// When what came so far is the start of no UTF-8 text.
    pub fn after(self, mut piece: &[u8]) -> Result<Self, NotUtf8> {
        let mut character = [0; 4];
        let mut length = usize::from(self.length);
        character[..length].copy_from_slice(&self.bytes[..length]);
        while length > 0 {
            let Some((&byte, rest)) = piece.split_first() else {
                return Ok(Self::of(&character[..length]));
            };
            character[length] = byte;
            length += 1;
            piece = rest;
            match std::str::from_utf8(&character[..length]) {
                Ok(_) => length = 0,
                Err(error) if error.error_len().is_some() => return Err(NotUtf8),
                Err(_) => {}
            }
        }
        match std::str::from_utf8(piece) {
            Ok(_) => Ok(Self::default()),
            Err(error) if error.error_len().is_some() => Err(NotUtf8),
            Err(error) => Ok(Self::of(&piece[error.valid_up_to()..])),
        }
    }

    /// At most three bytes: a character that lacks one.
    fn of(start: &[u8]) -> Self {
        let mut bytes = [0; 3];
        bytes[..start.len()].copy_from_slice(start);
        Self { bytes, length: start.len() as u8 }
    }

    /// Does the text end here with a whole character?
    #[must_use]
    pub const fn is_whole(self) -> bool {
        self.length == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the bytes, cut at two places, are found to be a text.
    fn is_text(bytes: &[u8], first: usize, second: usize) -> bool {
        let mut tail = Utf8Tail::default();
        for piece in [&bytes[..first], &bytes[first..second], &bytes[second..]] {
            match tail.after(piece) {
                Ok(next) => tail = next,
                Err(NotUtf8) => return false,
            }
        }
        tail.is_whole()
    }

    #[test]
    fn however_a_text_is_cut_it_is_judged_as_a_whole() {
        let samples: [&[u8]; 9] = [
            "aé雪🎮z".as_bytes(),
            "🎮🎮".as_bytes(),
            b"",
            b"\xed\xa0\x80",
            b"\xf4\x90\x80\x80",
            b"\xc0\xaf",
            b"ab\xf0\x9f\x8e",
            b"\xe9\x9bz",
            b"\x80",
        ];
        for bytes in samples {
            let whole = std::str::from_utf8(bytes).is_ok();
            for second in 0..=bytes.len() {
                for first in 0..=second {
                    assert_eq!(is_text(bytes, first, second), whole, "{bytes:x?} {first} {second}");
                }
            }
        }
    }

    #[test]
    fn what_cannot_become_text_is_refused_at_once() {
        let start = Utf8Tail::default().after(b"\xed").expect("may go on");
        assert_eq!(start.after(b"\xa0"), Err(NotUtf8), "a surrogate");
        assert!(!start.is_whole() && start.after(b"").is_ok());
    }
}
