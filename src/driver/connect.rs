//! Connecting and closing, by the program's wish.

use std::net::SocketAddr;

use super::connections::Link;
use super::interfaces::{BINDINGS_MAX, Binding};
use super::{Connection, ConnectionState, DisconnectReason, Ending, NetworkDriver};
use crate::error::{Error, Result, Status};
use crate::log::note;
use crate::proto::endpoint::NetworkEndpoint;
use crate::proto::http::is_token;
use crate::proto::url::WebSocketUrl;
use crate::proto::utp::connection::UtpConnection;
use crate::proto::websocket::handshake::check_custom_header;
use crate::pump::{ClientTls, QUERIES_MAX};
use crate::settings::{Dialect, InterfaceKind, InterfaceSettings, UrlOptions, check_sub_protocols};

/// Headers that a client may add to its request.
const HEADERS_MAX: usize = 32;

/// What a client needs until it is connected.
#[derive(Clone)]
pub struct Plan {
    /// Addresses to try next, best last.
    pub addresses: Vec<SocketAddr>,
    /// Addresses that were tried, the last one first.
    pub tried: Vec<SocketAddr>,
    /// The address that is being tried.
    pub current: Option<SocketAddr>,
    /// The Host header; empty: the address that is being tried, as Unity does.
    pub host: String,
    /// Path and query.
    pub target: String,
    /// Sub-protocols to offer.
    pub sub_protocols: Vec<String>,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// TLS, and the name that the server must have a certificate for.
    pub tls: Option<(ClientTls, String)>,
}

impl NetworkDriver {
    /// Connects to an address in the UTP dialect. The connection is Connecting at once; a Connect
    /// or Disconnect event follows.
    ///
    /// # Errors
    /// [`Status::InvalidArgument`], [`Status::NetworkPacketOverflow`] (payload),
    /// [`Status::LimitReached`], [`Status::NetworkSocketError`].
    pub fn connect(
        &mut self,
        interface: u32,
        endpoint: &NetworkEndpoint,
        payload: &[u8],
    ) -> Result<Connection> {
        let address = endpoint
            .to_socket_addr()
            .ok_or_else(|| Error::argument("the endpoint must be IPv4 or IPv6"))?;
        if address.port() == 0 {
            return Err(Error::argument("the endpoint has port 0; name the server's port"));
        }
        let kind = self.interface(interface)?.settings.kind;
        if kind == InterfaceKind::Ipc && !endpoint.is_loopback() {
            return Err(Error::argument("an IPC interface connects to loopback endpoints only"));
        }
        let plan = self.utp_plan(interface, &address.ip().to_string(), payload)?;
        let index = self.begin_connection(interface, Dialect::Utp, payload, plan)?;
        let started = self.start_connecting(index, vec![address]);
        self.started(index, started)
    }

