//! What was accepted leaves like everything else: in order, and never lost without a word.

use std::sync::Arc;

use netdriver::proto::time::Micros;
use netdriver::settings::{InterfaceKind, NetworkSettings, PipelineStage};
use netdriver::{
    CustomInstance, CustomStage, DisconnectReason, EventKind, NetworkDriver, SendError,
    SharedDriver, StageError, StageNext,
};

use crate::support::{Pair, driver, expect_accept, expect_event, listen, status, until};

#[test]
fn sends_leave_in_the_order_in_which_they_were_ended_whoever_made_them() {
    let settings = NetworkSettings::default();
    let mut pair = Pair::plain(&settings, &settings);
    let to_client = pair.to_client;
    pair.server.send(to_client, 0, b"1").expect("is sent");
    pair.server.concurrent(|server| {
        let last = server.begin_send(to_client, 0, 1).expect("begins");
        server.send_buffer(last).expect("is open")[0] = b'4';
        server.send(to_client, 0, b"2").expect("is sent");
        let third = server.begin_send(to_client, 0, 0).expect("begins");
        assert!(server.send_buffer(third).expect("is open").len() >= 1024);
        server.send_buffer(third).expect("is open")[0] = b'3';
        server.end_send(third, 1).expect("is sent");
        server.end_send(last, 1).expect("is sent");
    });
    pair.server.send(to_client, 0, b"5").expect("is sent");
    for number in b'1'..=b'5' {
        assert_eq!(pair.client_event(EventKind::Data).data, [number][..]);
    }
}

#[test]
fn a_flush_sends_what_threads_have_sent() {
    let mut pair = Pair::new(InterfaceKind::Ipc);
    let to_client = pair.to_client;
    let server = SharedDriver::new(pair.server).expect("starts");
    let concurrent = server.concurrent().expect("is free");
    let sent = concurrent.enter(|shared| shared.send(to_client, 0, b"leaves"));
    sent.expect("is free").expect("is sent");
    server.enter(NetworkDriver::flush).expect("is free").expect("flushes");
    let event = expect_event(&mut [&mut pair.client], EventKind::Data);
    assert_eq!(event.data, &b"leaves"[..]);
}

#[test]
fn connections_that_come_later_can_be_used_too() {
    let mut server = driver(InterfaceKind::Ipc, &NetworkSettings::default());
    let endpoint = listen(&mut server);
    server.concurrent(|_| ());
    let mut client = driver(InterfaceKind::Ipc, &NetworkSettings::default());
    for _ in 0..3 {
        client.connect(0, &endpoint, b"").expect("begins");
        expect_event(&mut [&mut client, &mut server], EventKind::Connect);
        let to_client = expect_accept(&mut [&mut server, &mut client]);
        server.concurrent(|server| server.send(to_client, 0, b"x")).expect("is sent");
        expect_event(&mut [&mut client, &mut server], EventKind::Data);
    }
}

/// A stage that refuses what begins with "!".
struct Choosy;

impl CustomStage for Choosy {
    fn name(&self) -> &'static str {
        "choosy"
    }

    fn create(&self, _seed: u64) -> Box<dyn CustomInstance> {
        Box::new(Self)
    }
}

impl CustomInstance for Choosy {
    fn handle_send(
        &mut self,
        _now: Micros,
        packet: &mut [u8],
        next: &mut dyn StageNext,
    ) -> Result<(), SendError> {
        match packet.first() {
            Some(b'!') => Err(SendError::Stage(StageError(7))),
            _ => next.forward(&[], packet),
        }
    }

    fn handle_packet(
        &mut self,
        _now: Micros,
        packet: &mut [u8],
        next: &mut dyn StageNext,
    ) -> Result<(), StageError> {
        next.forward(&[], packet).map_err(|_| StageError(1))
    }
}

/// A pair with pipelines 1: the stage alone, 2: the stage and reliability.
fn choosy(kind: InterfaceKind) -> Pair {
    let end = || {
        let mut driver = driver(kind, &NetworkSettings::default());
        let stage = PipelineStage::Custom(driver.register_stage(Arc::new(Choosy)).expect("can be"));
        driver.create_pipeline(&[stage]).expect("is valid");
        driver.create_pipeline(&[stage, PipelineStage::RELIABLE_SEQUENCED]).expect("is valid");
        driver
    };
    let (mut server, mut client) = (end(), end());
    let endpoint = listen(&mut server);
    let to_server = client.connect(0, &endpoint, b"").expect("begins");
    expect_event(&mut [&mut client, &mut server], EventKind::Connect);
    let to_client = expect_accept(&mut [&mut server, &mut client]);
    Pair { server, client, to_client, to_server, endpoint }
}

#[test]
fn what_a_stage_refuses_later_is_lost_where_messages_may_be() {
    let mut pair = choosy(InterfaceKind::Udp);
    let to_client = pair.to_client;
    pair.server.concurrent(|server| {
        server.send(to_client, 1, b"!no").expect("is taken");
        server.send(to_client, 1, b"yes").expect("is taken");
    });
    assert_eq!(pair.client_event(EventKind::Data).data, &b"yes"[..]);
    assert_eq!(pair.server.statistics().refused_out, 1);
}

#[test]
fn what_a_stage_refuses_later_ends_the_connection_where_they_may_not() {
    for kind in [InterfaceKind::Udp, InterfaceKind::WebSocket, InterfaceKind::Tcp] {
        let mut pair = choosy(kind);
        let to_client = pair.to_client;
        pair.server.concurrent(|server| {
            server.send(to_client, 2, b"!no").expect("is taken");
            server.send(to_client, 2, b"yes").expect("is taken");
        });
        let event = pair.server_event(EventKind::Disconnect);
        assert_eq!(event.reason, DisconnectReason::ProtocolError);
        assert!(std::str::from_utf8(&event.data).expect("is text").contains("refused"));
        let event = until("the end", || {
            pair.step();
            pair.client.pop_event().filter(|event| event.kind == EventKind::Disconnect)
        });
        assert_eq!(event.connection, pair.to_server);
        let gone = pair.server.concurrent(|server| status(server.send(to_client, 2, b"x")));
        assert!(gone as i32 <= -2, "{gone:?}");
    }
}
