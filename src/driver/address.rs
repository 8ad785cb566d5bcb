//! Addresses that every connection keeps, in half of the memory that the standard library's take
//! where they are IPv4.

use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};

/// An address, or none.
#[derive(Clone, Debug, Default)]
pub enum KeptAddress {
    /// Not known, or there is none.
    #[default]
    None,
    /// IPv4.
    V4(SocketAddrV4),
    /// IPv6.
    V6(Box<SocketAddrV6>),
}

impl KeptAddress {
    /// The address.
    pub fn get(&self) -> Option<SocketAddr> {
        match self {
            Self::None => None,
            Self::V4(address) => Some((*address).into()),
            Self::V6(address) => Some((**address).into()),
        }
    }
}

impl From<Option<SocketAddr>> for KeptAddress {
    fn from(address: Option<SocketAddr>) -> Self {
        match address {
            None => Self::None,
            Some(SocketAddr::V4(address)) => Self::V4(address),
            Some(SocketAddr::V6(address)) => Self::V6(Box::new(address)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_comes_back_as_it_was_and_is_small() {
        for text in ["127.0.0.1:7", "[fe80::1%3]:9"] {
            let address = text.parse().ok();
            assert!(address.is_some());
            assert_eq!(KeptAddress::from(address).get(), address);
        }
        assert_eq!(KeptAddress::from(None).get(), None);
        assert!(size_of::<KeptAddress>() <= 16);
    }
}
