//! Extensions of plain WebSocket connections: what both sides agree on, compression and the
//! program's own. It must not touch a frame: `proto/websocket/extension` does.

use super::NetworkDriver;
use crate::error::{Error, Result};
use crate::proto::websocket::deflate::Agreed;
use crate::proto::websocket::extension::{self, Extension, Negotiated};
use crate::proto::websocket::{Role, WebSocket};
use crate::settings::InterfaceKind;

/// The bit of a compressed message: RSV1.
const DEFLATE_BIT: u8 = 4;

/// What was agreed on for one connection.
pub struct Extensions {
    /// permessage-deflate.
    pub(super) deflate: Option<Agreed>,
    /// The program's own.
    pub(super) own: Vec<Negotiated>,
}

impl Extensions {
    /// The bits that permessage-deflate takes where it is agreed on.
    pub(super) const fn taken(deflate: Option<&Agreed>) -> u8 {
        if deflate.is_some() { DEFLATE_BIT } else { 0 }
    }

    /// The value of the answer's header; `None` where nothing was agreed on.
    pub(super) fn text(&self) -> Option<String> {
        let deflate = self.deflate.map(|agreed| agreed.to_string());
        let own = self.own.iter().map(|negotiated| negotiated.text.clone());
        let all: Vec<_> = deflate.into_iter().chain(own).collect();
        (!all.is_empty()).then(|| all.join(", "))
    }
}

impl NetworkDriver {
    /// Registers an extension for the connections of a WebSocket interface that are opened from
    /// now on: its listeners agree on it, and its clients offer it. It must not call the driver.
    ///
    /// # Errors
    /// [`Status::InvalidArgument`](crate::Status::InvalidArgument): another kind of interface, a
    /// name that is no token or is taken, bits or an offer that cannot be, or more than
    /// [`EXTENSIONS_MAX`](extension::EXTENSIONS_MAX).
    pub fn add_extension(&mut self, interface: u32, new: Box<dyn Extension>) -> Result<()> {
        let place = self.interface(interface)?;
        if place.settings.kind != InterfaceKind::WebSocket {
            return Err(Error::argument("extensions are for WebSocket interfaces only"));
        }
        extension::check(new.as_ref(), &place.extensions).map_err(Error::argument)?;
        place.extensions.push(new);
        Ok(())
    }

    /// Lets a connection speak as was agreed.
    pub(super) fn apply(&self, ws: &mut WebSocket, role: Role, agreed: Extensions) {
        self.compression.apply(ws, role, agreed.deflate);
        ws.set_extensions(agreed.own);
    }
}
