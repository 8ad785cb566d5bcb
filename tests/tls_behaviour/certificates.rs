//! Certificates: which are taken, which are refused and in what words, and which is chosen.

use netdriver::settings::{
    ClientCertificates, InterfaceKind, InterfaceSettings, NetworkSettings, TlsClient, TlsIdentity,
    TlsServer, TlsVersion, UrlOptions,
};
use netdriver::{ConnectionText, DisconnectReason, Event, EventKind, NetworkDriver, Status};

use super::world::{SecurePair, connecting, refusal, secure_server};
use crate::support::certificates::{Authority, self_made};
use crate::support::{
    driver_with, expect_accept, expect_event, listen, next_event, step, until, websocket_server,
};

#[track_caller]
fn assert_refused(end: &Event, words: &str) {
    assert_eq!(end.reason, DisconnectReason::AuthenticationFailure, "{end:?}");
    assert_eq!((end.clean, end.close_code), (false, 0));
    let text = std::str::from_utf8(&end.data).expect("is text");
    assert!(text.contains(words), "{text:?} does not say {words:?}");
}

/// The server has counted what its client found wrong.
#[track_caller]
fn assert_counted(server: &mut NetworkDriver, client: &mut NetworkDriver) {
    until("the server has counted the failure", || {
        step(&mut [server, client]);
        (server.statistics().tls_failures == 1).then_some(())
    });
    assert_eq!(server.statistics().handshakes_failed, 1);
    assert!(server.accept().is_none());
}

#[test]
fn wrong_certificates_of_servers_are_refused_in_words() {
    let authority = Authority::new();
    let other = Authority::new();
    let cases = [
        (authority.expired(&["localhost"]), "expired"),
        (authority.of_the_future(&["localhost"]), "not valid yet"),
        (authority.identity(&["elsewhere.example"]), "another host: "),
        (other.identity(&["localhost"]), "unknown issuer"),
    ];
    for (identity, words) in cases {
        let server = TlsServer { identities: vec![identity], ..TlsServer::default() };
        let (mut server, mut client, end) = refusal(&server, &authority.client());
        assert_refused(&end, words);
        assert_counted(&mut server, &mut client);
    }
}

#[test]
fn a_refusal_reaches_the_server_as_an_alert_before_the_end() {
    let authority = Authority::new();
    let server = authority.server(&["elsewhere.example"]);
    let (mut server, mut client, _) = refusal(&server, &authority.client());
    assert_counted(&mut server, &mut client);
    until("all streams are gone", || {
        step(&mut [&mut server, &mut client]);
        let pending =
            server.statistics().handshakes_pending + client.statistics().connections_closing;
        (pending == 0).then_some(())
    });
}

#[test]
fn the_system_does_not_trust_an_authority_of_our_own() {
    let authority = Authority::new();
    let (_, _, end) = refusal(&authority.server(&["localhost"]), &TlsClient::default());
    assert_refused(&end, "certificate");
}

#[test]
fn the_system_and_an_authority_of_our_own_go_together() {
    let authority = Authority::new();
    let client = TlsClient { ca: authority.pem(), ..TlsClient::default() };
    SecurePair::new(&authority.server(&["localhost"]), &client);
}

#[test]
fn a_self_made_certificate_is_trusted_when_it_is_given() {
    let identity = self_made(&["localhost"]);
    let server = TlsServer { identities: vec![identity.clone()], ..TlsServer::default() };
    for use_system_roots in [false, true] {
        let ca = identity.certificate.clone();
        let client = TlsClient { ca, use_system_roots, ..TlsClient::default() };
        SecurePair::new(&server, &client);
    }
    // But not for another name, and not when it is somebody else's.
    let client = TlsClient {
        ca: identity.certificate,
        use_system_roots: false,
        server_name: Some("elsewhere.example".to_owned()),
        ..TlsClient::default()
    };
    assert_refused(&refusal(&server, &client).2, "another host");
    let stranger = TlsServer { identities: vec![self_made(&["localhost"])], ..server };
    let client = TlsClient { server_name: None, ..client };
    assert_refused(&refusal(&stranger, &client).2, "certificate");
}

#[test]
fn an_insecure_client_takes_everything() {
    let authority = Authority::new();
    let identity = authority.expired(&["elsewhere.example"]);
    let server = TlsServer { identities: vec![identity], ..TlsServer::default() };
    let client = TlsClient { insecure: true, ..TlsClient::default() };
    SecurePair::new(&server, &client);
}

