//! The server's opening handshake: request head → 101, a document, or an error.

use std::net::SocketAddr;

use bytes::BytesMut;

use super::counting::HandshakeFailure;
use super::extensions::Extensions;
use super::http_facts::{Agreed, Head, HttpFacts};
use super::interfaces::websocket_config;
use super::streams::{Phase, StreamState};
use super::{NetworkDriver, dialect};
use crate::log::note;
use crate::proto::http::{HeadError, RequestHead, write_response};
use crate::proto::proxy_protocol;
use crate::proto::time::from_ms;
use crate::proto::websocket::handshake::{
    UpgradeError, UpgradeRequest, extension_values, parse_upgrade, write_accept,
};
use crate::proto::websocket::{Role, WebSocket, deflate, extension};
use crate::pump::{Stream, StreamId, TlsFacts};
use crate::settings::{Dialect, InterfaceSettings, SubProtocolRule};

/// Content type of the short texts that errors carry.
pub const TEXT: &str = "text/plain; charset=utf-8";

/// An upgrade request that is in order.
pub struct Upgrade {
    /// All of it.
    pub head: RequestHead,
    /// What of it matters.
    pub request: UpgradeRequest,
    /// What came behind it in the same read.
    pub rest: BytesMut,
}

impl StreamState {
    /// What the connection remembers of the request.
    pub(super) fn take_server_facts(&mut self, tls: Option<TlsFacts>) -> Option<Box<HttpFacts>> {
        if self.is_framed {
            return super::stream_tcp::facts(tls, self.forwarded_tls);
        }
        let mut facts = self.opening().facts.take()?;
        facts.secure = self.forwarded_tls || tls.is_some();
        facts.set_tls(tls);
        Some(facts)
    }
}

impl NetworkDriver {
    /// A client has connected to a listener.
    pub(super) fn open_server_stream(
        &mut self,
        interface: u32,
        mut stream: Stream,
        remote: SocketAddr,
    ) {
        let place = &self.interfaces[interface as usize];
        let mut state = StreamState::new(interface, remote, Phase::ProxyHeader);
        if place.settings.proxy_protocol {
            if !place.gate.trusts(remote.ip()) {
                self.count_failure(HandshakeFailure::Refused);
                note!(Info, "{remote} is no trusted proxy; its stream is refused");
                return;
            }
        } else if let Some(tls) = &place.tls_server
            && let Err(error) = stream.expect_tls(tls)
        {
            note!(Error, "no TLS for the stream from {remote}: {error}");
            return;
        } else {
            state.expect_client(place.settings.kind, &self.settings);
        }
        state.set_deadline(Some(self.now + from_ms(self.settings.handshake_timeout_ms)));
        match self.add_stream(stream, state, None) {
            Ok(id) => self.drive_stream(id),
            Err(error) => note!(Error, "cannot watch the stream from {remote}: {error}"),
        }
    }

    /// Bytes of a client that were read before the stream came here.
    pub(super) fn take_early_bytes(&mut self, id: StreamId, bytes: &[u8]) {
        match self.streams.get(id).map(|state| state.phase) {
            Some(Phase::ProxyHeader) => self.take_proxy_bytes(id, bytes),
            Some(_) => self.take_first_bytes(id, bytes),
            None => {}
        }
    }

    /// Bytes of a PROXY header, perhaps with the client's own behind it.
    pub(super) fn take_proxy_bytes(&mut self, id: StreamId, bytes: &[u8]) {
        let Some(state) = self.streams.get(id) else {
            return;
        };
        state.head().extend_from_slice(bytes);
        match proxy_protocol::parse(state.head()) {
            Ok(None) => {}
            Ok(Some((header, consumed))) => {
                let rest = state.head().split_off(consumed);
                state.forget_head();
                state.forwarded_tls = header.tls;
                // Behind a proxy that does not know its client, nobody vouches for what follows.
                state.vouched = header.addresses.is_some();
                if let Some((source, _)) = header.addresses {
                    state.set_client(source);
                }
                let kind = self.interfaces[state.interface as usize].settings.kind;
                state.expect_client(kind, &self.settings);
                self.take_first_bytes(id, &rest);
            }
            Err(error) => {
                note!(Info, "{}: no PROXY header: {error:?}", state.peer());
                self.count_failure(HandshakeFailure::Malformed);
                self.drop_stream(id);
            }
        }
    }

    /// The client's own first bytes, as far as they came with a PROXY header.
    fn take_first_bytes(&mut self, id: StreamId, bytes: &[u8]) {
        let Some(interface) = self.streams.get(id).map(|state| state.interface) else {
            return;
        };
        let Some(tls) = &self.interfaces[interface as usize].tls_server else {
            if !bytes.is_empty() {
                self.take_bytes(id, bytes.into());
            }
            return;
        };
        match self.pump.expect_tls(id, tls, bytes) {
            Ok(None) => {}
            Ok(Some(opened)) => self.take_bytes(id, opened),
            Err(error) => {
                note!(Error, "no TLS behind a PROXY header: {error}");
                self.drop_stream(id);
            }
        }
    }

