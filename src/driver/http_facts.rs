//! What a WebSocket connection remembers of its handshake, for the program to read.

use std::borrow::Cow;

use super::tls::pem;
use crate::proto::http::{RequestHead, ResponseHead, all_cookies};
use crate::proto::websocket::handshake::named_sub_protocols;
use crate::pump::TlsFacts;

/// A text of a WebSocket connection, or of a request for one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConnectionText {
    /// The path without the query.
    Path,
    /// The query without the question mark.
    Query,
    /// The agreed sub-protocol.
    SubProtocol,
    /// All headers of the peer's head, one `Name: value` line each.
    Headers,
    /// The agreed extensions, as the header of the server's answer names them.
    Extensions,
    /// The method of the request.
    Method,
    /// The request's `Origin`; empty on a client.
    Origin,
    /// The request's cookies, one `name=value` line each; empty on a client.
    Cookies,
    /// The sub-protocols that the request offers, comma-separated; empty on a client.
    SubProtocolsOffered,
    /// The request's `Host`.
    Host,
    /// The URL that the client asked for.
    Url,
    /// The version of TLS.
    TlsVersion,
    /// The cipher suite of TLS.
    TlsCipher,
    /// The server's name that a TLS client asked for.
    TlsServerName,
    /// The certificate that a TLS peer showed, in PEM.
    TlsPeerCertificate,
}

/// The head that came from the peer.
pub enum Head {
    /// A server remembers the request.
    Request(RequestHead),
    /// A client remembers the answer, and what it asked for.
    Response(Box<Answer>),
    /// A TCP interface has no HTTP, perhaps TLS.
    None,
}

/// A server's answer, and what was asked.
pub struct Answer {
    /// The answer.
    pub head: ResponseHead,
    /// The `Host` of the request.
    pub host: String,
    /// Path and query.
    pub target: String,
}

/// What both sides agreed on: nothing, on most connections.
#[derive(Default)]
pub struct Agreed {
    /// The sub-protocol.
    pub sub_protocol: Option<String>,
    /// The extensions, as in the server's answer.
    pub extensions: Option<String>,
    /// What TLS agreed on.
    pub tls: Option<TlsFacts>,
}

/// Path, query, headers, sub-protocol. Every WebSocket connection keeps one.
pub struct HttpFacts {
    /// The peer's head.
    pub head: Head,
    /// The client uses TLS, if only up to a proxy.
    pub secure: bool,
    /// `None`: nothing.
    agreed: Option<Box<Agreed>>,
}

fn lines<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>, sign: &str) -> Cow<'static, str> {
    Cow::Owned(pairs.map(|(name, value)| format!("{name}{sign}{value}\n")).collect())
}

impl HttpFacts {
    /// Those of a connection; `secure`: the client uses TLS.
    pub fn new(head: Head, secure: bool, agreed: Agreed) -> Self {
        let any =
            agreed.sub_protocol.is_some() || agreed.extensions.is_some() || agreed.tls.is_some();
        Self { head, secure, agreed: any.then(|| Box::new(agreed)) }
    }

    /// TLS agreed on this.
    pub fn set_tls(&mut self, tls: Option<TlsFacts>) {
        if tls.is_some() {
            self.agreed.get_or_insert_default().tls = tls;
        }
    }

    /// What TLS agreed on.
    pub fn tls(&self) -> Option<&TlsFacts> {
        self.agreed.as_ref()?.tls.as_ref()
    }

    /// The agreed sub-protocol; empty when there is none.
    pub fn sub_protocol(&self) -> &str {
        self.agreed.as_ref().and_then(|agreed| agreed.sub_protocol.as_deref()).unwrap_or_default()
    }

    /// The agreed extensions; empty when there are none.
    fn extensions(&self) -> &str {
        self.agreed.as_ref().and_then(|agreed| agreed.extensions.as_deref()).unwrap_or_default()
    }

    /// Any of the texts; empty where there is none.
    pub fn text(&self, kind: ConnectionText) -> Cow<'_, str> {
        match kind {
            ConnectionText::Path => self.path().into(),
            ConnectionText::Query => self.query().into(),
            ConnectionText::SubProtocol => self.sub_protocol().into(),
            ConnectionText::Headers => match &self.head {
                Head::Request(head) => lines(head.headers(), ": "),
                Head::Response(answer) => lines(answer.head.headers(), ": "),
                Head::None => "".into(),
            },
            ConnectionText::Extensions => self.extensions().into(),
            ConnectionText::Method => match &self.head {
                Head::Request(head) => head.method().into(),
                Head::Response(_) => "GET".into(),
                Head::None => "".into(),
            },
            ConnectionText::TlsVersion => self.tls().map_or("", |tls| tls.version).into(),
            ConnectionText::TlsCipher => self.tls().map_or("", |tls| &tls.cipher).into(),
            ConnectionText::TlsServerName => {
                let name = self.tls().and_then(|tls| tls.server_name.as_deref());
                name.unwrap_or_default().into()
            }
            ConnectionText::TlsPeerCertificate => {
                let shown = self.tls().and_then(|tls| tls.peer_certificate.as_deref());
                shown.map_or_else(String::new, pem).into()
            }
            ConnectionText::Host => self.host().into(),
            ConnectionText::Url => self.url().into(),
            ConnectionText::Origin => match &self.head {
                Head::Request(head) => head.header("origin").unwrap_or_default().into(),
                Head::Response(_) | Head::None => "".into(),
            },
            ConnectionText::Cookies => match &self.head {
                Head::Request(head) => lines(all_cookies(head.headers()), "="),
                Head::Response(_) | Head::None => "".into(),
            },
            ConnectionText::SubProtocolsOffered => match &self.head {
                Head::Request(head) => offered(head).into(),
                Head::Response(_) | Head::None => "".into(),
            },
        }
    }

    /// The path without the query.
    pub fn path(&self) -> &str {
        match &self.head {
            Head::Request(head) => head.path(),
            Head::Response(answer) => answer.target.split('?').next().unwrap_or_default(),
            Head::None => "",
        }
    }

    /// The query without the question mark.
    pub fn query(&self) -> &str {
        match &self.head {
            Head::Request(head) => head.query(),
            Head::Response(answer) => answer.target.split_once('?').map_or("", |(_, query)| query),
            Head::None => "",
        }
    }

    fn host(&self) -> &str {
        match &self.head {
            Head::Request(head) => head.header("host").unwrap_or_default(),
            Head::Response(answer) => &answer.host,
            Head::None => "",
        }
    }

    fn url(&self) -> String {
        let target = match &self.head {
            Head::Request(head) => head.target(),
            Head::Response(answer) => &answer.target,
            Head::None => return String::new(),
        };
        if !target.starts_with('/') {
            // Asked for as a proxy is asked: the target is a URL already (RFC 9112 §3.2.2).
            return target.to_owned();
        }
        let scheme = if self.secure { "wss" } else { "ws" };
        format!("{scheme}://{}{target}", self.host())
    }

    /// One header of the peer's head.
    pub fn header(&self, name: &str) -> Option<&str> {
        match &self.head {
            Head::Request(head) => head.header(name),
            Head::Response(answer) => answer.head.header(name),
            Head::None => None,
        }
    }

    /// One cookie of the request.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let Head::Request(head) = &self.head else {
            return None;
        };
        all_cookies(head.headers()).find(|(found, _)| *found == name).map(|(_, value)| value)
    }
}

/// The sub-protocols of a request, as one list.
fn offered(head: &RequestHead) -> String {
    named_sub_protocols(head).collect::<Vec<_>>().join(",")
}
