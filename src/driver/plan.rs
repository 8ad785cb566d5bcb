//! A client's way to its server until it is connected: addresses are looked up, attempts race,
//! the first that connects goes on, and what takes too long ends.
//!
//! Over WebSocket several streams may belong to one connection here: those that race are in the
//! plan, the one that has won is the connection's link. What the winner says is in
//! `stream_client`. Over UDP there are no streams; the host's addresses take turns.

use std::net::{IpAddr, SocketAddr};

use super::connections::Link;
use super::streams::Phase;
use super::{Connection, ConnectionState, DisconnectReason, Ending, NetworkDriver};
use crate::error::{Error, Result, Status};
use crate::log::note;
use crate::proto::authorization::Authorizer;
use crate::proto::endpoint::NetworkEndpoint;
use crate::proto::proxy::{Proxies, ProxyKind, ProxyUrl, TunnelError};
use crate::proto::race::Race;
use crate::proto::redirect::is_same_host;
use crate::proto::time::{Micros, from_ms};
use crate::proto::url::WebSocketUrl;
use crate::proto::utp::connection::UtpConnection;
use crate::pump::{ClientTls, QUERIES_MAX, StreamId};
use crate::settings::{Dialect, InterfaceKind, TlsClient};

/// Headers that say who somebody is; a redirect does not take them to another host.
const SECRETS: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

/// What a client needs until it is connected.
pub struct Plan {
    /// Where it wants to go; over datagrams only host and port count.
    pub url: WebSocketUrl,
    /// The Host header names the address that is tried and not the URL's host, as Unity's does.
    pub host_is_address: bool,
    /// Sub-protocols to offer.
    pub sub_protocols: Vec<String>,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// TLS, and the name that the server must have a certificate for.
    pub tls: Option<(ClientTls, String)>,
    /// How to speak TLS, should a redirect lead to another host.
    pub tls_settings: Option<Box<TlsClient>>,
    /// The proxies that there are.
    pub proxies: Proxies,
    /// The proxy on the way to the URL.
    pub proxy: Option<ProxyUrl>,
    /// How to speak TLS to it, should it want to.
    pub proxy_tls_settings: Option<Box<TlsClient>>,
    /// TLS to the proxy, and its name.
    pub proxy_tls: Option<(ClientTls, String)>,
    /// Who we are to an HTTP proxy.
    pub proxy_authorizer: Option<Authorizer>,
    /// Who we are to the server, where the URL says so.
    pub authorizer: Option<Authorizer>,
    /// Neither of the two may show the password.
    pub digest_only: bool,
    /// The server's address, for a proxy that knows no names.
    pub target: Option<IpAddr>,
    /// That address is being looked up, and not the one to connect to.
    finds_target: bool,
    /// How many redirects are followed.
    pub redirects_max: u32,
    /// How many have been.
    pub redirects: u32,
    /// Addresses that the program gave, so that none is looked up.
    pub given: Vec<SocketAddr>,
    /// Where a custom interface is to go; nothing is looked up.
    pub custom: Option<NetworkEndpoint>,
    /// When all of it has taken too long.
    pub deadline: Option<Micros>,
    /// Addresses of the host, best first; none while they are looked up.
    addresses: Vec<SocketAddr>,
    /// UDP: which of them is next.
    turn: usize,
    race: Race,
    /// The streams that race; the winner is the connection's link.
    attempts: Vec<StreamId>,
}

impl Plan {
    /// A plan without anything special.
    pub fn new(url: WebSocketUrl) -> Self {
        Self {
            url,
            host_is_address: false,
            sub_protocols: Vec::new(),
            headers: Vec::new(),
            tls: None,
            tls_settings: None,
            proxies: Proxies::default(),
            proxy: None,
            proxy_tls_settings: None,
            proxy_tls: None,
            proxy_authorizer: None,
            authorizer: None,
            digest_only: false,
            target: None,
            finds_target: false,
            redirects_max: 0,
            redirects: 0,
            given: Vec::new(),
            custom: None,
            deadline: None,
            addresses: Vec::new(),
            turn: 0,
            race: Race::new(0, &[], 0),
            attempts: Vec::new(),
        }
    }

