//! An extension for tests and the fuzz body: a check byte in front of each frame, and every byte
//! turned. It must not be of use to anybody else.

use super::{Extension, Frame, Output, Transform};

/// `key` 0 declines; `bits` are its reserved bits.
pub struct Toy {
    pub name: &'static str,
    pub key: u8,
    pub bits: u8,
    pub required: bool,
}

impl Toy {
    pub fn boxed(name: &'static str, key: u8, bits: u8) -> Box<dyn Extension> {
        Box::new(Self { name, key, bits, required: false })
    }
}

struct Turn {
    key: u8,
    bits: u8,
}

impl Extension for Toy {
    fn name(&self) -> &str {
        self.name
    }

    fn reserved_bits(&self) -> u8 {
        self.bits
    }

    fn offer(&self) -> &str {
        "a; b=\"1\""
    }

    fn is_required(&self) -> bool {
        self.required
    }

    fn accept(&self, offer: &str) -> Option<(String, Box<dyn Transform>)> {
        let fits = self.key > 0 && !offer.contains("bad");
        let turn = Turn { key: self.key, bits: self.bits };
        fits.then(|| (format!("key={}", self.key), Box::new(turn) as _))
    }

    fn confirm(&self, answer: &str) -> Result<Box<dyn Transform>, u16> {
        if answer != format!("key={}", self.key) {
            return Err(4001);
        }
        Ok(Box::new(Turn { key: self.key, bits: self.bits }))
    }
}

impl Turn {
    /// Depends on every field of the frame.
    fn check_byte(&self, frame: &Frame<'_>) -> u8 {
        self.key ^ frame.opcode << 1 ^ u8::from(frame.last)
    }
}

impl Transform for Turn {
    fn encode(&mut self, frame: Frame<'_>, out: &mut Output) -> Result<u8, u16> {
        out.write(&[self.check_byte(&frame)]);
        for byte in frame.payload {
            out.write(&[byte ^ self.key]);
        }
        Ok(self.bits)
    }

    fn decode(&mut self, frame: Frame<'_>, out: &mut Output) -> Result<(), u16> {
        let Some((first, rest)) = frame.payload.split_first() else { return Err(1007) };
        if *first != self.check_byte(&frame) || frame.reserved_bits != self.bits {
            return Err(1002);
        }
        // A frame of nothing but the byte 200 explodes: what it becomes must be bounded.
        let bomb = rest.len() > 50 && rest.iter().all(|&byte| byte ^ self.key == 200);
        let times = if bomb { 200 } else { 1 };
        for _ in 0..times {
            for byte in rest {
                out.write(&[byte ^ self.key]);
            }
        }
        Ok(())
    }
}
