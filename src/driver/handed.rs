//! Streams that the program has accepted itself, and hands over: a port that it shares with
//! something else, or a socket that another process gave it.

use std::net::TcpStream;

use super::NetworkDriver;
use super::streams::{Phase, StreamState};
use crate::error::{Error, Result, Status};
use crate::proto::time::from_ms;
use crate::pump::Stream;
use crate::settings::InterfaceKind;

impl NetworkDriver {
    /// Takes a TCP stream that the program has accepted as one of an interface's listener: TLS, the
    /// upgrade request and all that follows are the driver's. `received` is what the program has
    /// read of it already. The interface need not be bound, nor the driver listen.
    ///
    /// # Errors
    /// [`Status::InvalidArgument`] (no WebSocket or TCP interface), [`Status::LimitReached`]
    /// (`pending_handshakes_max` have no connection, and none of them is older than a second;
    /// `connections_max` say goodbye), [`Status::NetworkSocketError`] (not a connected stream). The
    /// stream is closed.
    pub fn accept_stream(
        &mut self,
        interface: u32,
        stream: TcpStream,
        received: &[u8],
    ) -> Result<()> {
        let place = self.interface(interface)?;
        let kind = place.settings.kind;
        if !matches!(kind, InterfaceKind::WebSocket | InterfaceKind::Tcp) {
            let text = "streams are handed to WebSocket and TCP interfaces only";
            return Err(Error::argument(text));
        }
        self.follow_clock();
        let failed = |error| Error::socket("cannot take the stream", &error);
        let (mut stream, remote) = Stream::over(stream).map_err(failed)?;
        let place = self.interface(interface)?;
        let behind_proxy = place.settings.proxy_protocol;
        if behind_proxy && !place.gate.trusts(remote.ip()) {
            return Err(Error::argument(format!("{remote} is no trusted proxy")));
        }
        let early = !behind_proxy && received.is_empty();
        if let Some(tls) = place.tls_server.as_ref().filter(|_| early) {
            stream.expect_tls(tls)?;
        }
        // As at a door of the driver's own; here nobody waits in front of it.
        if !self.make_room() {
            let text = "pending_handshakes_max streams have no connection yet, or connections_max \
                        say goodbye; try again later";
            return Err(Error::new(Status::LimitReached, text));
        }
        let mut state = StreamState::new(interface, remote, Phase::ProxyHeader);
        if !behind_proxy {
            state.expect_client(kind, &self.settings);
        }
        state.handed = true;
        state.set_deadline(Some(self.now + from_ms(self.settings.handshake_timeout_ms)));
        let id = self.add_stream(stream, state, None).map_err(failed)?;
        if !received.is_empty() {
            self.take_early_bytes(id, received);
        }
        // The system reports only what comes from now on.
        self.pump.mark_ready(id);
        Ok(())
    }
}