    /// From here on the URL is another one. What was meant for one host stays there.
    pub fn go_to(&mut self, url: WebSocketUrl) {
        if !is_same_host(&self.url, &url) {
            let is_secret = |name: &str| SECRETS.iter().any(|own| own.eq_ignore_ascii_case(name));
            self.headers.retain(|(name, _)| !is_secret(name));
            self.given.clear();
            self.authorizer = None;
            self.target = None;
            if let Some(settings) = &mut self.tls_settings {
                settings.server_name = None;
                settings.identity = None;
            }
        }
        // From a host's usual port for ws to that for wss.
        for address in self.given.iter_mut().filter(|at| at.port() == self.url.port) {
            address.set_port(url.port);
        }
        self.url = url;
        self.addresses.clear();
        self.race = Race::new(0, &[], 0);
    }

    /// Must the server's address be looked up before the proxy can be asked for it?
    fn wants_target(&mut self) -> bool {
        let blind = self.proxy.as_ref().is_some_and(|proxy| proxy.kind == ProxyKind::Socks4);
        if blind && self.target.is_none() {
            let given = self.given.iter().map(SocketAddr::ip);
            let own = self.url.host.parse().into_iter();
            self.target = given.chain(own).find(IpAddr::is_ipv4);
        }
        blind && self.target.is_none()
    }

    /// Was the address that was looked up the server's, for its proxy?
    pub const fn take_finds_target(&mut self) -> bool {
        std::mem::replace(&mut self.finds_target, false)
    }

    /// The server as its proxy is told it.
    pub fn host_for_proxy(&self) -> String {
        match (&self.proxy, self.target) {
            (Some(proxy), Some(target)) if proxy.kind == ProxyKind::Socks4 => target.to_string(),
            _ => self.url.host.clone(),
        }
    }

    /// When it wants to be asked.
    pub fn next_timeout(&self) -> Option<Micros> {
        self.race.next_timeout().into_iter().chain(self.deadline).min()
    }
}

/// Why an attempt came to nothing.
pub struct Failure {
    /// For the Disconnect event.
    pub reason: DisconnectReason,
    /// The HTTP status of an answer; 0 where there was none.
    pub status: u16,
    /// What went wrong, in words.
    pub text: String,
    /// Somebody has said no: another address, or another try, would get the same answer.
    pub is_final: bool,
}

impl Failure {
    /// Nobody answered, or the stream broke.
    pub fn passing(reason: DisconnectReason, text: impl Into<String>) -> Self {
        Self { reason, status: 0, text: text.into(), is_final: false }
    }

    /// TLS could not be agreed on, or the server is not who it should be.
    pub fn tls(text: impl Into<String>) -> Self {
        let reason = DisconnectReason::AuthenticationFailure;
        Self { reason, status: 0, text: text.into(), is_final: true }
    }

    /// The proxy's answer.
    pub fn proxy(error: &TunnelError) -> Self {
        let reason = DisconnectReason::ProxyFailed;
        let (status, text) = (error.status(), error.to_string());
        Self { reason, status, text, is_final: !error.may_pass() }
    }

    /// The server's answer is no 101 for us.
    pub fn rejected(status: u16, text: impl Into<String>) -> Self {
        let reason = DisconnectReason::HandshakeRejected;
        Self { reason, status, text: text.into(), is_final: true }
    }
}