    /// Bytes of a request head, perhaps with frames behind it.
    pub(super) fn take_request_bytes(&mut self, id: StreamId, bytes: &[u8]) {
        let head_size_max = self.settings.head_size_max as usize;
        let Some(state) = self.streams.get(id) else {
            return;
        };
        state.head().extend_from_slice(bytes);
        match RequestHead::parse(state.head(), head_size_max) {
            Ok(None) => {}
            Ok(Some((head, consumed))) => {
                let rest = BytesMut::from(&state.head()[consumed..]);
                state.forget_head();
                self.answer(id, head, rest);
            }
            Err(error) => {
                let (status, text) = match error {
                    HeadError::TooLarge | HeadError::TooManyHeaders => {
                        (431, "the request head is too large\n")
                    }
                    HeadError::Version => (505, "HTTP/1.1 is spoken here\n"),
                    HeadError::Malformed(why) => (400, why),
                };
                self.refuse_request(id, status, &[], text);
            }
        }
    }

    fn answer(&mut self, id: StreamId, head: RequestHead, rest: BytesMut) {
        let Some(state) = self.streams.get(id) else {
            return;
        };
        state.opening().head_only = head.method() == "HEAD";
        let place = &self.interfaces[state.interface as usize];
        if state.vouched {
            match place.gate.find_client(state.remote(), &head) {
                Ok(client) => {
                    state.set_client(client.address);
                    state.forwarded_tls |= client.tls;
                }
                Err(error) => {
                    note!(Warning, "the headers of the proxy {}: {error:?}", state.peer());
                    self.refuse_request(id, 400, &[], "bad forwarding headers\n");
                    return;
                }
            }
        }
        let serves = dialect::serves(&place.settings, &head);
        match parse_upgrade(&head) {
            Ok(_) if serves && !self.admits_stream(id) => {
                // It is the program's wish, and has a counter of its own.
                self.statistics.connections_refused += 1;
                self.answer_in_text(id, 503, &[], "no new connections are taken now\n");
            }
            Ok(request) if serves => self.decide(id, Upgrade { head, request, rest }),
            Ok(_) => self.refuse_request(id, 404, &[], "no WebSocket is served at this path\n"),
            Err(UpgradeError::NotAnUpgrade) => self.serve(id, &head),
            Err(UpgradeError::BadRequest(why)) => {
                self.refuse_request(id, 400, &[("Sec-WebSocket-Version", "13")], why);
            }
            Err(UpgradeError::UnsupportedVersion) => {
                let headers = [("Sec-WebSocket-Version", "13"), ("Upgrade", "websocket")];
                self.refuse_request(id, 426, &headers, "WebSocket version 13 is spoken here\n");
            }
            Err(UpgradeError::MethodNotAllowed) => {
                self.refuse_request(id, 405, &[("Allow", "GET, HEAD")], "GET is served here\n");
            }
        }
    }

    /// A good upgrade request: accepted, refused, or handed to the program.
    fn decide(&mut self, id: StreamId, upgrade: Upgrade) {
        let Some(interface) = self.streams.get(id).map(|state| state.interface) else {
            return;
        };
        let place = &self.interfaces[interface as usize];
        if !place.gate.welcomes(&upgrade.head) {
            self.count_failure(HandshakeFailure::Refused);
            self.answer_in_text(id, 403, &[], "this origin may not connect\n");
            return;
        }
        if place.settings.accept_requests {
            self.ask_program(id, upgrade);
            return;
        }
        match self.choose_sub_protocol(interface, &upgrade.request.sub_protocols) {
            Ok(chosen) => self.accept_upgrade(id, upgrade, chosen, &[]),
            Err(why) => self.refuse_request(id, 400, &[], why),
        }
    }

