//! Interfaces: what kinds of link a driver has, where they are bound, and how layers stack.

use std::collections::HashMap;
use std::net::SocketAddr;

use super::NetworkDriver;
use super::connections::Link;
use super::documents::Documents;
use super::gate::Gate;
use super::token_hash::TokenHash;
use crate::error::{Error, Result, Status};
use crate::proto::endpoint::{Family, NetworkEndpoint};
use crate::proto::framing;
use crate::proto::time::{Micros, from_ms};
use crate::proto::utp::packet::{DATA_HEADER_SIZE, HANDSHAKE_LENGTH_SIZE, HANDSHAKE_SIZE, Token};
use crate::proto::websocket;
use crate::proto::websocket::extension::Extension;
use crate::pump::{ClientTls, IpcPort, Listener, ServerTls, UdpSocket};
use crate::settings::{
    ConnectionLimits, Dialect, DialectPolicy, InterfaceKind, InterfaceSettings, NetworkSettings,
};

/// Interfaces of one driver.
pub const INTERFACES_MAX: usize = 16;
/// Bound endpoints of one interface.
pub const BINDINGS_MAX: usize = 16;

/// A bound endpoint: the number of its socket in the pump.
#[derive(Clone, Copy)]
pub enum Binding {
    /// A UDP socket.
    Udp(u32),
    /// A TCP listener.
    Listener(u32),
    /// An in-process port, and the family that the program named it by.
    Ipc(u32, Family),
    /// A custom interface.
    Custom(u32),
}

/// A way for packets to travel.
pub struct Interface {
    /// What it was made with.
    pub settings: InterfaceSettings,
    /// What may wait in its connections; every field says something.
    pub limits: ConnectionLimits,
    /// Where the program bound it.
    pub bindings: Vec<Binding>,
    /// Sockets that connecting bound on its own.
    pub implicit: Vec<Binding>,
    /// Connections by token.
    pub tokens: HashMap<Token, u32, TokenHash>,
    /// Who may come in.
    pub gate: Gate,
    /// What its listeners answer ordinary requests with.
    pub documents: Documents,
    /// What clients on it speak TLS with; `None`: they do so for `wss://` only.
    pub tls_client: Option<ClientTls>,
    /// What its listeners speak TLS with; `None`: they do not.
    pub tls_server: Option<ServerTls>,
    /// What its connections may agree on beside compression.
    pub extensions: Vec<Box<dyn Extension>>,
    /// Its number in the pump, when the program has brought it.
    pub custom: Option<u32>,
}

/// The layers of a connection, bottom to top, and what each adds to a packet.
pub struct Layers {
    /// Bytes that the WebSocket frame may add (Unity Transport counts the longest header), or those
    /// of a packet's length over TCP.
    pub framing: usize,
    /// Bytes of the UTP header.
    pub protocol: usize,
}

/// The order of layers: interface → WebSocket or TCP framing → simulator → connection protocol →
/// events.
/// TLS is below the framing, in the pump's streams; pipelines go above the protocol.
pub const fn layers(kind: InterfaceKind, dialect: Dialect) -> Layers {
    let framing = match kind {
        InterfaceKind::WebSocket => websocket::HEADER_SIZE_MAX,
        InterfaceKind::Tcp => framing::HEADER_SIZE,
        InterfaceKind::Udp | InterfaceKind::Ipc | InterfaceKind::Custom => 0,
    };
    let protocol = match dialect {
        Dialect::Utp => DATA_HEADER_SIZE,
        Dialect::Plain => 0,
    };
    Layers { framing, protocol }
}

/// The settings of the WebSocket machine in a dialect; `None` while it is not decided.
pub const fn websocket_config(
    s: &NetworkSettings,
    limits: &ConnectionLimits,
    dialect: Option<Dialect>,
) -> websocket::Config {
    let plain_size = limits.websocket_message_size_max;
    let utp_size = utp_packet_size_max(s, InterfaceKind::WebSocket) as u32;
    let plain = websocket::Config {
        message_size_max: plain_size,
        assembly_max: if s.fragment_events { 0 } else { u32::MAX },
        fragment_size: s.fragment_size,
        text: true,
        ping_interval: from_ms(s.ping_interval_ms),
        pings_in_silence_only: false,
        pong_timeout: from_ms(s.pong_timeout_ms),
        silence_timeout: from_ms(s.silence_timeout_ms),
        probes_silence: s.tolerate_throttled,
        close_timeout: from_ms(s.close_timeout_ms),
    };
    // A connection request, which decides, is whole.
    let assembly_max = if s.fragment_events { utp_size } else { u32::MAX };
    match dialect {
        Some(Dialect::Utp) => websocket::Config {
            message_size_max: utp_size,
            assembly_max: u32::MAX,
            // One packet is one frame.
            fragment_size: 0,
            text: false,
            // Unity pings after the heartbeat time and never waits for a pong. When it counts as
            // life, one must be there in time.
            ping_interval: if s.tolerate_throttled {
                utp_ping_interval(s)
            } else {
                from_ms(s.heartbeat_timeout_ms)
            },
            pings_in_silence_only: true,
            pong_timeout: 0,
            silence_timeout: 0,
            probes_silence: false,
            ..plain
        },
        None if utp_size > plain_size => {
            websocket::Config { message_size_max: utp_size, assembly_max, ..plain }
        }
        None => websocket::Config { assembly_max, ..plain },
        Some(Dialect::Plain) => plain,
    }
}