impl NetworkDriver {
    /// Finds the addresses of a plan's host, and starts to connect once they are known.
    pub(super) fn locate(&mut self, index: u32) -> Result<()> {
        let Some(plan) = &mut self.connections.at(index).plan else { return Ok(()) };
        if plan.custom.is_some() {
            return self.start_connecting(index, Vec::new());
        }
        plan.addresses.clear();
        self.choose_proxy(index)?;
        let Some(plan) = &mut self.connections.at(index).plan else { return Ok(()) };
        if plan.wants_target() {
            plan.finds_target = true;
            let (host, port) = (plan.url.host.clone(), plan.url.port);
            return self.look_up(index, &host, port);
        }
        let (host, port) = match &plan.proxy {
            Some(proxy) => (proxy.host.clone(), proxy.port),
            None => (plan.url.host.clone(), plan.url.port),
        };
        let literal = NetworkEndpoint::parse(&host, port, None).ok();
        let known = match literal.and_then(|endpoint| endpoint.to_socket_addr()) {
            _ if plan.proxy.is_none() && !plan.given.is_empty() => plan.given.clone(),
            Some(address) => vec![address],
            None => Vec::new(),
        };
        if !known.is_empty() {
            return self.start_connecting(index, known);
        }
        self.look_up(index, &host, port)
    }

    fn look_up(&mut self, index: u32, host: &str, port: u16) -> Result<()> {
        let query = self.connections.at(index).connection(index).to_u64();
        if self.pump.resolver.ask(query, host, port) {
            self.schedule(index);
            return Ok(());
        }
        let text = format!("{QUERIES_MAX} host names wait to be looked up, or there is no thread");
        Err(Error::new(Status::LimitReached, text))
    }

    /// Takes the answers of the resolver.
    pub(super) fn take_answers(&mut self) {
        for (query, addresses) in self.pump.resolver.poll_answers() {
            let connection = Connection::from_u64(query);
            let Ok(index) = self.connections.resolve(connection) else {
                continue;
            };
            if self.connections.at(index).state != ConnectionState::Connecting {
                continue;
            }
            if self.take_target(index, &addresses) {
                continue;
            }
            if addresses.is_empty() {
                let plan = self.connections.at(index).plan.as_ref();
                let proxy = plan.and_then(|plan| plan.proxy.as_ref());
                let ending = match proxy {
                    Some(proxy) => {
                        let text = format!("the proxy {proxy}: its host name has no address");
                        Ending::with_text(DisconnectReason::ProxyFailed, text)
                    }
                    None => {
                        let text = "the host name has no address";
                        Ending::with_text(DisconnectReason::HostNotFound, text)
                    }
                };
                self.end(index, ending);
            } else if let Err(error) = self.start_connecting(index, addresses) {
                note!(Warning, "{connection:?}: {error}");
                let reason = DisconnectReason::ConnectionLost;
                self.end(index, Ending::with_text(reason, error.text().to_owned()));
            }
        }
    }

    /// Starts to connect now that the addresses are known, best first.
    fn start_connecting(&mut self, index: u32, addresses: Vec<SocketAddr>) -> Result<()> {
        // The last update may be long ago.
        self.follow_clock();
        let now = self.now;
        let entry = self.connections.at(index);
        let interface = entry.interface;
        if entry.dialect == Dialect::Utp && entry.utp.is_none() {
            let token = self.entropy.take();
            self.connections.at(index).utp = Some(Box::new(UtpConnection::client(token, now)));
            self.interfaces[interface as usize].tokens.insert(token, index);
            self.set_path(index);
        }
        let first = addresses.first().copied();
        let mut custom = first.map(NetworkEndpoint::from_socket_addr);
        if let Some(plan) = &mut self.connections.at(index).plan {
            custom = plan.custom.or(custom);
            plan.addresses = addresses;
        }
        match self.interface(interface)?.settings.kind {
            InterfaceKind::WebSocket | InterfaceKind::Tcp => self.start_race(index)?,
            InterfaceKind::Custom => {
                let remote = custom.ok_or_else(|| Error::argument("no address"))?;
                self.aim_custom(index, remote)?;
            }
            kind @ (InterfaceKind::Udp | InterfaceKind::Ipc) => {
                let remote = first.ok_or_else(|| Error::argument("no address"))?;
                self.aim(index, kind, remote)?;
            }
        }
        self.schedule(index);
        Ok(())
    }