    /// The sub-protocol that the settings choose of those offered.
    pub(super) fn choose_sub_protocol(
        &self,
        interface: u32,
        offered: &[String],
    ) -> Result<Option<String>, &'static str> {
        let settings = &self.interfaces[interface as usize].settings;
        let chosen = match self.settings.sub_protocol_rule {
            SubProtocolRule::Lenient => Ok(dialect::choose_sub_protocol(settings, offered)),
            SubProtocolRule::Strict => dialect::choose_strictly(settings, offered),
        };
        chosen.map(|chosen| chosen.map(str::to_owned))
    }

    /// An ordinary request: a document, or a hint.
    fn serve(&mut self, id: StreamId, head: &RequestHead) {
        let Some(state) = self.streams.get(id) else {
            return;
        };
        let place = &self.interfaces[state.interface as usize];
        let Some((content_type, body)) = place.documents.get(head.path()) else {
            let websocket_path = place.settings.path.as_deref().unwrap_or("/");
            if head.path() == websocket_path {
                let headers = [("Upgrade", "websocket")];
                self.refuse_request(id, 426, &headers, "connect with a WebSocket client\n");
            } else {
                self.refuse_request(id, 404, &[], "there is no document at this path\n");
            }
            return;
        };
        let head_only = state.opening().head_only;
        let size = if head_only { 0 } else { body.len() };
        if !self.streams.begin_document(id, size) {
            self.refuse_request(id, 503, &[("Retry-After", "1")], "too much is being sent\n");
            return;
        }
        if let Some(out) = self.pump.out(id) {
            let headers = with_own(&place.settings, &[]);
            write_response(out, 200, &headers, Some(content_type), body, head_only);
        }
        self.statistics.documents_served += 1;
        self.start_draining(id, false);
    }

    pub(super) fn refuse_request(
        &mut self,
        id: StreamId,
        status: u16,
        headers: &[(&str, &str)],
        text: &str,
    ) {
        self.count_failure(HandshakeFailure::of_status(status));
        self.answer_in_text(id, status, headers, text);
    }

    /// Answers a request with a short text, and ends the stream.
    pub(super) fn answer_in_text(
        &mut self,
        id: StreamId,
        status: u16,
        headers: &[(&str, &str)],
        text: &str,
    ) {
        self.answer_with(id, status, headers, Some(TEXT), text.as_bytes());
    }

    /// Answers a request with any body, and ends the stream.
    pub(super) fn answer_with(
        &mut self,
        id: StreamId,
        status: u16,
        headers: &[(&str, &str)],
        content_type: Option<&str>,
        body: &[u8],
    ) {
        let Some(state) = self.streams.get(id) else {
            return;
        };
        let headers = with_own(&self.interfaces[state.interface as usize].settings, headers);
        if let Some(out) = self.pump.out(id) {
            write_response(out, status, &headers, content_type, body, state.opening().head_only);
        }
        self.start_draining(id, false);
    }

    pub(super) fn accept_upgrade(
        &mut self,
        id: StreamId,
        upgrade: Upgrade,
        sub_protocol: Option<String>,
        headers: &[(String, String)],
    ) {
        let Upgrade { head, request, rest } = upgrade;
        let now = self.now;
        let Some(state) = self.streams.get(id) else {
            return;
        };
        let place = &self.interfaces[state.interface as usize];
        let settings = &place.settings;
        let told = dialect::from_handshake(settings, &head, sub_protocol.as_deref());
        // Never in the UTP dialect; a client that turns out to speak it is sent nothing compressed.
        let wanted = self.compression.wishes.as_ref().filter(|_| told != Some(Dialect::Utp));
        let agreed =
            wanted.and_then(|wishes| deflate::accept(extension_values(head.headers()), wishes));
        let own = match told {
            Some(Dialect::Utp) => Vec::new(),
            _ => {
                let taken = Extensions::taken(agreed.as_ref());
                extension::accept(|| extension_values(head.headers()), &place.extensions, taken)
            }
        };
        let agreed = Extensions { deflate: agreed, own };
        let extensions = agreed.text();
        if let Some(out) = self.pump.out(id) {
            let headers = [&settings.response_headers, headers].concat();
            write_accept(
                out,
                &request.key,
                sub_protocol.as_deref(),
                extensions.as_deref(),
                &headers,
            );
        }
        let config = websocket_config(&self.settings, &self.stream_limits(id), told);
        let config = self.streams.shared(config);
        let mut ws = Box::new(WebSocket::new(Role::Server, config, now));
        self.apply(&mut ws, Role::Server, agreed);
        ws.handle_bytes(now, rest);
        let Some(state) = self.streams.get(id) else {
            return;
        };
        state.ws = Some(ws);
        state.dialect = told;
        let agreed = Agreed { sub_protocol, extensions, tls: None };
        state.opening().facts = Some(Box::new(HttpFacts::new(Head::Request(head), false, agreed)));
        let patience = match told {
            Some(Dialect::Utp) => self.settings.handshake_timeout_ms,
            Some(Dialect::Plain) => 0,
            None => self.settings.plain_grace_ms,
        };
        self.streams.set_phase(id, Phase::Undecided, Some(now + from_ms(patience)));
        if told == Some(Dialect::Plain) {
            self.promote(id, Dialect::Plain);
        }
        self.arm_stream(id);
    }
}

/// The header fields of an answer, those that the interface adds to each first.
fn with_own<'a>(
    settings: &'a InterfaceSettings,
    headers: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let own = settings.response_headers.iter();
    let own = own.map(|(name, value)| (name.as_str(), value.as_str()));
    own.chain(headers.iter().copied()).collect()
}
