//! Servers and clients with TLS, and a relay between them that can be slow, wrong or gone.

use netdriver::settings::{DialectPolicy, NetworkSettings, TlsClient, TlsServer, UrlOptions};
use netdriver::{Connection, Event, EventKind, NetworkDriver};

use crate::support::raw::{RawListener, RawStream};
use crate::support::{expect_accept, expect_event, next_event, step, until, websocket_server};

/// A listening WebSocket driver with TLS, and its port.
#[track_caller]
pub fn secure_server(tls: &TlsServer, settings: &NetworkSettings) -> (NetworkDriver, u16) {
    let (mut server, port) = websocket_server(DialectPolicy::Auto, settings);
    server.set_tls_server(0, Some(tls)).expect("good certificates");
    (server, port)
}

/// A driver that has begun to connect.
#[track_caller]
pub fn connecting(
    port: u16,
    tls: &TlsClient,
    settings: &NetworkSettings,
) -> (NetworkDriver, Connection) {
    let mut client = NetworkDriver::new(settings).expect("the settings are good");
    let options = UrlOptions { tls: Some(tls.clone()), ..UrlOptions::default() };
    let url = format!("wss://localhost:{port}/room?x=1");
    let connection = client.connect_url(&url, &options).expect("starts to connect");
    (client, connection)
}

/// A server and a client with TLS between them.
pub struct SecurePair {
    pub server: NetworkDriver,
    pub client: NetworkDriver,
    pub to_client: Connection,
    pub to_server: Connection,
}

impl SecurePair {
    #[track_caller]
    pub fn new(server: &TlsServer, client: &TlsClient) -> Self {
        Self::with(server, client, &NetworkSettings::default())
    }

    #[track_caller]
    pub fn with(server: &TlsServer, client: &TlsClient, settings: &NetworkSettings) -> Self {
        let (mut server, port) = secure_server(server, settings);
        let (mut client, to_server) = connecting(port, client, settings);
        expect_event(&mut [&mut client, &mut server], EventKind::Connect);
        let to_client = expect_accept(&mut [&mut server, &mut client]);
        Self { server, client, to_client, to_server }
    }

    #[track_caller]
    pub fn step(&mut self) {
        step(&mut [&mut self.server, &mut self.client]);
    }

    #[track_caller]
    pub fn server_event(&mut self, kind: EventKind) -> Event {
        expect_event(&mut [&mut self.server, &mut self.client], kind)
    }

    #[track_caller]
    pub fn client_event(&mut self, kind: EventKind) -> Event {
        expect_event(&mut [&mut self.client, &mut self.server], kind)
    }
}

/// How a connection ends that must not be made.
#[track_caller]
pub fn refusal(server: &TlsServer, client: &TlsClient) -> (NetworkDriver, NetworkDriver, Event) {
    let settings = NetworkSettings::default();
    let (mut server, port) = secure_server(server, &settings);
    let (mut client, _) = connecting(port, client, &settings);
    let end = next_event(&mut [&mut client, &mut server], "the end");
    assert_eq!(end.kind, EventKind::Disconnect, "{end:?}");
    (server, client, end)
}

/// A relay: the client believes that it is the server.
pub struct Relay {
    pub near: RawStream,
    pub far: RawStream,
}

impl Relay {
    /// Between a new client and a server.
    #[track_caller]
    pub fn new(
        port: u16,
        tls: &TlsClient,
        settings: &NetworkSettings,
    ) -> (Self, NetworkDriver, Connection) {
        let listener = RawListener::new();
        let (mut client, connection) = connecting(listener.port(), tls, settings);
        let near = listener.accept(&mut client);
        let far = RawStream::connect(port);
        (Self { near, far }, client, connection)
    }

    /// Carries at most `count` bytes each way.
    pub fn carry(&mut self, count: usize) {
        carry(&mut self.near, &mut self.far, count);
        carry(&mut self.far, &mut self.near, count);
    }

    /// Carries `count` bytes at a time until the client has an event.
    #[track_caller]
    pub fn event(
        &mut self,
        count: usize,
        client: &mut NetworkDriver,
        server: &mut NetworkDriver,
    ) -> Event {
        until("an event of the client", || {
            self.carry(count);
            server.update().expect("updates");
            client.update().expect("updates");
            client.pop_event()
        })
    }
}

fn carry(from: &mut RawStream, to: &mut RawStream, count: usize) {
    from.read();
    let count = count.min(from.inbox.len());
    let sent = to.try_write(&from.inbox[..count]);
    from.inbox.drain(..sent);
}