    /// The next attempt over UDP goes to the host's next address, round and round.
    pub(super) fn rotate_address(&mut self, index: u32) {
        let entry = self.connections.at(index);
        if !matches!(entry.link, Link::Udp { .. }) {
            return;
        }
        let Some(plan) = &mut entry.plan else { return };
        if plan.addresses.len() < 2 {
            return;
        }
        plan.turn = (plan.turn + 1) % plan.addresses.len();
        let next = plan.addresses[plan.turn];
        if let Err(error) = self.aim(index, InterfaceKind::Udp, next) {
            note!(Warning, "{error}");
        }
    }

    /// Datagrams of a connection go to this address from here on.
    fn aim(&mut self, index: u32, kind: InterfaceKind, remote: SocketAddr) -> Result<()> {
        let interface = self.connections.at(index).interface;
        let link = self.datagram_link(interface, kind, remote)?;
        self.set_link(index, link);
        Ok(())
    }

    /// All addresses of the plan run against each other.
    fn start_race(&mut self, index: u32) -> Result<()> {
        let (now, delay) = (self.now, from_ms(self.settings.connect_race_delay_ms));
        if let Some(plan) = &mut self.connections.at(index).plan {
            plan.race = Race::new(now, &plan.addresses, delay);
        }
        self.run_race(index)
    }

    /// Starts the attempts whose time has come. An error when nothing runs and nothing is left.
    fn run_race(&mut self, index: u32) -> Result<()> {
        let now = self.now;
        let mut outcome = Err(Error::argument("there is no further address"));
        loop {
            let entry = self.connections.at(index);
            let interface = entry.interface;
            let Some(plan) = &mut entry.plan else { return Ok(()) };
            let Some(address) = plan.race.poll_start(now) else {
                let over = plan.race.is_over();
                self.schedule(index);
                return if over { outcome } else { Ok(()) };
            };
            entry.remote = Some(address).into();
            let opened = self.open_client_stream(index, interface, address);
            let Some(plan) = &mut self.connections.at(index).plan else { return Ok(()) };
            match opened {
                Ok(id) => plan.attempts.push(id),
                Err(error) => {
                    plan.race.handle_failure(now);
                    let text = format!("cannot connect to {address}");
                    outcome = Err(Error::socket(&text, &error));
                }
            }
        }
    }

    /// The UTP machine wants another request, and all attempts so far have failed: once more to
    /// all addresses. While they are looked up, or an attempt goes on, the request is only counted.
    pub(super) fn retry_stream(&mut self, index: u32) {
        let Some(plan) = &self.connections.at(index).plan else { return };
        if plan.addresses.is_empty() || !plan.race.is_over() {
            return;
        }
        if let Err(error) = self.start_race(index) {
            note!(Warning, "{error}");
        }
    }

    /// A stream is the first to connect: it becomes the connection's link, and the others end.
    pub(super) fn win_race(&mut self, id: StreamId) {
        let local = self.pump.stream_local(id);
        let Some(state) = self.streams.get(id) else { return };
        let (index, remote) = (state.connection(), state.remote());
        let Some(index) = index else { return };
        let entry = self.connections.at(index);
        entry.link = Link::Stream(id);
        entry.remote = Some(remote).into();
        entry.local = local.into();
        let Some(plan) = &mut entry.plan else { return };
        let mut losers = std::mem::take(&mut plan.attempts);
        losers.retain(|&other| other != id);
        let mut addresses = Vec::with_capacity(losers.len());
        for loser in losers {
            addresses.extend(self.streams.get(loser).map(|state| state.remote()));
            self.streams.detach(loser);
            self.drop_stream(loser);
        }
        if let Some(plan) = &mut self.connections.at(index).plan {
            plan.race.handle_winner(addresses.into_iter());
        }
    }

