//! The client's opening handshake: TCP connection → request → 101.
//!
//! Addresses are tried one after another. In the UTP dialect a failed attempt is followed by
//! another one when the connection machine asks for it, as over UDP.

use std::io::ErrorKind;
use std::net::SocketAddr;

use bytes::BytesMut;

use super::compression::Compression;
use super::connections::Link;
use super::http_facts::{Head, HttpFacts};
use super::interfaces::websocket_config;
use super::streams::{Phase, StreamState};
use super::{ConnectionState, DisconnectReason, Ending, EventKind, NetworkDriver};
use crate::error::{Error, Result};
use crate::log::note;
use crate::proto::endpoint::NetworkEndpoint;
use crate::proto::http::ResponseHead;
use crate::proto::time::from_ms;
use crate::proto::utp::connection::Control;
use crate::proto::websocket::deflate::Wishes;
use crate::proto::websocket::handshake::{
    Chosen, ClientRequest, ResponseError, check_response, encode_key, write_request,
};
use crate::proto::websocket::{Role, WebSocket};
use crate::pump::{Stream, StreamId};
use crate::settings::{Dialect, SubProtocolRule};

/// What a client must remember until the answer is here.
pub struct ClientHandshake {
    key: String,
}

impl NetworkDriver {
    /// Opens a stream to the next address of a connection's plan that the system can reach.
    pub(super) fn try_next_address(&mut self, index: u32) -> Result<()> {
        let mut outcome = Err(Error::argument("there is no further address"));
        loop {
            let entry = self.connections.at(index);
            let interface = entry.interface;
            let Some(plan) = &mut entry.plan else { return Ok(()) };
            let Some(address) = plan.addresses.pop() else {
                return outcome;
            };
            plan.tried.insert(0, address);
            plan.current = Some(address);
            entry.remote = Some(address);
            match self.open_client_stream(index, interface, address) {
                Ok(()) => return Ok(()),
                Err(error) => {
                    let text = format!("cannot connect to {address}");
                    outcome = Err(Error::socket(&text, &error));
                }
            }
        }
    }

    fn open_client_stream(
        &mut self,
        index: u32,
        interface: u32,
        address: SocketAddr,
    ) -> std::io::Result<()> {
        let stream = Stream::connect(address)?;
        let mut state = StreamState::new(interface, address, Phase::Connecting);
        let key = encode_key(self.entropy.take());
        state.client = Some(Box::new(ClientHandshake { key }));
        state.deadline = Some(self.now + from_ms(self.settings.handshake_timeout_ms));
        let id = self.add_stream(stream, state, Some(index))?;
        self.connections.at(index).link = Link::Stream(id);
        Ok(())
    }

    /// The UTP machine wants another request, and the last stream failed: a new stream, to the
    /// host's addresses round and round.
    pub(super) fn retry_stream(&mut self, index: u32) {
        let Some(plan) = &mut self.connections.at(index).plan else { return };
        if plan.addresses.is_empty() {
            plan.addresses = std::mem::take(&mut plan.tried);
        }
        if let Err(error) = self.try_next_address(index) {
            note!(Warning, "{error}");
        }
    }

    /// The system reported something about a stream that is being connected. True when it is.
    pub(super) fn finish_connecting(&mut self, id: StreamId) -> bool {
        let Some(stream) = self.pump.stream(id) else {
            return false;
        };
        match stream.finish_connecting() {
            Ok(true) => self.begin_http(id),
            Ok(false) => false,
            Err(error) => {
                let reason = match error.kind() {
                    ErrorKind::ConnectionRefused => DisconnectReason::ConnectionRefused,
                    ErrorKind::TimedOut => DisconnectReason::MaxConnectionAttempts,
                    _ => DisconnectReason::ConnectionLost,
                };
                self.attempt_failed(id, reason, 0, &error.to_string());
                false
            }
        }
    }

    /// The way to the server is open: TLS where it is wanted, then the request. True when the
    /// stream goes on.
    fn begin_http(&mut self, id: StreamId) -> bool {
        if let Err(error) = self.start_tls(id) {
            let text = error.text().to_owned();
            self.attempt_failed(id, DisconnectReason::AuthenticationFailure, 0, &text);
            return false;
        }
        self.send_request(id);
        true
    }

    fn send_request(&mut self, id: StreamId) {
        let local = self.pump.stream_local(id);
        let Some(state) = self.streams.get(id) else {
            return;
        };
        let (Some(index), Some(client)) = (state.connection(), &state.client) else {
            return;
        };
        let entry = self.connections.at(index);
        entry.local = local;
        let Some(plan) = &entry.plan else { return };
        let address = state.remote.to_string();
        let request = ClientRequest {
            host: if plan.host.is_empty() { &address } else { &plan.host },
            target: &plan.target,
            key: &client.key,
            sub_protocols: &plan.sub_protocols,
            deflate: offered(&self.compression, entry.dialect),
            headers: &plan.headers,
        };
        if let Some(out) = self.pump.out(id) {
            write_request(out, &request);
        }
        let deadline = state.deadline;
        self.streams.set_phase(id, Phase::ResponseHead, deadline);
    }