/// The heartbeat time, or half of the silence that ends a connection, whichever is shorter; 0 is
/// never.
const fn utp_ping_interval(s: &NetworkSettings) -> Micros {
    let heartbeat = from_ms(s.heartbeat_timeout_ms);
    let half = from_ms(s.disconnect_timeout_ms) / 2;
    if heartbeat == 0 || (half > 0 && half < heartbeat) { half } else { heartbeat }
}

/// Bytes of the largest UTP packet on an interface.
pub const fn utp_packet_size_max(s: &NetworkSettings, kind: InterfaceKind) -> usize {
    (s.max_message_size as usize).saturating_sub(layers(kind, Dialect::Utp).framing)
}

impl NetworkDriver {
    /// Adds an interface; returns its number.
    ///
    /// # Errors
    /// [`Status::InvalidArgument`] (paths, sub-protocols), [`Status::LimitReached`].
    pub fn add_interface(&mut self, settings: InterfaceSettings) -> Result<u32> {
        if settings.kind == InterfaceKind::Custom {
            let text = "a custom interface is brought by the program: use add_custom_interface";
            return Err(Error::argument(text));
        }
        self.insert_interface(settings)
    }

    pub(super) fn insert_interface(&mut self, settings: InterfaceSettings) -> Result<u32> {
        settings.validate()?;
        let packet = utp_packet_size_max(&self.settings, settings.kind);
        if settings.dialect != DialectPolicy::PlainOnly && packet < HANDSHAKE_SIZE {
            return Err(Error::argument(format!(
                "max_message_size leaves {packet} bytes for a packet on this interface; a \
                 connection request has {HANDSHAKE_SIZE}"
            )));
        }
        if self.interfaces.len() >= INTERFACES_MAX {
            return Err(limit(format!("a driver has at most {INTERFACES_MAX} interfaces")));
        }
        settings.limits.validate(&self.settings)?;
        self.interfaces.push(Interface {
            gate: Gate::new(&settings)?,
            limits: settings.limits.within(ConnectionLimits::of(&self.settings)),
            settings,
            bindings: Vec::new(),
            implicit: Vec::new(),
            tokens: HashMap::with_hasher(TokenHash::new(self.entropy.take())),
            documents: Documents::default(),
            tls_client: None,
            tls_server: None,
            extensions: Vec::new(),
            custom: None,
        });
        Ok(self.interfaces.len() as u32 - 1)
    }

    pub(super) fn interface(&mut self, number: u32) -> Result<&mut Interface> {
        let count = self.interfaces.len();
        self.interfaces.get_mut(number as usize).ok_or_else(|| unknown(number, count))
    }

    /// The same, to be looked at.
    pub(super) fn peek_interface(&self, number: u32) -> Result<&Interface> {
        let count = self.interfaces.len();
        self.interfaces.get(number as usize).ok_or_else(|| unknown(number, count))
    }

    /// Binds an interface to an address of this machine; returns the number of the binding.
    ///
    /// # Errors
    /// [`Status::InvalidArgument`], [`Status::NetworkSocketError`], [`Status::LimitReached`].
    pub fn bind(&mut self, interface: u32, endpoint: &NetworkEndpoint) -> Result<u32> {
        let place = self.interface(interface)?;
        if place.bindings.len() >= BINDINGS_MAX {
            return Err(limit(format!("an interface has at most {BINDINGS_MAX} endpoints")));
        }
        let kind = place.settings.kind;
        let binding = if kind == InterfaceKind::Custom {
            if !endpoint.is_valid() {
                return Err(Error::argument("the endpoint is invalid; name its family"));
            }
            self.bind_custom(interface, endpoint)?
        } else {
            let address = self.local_address(kind, endpoint)?;
            self.open_binding(kind, address)?
        };
        if self.listening {
            self.start_listening(binding)?;
        }
        let place = self.interface(interface)?;
        place.bindings.push(binding);
        Ok(place.bindings.len() as u32 - 1)
    }

    fn local_address(&self, kind: InterfaceKind, endpoint: &NetworkEndpoint) -> Result<SocketAddr> {
        let address = endpoint
            .to_socket_addr()
            .ok_or_else(|| Error::argument("this interface needs an IPv4 or IPv6 endpoint"))?;
        if kind == InterfaceKind::Ipc && !(endpoint.is_loopback() || endpoint.is_any()) {
            return Err(Error::argument("an IPC interface takes loopback endpoints only"));
        }
        Ok(address)
    }

