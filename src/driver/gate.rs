//! Who may come in through a listener, and who they really are: origins and proxies.
//!
//! It must not answer a request; it gives verdicts.

use std::net::{IpAddr, SocketAddr};

use crate::error::Result;
use crate::proto::cidr::{Cidr, any_contains};
use crate::proto::http::forwarded::{Client, ForwardedError, find_client};
use crate::proto::http::{Origin, RequestHead, is_allowed};
use crate::settings::InterfaceSettings;

/// The rules of one interface, read once.
pub struct Gate {
    origins: Option<Vec<Origin>>,
    proxies: Vec<Cidr>,
}

impl Gate {
    /// The rules that the settings name.
    pub fn new(settings: &InterfaceSettings) -> Result<Self> {
        Ok(Self { origins: settings.origins()?, proxies: settings.proxies()? })
    }

    /// Does the word of this peer count?
    pub fn trusts(&self, peer: IpAddr) -> bool {
        any_contains(&self.proxies, peer)
    }

    /// May the page that a request came from connect?
    pub fn welcomes(&self, head: &RequestHead) -> bool {
        self.origins.as_ref().is_none_or(|origins| is_allowed(origins, head.headers()))
    }

    /// Who sent the request that `peer` handed on.
    pub fn find_client(
        &self,
        peer: SocketAddr,
        head: &RequestHead,
    ) -> std::result::Result<Client, ForwardedError> {
        find_client(peer, &self.proxies, head.headers())
    }
}
