//! The server's opening handshake: request head → 101, a document, or an error.

use std::net::SocketAddr;

use bytes::BytesMut;

use super::counting::HandshakeFailure;
use super::http_facts::{Head, HttpFacts};
use super::interfaces::websocket_config;
use super::streams::{Phase, StreamState};
use super::{NetworkDriver, dialect};
use crate::log::note;
use crate::proto::http::{HeadError, RequestHead, write_response};
use crate::proto::time::from_ms;
use crate::proto::websocket::handshake::{
    UpgradeError, UpgradeRequest, extension_values, parse_upgrade, write_accept,
};
use crate::proto::websocket::{Role, WebSocket, deflate};
use crate::pump::{Stream, StreamId, TlsFacts};
use crate::settings::Dialect;

/// Content type of the short texts that errors carry.
const TEXT: &str = "text/plain; charset=utf-8";

impl StreamState {
    /// What the connection remembers of the request.
    pub(super) fn take_server_facts(&mut self, tls: Option<TlsFacts>) -> Option<Box<HttpFacts>> {
        let head = *self.request.take()?;
        let sub_protocol = self.sub_protocol.take();
        let deflate = self.deflate;
        Some(Box::new(HttpFacts { head: Head::Request(head), sub_protocol, deflate, tls }))
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
        if let Some(tls) = &self.interfaces[interface as usize].tls_server
            && let Err(error) = stream.expect_tls(tls)
        {
            note!(Error, "no TLS for the stream from {remote}: {error}");
            return;
        }
        let mut state = StreamState::new(interface, remote, Phase::RequestHead);
        state.deadline = Some(self.now + from_ms(self.settings.handshake_timeout_ms));
        match self.add_stream(stream, state, None) {
            Ok(id) => self.drive_stream(id),
            Err(error) => note!(Error, "cannot watch the stream from {remote}: {error}"),
        }
    }

    /// Bytes of a request head, perhaps with frames behind it.
    pub(super) fn take_request_bytes(&mut self, id: StreamId, bytes: &[u8]) {
        let head_size_max = self.settings.head_size_max as usize;
        let Some(state) = self.streams.get(id) else {
            return;
        };
        state.head.extend_from_slice(bytes);
        match RequestHead::parse(&state.head, head_size_max) {
            Ok(None) => {}
            Ok(Some((head, consumed))) => {
                let rest = BytesMut::from(&state.head[consumed..]);
                state.head = Vec::new();
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
        state.head_only = head.method() == "HEAD";
        let place = &self.interfaces[state.interface as usize];
        let serves = dialect::serves(&place.settings, &head);
        match parse_upgrade(&head) {
            Ok(_) if serves && !self.admits() => {
                self.statistics.connections_refused += 1;
                self.refuse_request(id, 503, &[], "no new connections are taken now\n");
            }
            Ok(upgrade) if serves => self.accept_upgrade(id, head, &upgrade, rest),
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
        let head_only = state.head_only;
        let size = if head_only { 0 } else { body.len() };
        if !self.streams.begin_document(id, size) {
            self.refuse_request(id, 503, &[("Retry-After", "1")], "too much is being sent\n");
            return;
        }
        if let Some(out) = self.pump.out(id) {
            write_response(out, 200, &[], Some(content_type), body, head_only);
        }
        self.statistics.documents_served += 1;
        self.start_draining(id, false);
    }

    fn refuse_request(&mut self, id: StreamId, status: u16, headers: &[(&str, &str)], text: &str) {
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
        let head_only = self.streams.get(id).is_some_and(|state| state.head_only);
        if let Some(out) = self.pump.out(id) {
            write_response(out, status, headers, Some(TEXT), text.as_bytes(), head_only);
        }
        self.start_draining(id, false);
    }

    fn accept_upgrade(
        &mut self,
        id: StreamId,
        head: RequestHead,
        upgrade: &UpgradeRequest,
        rest: BytesMut,
    ) {
        let now = self.now;
        let Some(state) = self.streams.get(id) else {
            return;
        };
        let settings = &self.interfaces[state.interface as usize].settings;
        let sub_protocol = dialect::choose_sub_protocol(settings, &upgrade.sub_protocols);
        let told = dialect::from_handshake(settings, &head, sub_protocol);
        // Never in the UTP dialect; a client that turns out to speak it is sent nothing compressed.
        let wanted = self.compression.wishes.as_ref().filter(|_| told != Some(Dialect::Utp));
        let agreed =
            wanted.and_then(|wishes| deflate::accept(extension_values(head.headers()), wishes));
        if let Some(out) = self.pump.out(id) {
            write_accept(out, &upgrade.key, sub_protocol, agreed.as_ref());
        }
        let sub_protocol = sub_protocol.map(str::to_owned);
        let config = websocket_config(&self.settings, told);
        let mut ws = Box::new(WebSocket::new(Role::Server, config, now));
        self.compression.apply(&mut ws, Role::Server, agreed);
        ws.handle_bytes(now, rest);
        state.ws = Some(ws);
        state.deflate = agreed;
        state.dialect = told;
        state.request = Some(Box::new(head));
        state.sub_protocol = sub_protocol;
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
