//! Whether new connections are taken: listening, stopping, refusing.
//!
//! Connections that exist are not touched by anything here.

use super::interfaces::Binding;
use super::{Connection, ConnectionState, Link, NetworkDriver};
use crate::error::{Error, Result, Status};
use crate::pump::StreamId;

impl NetworkDriver {
    /// Starts to take connections on every bound endpoint, those bound later included.
    ///
    /// # Errors
    /// [`Status::NetworkIdMismatch`] when nothing is bound (Unity Transport's -1);
    /// [`Status::NetworkSocketError`].
    pub fn listen(&mut self) -> Result<()> {
        if !self.is_bound() {
            let text = "nothing is bound; call bind before listen";
            return Err(Error::new(Status::NetworkIdMismatch, text));
        }
        for binding in self.all_bindings() {
            self.start_listening(binding)?;
        }
        self.listening = true;
        Ok(())
    }

    /// Stops to take connections: TCP ports are closed, requests over UDP are not answered, and
    /// clients whose handshake is under way are refused. Connections that exist go on, and
    /// [`listen`](Self::listen) starts anew on the same ports.
    pub fn stop_listening(&mut self) {
        for binding in self.all_bindings() {
            if let Binding::Listener(number) = binding {
                self.pump.stop_listening(number as usize);
            }
        }
        self.listening = false;
    }

    /// Refuses new connections until told otherwise, while the ports stay open: WebSocket clients
    /// get HTTP status 503, requests over UDP are not answered.
    pub const fn set_refusing(&mut self, refuse: bool) {
        self.refusing = refuse;
    }

    /// May a client become a connection now?
    pub(super) const fn admits(&self) -> bool {
        self.listening && !self.refusing
    }

    /// The same for the client of a stream.
    pub(super) fn admits_stream(&self, id: StreamId) -> bool {
        let handed = self.streams.peek(id).is_some_and(|state| state.handed);
        (self.listening || handed) && !self.refusing
    }

    pub(super) fn start_listening(&mut self, binding: Binding) -> Result<()> {
        let number = match binding {
            Binding::Listener(number) => number,
            Binding::Custom(number) => return self.pump.custom[number as usize].listen(),
            Binding::Udp(_) | Binding::Ipc(..) => return Ok(()),
        };
        let local = self.pump.listeners[number as usize].local();
        self.pump
            .listen(number as usize)
            .map_err(|error| Error::socket(&format!("cannot listen on {local}"), &error))
    }

    fn all_bindings(&self) -> Vec<Binding> {
        self.interfaces.iter().flat_map(|interface| &interface.bindings).copied().collect()
    }

    /// Whether small messages of a stream leave at once (the default), or the system may gather
    /// them for a moment (Nagle's algorithm).
    ///
    /// # Errors
    /// [`Status::NetworkIdMismatch`], [`Status::NetworkVersionMismatch`],
    /// [`Status::NetworkStateMismatch`] (not Connected), [`Status::NotSupported`] (no stream),
    /// [`Status::NetworkSocketError`].
    pub fn set_no_delay(&mut self, connection: Connection, enabled: bool) -> Result<()> {
        let index = self.connections.resolve(connection)?;
        let entry = self.connections.at(index);
        if entry.state != ConnectionState::Connected {
            let text = "the connection has no stream now; call this between Connect and Disconnect";
            return Err(Error::new(Status::NetworkStateMismatch, text));
        }
        let Link::Stream(id) = entry.link else {
            let text = "datagrams are never delayed; only TCP and WebSocket connections can be";
            return Err(Error::new(Status::NotSupported, text));
        };
        match self.pump.stream(id).map(|stream| stream.set_no_delay(enabled)) {
            Some(Err(error)) => Err(Error::socket("cannot set TCP_NODELAY", &error)),
            _ => Ok(()),
        }
    }
}
