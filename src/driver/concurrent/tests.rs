//! What lanes keep of connections that are gone.

use crate::proto::endpoint::NetworkEndpoint;
use crate::settings::{InterfaceKind, InterfaceSettings, NetworkSettings};
use crate::{Connection, NetworkDriver};

/// Rounds before something has not happened.
const ROUNDS_MAX: usize = 10_000;

/// A server in this process that has accepted a client, which comes along.
fn pair() -> (NetworkDriver, NetworkDriver, Connection) {
    let settings = NetworkSettings::default();
    let [mut server, mut client] = [(); 2].map(|()| {
        let mut driver = NetworkDriver::new(&settings).expect("the settings are good");
        driver.add_interface(InterfaceSettings::new(InterfaceKind::Ipc)).expect("is added");
        driver
    });
    let binding = server.bind(0, &NetworkEndpoint::loopback_ipv4(0)).expect("binds");
    server.listen().expect("listens");
    let endpoint = server.local_endpoint(0, binding).expect("is bound");
    client.connect(0, &endpoint, b"").expect("starts to connect");
    for _ in 0..ROUNDS_MAX {
        client.update().expect("updates");
        server.update().expect("updates");
        if let Some(connection) = server.accept() {
            return (server, client, connection);
        }
    }
    panic!("nobody came in time");
}

#[test]
fn sends_left_open_on_a_connection_that_is_let_go_of_keep_no_memory() {
    let (mut server, _client, connection) = pair();
    server.enable_lanes();
    for _ in 0..3 {
        server.share().begin_send(connection, 0, 100).expect("begins");
    }
    server.settle_lanes();
    let index = connection.index();
    server.abort(connection).expect("is known");
    server.update().expect("updates");
    let lane = server.lanes.own(index).expect("there are lanes");
    assert_eq!((lane.sends.is_idle(), lane.sends.kept()), (true, 0));
}
