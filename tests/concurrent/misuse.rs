//! What must not be done is told, and harms nothing.

use std::thread;

use netdriver::settings::InterfaceKind;
use netdriver::{Concurrent, ConnectionState, EventKind, SharedDriver, Status};

use crate::support::{Pair, status};

/// A pair whose server threads share: the server and its client.
fn shared(pair: Pair) -> (SharedDriver, netdriver::NetworkDriver, netdriver::Connection) {
    (SharedDriver::new(pair.server).expect("starts"), pair.client, pair.to_client)
}

#[test]
fn nobody_has_a_driver_to_himself_while_others_share_it_and_the_other_way_round() {
    let (server, _client, to_client) = shared(Pair::new(InterfaceKind::Udp));
    let concurrent = server.concurrent().expect("is free");
    let inside = concurrent.enter(|shared| {
        shared.send(to_client, 0, b"fine").expect("is sent");
        assert_eq!(status(server.enter(|_| ())), Status::DriverInUse);
        assert_eq!(status(server.take().map(|_| ())), Status::DriverInUse);
        assert_eq!(status(server.concurrent().map(|_| ())), Status::DriverInUse);
        // Sharing goes on.
        concurrent.enter(|_| ()).expect("is shared");
        shared.send(to_client, 0, b"fine").expect("is sent");
    });
    inside.expect("is free");
    let other = concurrent.clone();
    server
        .enter(|_| assert_eq!(status(other.enter(|_| ())), Status::DriverInUse))
        .expect("is free");
    let taken = server.take().expect("is free").expect("is there");
    assert_eq!(taken.statistics().messages_out, 2);
    assert_eq!(status(concurrent.enter(|_| ())), Status::InvalidHandle);
}

#[test]
fn a_second_thread_in_one_connection_is_told() {
    let mut pair = Pair::new(InterfaceKind::Udp);
    let to_client = pair.to_client;
    pair.client.send(pair.to_server, 0, b"waits").expect("is sent");
    while pair.server.event_queue_size(to_client) == 0 {
        pair.step();
    }
    pair.server.concurrent(|server| {
        let send = server.begin_send(to_client, 0, 4).expect("begins");
        let mut room = server.send_buffer(send).expect("is open");
        thread::scope(|scope| {
            let other = scope.spawn(|| {
                let refused = [
                    status(server.send(to_client, 0, b"no")),
                    status(server.begin_send(to_client, 0, 4)),
                    status(server.end_send(send, 4)),
                    status(server.abort_send(send)),
                    status(server.pop_event_for_connection(to_client)),
                    status(server.event_queue_size(to_client)),
                ];
                assert_eq!(refused, [Status::NetworkDriverParallelForErr; 6]);
                assert_eq!(server.connection_state(to_client), ConnectionState::Connected);
            });
            other.join().expect("its checks hold");
        });
        room.copy_from_slice(b"goes");
        drop(room);
        server.end_send(send, 4).expect("is sent");
    });
    assert_eq!(pair.client_event(EventKind::Data).data, &b"goes"[..]);
    assert_eq!(pair.server_event(EventKind::Data).data, &b"waits"[..]);
}

/// Every call with a handle that is of no open send.
fn handle_is_refused(server: Concurrent<'_>, handle: netdriver::SendHandle) {
    let refused = [
        status(server.end_send(handle, 1)),
        status(server.abort_send(handle)),
        status(server.send_buffer(handle).map(|_| ())),
    ];
    assert_eq!(refused, [Status::NetworkSendHandleInvalid; 3]);
}

#[test]
fn a_send_ends_once() {
    let mut pair = Pair::new(InterfaceKind::Udp);
    let to_client = pair.to_client;
    let foreign = pair.server.begin_send(to_client, 0, 4).expect("begins");
    pair.server.concurrent(|server| {
        let first = server.begin_send(to_client, 0, 4).expect("begins");
        server.end_send(first, 1).expect("is sent");
        handle_is_refused(server, first);
        // Its place is another one's now.
        let second = server.begin_send(to_client, 0, 4).expect("begins");
        handle_is_refused(server, first);
        server.abort_send(second).expect("is open");
        handle_is_refused(server, second);
        handle_is_refused(server, foreign);
        for value in [0, 1, u64::MAX, 1 << 63, second.to_u64() | 0xFFFF_FFFF] {
            handle_is_refused(server, netdriver::SendHandle::from_u64(value));
        }
        let long = server.begin_send(to_client, 0, 4).expect("begins");
        assert_eq!(status(server.end_send(long, 5)), Status::NetworkPacketOverflow);
        handle_is_refused(server, long);
    });
    pair.server.end_send(foreign, 1).expect("is open still");
}