    pub(super) fn open_binding(
        &mut self,
        kind: InterfaceKind,
        address: SocketAddr,
    ) -> Result<Binding> {
        let failed = |error| Error::socket(&format!("cannot bind {kind:?} to {address}"), &error);
        match kind {
            InterfaceKind::Udp => {
                let whole = self.settings.perform_path_mtu_discovery;
                let socket = UdpSocket::bind(address, whole).map_err(failed)?;
                let number = self.pump.add_udp(socket).map_err(failed)?;
                Ok(Binding::Udp(number as u32))
            }
            InterfaceKind::WebSocket | InterfaceKind::Tcp => {
                let listener = Listener::bind(address).map_err(failed)?;
                Ok(Binding::Listener(self.pump.add_listener(listener) as u32))
            }
            InterfaceKind::Ipc => {
                let port = IpcPort::bind(address.port(), &self.pump.bell).map_err(failed)?;
                self.pump.ipc.push(port);
                let family = if address.is_ipv4() { Family::Ipv4 } else { Family::Ipv6 };
                Ok(Binding::Ipc(self.pump.ipc.len() as u32 - 1, family))
            }
            InterfaceKind::Custom => Err(Error::argument("no socket carries a custom interface")),
        }
    }

    /// Is any interface bound by the program?
    #[must_use]
    pub fn is_bound(&self) -> bool {
        self.interfaces.iter().any(|interface| !interface.bindings.is_empty())
    }

    /// Does the driver take connections?
    #[must_use]
    pub const fn is_listening(&self) -> bool {
        self.listening
    }

    /// The address that a binding has, with the port that the system chose.
    ///
    /// # Errors
    /// [`Status::InvalidArgument`] for an unknown interface, [`Status::NotFound`] for a binding.
    pub fn local_endpoint(&mut self, interface: u32, binding: u32) -> Result<NetworkEndpoint> {
        let place = self.interface(interface)?;
        let found = place.bindings.iter().chain(&place.implicit).nth(binding as usize).copied();
        let binding = found.ok_or_else(|| {
            let text = format!("interface {interface} has no bound endpoint {binding}");
            Error::new(Status::NotFound, text)
        })?;
        Ok(NetworkEndpoint::from_socket_addr(match binding {
            Binding::Udp(number) => self.pump.udp[number as usize].local(),
            Binding::Listener(number) => self.pump.listeners[number as usize].local(),
            Binding::Ipc(number, family) => {
                ipc_address(self.pump.ipc[number as usize].port(), family == Family::Ipv6)
            }
            Binding::Custom(number) => return Ok(self.pump.custom[number as usize].local()),
        }))
    }

    /// The address of this side of a link.
    pub(super) fn link_local(&mut self, link: Link) -> Option<SocketAddr> {
        match link {
            Link::None | Link::Custom { .. } => None,
            Link::Udp { socket, .. } => Some(self.pump.udp[socket as usize].local()),
            Link::Ipc { port, .. } => Some(ipc_address(self.pump.ipc[port as usize].port(), false)),
            Link::Stream(id) => self.pump.stream_local(id),
        }
    }

    /// Serves a document to ordinary HTTP requests.
    ///
    /// # Errors
    /// [`Status::InvalidArgument`], [`Status::LimitReached`].
    pub fn set_document(
        &mut self,
        interface: u32,
        path: &str,
        content_type: &str,
        body: &[u8],
    ) -> Result<()> {
        self.websocket_interface(interface)?.documents.set(path, content_type, body)
    }

    /// Stops serving a document.
    ///
    /// # Errors
    /// [`Status::InvalidArgument`], [`Status::NotFound`].
    pub fn remove_document(&mut self, interface: u32, path: &str) -> Result<()> {
        self.websocket_interface(interface)?.documents.remove(path)
    }

    fn websocket_interface(&mut self, number: u32) -> Result<&mut Interface> {
        let interface = self.interface(number)?;
        if interface.settings.kind != InterfaceKind::WebSocket {
            return Err(Error::argument("documents are served by WebSocket interfaces only"));
        }
        Ok(interface)
    }

    /// Bytes that fit into a connection request or accept.
    pub(super) fn handshake_payload_max(&self, kind: InterfaceKind) -> usize {
        let handshake = HANDSHAKE_SIZE + HANDSHAKE_LENGTH_SIZE + DATA_HEADER_SIZE;
        utp_packet_size_max(&self.settings, kind).saturating_sub(handshake)
    }
}

/// In-process ports read as loopback addresses.
pub fn ipc_address(port: u16, ipv6: bool) -> SocketAddr {
    if ipv6 {
        (std::net::Ipv6Addr::LOCALHOST, port).into()
    } else {
        (std::net::Ipv4Addr::LOCALHOST, port).into()
    }
}

fn limit(text: String) -> Error {
    Error::new(Status::LimitReached, text)
}

fn unknown(number: u32, count: usize) -> Error {
    Error::argument(format!("there is no interface {number}; the driver has {count}"))
}
