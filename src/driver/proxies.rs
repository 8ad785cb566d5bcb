//! Which proxy a client goes through, who it is to that and to the server, and what follows when
//! one of them asks.
//!
//! What is said is in `proto/authorization` and `proto/proxy`; the stream that says it in
//! `stream_proxy` and `stream_client`.

use std::net::{IpAddr, SocketAddr};

use super::{DisconnectReason, Ending, NetworkDriver};
use crate::error::Result;
use crate::log::note;
use crate::proto::authorization::Authorizer;
use crate::proto::http::ResponseHead;
use crate::proto::proxy::{ProxyKind, TunnelError};
use crate::pump::StreamId;

impl NetworkDriver {
    /// Finds the plan's proxy for its URL, with all that belongs to it. What is known of a proxy
    /// stays as long as it is the same.
    pub(super) fn choose_proxy(&mut self, index: u32) -> Result<()> {
        let Some(plan) = &mut self.connections.at(index).plan else { return Ok(()) };
        let proxy = plan.proxies.for_url(&plan.url).cloned();
        if proxy == plan.proxy {
            return Ok(());
        }
        plan.proxy_tls = None;
        plan.proxy_authorizer = proxy.as_ref().and_then(|proxy| {
            let is_http = matches!(proxy.kind, ProxyKind::Http | ProxyKind::Https);
            let credentials = proxy.credentials.clone().filter(|_| is_http)?;
            Some(Authorizer::new(credentials, plan.digest_only))
        });
        let secure = proxy.as_ref().filter(|proxy| proxy.kind == ProxyKind::Https);
        let host = secure.map(|proxy| proxy.host.clone());
        let settings = plan.proxy_tls_settings.clone();
        plan.proxy = proxy;
        if let Some(host) = host {
            let tls = self.proxy_tls(&host, settings.as_deref())?;
            if let Some(plan) = &mut self.connections.at(index).plan {
                plan.proxy_tls = Some(tls);
            }
        }
        Ok(())
    }

    /// Takes the addresses of a server whose proxy knows no names, and goes on. False when those
    /// addresses are what is connected to.
    pub(super) fn take_target(&mut self, index: u32, addresses: &[SocketAddr]) -> bool {
        let Some(plan) = &mut self.connections.at(index).plan else { return false };
        if !plan.take_finds_target() {
            return false;
        }
        plan.target = addresses.iter().map(SocketAddr::ip).find(IpAddr::is_ipv4);
        let ending = if plan.target.is_none() {
            let text =
                format!("{} has no IPv4 address, and a SOCKS4 proxy knows no other", plan.url.host);
            Some(Ending::with_text(DisconnectReason::HostNotFound, text))
        } else {
            let located = self.locate(index);
            located.err().map(|error| {
                Ending::with_text(DisconnectReason::ConnectionLost, error.text().to_owned())
            })
        };
        if let Some(ending) = ending {
            self.end(index, ending);
        }
        true
    }

    /// Asks the proxy once more, if it wants to know who we are in a way that we can tell.
    pub(super) fn answer_proxy(&mut self, id: StreamId, error: &TunnelError) -> bool {
        let TunnelError::Unauthorized(asked) = error else { return false };
        let Some(index) = self.streams.connection(id) else { return false };
        let Some(plan) = &mut self.connections.at(index).plan else { return false };
        let own = plan.proxy_authorizer.as_mut();
        if !own.is_some_and(|own| own.handle_challenge(asked.iter().map(String::as_str))) {
            return false;
        }
        note!(Info, "the proxy wants another authentication");
        self.start_over(id, index);
        true
    }

    /// The same for a server.
    pub(super) fn answer_server(&mut self, id: StreamId, index: u32, head: &ResponseHead) -> bool {
        if head.status() != 401 {
            return false;
        }
        let Some(plan) = &mut self.connections.at(index).plan else { return false };
        let Some(own) = &mut plan.authorizer else { return false };
        let asked = head.headers();
        let asked = asked.filter(|(name, _)| name.eq_ignore_ascii_case("www-authenticate"));
        if !own.handle_challenge(asked.map(|(_, value)| value)) {
            return false;
        }
        note!(Info, "{} wants another authentication", plan.url);
        self.start_over(id, index);
        true
    }
}
