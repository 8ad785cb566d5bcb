//! What a connection by URL asks for beyond the URL.

use std::fmt;
use std::net::SocketAddr;

use super::{ConnectionLimits, Dialect, TlsClient};
use crate::proto::proxy::ProxyUrl;

/// What `connect_url` asks for beyond the URL.
#[derive(Clone, PartialEq, Eq)]
pub struct UrlOptions {
    /// The dialect to speak; plain by default.
    pub dialect: Dialect,
    /// Sub-protocols to offer, best first.
    pub sub_protocols: Vec<String>,
    /// Further request headers.
    pub headers: Vec<(String, String)>,
    /// UTP dialect: bytes for the server with the connection request.
    pub payload: Vec<u8>,
    /// `wss://`: how to speak TLS; `None`: as the interface does, or with what the system trusts.
    pub tls: Option<TlsClient>,
    /// What all of it may take, from the look-up of the name to the connection; 0 is no such
    /// limit. Each attempt to reach an address has `handshake_timeout_ms` besides.
    pub connect_deadline_ms: i32,
    /// How many redirects to follow; 0 is none, and the first one ends the connection.
    pub redirects_max: u32,
    /// The proxy to go through: `http://user:password@host:port` (CONNECT), the same with
    /// `https://`, `socks5://…`, `socks4a://user@…` or `socks4://…`.
    pub proxy: Option<String>,
    /// `https://` proxies: how to speak TLS to them; `None`: with what the system trusts.
    pub proxy_tls: Option<TlsClient>,
    /// User and password, of the URL and of an HTTP proxy, never leave as they are: nothing is said
    /// before there is a challenge, and only Digest (RFC 7616) answers it. Otherwise Basic comes
    /// first, and Digest where it is asked for.
    pub digest_only: bool,
    /// Without a `proxy`: the one that the environment names, as `HTTPS_PROXY` and the like.
    pub proxy_from_environment: bool,
    /// Servers that are reached without the proxy, with commas; `None`: those of the environment,
    /// if that names the proxy.
    pub no_proxy: Option<String>,
    /// Addresses of the URL's host, best first, so that its name is not looked up.
    pub addresses: Vec<SocketAddr>,
    /// Limits of this connection; 0: the interface's.
    pub limits: ConnectionLimits,
}

impl fmt::Debug for UrlOptions {
    // Headers and a proxy's URL hold passwords, and the payload may: they must not reach a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        let proxy = self.proxy.as_deref().map(|text| match ProxyUrl::parse(text) {
            Ok(proxy) => proxy.to_string(),
            Err(error) => error.to_string(),
        });
        f.debug_struct("UrlOptions")
            .field("dialect", &self.dialect)
            .field("sub_protocols", &self.sub_protocols)
            .field("headers", &headers)
            .field("tls", &self.tls)
            .field("redirects_max", &self.redirects_max)
            .field("proxy", &proxy)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl Default for UrlOptions {
    fn default() -> Self {
        Self {
            dialect: Dialect::Plain,
            sub_protocols: Vec::new(),
            headers: Vec::new(),
            payload: Vec::new(),
            tls: None,
            connect_deadline_ms: 0,
            redirects_max: 0,
            proxy: None,
            proxy_tls: None,
            digest_only: false,
            proxy_from_environment: false,
            no_proxy: None,
            addresses: Vec::new(),
            limits: ConnectionLimits::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        for proxy in ["http://ann:secret@proxy:8080", "ftp://ann:secret@proxy"] {
            let options = UrlOptions {
                headers: vec![("Authorization".to_owned(), "Bearer secret".to_owned())],
                payload: b"secret".to_vec(),
                proxy: Some(proxy.to_owned()),
                ..UrlOptions::default()
            };
            let shown = format!("{options:?}");
            assert!(shown.contains("Authorization") && shown.contains("proxy"), "{shown}");
            assert!(!shown.contains("secret") && !shown.contains("ann"), "{shown}");
        }
    }
}
