//! The client's opening handshake: TCP connection (→ proxy → TLS) → request → 101.
//!
//! Which addresses are tried, and what follows when a stream fails, is decided in `plan`. In the
//! UTP dialect a failed race is followed by another one when the connection machine asks for it,
//! as over UDP.

use std::io::ErrorKind;
use std::net::SocketAddr;

use bytes::BytesMut;

use super::compression::Compression;
use super::connections::Entry;
use super::extensions::Extensions;
use super::http_facts::{Agreed, Answer, Head, HttpFacts};
use super::interfaces::{Interface, websocket_config};
use super::plan::Failure;
use super::streams::{Phase, StreamState};
use super::{ConnectionState, DisconnectReason, Ending, EventKind, NetworkDriver};
use crate::proto::http::ResponseHead;
use crate::proto::proxy::Tunnel;
use crate::proto::time::from_ms;
use crate::proto::utp::connection::Control;
use crate::proto::websocket::deflate::Wishes;
use crate::proto::websocket::extension::{self, Extension};
use crate::proto::websocket::handshake::{
    Chosen, ClientRequest, ResponseError, check_response, encode_key, extension_values,
    write_request,
};
use crate::proto::websocket::{Role, WebSocket};
use crate::pump::{Stream, StreamId};
use crate::settings::{Dialect, InterfaceKind, SubProtocolRule};

/// What a client must remember until the answer is here.
pub struct ClientHandshake {
    key: String,
    /// The conversation with the proxy, while it goes on.
    pub(super) tunnel: Option<Box<Tunnel>>,
}

impl NetworkDriver {
    /// Opens a stream that races for a connection.
    pub(super) fn open_client_stream(
        &mut self,
        index: u32,
        interface: u32,
        address: SocketAddr,
    ) -> std::io::Result<StreamId> {
        let stream = Stream::connect(address)?;
        let mut state = StreamState::new(interface, address, Phase::Connecting);
        if self.interfaces[interface as usize].settings.kind == InterfaceKind::WebSocket {
            let key = encode_key(self.entropy.take());
            state.is_client = true;
            state.opening().client = Some(Box::new(ClientHandshake { key, tunnel: None }));
        }
        state.set_deadline(Some(self.now + from_ms(self.settings.handshake_timeout_ms)));
        self.add_stream(stream, state, Some(index))
    }

    /// The system reported something about a stream that is being connected. True when it is.
    pub(super) fn finish_connecting(&mut self, id: StreamId) -> bool {
        let Some(stream) = self.pump.stream(id) else {
            return false;
        };
        match stream.finish_connecting() {
            Ok(true) => {
                self.win_race(id);
                self.start_tunnel(id)
            }
            Ok(false) => false,
            Err(error) => {
                let reason = match error.kind() {
                    ErrorKind::ConnectionRefused => DisconnectReason::ConnectionRefused,
                    ErrorKind::TimedOut => DisconnectReason::MaxConnectionAttempts,
                    _ => DisconnectReason::ConnectionLost,
                };
                self.attempt_failed(id, Failure::passing(reason, error.to_string()));
                false
            }
        }
    }

    /// The stream reaches the server, over TCP alone or through its proxy's tunnel: TLS where it is
    /// wanted, then the request. True when the stream goes on.
    pub(super) fn reach_server(&mut self, id: StreamId) -> bool {
        if let Err(error) = self.start_tls(id) {
            self.attempt_failed(id, Failure::tls(error.text()));
            return false;
        }
        if self.streams.get(id).is_some_and(|state| state.is_client) {
            self.send_request(id);
        } else {
            self.reach_tcp_server(id);
        }
        true
    }

    fn send_request(&mut self, id: StreamId) {
        let Some(state) = self.streams.get(id) else {
            return;
        };
        let (index, remote) = (state.connection(), state.remote());
        let (Some(index), Some(client)) = (index, state.client()) else {
            return;
        };
        let entropy = self.entropy.take();
        let entry = self.connections.at(index);
        let Some(plan) = &mut entry.plan else { return };
        let own = plan.authorizer.as_mut();
        let own = own.and_then(|own| own.value("GET", &plan.url.target, entropy));
        let entry = self.connections.at(index);
        let Some(plan) = &entry.plan else { return };
        let host = if plan.host_is_address { remote.to_string() } else { plan.url.host_header() };
        let request = ClientRequest {
            host: &host,
            target: &plan.url.target,
            key: &client.key,
            sub_protocols: &plan.sub_protocols,
            deflate: offered(&self.compression, entry.dialect),
            extensions: own_extensions(&self.interfaces, entry),
            headers: &plan.headers,
            authorization: own.as_deref(),
        };
        if let Some(out) = self.pump.out(id) {
            write_request(out, &request);
        }
        let deadline = state.deadline();
        self.streams.set_phase(id, Phase::ResponseHead, deadline);
    }

