//! Connecting and closing, by the program's wish.

use std::net::SocketAddr;

use super::connections::Link;
use super::interfaces::{BINDINGS_MAX, Binding};
use super::plan::Plan;
use super::{Connection, NetworkDriver};
use crate::error::{Error, Result, Status};
use crate::proto::authorization::Authorizer;
use crate::proto::endpoint::NetworkEndpoint;
use crate::proto::http::is_token;
use crate::proto::proxy::{Exceptions, Proxies, ProxyUrl, ProxyUrlError};
use crate::proto::time::from_ms;
use crate::proto::url::WebSocketUrl;
use crate::proto::websocket::handshake::check_custom_header;
use crate::pump::{ClientTls, environment};
use crate::settings::{Dialect, InterfaceKind, InterfaceSettings, UrlOptions, check_sub_protocols};

/// Headers that a client may add to its request.
const HEADERS_MAX: usize = 32;

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
        if self.interface(interface)?.settings.kind == InterfaceKind::Custom {
            return self.connect_custom(interface, endpoint, payload);
        }
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
        let mut plan =
            self.utp_plan(interface, &address.ip().to_string(), address.port(), payload)?;
        plan.given.push(address);
        self.begin_connection(interface, Dialect::Utp, payload, plan)
    }

    /// The endpoint is the program's own affair, whatever its family.
    fn connect_custom(
        &mut self,
        interface: u32,
        endpoint: &NetworkEndpoint,
        payload: &[u8],
    ) -> Result<Connection> {
        if !endpoint.is_valid() {
            return Err(Error::argument("the endpoint is invalid; name its family"));
        }
        let mut plan = self.utp_plan(interface, "custom", endpoint.port(), payload)?;
        plan.custom = Some(*endpoint);
        self.begin_connection(interface, Dialect::Utp, payload, plan)
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
        let plan = self.utp_plan(interface, host, port, payload)?;
        if self.interface(interface)?.settings.kind == InterfaceKind::Ipc {
            return Err(Error::argument("an IPC interface connects to loopback endpoints only"));
        }
        self.begin_connection(interface, Dialect::Utp, payload, plan)
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
        self.check_payload(InterfaceKind::WebSocket, &options.payload)?;
        let mut plan = Plan::new(url);
        plan.tls = tls;
        if options.redirects_max > 0 {
            // A redirect may have to leave out what is for the first host alone.
            let own = self.interface(interface)?.tls_client.as_ref();
            let settings = options.tls.as_ref().or_else(|| own.map(ClientTls::settings));
            plan.tls_settings = settings.cloned().map(Box::new);
        }
        plan.sub_protocols = options.sub_protocols.clone();
        plan.headers = options.headers.clone();
        plan.authorizer = authorizer(&plan.url, options);
        plan.digest_only = options.digest_only;
        plan.proxies = proxies(options)?;
        plan.proxy_tls_settings = options.proxy_tls.clone().map(Box::new);
        plan.redirects_max = options.redirects_max;
        plan.given = options.addresses.clone();
        if options.connect_deadline_ms > 0 {
            self.follow_clock();
            plan.deadline = Some(self.now + from_ms(options.connect_deadline_ms));
        }
        options.limits.validate(&self.settings)?;
        let limits = options.limits.within(self.interface(interface)?.limits);
        let connection =
            self.begin_connection(interface, options.dialect, &options.payload, plan)?;
        let index = self.connections.resolve(connection)?;
        self.connections.at(index).limits = limits;
        Ok(connection)
    }

    fn any_websocket_interface(&mut self) -> Result<u32> {
        let mut kinds = self.interfaces.iter().map(|interface| interface.settings.kind);
        match kinds.position(|kind| kind == InterfaceKind::WebSocket) {
            Some(number) => Ok(number as u32),
            None => self.add_interface(InterfaceSettings::new(InterfaceKind::WebSocket)),
        }
    }

    fn utp_plan(&mut self, interface: u32, host: &str, port: u16, payload: &[u8]) -> Result<Plan> {
        let settings = &self.interface(interface)?.settings;
        let kind = settings.kind;
        let target = settings.path.clone().unwrap_or_else(|| "/".to_owned());
        self.check_payload(kind, payload)?;
        let tls = self.interface_tls(interface, host)?;
        let (secure, host) = (tls.is_some(), host.to_owned());
        let url = WebSocketUrl { secure, host, port, target, credentials: None };
        let mut plan = Plan::new(url);
        plan.host_is_address = true;
        plan.tls = tls;
        Ok(plan)
    }

    fn check_payload(&self, kind: InterfaceKind, payload: &[u8]) -> Result<()> {
        let most = self.handshake_payload_max(kind);
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
    ) -> Result<Connection> {
        let limits = self.interface(interface)?.limits;
        let index = self.add_connection(interface, dialect, limits).ok_or_else(|| {
            Error::new(
                Status::LimitReached,
                "the driver holds connections_max connections; close some or raise the setting",
            )
        })?;
        let entry = self.connections.at(index);
        entry.accepted = true;
        entry.set_payload(payload);
        entry.plan = Some(Box::new(plan));
        let located = self.locate(index);
        self.started(index, located)
    }

    /// A connection that could not even start is not given out.
    fn started(&mut self, index: u32, outcome: Result<()>) -> Result<Connection> {
        if let Err(error) = outcome {
            self.forget_token(index, false);
            self.release(index);
            return Err(error);
        }
        self.statistics.connections_outgoing += 1;
        Ok(self.connections.at(index).connection(index))
    }

    /// A socket of the interface that reaches the address; bound on the way when there is none.
    pub(super) fn datagram_link(
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
            Binding::Listener(_) | Binding::Custom(_) => false,
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
            Binding::Listener(_) | Binding::Custom(_) => Link::None,
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

/// Who the URL says that we are, unless the program says it itself.
fn authorizer(url: &WebSocketUrl, options: &UrlOptions) -> Option<Authorizer> {
    let mut names = options.headers.iter().map(|(name, _)| name);
    if names.any(|name| name.eq_ignore_ascii_case("Authorization")) {
        return None;
    }
    let credentials = url.credentials.clone()?;
    Some(Authorizer::new(credentials, options.digest_only))
}

/// The proxies that the options mean.
fn proxies(options: &UrlOptions) -> Result<Proxies> {
    let refused = |error: ProxyUrlError| Error::argument(error.to_string());
    let mut proxies = match &options.proxy {
        Some(text) => {
            let proxy = ProxyUrl::parse(text).map_err(refused)?;
            Proxies { plain: Some(proxy.clone()), secure: Some(proxy), ..Proxies::default() }
        }
        None if options.proxy_from_environment => {
            Proxies::from_environment(environment::variable).map_err(refused)?
        }
        None => Proxies::default(),
    };
    if let Some(list) = &options.no_proxy {
        proxies.exceptions = Exceptions::parse(list);
    }
    Ok(proxies)
}

fn check_options(options: &UrlOptions) -> Result<()> {
    check_sub_protocols(&options.sub_protocols)?;
    if options.connect_deadline_ms < 0 {
        let ms = options.connect_deadline_ms;
        return Err(Error::argument(format!("connect_deadline_ms is {ms}; it must be at least 0")));
    }
    if options.addresses.iter().any(|address| address.port() == 0) {
        return Err(Error::argument("one of the addresses has port 0; name the server's port"));
    }
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
