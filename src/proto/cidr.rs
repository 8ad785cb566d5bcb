//! Blocks of addresses (`10.0.0.0/8`, `::1`; RFC 4632 §3.1, RFC 4291 §2.3).
//!
//! It must not decide what a block is good for. An IPv4 address inside of an IPv6 one
//! (`::ffff:a.b.c.d`) is the IPv4 address: a socket may show either.

use std::fmt;
use std::net::IpAddr;

/// Addresses that start with the same bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Cidr {
    address: IpAddr,
    prefix: u8,
}

/// Why a text is no block of addresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CidrError {
    /// The part before the slash is no address.
    Address,
    /// What follows the slash is no number, or above 32 (IPv4) or 128 (IPv6).
    Prefix,
    /// The address has bits behind the prefix: it was meant for something else.
    HostBits,
}

impl fmt::Display for CidrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address => "it is no IPv4 or IPv6 address",
            Self::Prefix => "the number behind the slash is 0 to 32 for IPv4, to 128 for IPv6",
            Self::HostBits => "the address has bits behind its prefix; make them 0",
        })
    }
}

/// The bits of an address from the left, in 128 bits.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)) << 96,
        IpAddr::V6(address) => u128::from(address),
    }
}

const fn mask(prefix: u8) -> u128 {
    match u128::MAX.checked_shl(128 - prefix as u32) {
        Some(mask) => mask,
        None => 0,
    }
}

const fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

impl Cidr {
    /// Reads an address, or an address with `/` and the number of bits that count.
    ///
    /// # Errors
    /// [`CidrError`] says what is wrong.
    pub fn parse(text: &str) -> Result<Self, CidrError> {
        let block = Self::around(text)?;
        if bits(block.address) & !mask(block.prefix) != 0 {
            return Err(CidrError::HostBits);
        }
        Ok(block)
    }

    /// Reads the same texts, and takes the block around an address that has bits behind its prefix.
    ///
    /// # Errors
    /// [`CidrError`] says what is wrong.
    pub fn around(text: &str) -> Result<Self, CidrError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| CidrError::Address)?;
        let width = width(address);
        let prefix = match prefix {
            None => width,
            // `parse` would take a sign.
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().map_err(|_| CidrError::Prefix)?
            }
            Some(_) => return Err(CidrError::Prefix),
        };
        if prefix > width {
            return Err(CidrError::Prefix);
        }
        Ok(Self { address, prefix }.canonical())
    }

    /// A block of mapped IPv4 addresses is a block of IPv4 addresses.
    fn canonical(self) -> Self {
        const MAPPED_BITS: u8 = 96;
        let address = self.address.to_canonical();
        if address.is_ipv4() && self.address.is_ipv6() && self.prefix >= MAPPED_BITS {
            return Self { address, prefix: self.prefix - MAPPED_BITS };
        }
        self
    }

    /// Does the block hold this address?
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4()
            && (bits(address) ^ bits(self.address)) & mask(self.prefix) == 0
    }
}

impl From<IpAddr> for Cidr {
    fn from(address: IpAddr) -> Self {
        Self { address, prefix: width(address) }.canonical()
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// Does any block hold this address?
#[must_use]
pub fn any_contains(blocks: &[Cidr], address: IpAddr) -> bool {
    blocks.iter().any(|block| block.contains(address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn holds(block: &str, address: &str) -> bool {
        Cidr::parse(block).unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn blocks_hold_what_starts_with_their_bits() {
        assert!(holds("10.0.0.0/8", "10.255.1.2") && !holds("10.0.0.0/8", "11.0.0.0"));
        assert!(holds("127.0.0.1", "127.0.0.1") && !holds("127.0.0.1", "127.0.0.2"));
        assert!(holds("192.168.128.0/17", "192.168.200.9"));
        assert!(!holds("192.168.128.0/17", "192.168.127.255"));
        assert!(holds("0.0.0.0/0", "255.255.255.255") && holds("::/0", "ff02::1"));
        assert!(holds("fe80::/10", "fe80::1") && !holds("fe80::/10", "2001:db8::1"));
        assert!(holds("::1", "::1"));
    }

    #[test]
    fn an_ipv4_address_is_itself_inside_of_an_ipv6_one() {
        assert!(holds("10.0.0.0/8", "::ffff:10.1.2.3"));
        assert!(holds("::ffff:10.0.0.0/104", "10.1.2.3"));
        assert!(!holds("::/0", "10.1.2.3") && !holds("0.0.0.0/0", "::1"));
    }

    #[test]
    fn what_is_no_block_says_why() {
        for text in ["", "a", "10.0.0", "10.0.0.256", "[::1]", "::1%1", "/8", "010.0.0.1"] {
            assert_eq!(Cidr::parse(text), Err(CidrError::Address), "{text:?}");
        }
        for text in ["10.0.0.0/", "10.0.0.0/33", "::/129", "::/+1", "::/-1", "::/256", "::/ 1"] {
            assert_eq!(Cidr::parse(text), Err(CidrError::Prefix), "{text:?}");
        }
        for text in ["10.0.0.1/8", "10.0.0.1/0", "fe80::1/10"] {
            assert_eq!(Cidr::parse(text), Err(CidrError::HostBits), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_block_of_an_address_holds_it_and_not_its_neighbour(value: u128, prefix in 1u8..=128) {
            let network = value & mask(prefix);
            let block = Cidr { address: IpAddr::V6(network.into()), prefix };
            let text = block.to_string();
            let parsed = Cidr::parse(&text).unwrap();
            let mapped = IpAddr::V6(value.into()).to_canonical().is_ipv4();
            prop_assume!(parsed.address.is_ipv6() && !mapped);
            prop_assert_eq!(parsed, block);
            prop_assert!(parsed.contains(IpAddr::V6(value.into())));
            let neighbour = IpAddr::V6((value ^ (1 << (128 - prefix))).into());
            prop_assert!(!parsed.contains(neighbour));
        }
    }
}