    /// Bytes of the answer's head, perhaps with frames behind it.
    pub(super) fn take_response_bytes(&mut self, id: StreamId, bytes: &[u8]) {
        let head_size_max = self.settings.head_size_max as usize;
        let Some(state) = self.streams.get(id) else {
            return;
        };
        state.head().extend_from_slice(bytes);
        let mut parsed = ResponseHead::parse(state.head(), head_size_max);
        while let Ok(Some((head, consumed))) = &parsed
            && is_interim(head.status())
        {
            // The last answer follows (RFC 9110 section 15.2), within the handshake's time.
            state.head().drain(..*consumed);
            parsed = ResponseHead::parse(state.head(), head_size_max);
        }
        match parsed {
            Ok(None) => {}
            Ok(Some((head, consumed))) => {
                let rest = BytesMut::from(&state.head()[consumed..]);
                state.forget_head();
                self.check_answer(id, head, rest);
            }
            Err(error) => {
                let text = format!("the answer is not HTTP/1.1: {error:?}");
                self.attempt_failed(id, Failure::rejected(0, text));
            }
        }
    }

    fn check_answer(&mut self, id: StreamId, head: ResponseHead, rest: BytesMut) {
        let Some(index) = self.streams.connection(id) else {
            return;
        };
        if self.follow_redirect(id, index, &head) || self.answer_server(id, index, &head) {
            return;
        }
        let Some(state) = self.streams.get(id) else {
            return;
        };
        let (remote, client) = (state.remote(), state.client());
        let Some(client) = client else { return };
        let entry = self.connections.at(index);
        let Some(plan) = &entry.plan else {
            return;
        };
        let wishes = offered(&self.compression, entry.dialect);
        let strict = self.settings.sub_protocol_rule == SubProtocolRule::Strict;
        let missing = |chosen: &Chosen| {
            strict && chosen.sub_protocol.is_none() && !plan.sub_protocols.is_empty()
        };
        let own = own_extensions(&self.interfaces, entry);
        match check_response(&head, &client.key, &plan.sub_protocols, wishes, own) {
            Ok(chosen) if missing(&chosen) => {
                let text = "the server chose none of the sub-protocols that were offered";
                self.attempt_failed(id, Failure::rejected(head.status(), text));
            }
            Ok(Chosen { sub_protocol, deflate }) => {
                let target = plan.url.target.clone();
                let taken = Extensions::taken(deflate.as_ref());
                let own = extension::confirm(extension_values(head.headers()), own, taken);
                let own = match own {
                    Ok(own) => own,
                    Err(code) => return self.refuse_extensions(id, code),
                };
                let agreed = Extensions { deflate, own };
                let extensions = agreed.text();
                let address = remote.to_string();
                let host = if plan.host_is_address { address } else { plan.url.host_header() };
                let head = Head::Response(Box::new(Answer { head, host, target }));
                // An encrypted way to the proxy says nothing of what is behind it.
                let tls = plan.tls.as_ref().and_then(|_| self.pump.tls_facts(id));
                let secure = tls.is_some();
                let facts = HttpFacts::new(head, secure, Agreed { sub_protocol, extensions, tls });
                self.open_client(id, index, facts, agreed, rest);
            }
            Err(error) => {
                let text = rejection(&error, head.reason());
                self.attempt_failed(id, Failure::rejected(head.status(), text));
            }
        }
    }

    /// The server has opened a WebSocket without the extensions that it needs: it is told so.
    fn refuse_extensions(&mut self, id: StreamId, code: u16) {
        const WHY: &str = "the server did not agree on the extensions that were asked for";
        let limits = self.stream_limits(id);
        let config = websocket_config(&self.settings, &limits, Some(Dialect::Plain));
        let ws = WebSocket::new(Role::Client, config, self.now);
        if let Some(state) = self.streams.get(id) {
            state.ws = Some(Box::new(ws));
        }
        let ending = Ending::with_text(DisconnectReason::ProtocolError, WHY);
        self.part(id, Ending { close_code: code, ..ending });
        self.start_closing(id, Some(code), WHY.as_bytes());
    }

    fn open_client(
        &mut self,
        id: StreamId,
        index: u32,
        facts: HttpFacts,
        agreed: Extensions,
        rest: BytesMut,
    ) {
        let now = self.now;
        let entry = self.connections.at(index);
        let dialect = entry.dialect;
        entry.http = Some(Box::new(facts));
        let config = websocket_config(&self.settings, &entry.limits, Some(dialect));
        let config = self.streams.shared(config);
        let mut ws = Box::new(WebSocket::new(Role::Client, config, now));
        self.apply(&mut ws, Role::Client, agreed);
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
                self.drop_plan(index);
                let event = self.event(index, EventKind::Connect);
                self.raise(index, event);
            }
            // The requests that the machine asked for so far had nowhere to go.
            Dialect::Utp => {
                // Only now is it known what lies below.
                self.set_path(index);
                if let Some(utp) = &mut self.connections.at(index).utp {
                    utp.handle_sent(now);
                }
                self.send_control(index, Control::Request);
            }
        }
    }
}

/// Does another answer follow one of this status? 101 is what a WebSocket waits for.
const fn is_interim(status: u16) -> bool {
    matches!(status, 100 | 102..=199)
}

/// What to offer: nothing in the UTP dialect.
fn offered(compression: &Compression, dialect: Dialect) -> Option<&Wishes> {
    compression.wishes.as_ref().filter(|_| dialect == Dialect::Plain)
}

/// The program's extensions to offer: none in the UTP dialect.
fn own_extensions<'a>(interfaces: &'a [Interface], entry: &Entry) -> &'a [Box<dyn Extension>] {
    match entry.dialect {
        Dialect::Plain => &interfaces[entry.interface as usize].extensions,
        Dialect::Utp => &[],
    }
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