#[test]
fn a_server_name_replaces_the_hosts() {
    let authority = Authority::new();
    let server = authority.server(&["game.example"]);
    let client = TlsClient { server_name: Some("game.example".to_owned()), ..authority.client() };
    let pair = SecurePair::new(&server, &client);
    assert_eq!(pair.server.tls_server_name(pair.to_client).expect("is open"), "game.example");
}

#[test]
fn the_name_that_a_client_asks_for_chooses_the_certificate() {
    let authority = Authority::new();
    let names: [&[&str]; 3] = [&["localhost"], &["one.example", "uno.example"], &["*.two.example"]];
    let identities: Vec<_> = names.iter().map(|names| authority.identity(names)).collect();
    let server = TlsServer { identities: identities.clone(), ..TlsServer::default() };
    for (asked, chosen) in
        [("localhost", 0), ("one.example", 1), ("uno.example", 1), ("a.two.example", 2)]
    {
        let client = TlsClient { server_name: Some(asked.to_owned()), ..authority.client() };
        let pair = SecurePair::new(&server, &client);
        let shown = pair.client.tls_peer_certificate(pair.to_server).expect("is open");
        assert!(is_same(&shown, &identities[chosen]), "{asked}");
    }
    // A name that none has gets the first, which the client then refuses.
    let client = TlsClient { server_name: Some("three.example".to_owned()), ..authority.client() };
    assert_refused(&refusal(&server, &client).2, "another host");
}

fn is_same(pem: &str, identity: &TlsIdentity) -> bool {
    let own = String::from_utf8_lossy(&identity.certificate).replace("\r\n", "\n");
    own == pem
}

#[test]
fn clients_certificates_are_asked_for_and_verified() {
    let authority = Authority::new();
    let other = Authority::new();
    let mut shown = authority.client();
    shown.identity = Some(authority.identity(&["ann"]));
    let mut wrong = authority.client();
    wrong.identity = Some(other.identity(&["ann"]));

    let required = authority.strict_server(ClientCertificates::Required);
    let pair = SecurePair::new(&required, &shown);
    let pem = pair.server.tls_peer_certificate(pair.to_client).expect("is open");
    assert!(is_same(&pem, shown.identity.as_ref().expect("is there")));
    for version_min in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let required = TlsServer { version_min, ..required.clone() };
        let (mut server, mut client, end) = refusal(&required, &authority.client());
        assert_refused(&end, "the server ended TLS: certificate required");
        assert_counted(&mut server, &mut client);
        let (mut server, mut client, end) = refusal(&required, &wrong);
        assert_refused(&end, "the server ended TLS: ");
        assert_counted(&mut server, &mut client);
    }

    // The name in it, where one is asked for.
    for (name, taken) in [("ann", true), ("bob", false)] {
        let named = TlsServer { client_name: Some(name.to_owned()), ..required.clone() };
        if taken {
            SecurePair::new(&named, &shown);
        } else {
            assert_refused(&refusal(&named, &shown).2, "the server ended TLS: ");
        }
    }

    let optional = authority.strict_server(ClientCertificates::Optional);
    let pair = SecurePair::new(&optional, &authority.client());
    assert_eq!(pair.server.tls_peer_certificate(pair.to_client).expect("is open"), "");
    SecurePair::new(&optional, &shown);
    assert_refused(&refusal(&optional, &wrong).2, "the server ended TLS: ");
}

#[test]
fn certificates_are_replaced_while_listening_and_nobody_is_dropped() {
    let authority = Authority::new();
    let settings = NetworkSettings::default();
    let first = authority.server(&["localhost"]);
    let second = authority.server(&["localhost"]);
    let (mut server, port) = secure_server(&first, &settings);
    let (mut old, to_server) = connecting(port, &authority.client(), &settings);
    expect_event(&mut [&mut old, &mut server], EventKind::Connect);
    expect_accept(&mut [&mut server, &mut old]);
    server.set_tls_server(0, Some(&second)).expect("good certificates");
    let (mut new, connection) = connecting(port, &authority.client(), &settings);
    expect_event(&mut [&mut new, &mut server], EventKind::Connect);
    let shown = new.tls_peer_certificate(connection).expect("is open");
    assert!(is_same(&shown, &second.identities[0]));
    old.send(to_server, 0, b"still here").expect("is sent");
    let event = expect_event(&mut [&mut server, &mut old], EventKind::Data);
    assert_eq!(event.data[..], *b"still here");
    // A mistake changes nothing.
    let wrong = TlsServer::default();
    assert!(server.set_tls_server(0, Some(&wrong)).is_err());
    let (mut third, _) = connecting(port, &authority.client(), &settings);
    expect_event(&mut [&mut third, &mut server], EventKind::Connect);
    // And plain again.
    server.set_tls_server(0, None).expect("is a WebSocket interface");
    let (mut late, _) = connecting(port, &authority.client(), &settings);
    let end = expect_event(&mut [&mut late, &mut server], EventKind::Disconnect);
    assert_refused(&end, "does not speak TLS");
}

