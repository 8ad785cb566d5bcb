//! What TLS does beside carrying bytes: proxies that speak it, secrets in a file, stapled answers.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use netdriver::settings::{NetworkSettings, TlsClient, TlsIdentity, TlsServer, UrlOptions};
use netdriver::{Connection, DisconnectReason, Event, EventKind, NetworkDriver, Status};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme};

use super::peer::TlsPeer;
use super::world::{SecurePair, secure_server};
use crate::support::certificates::Authority;
use crate::support::raw::{RawListener, RawStream};
use crate::support::{expect_accept, expect_event, status, step, until};

/// A client on its way through a proxy with TLS, which has taken it and read the CONNECT.
fn through(
    url: &str,
    tls: &TlsClient,
    authority: &Authority,
) -> (NetworkDriver, Connection, TlsPeer, String) {
    let listener = RawListener::new();
    let mut client =
        NetworkDriver::new(&NetworkSettings::default()).expect("the settings are good");
    let options = UrlOptions {
        proxy: Some(format!("https://ann:secret@localhost:{}", listener.port())),
        proxy_tls: Some(authority.client()),
        tls: Some(tls.clone()),
        ..UrlOptions::default()
    };
    let connection = client.connect_url(url, &options).expect("starts to connect");
    let raw = listener.accept(&mut client);
    let mut proxy = TlsPeer::server(raw, &authority.identity(&["localhost"]));
    let request = proxy.head(&mut client);
    (client, connection, proxy, request)
}

/// Carries bytes between the client's proxy and its server until the client has an event.
fn relay(
    client: &mut NetworkDriver,
    server: &mut NetworkDriver,
    proxy: &mut TlsPeer,
    onward: &mut RawStream,
) -> Event {
    until("an event through the proxy", || {
        carry(proxy, onward);
        step(&mut [client, server]);
        client.pop_event()
    })
}

fn carry(proxy: &mut TlsPeer, onward: &mut RawStream) {
    proxy.turn();
    let sent = onward.try_write(&proxy.inbox);
    proxy.inbox.drain(..sent);
    onward.read();
    let bytes = std::mem::take(&mut onward.inbox);
    proxy.say(&bytes);
}