    /// Bytes of the answer's head, perhaps with frames behind it.
    pub(super) fn take_response_bytes(&mut self, id: StreamId, bytes: &[u8]) {
        let head_size_max = self.settings.head_size_max as usize;
        let Some(state) = self.streams.get(id) else {
            return;
        };
        state.head.extend_from_slice(bytes);
        let parsed = ResponseHead::parse(&state.head, head_size_max);
        let reason = DisconnectReason::HandshakeRejected;
        match parsed {
            Ok(None) => {}
            Ok(Some((head, consumed))) => {
                let rest = BytesMut::from(&state.head[consumed..]);
                state.head = Vec::new();
                self.check_answer(id, head, rest);
            }
            Err(error) => {
                self.attempt_failed(
                    id,
                    reason,
                    0,
                    &format!("the answer is not HTTP/1.1: {error:?}"),
                );
            }
        }
    }

    fn check_answer(&mut self, id: StreamId, head: ResponseHead, rest: BytesMut) {
        let Some(state) = self.streams.get(id) else {
            return;
        };
        let (Some(index), Some(client)) = (state.connection(), &state.client) else {
            return;
        };
        let entry = self.connections.at(index);
        let Some(plan) = &entry.plan else {
            return;
        };
        let wishes = offered(&self.compression, entry.dialect);
        let strict = self.settings.sub_protocol_rule == SubProtocolRule::Strict;
        let missing = |chosen: &Chosen| {
            strict && chosen.sub_protocol.is_none() && !plan.sub_protocols.is_empty()
        };
        match check_response(&head, &client.key, &plan.sub_protocols, wishes) {
            Ok(chosen) if missing(&chosen) => {
                let text = "the server chose none of the sub-protocols that were offered";
                self.attempt_failed(id, DisconnectReason::HandshakeRejected, head.status(), text);
            }
            Ok(Chosen { sub_protocol, deflate }) => {
                let target = plan.target.clone();
                let address = state.remote.to_string();
                let host = if plan.host.is_empty() { address } else { plan.host.clone() };
                let head = Head::Response { head, host, target };
                let tls = self.pump.tls_facts(id);
                let secure = tls.is_some();
                let facts = HttpFacts { head, sub_protocol, deflate, tls, secure };
                self.open_client(id, index, facts, rest);
            }
            Err(error) => {
                let text = rejection(&error, head.reason());
                self.attempt_failed(id, DisconnectReason::HandshakeRejected, head.status(), &text);
            }
        }
    }

    fn open_client(&mut self, id: StreamId, index: u32, facts: HttpFacts, rest: BytesMut) {
        let now = self.now;
        let entry = self.connections.at(index);
        let dialect = entry.dialect;
        let agreed = facts.deflate;
        entry.http = Some(Box::new(facts));
        let config = websocket_config(&self.settings, Some(dialect));
        let mut ws = Box::new(WebSocket::new(Role::Client, config, now));
        self.compression.apply(&mut ws, Role::Client, agreed);
        ws.handle_bytes(now, rest);
        if let Some(state) = self.streams.get(id) {
            state.ws = Some(ws);
        }
        self.streams.set_phase(id, Phase::Open, None);
        self.arm_stream(id);
        match dialect {
            Dialect::Plain => {
                let entry = self.connections.at(index);
                entry.state = ConnectionState::Connected;
                entry.plan = None;
                let event = self.event(index, EventKind::Connect);
                self.raise(index, event);
            }
            // The requests that the machine asked for so far had nowhere to go.
            Dialect::Utp => {
                if let Some(utp) = &mut self.connections.at(index).utp {
                    utp.handle_sent(now);
                }
                self.send_control(index, Control::Request);
            }
        }
    }

    /// This attempt came to nothing: the next address, the next attempt, or the end. `status` is
    /// that of an HTTP answer, 0 where there was none.
    pub(super) fn attempt_failed(
        &mut self,
        id: StreamId,
        reason: DisconnectReason,
        status: u16,
        why: &str,
    ) {
        let index = self.streams.detach(id);
        let tls_failed = reason == DisconnectReason::AuthenticationFailure;
        if tls_failed {
            // The alert that says why must leave first.
            self.start_draining(id, false);
        } else {
            self.drop_stream(id);
        }
        let Some(index) = index else { return };
        let entry = self.connections.at(index);
        let dialect = entry.dialect;
        entry.link = Link::None;
        let Some(plan) = &entry.plan else { return };
        let address = plan.current;
        note!(Info, "connecting to {address:?}: {why}");
        if !tls_failed && !plan.addresses.is_empty() && self.try_next_address(index).is_ok() {
            return;
        }
        let refused = tls_failed || reason == DisconnectReason::HandshakeRejected;
        if dialect == Dialect::Utp && !refused {
            // The connection machine counts the attempts and asks for the next one.
            return;
        }
        let endpoint = address.map(NetworkEndpoint::from_socket_addr);
        let text = endpoint.map_or_else(|| why.to_owned(), |at| format!("{at}: {why}"));
        self.end(index, Ending { close_code: status, ..Ending::with_text(reason, text) });
    }
}

/// What to offer: nothing in the UTP dialect.
fn offered(compression: &Compression, dialect: Dialect) -> Option<&Wishes> {
    compression.wishes.as_ref().filter(|_| dialect == Dialect::Plain)
}

fn rejection(error: &ResponseError, reason: &str) -> String {
    match error {
        ResponseError::Status(status) => {
            format!("the server answered {status} {reason} instead of 101")
        }
        ResponseError::Malformed(why) => format!("the server's answer is wrong: {why}"),
        ResponseError::BadAccept => {
            "the server's Sec-WebSocket-Accept does not match; it is no WebSocket server".to_owned()
        }
        ResponseError::UnexpectedSubProtocol => {
            "the server chose a sub-protocol that was not offered".to_owned()
        }
        ResponseError::UnexpectedExtension => {
            "the server chose an extension that was not offered, or not in that way".to_owned()
        }
    }
}
