//! Clocks that jump, as those of machines that slept do: whole drivers over a bad network, whose
//! time the test makes. What was accepted on a reliable pipeline arrives once and in order, or the
//! connection ends with a reason.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::proto::endpoint::NetworkEndpoint;
use crate::proto::random::Random;
use crate::settings::{
    InterfaceKind, InterfaceSettings, NetworkSettings, NetworkSimulator, PipelineStage,
};
use crate::{Connection, DisconnectReason, Event, EventKind, NetworkDriver};

const SECOND: u64 = 1_000_000;
const FRAME: u64 = SECOND / 100;
const SEEDS: u64 = 12;
/// Frames in which messages are sent, and frames in which the rest may arrive: after a jump, losses
/// in a row double the time until the next try.
const FRAMES: [u32; 2] = [400, 2000];

struct Side {
    driver: NetworkDriver,
    clock: Arc<AtomicU64>,
    connection: Connection,
    sent: u32,
    got: u32,
    ended: Option<DisconnectReason>,
}

impl Side {
    fn new(settings: &NetworkSettings, seed: u64) -> Self {
        let clock = Arc::new(AtomicU64::new(SECOND));
        let mut driver = NetworkDriver::new(settings).expect("the settings are good");
        driver.pump.clock.shown = Some(Arc::clone(&clock));
        driver.now = SECOND;
        driver.add_interface(InterfaceSettings::new(InterfaceKind::Ipc)).expect("is added");
        let stages = [PipelineStage::Fragmentation(None), PipelineStage::reliable(32)];
        assert_eq!(driver.create_pipeline(&stages).expect("is made"), 1);
        driver.set_network_simulator(&NetworkSimulator {
            send_loss_percent: 8.0,
            send_duplicate_percent: 5.0,
            send_reorder_percent: 5.0,
            send_delay_ms: 25,
            seed,
            ..NetworkSimulator::default()
        });
        Self { driver, clock, connection: Connection::NONE, sent: 0, got: 0, ended: None }
    }

    fn advance(&self, time: u64) {
        self.clock.fetch_add(time, Ordering::Relaxed);
    }

    fn send(&mut self) {
        let mut message = [0; 2000];
        message[..4].copy_from_slice(&self.sent.to_le_bytes());
        let length = if self.sent.is_multiple_of(5) { 2000 } else { 20 };
        let gone = self.ended.is_some() || self.connection == Connection::NONE;
        if !gone && self.driver.send(self.connection, 1, &message[..length]).is_ok() {
            self.sent += 1;
        }
    }

    fn take(&mut self, event: &Event) {
        assert_eq!(self.ended, None, "nothing follows the end");
        match event.kind {
            EventKind::Connect => {}
            EventKind::Data => {
                let number = self.got.to_le_bytes();
                assert_eq!(event.data.get(..4), Some(&number[..]), "once and in order");
                self.got += 1;
            }
            EventKind::Disconnect => self.ended = Some(event.reason),
            other => panic!("nobody asked for {other:?}"),
        }
    }

    fn frame(&mut self) {
        self.driver.update().expect("updates");
        if let Some(connection) = self.driver.accept() {
            self.connection = connection;
        }
        while let Some(event) = self.driver.pop_event() {
            self.take(&event);
        }
    }
}

/// How the two sides ended, after clocks have jumped by up to `longest`.
fn play(settings: &NetworkSettings, seed: u64, longest: u64) -> [Side; 2] {
    let mut random = Random::new(seed);
    let mut sides = [Side::new(settings, seed), Side::new(settings, seed + 1000)];
    let [server, client] = &mut sides;
    server.driver.bind(0, &NetworkEndpoint::loopback_ipv4(0)).expect("binds");
    server.driver.listen().expect("listens");
    let endpoint = server.driver.local_endpoint(0, 0).expect("is bound");
    client.connection = client.driver.connect(0, &endpoint, b"").expect("starts to connect");
    for frame in 0..FRAMES[0] + FRAMES[1] {
        let sending = frame < FRAMES[0];
        for side in &mut sides {
            let jumps = sending && frame > 50 && random.chance(1.5);
            side.advance(FRAME + if jumps { random.below(longest) } else { 0 });
            if sending && random.chance(60.0) {
                side.send();
            }
            side.frame();
        }
    }
    sides
}

#[test]
fn reliable_messages_survive_clocks_that_jump_less_than_the_timeout() {
    for session in [true, false] {
        let settings = NetworkSettings { session, ..NetworkSettings::default() };
        for seed in 0..SEEDS {
            let [server, client] = play(&settings, seed, 10 * SECOND);
            assert_eq!((server.ended, client.ended), (None, None), "seed {seed}");
            assert!(server.sent > 50 && client.sent > 50, "seed {seed}");
            assert_eq!((client.got, server.got), (server.sent, client.sent), "seed {seed}");
        }
    }
}

#[test]
fn clocks_that_jump_further_lose_nothing_without_a_reason() {
    let mut ended = 0;
    for session in [true, false] {
        let settings = NetworkSettings { session, ..NetworkSettings::default() };
        for seed in 0..SEEDS {
            let [server, client] = play(&settings, seed, 100 * SECOND);
            let whole = client.got == server.sent && server.got == client.sent;
            let told = server.ended.or(client.ended);
            assert!(whole || told.is_some(), "seed {seed}");
            ended += u32::from(told.is_some());
        }
    }
    assert!(ended > 4, "only {ended} ended");
}

#[test]
fn a_bound_on_frames_keeps_connections_through_every_jump() {
    for session in [true, false] {
        let settings =
            NetworkSettings { session, max_frame_time_ms: 50, ..NetworkSettings::default() };
        for seed in 0..SEEDS / 2 {
            let [server, client] = play(&settings, seed, 1000 * SECOND);
            assert_eq!((server.ended, client.ended), (None, None), "seed {seed}");
            assert_eq!((client.got, server.got), (server.sent, client.sent), "seed {seed}");
        }
    }
}