#[test]
fn mistakes_in_certificates_are_found_when_they_are_given() {
    let authority = Authority::new();
    let good = authority.identity(&["localhost"]);
    let other = authority.identity(&["localhost"]);
    let (mut driver, _) =
        websocket_server(netdriver::settings::DialectPolicy::Auto, &NetworkSettings::default());
    let mut server = |identities: Vec<TlsIdentity>| {
        let settings = TlsServer { identities, ..TlsServer::default() };
        let error = driver.set_tls_server(0, Some(&settings)).expect_err("is wrong");
        assert_eq!(error.status(), Status::InvalidArgument);
        error.text().to_owned()
    };
    assert!(server(Vec::new()).contains("1 to 64"));
    let crossed = TlsIdentity { key: other.key, ..good.clone() };
    assert!(server(vec![good.clone(), crossed]).contains("certificate 1 and its key"));
    let text = server(vec![TlsIdentity { key: b"no key".to_vec(), ..good.clone() }]);
    assert!(text.contains("key 0 cannot be read"), "{text}");
    assert!(!text.contains("no key"), "{text}");
    let no_pem = TlsIdentity { certificate: b"not PEM at all".to_vec(), ..good.clone() };
    assert!(server(vec![no_pem]).contains("certificate 0"));
    let huge = TlsIdentity { certificate: vec![b' '; 2 << 20], ..good };
    assert!(server(vec![huge]).contains("at most"));

    let mut client = |settings: TlsClient| {
        let error = driver.set_tls_client(0, Some(&settings)).expect_err("is wrong");
        assert_eq!(error.status(), Status::InvalidArgument);
        error.text().to_owned()
    };
    let nobody = TlsClient { use_system_roots: false, ..TlsClient::default() };
    assert!(client(nobody).contains("trusts nobody"));
    let name = Some("not a name".to_owned());
    assert!(client(TlsClient { server_name: name, ..authority.client() }).contains("server_name"));
}

#[test]
fn a_redirect_takes_no_certificate_and_no_name_to_another_host() {
    let authority = Authority::new();
    let tls = TlsServer {
        client_certificates: ClientCertificates::Optional,
        client_ca: authority.pem(),
        ..authority.server(&["localhost"])
    };
    let settings = NetworkSettings::default();
    let (mut second, second_port) = secure_server(&tls, &settings);
    let interface = InterfaceSettings {
        accept_requests: true,
        ..InterfaceSettings::new(InterfaceKind::WebSocket)
    };
    let named = TlsServer { identities: vec![authority.identity(&["game.example"])], ..tls };
    for by_interface in [false, true] {
        let mut first = driver_with(interface.clone(), &settings);
        first.set_tls_server(0, Some(&named)).expect("good certificates");
        let first_port = listen(&mut first).port();
        let own = TlsClient {
            server_name: Some("game.example".to_owned()),
            identity: Some(authority.identity(&["player"])),
            ..authority.client()
        };
        let none = InterfaceSettings::new(InterfaceKind::WebSocket);
        let mut client = driver_with(none, &settings);
        let mut options = UrlOptions { redirects_max: 1, ..UrlOptions::default() };
        if by_interface {
            client.set_tls_client(0, Some(&own)).expect("good certificates");
        } else {
            options.tls = Some(own);
        }
        let url = format!("wss://localhost:{first_port}/");
        let connection = client.connect_url(&url, &options).expect("starts to connect");
        let request = until("a request", || {
            step(&mut [&mut first, &mut client]);
            first.pop_request()
        });
        let kind = ConnectionText::TlsPeerCertificate;
        assert_ne!(first.pending_text(request.id, kind).expect("waits"), "");
        let elsewhere = format!("wss://localhost:{second_port}/");
        let headers = [("Location".to_owned(), elsewhere.clone())];
        first.reject_request(request.id, 307, &headers, b"").expect("waits");
        let event = next_event(&mut [&mut client, &mut first, &mut second], "the end");
        assert_eq!(event.kind, EventKind::Connect, "{event:?}");
        let url = client.connection_text(connection, ConnectionText::Url).expect("is open");
        assert_eq!(url, elsewhere);
        let incoming = expect_accept(&mut [&mut second, &mut client]);
        assert_eq!(second.tls_peer_certificate(incoming).expect("is open"), "");
    }
}