#[test]
fn a_proxy_with_tls_carries_connections_with_and_without_their_own() {
    let (theirs, ours) = (Authority::new(), Authority::new());
    for scheme in ["ws", "wss"] {
        let (mut server, port) =
            secure_server(&ours.server(&["game"]), &NetworkSettings::default());
        if scheme == "ws" {
            server.set_tls_server(0, None).expect("without");
        }
        let url = format!("{scheme}://game:7777/room");
        let (mut client, connection, mut proxy, request) = through(&url, &ours.client(), &theirs);
        assert!(request.starts_with("CONNECT game:7777 HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("Proxy-Authorization: Basic YW5uOnNlY3JldA==\r\n"), "{request}");
        assert!(proxy.inbox.is_empty(), "nothing is said before the way is open");
        let mut onward = RawStream::connect(port);
        proxy.say(b"HTTP/1.1 200 OK\r\n\r\n");
        let event = relay(&mut client, &mut server, &mut proxy, &mut onward);
        assert_eq!((event.kind, event.connection), (EventKind::Connect, connection), "{event:?}");
        let version = client.tls_version(connection).expect("is open");
        assert_eq!(version, if scheme == "ws" { "" } else { "TLSv1.3" });
        let incoming = expect_accept(&mut [&mut server, &mut client]);
        // More than a record, a window and a buffer of the system, both ways.
        let long: Vec<u8> = (0..700_000u32).map(|at| (at * 7) as u8).collect();
        client.send(connection, 0, &long).expect("there is room");
        server.send(incoming, 0, &long).expect("there is room");
        let event = relay(&mut client, &mut server, &mut proxy, &mut onward);
        assert!(event.kind == EventKind::Data && event.data == long);
        let event = until("the message", || {
            carry(&mut proxy, &mut onward);
            step(&mut [&mut server, &mut client]);
            server.pop_event()
        });
        assert!(event.kind == EventKind::Data && event.data == long);
        client.close(connection, 4000, b"bye").expect("is open");
        let event = until("the goodbye", || {
            carry(&mut proxy, &mut onward);
            step(&mut [&mut server, &mut client]);
            server.pop_event()
        });
        assert_eq!((event.close_code, event.clean), (4000, true));
    }
}

#[test]
fn a_proxy_that_is_somebody_else_is_told_nothing() {
    let (theirs, ours) = (Authority::new(), Authority::new());
    let listener = RawListener::new();
    let mut client =
        NetworkDriver::new(&NetworkSettings::default()).expect("the settings are good");
    let options = UrlOptions {
        proxy: Some(format!("https://localhost:{}", listener.port())),
        proxy_tls: Some(ours.client()),
        ..UrlOptions::default()
    };
    client.connect_url("ws://game/", &options).expect("starts to connect");
    let mut onward = listener.accept(&mut client);
    let (mut fake, port) =
        secure_server(&theirs.server(&["localhost"]), &NetworkSettings::default());
    let mut back = RawStream::connect(port);
    let end = until("the end", || {
        onward.read();
        let bytes = std::mem::take(&mut onward.inbox);
        back.try_write(&bytes);
        back.read();
        let bytes = std::mem::take(&mut back.inbox);
        onward.try_write(&bytes);
        step(&mut [&mut client, &mut fake]);
        client.pop_event()
    });
    assert_eq!((end.kind, end.reason), (EventKind::Disconnect, DisconnectReason::ProxyFailed));
    let text = String::from_utf8_lossy(&end.data).into_owned();
    assert!(text.contains("unknown issuer") && text.contains("the proxy https://"), "{text}");
}

#[test]
fn a_server_behind_a_proxy_with_tls_is_verified_as_any_other() {
    let (theirs, ours) = (Authority::new(), Authority::new());
    let (mut server, port) = secure_server(&theirs.server(&["game"]), &NetworkSettings::default());
    let (mut client, _, mut proxy, _) = through("wss://game/", &ours.client(), &theirs);
    let mut onward = RawStream::connect(port);
    proxy.say(b"HTTP/1.1 200 OK\r\n\r\n");
    let end = relay(&mut client, &mut server, &mut proxy, &mut onward);
    assert_eq!(end.reason, DisconnectReason::AuthenticationFailure, "{end:?}");
}

/// A file of its own for a test, which need not exist.
fn file(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_file(&path);
    path
}

#[test]
fn the_secrets_of_sessions_are_written_where_a_file_is_named() {
    let authority = Authority::new();
    let (ours, theirs) = (file("client-keys.txt"), file("server-keys.txt"));
    let name = |path: &PathBuf| path.to_str().map(str::to_owned);
    let client = TlsClient { key_log_file: name(&ours), ..authority.client() };
    let server = TlsServer { key_log_file: name(&theirs), ..authority.server(&["localhost"]) };
    SecurePair::new(&server, &client);
    let lines = |path: &PathBuf| {
        let text = fs::read_to_string(path).expect("is there");
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let (sent, got) = (lines(&ours), lines(&theirs));
    assert_eq!(sent, got, "both sides know the same secrets");
    for label in ["CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"] {
        let line = sent.iter().find(|line| line.starts_with(&format!("{label} ")));
        let parts: Vec<&str> = line.expect(label).split(' ').collect();
        assert_eq!((parts.len(), parts[1].len()), (3, 64), "{parts:?}");
        assert!(parts[2].len() >= 64 && parts[2].bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&ours).expect("is there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "nobody else can read it");
    }
    SecurePair::new(&server, &client);
    assert_eq!(lines(&ours).len(), 2 * sent.len(), "lines are added");
    let nowhere = TlsClient { key_log_file: Some("/nowhere/at/all".into()), ..authority.client() };
    let mut driver =
        NetworkDriver::new(&NetworkSettings::default()).expect("the settings are good");
    let options = UrlOptions { tls: Some(nowhere), ..UrlOptions::default() };
    let refused = driver.connect_url("wss://localhost/", &options);
    assert_eq!(status(refused), Status::InvalidArgument);
}

/// Believes everybody, and keeps what was stapled.
#[derive(Debug)]
struct Stapled(Arc<Mutex<Option<Vec<u8>>>>);

impl ServerCertVerifier for Stapled {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        ocsp: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        *self.0.lock().expect("is whole") = Some(ocsp.to_vec());
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::ring::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[test]
fn clients_get_the_stapled_answer_with_the_certificate() {
    let authority = Authority::new();
    let identity = TlsIdentity { ocsp: b"all is well".to_vec(), ..authority.identity(&["game"]) };
    let tls = TlsServer { identities: vec![identity], ..TlsServer::default() };
    let (mut server, port) = secure_server(&tls, &NetworkSettings::default());
    let plain = authority.server(&["game"]);
    for (versions, wanted) in [
        (rustls::DEFAULT_VERSIONS, &b"all is well"[..]),
        (&[&rustls::version::TLS12], b"all is well"),
        (rustls::DEFAULT_VERSIONS, b""),
    ] {
        if wanted.is_empty() {
            server.set_tls_server(0, Some(&plain)).expect("is good");
        }
        let found = Arc::new(Mutex::new(None));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .expect("versions")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Stapled(found.clone())))
            .with_no_client_auth();
        let name = ServerName::try_from("game").expect("a name");
        let session = ClientConnection::new(config.into(), name).expect("starts");
        let raw = RawStream::connect(port);
        let mut peer = TlsPeer::new(raw, rustls::Connection::Client(session));
        let seen = until("the certificate", || {
            peer.turn();
            step(&mut [&mut server]);
            found.lock().expect("is whole").take()
        });
        assert_eq!(seen, wanted);
    }
}

#[test]
fn a_client_of_ours_takes_a_server_that_staples() {
    let authority = Authority::new();
    let identity =
        TlsIdentity { ocsp: b"no answer at all".to_vec(), ..authority.identity(&["localhost"]) };
    let tls = TlsServer { identities: vec![identity], ..TlsServer::default() };
    let (mut server, port) = secure_server(&tls, &NetworkSettings::default());
    let (mut client, _) =
        super::world::connecting(port, &authority.client(), &NetworkSettings::default());
    // What is stapled is judged by the system's verifier, where that does; with own roots nobody
    // reads it.
    expect_event(&mut [&mut client, &mut server], EventKind::Connect);
}
