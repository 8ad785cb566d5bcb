//! What lanes keep, of connections that are gone and of those that live.

use super::lane::LANE_MEMORY_UNUSED_MAX;
use crate::proto::endpoint::NetworkEndpoint;
use crate::proto::time::MICROS_PER_MS;
use crate::settings::{InterfaceKind, InterfaceSettings, NetworkSettings};
use crate::{Connection, NetworkDriver};

/// Rounds before something has not happened.
const ROUNDS_MAX: usize = 10_000;

/// Milliseconds by which an update moves time.
const FRAME_MS: u32 = 100;
/// Updates until memory is let go of that was not used.
const LONG: usize = (LANE_MEMORY_UNUSED_MAX / MICROS_PER_MS) as usize / FRAME_MS as usize + 1;

/// A server in this process that has accepted a client, which comes along.
fn pair() -> (NetworkDriver, NetworkDriver, Connection) {
    let settings =
        NetworkSettings { fixed_frame_time_ms: FRAME_MS as i32, ..NetworkSettings::default() };
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

/// Bytes of messages that a lane keeps memory for, and sends in place.
fn kept(server: &mut NetworkDriver, connection: Connection) -> (usize, usize) {
    let lane = server.lanes.own(connection.index()).expect("there are lanes");
    (lane.staging.records.kept(), lane.sends.kept())
}

/// Sends so many messages beside others, and updates both sides.
fn frame(pair: &mut (NetworkDriver, NetworkDriver, Connection), messages: usize, begun: usize) {
    let (server, client, connection) = pair;
    let concurrent = server.share();
    for _ in 0..messages {
        concurrent.send(*connection, 0, &[7; 1000]).expect("sends");
    }
    let begin = |_| concurrent.begin_send(*connection, 0, 100).expect("begins");
    let sends: Vec<_> = (0..begun).map(begin).collect();
    for send in sends {
        concurrent.end_send(send, 100).expect("ends");
    }
    server.settle_lanes();
    server.update().expect("updates");
    client.update().expect("updates");
    while client.pop_event().is_some() {}
}

#[test]
fn memory_that_a_lane_does_not_use_any_more_is_let_go_of() {
    let mut pair = pair();
    pair.0.enable_lanes();
    frame(&mut pair, 60, 8);
    let connection = pair.2;
    let (bytes, sends) = kept(&mut pair.0, connection);
    assert!(bytes >= 60_000 && sends == 8, "{bytes}, {sends}");
    for _ in 0..LONG - 2 {
        frame(&mut pair, 0, 0);
    }
    assert_eq!(kept(&mut pair.0, connection), (bytes, sends), "not at once");
    // The first look sees that it was used.
    for _ in 0..LONG + 3 {
        frame(&mut pair, 0, 0);
    }
    assert_eq!(kept(&mut pair.0, connection), (0, 0));
    frame(&mut pair, 1, 1);
    let (bytes, sends) = kept(&mut pair.0, connection);
    assert!(bytes >= 1000 && sends == 1, "it is looked at again");
    for _ in 0..2 * LONG {
        frame(&mut pair, 0, 0);
    }
    assert_eq!(kept(&mut pair.0, connection), (0, 0));
}

#[test]
fn a_lane_in_use_keeps_what_it_uses_and_not_what_a_burst_once_took() {
    let mut pair = pair();
    pair.0.enable_lanes();
    let connection = pair.2;
    frame(&mut pair, 60, 8);
    for _ in 0..2 * LONG {
        frame(&mut pair, 2, 1);
    }
    let small = kept(&mut pair.0, connection);
    assert!((2_000..9_000).contains(&small.0) && small.1 == 1, "{small:?}");
    for _ in 0..5 * LONG {
        frame(&mut pair, 2, 1);
        assert_eq!(kept(&mut pair.0, connection), small, "nothing is allocated anew");
    }
}

#[test]
fn a_send_that_is_open_stays_while_memory_is_let_go_of() {
    let mut pair = pair();
    pair.0.enable_lanes();
    let connection = pair.2;
    frame(&mut pair, 1, 3);
    let send = pair.0.share().begin_send(connection, 0, 100).expect("begins");
    pair.0.settle_lanes();
    // An update would end it, so time passes without one.
    for _ in 0..3 {
        pair.0.lanes.shrink(pair.0.now + 2 * LANE_MEMORY_UNUSED_MAX);
    }
    pair.0.share().end_send(send, 4).expect("it is open still");
    frame(&mut pair, 0, 0);
}