    /// Connects to a host by name in the UTP dialect. The name is looked up in the background.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub fn connect_host(
        &mut self,
        interface: u32,
        host: &str,
        port: u16,
        payload: &[u8],
    ) -> Result<Connection> {
        if let Ok(endpoint) = NetworkEndpoint::parse(host, port, None) {
            return self.connect(interface, &endpoint, payload);
        }
        check_host(host, port)?;
        let plan = self.utp_plan(interface, host, payload)?;
        if self.interface(interface)?.settings.kind == InterfaceKind::Ipc {
            return Err(Error::argument("an IPC interface connects to loopback endpoints only"));
        }
        let index = self.begin_connection(interface, Dialect::Utp, payload, plan)?;
        let asked = self.ask(index, host, port);
        self.started(index, asked)
    }

    /// Connects to a WebSocket server by URL. The driver gets a WebSocket interface when it has
    /// none.
    ///
    /// # Errors
    /// As [`connect`](Self::connect); [`Status::InvalidArgument`] also for certificates that cannot
    /// be used.
    pub fn connect_url(&mut self, url: &str, options: &UrlOptions) -> Result<Connection> {
        let url = WebSocketUrl::parse(url).map_err(|error| Error::argument(error.to_string()))?;
        check_options(options)?;
        let interface = self.any_websocket_interface()?;
        let tls = if url.secure {
            Some(self.url_tls(interface, &url.host, options.tls.as_ref())?)
        } else {
            None
        };
        self.check_payload(true, &options.payload)?;
        let plan = Plan {
            addresses: Vec::new(),
            tried: Vec::new(),
            current: None,
            host: url.host_header(),
            target: url.target.clone(),
            sub_protocols: options.sub_protocols.clone(),
            headers: options.headers.clone(),
            tls,
        };
        let index = self.begin_connection(interface, options.dialect, &options.payload, plan)?;
        let literal = NetworkEndpoint::parse(&url.host, url.port, None).ok();
        let started = match literal.and_then(|endpoint| endpoint.to_socket_addr()) {
            Some(address) => self.start_connecting(index, vec![address]),
            None => self.ask(index, &url.host, url.port),
        };
        self.started(index, started)
    }

    fn any_websocket_interface(&mut self) -> Result<u32> {
        let mut kinds = self.interfaces.iter().map(|interface| interface.settings.kind);
        match kinds.position(|kind| kind == InterfaceKind::WebSocket) {
            Some(number) => Ok(number as u32),
            None => self.add_interface(InterfaceSettings::new(InterfaceKind::WebSocket)),
        }
    }

    fn utp_plan(&mut self, interface: u32, host: &str, payload: &[u8]) -> Result<Plan> {
        let settings = &self.interface(interface)?.settings;
        let over_websocket = settings.kind == InterfaceKind::WebSocket;
        let target = settings.path.clone().unwrap_or_else(|| "/".to_owned());
        self.check_payload(over_websocket, payload)?;
        Ok(Plan {
            addresses: Vec::new(),
            tried: Vec::new(),
            current: None,
            host: String::new(),
            target,
            sub_protocols: Vec::new(),
            headers: Vec::new(),
            tls: self.interface_tls(interface, host)?,
        })
    }

    fn check_payload(&self, over_websocket: bool, payload: &[u8]) -> Result<()> {
        let most = self.handshake_payload_max(over_websocket);
        if payload.len() <= most {
            return Ok(());
        }
        let text = format!("the payload has {} bytes; at most {most} fit", payload.len());
        Err(Error::new(Status::NetworkPacketOverflow, text))
    }

    fn begin_connection(
        &mut self,
        interface: u32,
        dialect: Dialect,
        payload: &[u8],
        plan: Plan,
    ) -> Result<u32> {
        let index = self.connections.insert(interface, dialect).ok_or_else(|| {
            Error::new(
                Status::LimitReached,
                "the driver holds connections_max connections; close some or raise the setting",
            )
        })?;
        let entry = self.connections.at(index);
        entry.accepted = true;
        entry.payload = payload.into();
        entry.plan = Some(Box::new(plan));
        Ok(index)
    }

    /// A connection that could not even start is not given out.
    fn started(&mut self, index: u32, outcome: Result<()>) -> Result<Connection> {
        if let Err(error) = outcome {
            self.forget_token(index);
            self.release(index);
            return Err(error);
        }
        self.statistics.connections_outgoing += 1;
        Ok(self.connections.at(index).connection(index))
    }

    fn forget_token(&mut self, index: u32) {
        let entry = self.connections.at(index);
        if let Some(utp) = &entry.utp {
            self.interfaces[entry.interface as usize].tokens.remove(&utp.token());
        }
    }

    fn ask(&mut self, index: u32, host: &str, port: u16) -> Result<()> {
        let query = self.connections.at(index).connection(index).to_u64();
        if self.pump.resolver.ask(query, host, port) {
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
            if addresses.is_empty() {
                let text = "the host name has no address";
                let ending = Ending::with_text(DisconnectReason::HostNotFound, text);
                self.end(index, ending);
            } else if let Err(error) = self.start_connecting(index, addresses) {
                note!(Warning, "{connection:?}: {error}");
                let reason = DisconnectReason::ConnectionLost;
                self.end(index, Ending::with_text(reason, error.text().to_owned()));
            }
        }
    }

    /// Starts to connect now that the addresses are known, best first.
    fn start_connecting(&mut self, index: u32, mut addresses: Vec<SocketAddr>) -> Result<()> {
        addresses.reverse();
        // The last update may be long ago.
        self.follow_clock();
        let now = self.now;
        let entry = self.connections.at(index);
        let interface = entry.interface;
        if entry.dialect == Dialect::Utp {
            let token = self.entropy.take();
            self.connections.at(index).utp = Some(UtpConnection::client(token, now));
            self.interfaces[interface as usize].tokens.insert(token, index);
        }
        match self.interface(interface)?.settings.kind {
            InterfaceKind::WebSocket => {
                if let Some(plan) = &mut self.connections.at(index).plan {
                    plan.addresses = addresses;
                }
                self.try_next_address(index)?;
            }
            kind @ (InterfaceKind::Udp | InterfaceKind::Ipc) => {
                let remote = addresses.pop().ok_or_else(|| Error::argument("no address"))?;
                let link = self.datagram_link(interface, kind, remote)?;
                let local = self.link_local(link);
                let entry = self.connections.at(index);
                entry.link = link;
                entry.remote = Some(remote);
                entry.local = local;
                if let Some(plan) = &mut entry.plan {
                    plan.addresses = addresses;
                    plan.current = Some(remote);
                }
            }
        }
        self.schedule(index);
        Ok(())
    }

    /// The next attempt over UDP goes to the host's next address, round and round.
    pub(super) fn rotate_address(&mut self, index: u32) {
        let entry = self.connections.at(index);
        let interface = entry.interface;
        if !matches!(entry.link, Link::Udp { .. }) {
            return;
        }
        let Some(plan) = &mut entry.plan else { return };
        let (Some(next), Some(last)) = (plan.addresses.pop(), plan.current) else { return };
        plan.addresses.insert(0, last);
        plan.current = Some(next);
        if let Ok(link) = self.datagram_link(interface, InterfaceKind::Udp, next) {
            let local = self.link_local(link);
            let entry = self.connections.at(index);
            entry.link = link;
            entry.remote = Some(next);
            entry.local = local;
        }
    }

    /// A socket of the interface that reaches the address; bound on the way when there is none.
    fn datagram_link(
        &mut self,
        interface: u32,
        kind: InterfaceKind,
        remote: SocketAddr,
    ) -> Result<Link> {
        let place = self.interface(interface)?;
        let all: Vec<Binding> = place.bindings.iter().chain(&place.implicit).copied().collect();
        let fits = |binding: &Binding| match *binding {
            Binding::Udp(number) => {
                self.pump.udp[number as usize].local().is_ipv4() == remote.is_ipv4()
            }
            Binding::Ipc(..) => true,
            Binding::Listener(_) => false,
        };
        let binding = match all.iter().copied().find(fits) {
            Some(binding) => binding,
            None => {
                let any: SocketAddr = if remote.is_ipv4() {
                    (std::net::Ipv4Addr::UNSPECIFIED, 0).into()
                } else {
                    (std::net::Ipv6Addr::UNSPECIFIED, 0).into()
                };
                let binding = self.open_binding(kind, any)?;
                let place = self.interface(interface)?;
                debug_assert!(place.implicit.len() < BINDINGS_MAX, "one per family");
                place.implicit.push(binding);
                binding
            }
        };
        Ok(match binding {
            Binding::Udp(socket) => Link::Udp { socket, remote },
            Binding::Ipc(port, _) => Link::Ipc { port, remote: remote.port() },
            Binding::Listener(_) => Link::None,
        })
    }
}

fn check_host(host: &str, port: u16) -> Result<()> {
    let plausible = !host.is_empty()
        && host.len() <= crate::proto::url::HOST_SIZE_MAX
        && host.bytes().all(|byte| byte.is_ascii_graphic());
    if !plausible {
        return Err(Error::argument(format!("{host:?} is not a host name")));
    }
    if port == 0 {
        return Err(Error::argument("the port is 0; name the server's port"));
    }
    Ok(())
}

fn check_options(options: &UrlOptions) -> Result<()> {
    check_sub_protocols(&options.sub_protocols)?;
    if options.headers.len() > HEADERS_MAX {
        return Err(Error::argument(format!("more than {HEADERS_MAX} headers")));
    }
    for (name, value) in &options.headers {
        if !is_token(name) {
            return Err(Error::argument(format!("{name:?} is not a header name")));
        }
        check_custom_header(name, value)
            .map_err(|why| Error::argument(format!("header {name:?}: {why}")))?;
    }
    Ok(())
}