#[test]
fn a_concurrent_handle_is_none_of_the_driver_itself() {
    let mut pair = Pair::new(InterfaceKind::Udp);
    let to_client = pair.to_client;
    let send = pair.server.concurrent(|server| server.begin_send(to_client, 0, 4)).expect("begins");
    assert_eq!(status(pair.server.end_send(send, 1)), Status::NetworkSendHandleInvalid);
    // Calls that are no update leave it open.
    pair.server.flush().expect("flushes");
    pair.server.concurrent(|server| server.end_send(send, 1)).expect("is open");
}

#[test]
fn an_update_gives_up_what_was_begun_and_never_ended() {
    let mut pair = Pair::new(InterfaceKind::Udp);
    let to_client = pair.to_client;
    let sends = pair
        .server
        .concurrent(|server| [0, 1].map(|_| server.begin_send(to_client, 0, 4).expect("begins")));
    pair.server.update().expect("updates");
    pair.server.concurrent(|server| {
        for send in sends {
            handle_is_refused(server, send);
        }
    });
    assert_eq!(pair.server.statistics().messages_out, 0);
}

#[test]
fn a_connection_has_so_many_open_sends_and_no_more() {
    let mut pair = Pair::new(InterfaceKind::Udp);
    let to_client = pair.to_client;
    pair.server.concurrent(|server| {
        let begin = || server.begin_send(to_client, 0, 4);
        let sends: Vec<_> =
            (0..netdriver::LANE_SENDS_OPEN_MAX).map(|_| begin().expect("begins")).collect();
        assert_eq!(status(begin()), Status::LimitReached);
        server.end_send(sends[7], 4).expect("is sent");
        begin().expect("there is room");
    });
}

#[test]
fn stale_and_unknown_connections_are_told_from_others() {
    let (server, _client, to_client) = shared(Pair::new(InterfaceKind::Udp));
    let concurrent = server.concurrent().expect("is free");
    let send = concurrent.enter(|shared| shared.begin_send(to_client, 0, 4)).expect("is free");
    let send = send.expect("begins");
    server.enter(|server| server.disconnect(to_client)).expect("is free").expect("closes");
    let closed = concurrent.enter(|shared| {
        assert_eq!(status(shared.end_send(send, 4)), Status::NetworkStateMismatch);
        assert_eq!(status(shared.send(to_client, 0, b"x")), Status::NetworkStateMismatch);
        assert_eq!(shared.connection_state(to_client), ConnectionState::Disconnected);
    });
    closed.expect("is free");
    server.enter(|server| server.update()).expect("is free").expect("updates");
    let ended = concurrent.enter(|shared| {
        assert_eq!(status(shared.send(to_client, 0, b"x")), Status::NetworkVersionMismatch);
        assert_eq!(status(shared.begin_send(to_client, 0, 4)), Status::NetworkVersionMismatch);
        assert!(shared.pop_event_for_connection(to_client).expect("is alone").is_none());
        assert_eq!(shared.event_queue_size(to_client).expect("is alone"), 0);
        let unknown = netdriver::Connection::from_u64(1 << 32 | 77);
        assert_eq!(status(shared.send(unknown, 0, b"x")), Status::NetworkIdMismatch);
        handle_is_refused(shared, send);
    });
    ended.expect("is free");
}

#[test]
fn a_driver_in_which_a_concurrent_call_failed_is_unfit() {
    let (server, _client, to_client) = shared(Pair::new(InterfaceKind::Udp));
    let concurrent = server.concurrent().expect("is free");
    let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        concurrent.enter(|shared| {
            shared.send(to_client, 0, b"x").expect("is sent");
            panic!("on purpose");
        })
    }));
    assert!(failed.is_err());
    assert_eq!(status(concurrent.enter(|_| ())), Status::Panic);
    assert_eq!(status(server.enter(|_| ())), Status::Panic);
    assert!(server.take().expect("is free").is_none());
}