    /// This attempt came to nothing: the next address, the next attempt, or the end.
    pub(super) fn attempt_failed(&mut self, id: StreamId, failure: Failure) {
        let stream = self.streams.get(id).map(|state| (state.remote(), state.phase));
        let index = self.streams.detach(id);
        if failure.reason == DisconnectReason::AuthenticationFailure {
            // The alert that says why must leave first.
            self.start_draining(id, false);
        } else {
            self.drop_stream(id);
        }
        let (Some(index), Some((remote, phase))) = (index, stream) else { return };
        let now = self.now;
        let entry = self.connections.at(index);
        let dialect = entry.dialect;
        if entry.link == Link::Stream(id) {
            entry.link = Link::None;
        }
        let Some(plan) = &mut entry.plan else { return };
        plan.attempts.retain(|&other| other != id);
        plan.race.handle_failure(now);
        let Failure { mut reason, status, text, is_final } = failure;
        let at = NetworkEndpoint::from_socket_addr(remote);
        let text = match &plan.proxy {
            Some(proxy) if matches!(phase, Phase::Connecting | Phase::Proxy) => {
                reason = DisconnectReason::ProxyFailed;
                format!("the proxy {proxy} at {at}: {text}")
            }
            Some(proxy) => format!("{} through {proxy}: {text}", plan.url.host_header()),
            None => format!("{at}: {text}"),
        };
        note!(Info, "connecting to {text}");
        if !is_final && (self.run_race(index).is_ok() || dialect == Dialect::Utp) {
            // Others are on their way, or the connection machine counts the attempts and asks for
            // the next one.
            return;
        }
        self.end(index, Ending { close_code: status, ..Ending::with_text(reason, text) });
    }

    /// What a plan wants to do now: start the next attempt, or give up.
    pub(super) fn run_plan_timer(&mut self, index: u32) {
        let now = self.now;
        let entry = self.connections.at(index);
        let link = entry.link;
        let Some(plan) = &entry.plan else { return };
        if plan.deadline.is_some_and(|deadline| deadline <= now) {
            let text = "the connection was not made within connect_deadline_ms";
            self.end(index, Ending::with_text(DisconnectReason::MaxConnectionAttempts, text));
            if let Link::Stream(id) = link {
                self.abandon_stream(id);
            }
        } else if plan.race.next_timeout().is_some_and(|due| due <= now)
            && let Err(error) = self.run_race(index)
        {
            note!(Warning, "{error}");
        }
    }

    /// The connection needs no plan any more; the attempts that still race end.
    pub(super) fn drop_plan(&mut self, index: u32) {
        let entry = self.connections.at(index);
        let query = entry.connection(index).to_u64();
        let Some(plan) = entry.plan.take() else { return };
        if plan.addresses.is_empty() {
            self.pump.resolver.forget(query);
        }
        for id in plan.attempts {
            self.streams.detach(id);
            self.drop_stream(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(url: &str, given: &[&str]) -> Plan {
        let url = WebSocketUrl::parse(url).expect("is a URL");
        let given = given.iter().map(|at| at.parse().expect("an address")).collect();
        Plan { given, ..Plan::new(url) }
    }

    #[test]
    fn given_addresses_follow_their_host_to_the_port_for_tls() {
        let mut plan = plan("ws://game.example/", &["192.0.2.1:80", "192.0.2.2:8080"]);
        plan.go_to(WebSocketUrl::parse("wss://game.example/").expect("is a URL"));
        let given: Vec<String> = plan.given.iter().map(SocketAddr::to_string).collect();
        assert_eq!(given, ["192.0.2.1:443", "192.0.2.2:8080"]);
        plan.go_to(WebSocketUrl::parse("wss://other.example/").expect("is a URL"));
        assert!(plan.given.is_empty());
    }
}
