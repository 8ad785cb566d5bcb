//! A driver that waits wakes for what is due and for what arrives, and for nothing else. The clock
//! is the test's, and sleeping moves it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::proto::endpoint::NetworkEndpoint;
use crate::proto::time::Micros;
use crate::settings::{InterfaceKind, InterfaceSettings, NetworkSettings};
use crate::{Connection, EventKind, MultiNetworkDriver, NetworkDriver};

const SECOND: Micros = 1_000_000;

/// A driver that may sleep, and a peer that lives while it does.
struct World {
    clock: Arc<AtomicU64>,
    sleeper: NetworkDriver,
    peer: Arc<Mutex<NetworkDriver>>,
    to_sleeper: Connection,
    /// How often it went to sleep.
    sleeps: Arc<AtomicU64>,
}

fn driver(settings: &NetworkSettings, clock: &Arc<AtomicU64>) -> NetworkDriver {
    let mut driver = NetworkDriver::new(settings).expect("the settings are good");
    driver.add_interface(InterfaceSettings::new(InterfaceKind::Ipc)).expect("is added");
    driver.pump.clock.shown = Some(Arc::clone(clock));
    driver.now = clock.load(Ordering::Relaxed);
    driver
}

impl World {
    fn new(settings: &NetworkSettings) -> Self {
        let clock = Arc::new(AtomicU64::new(SECOND));
        let mut sleeper = driver(settings, &clock);
        let mut peer = driver(settings, &clock);
        sleeper.bind(0, &NetworkEndpoint::loopback_ipv4(0)).expect("binds");
        sleeper.listen().expect("listens");
        let endpoint = sleeper.local_endpoint(0, 0).expect("is bound");
        let to_sleeper = peer.connect(0, &endpoint, b"").expect("starts to connect");
        for _ in 0..100 {
            clock.fetch_add(SECOND / 100, Ordering::Relaxed);
            peer.update().expect("updates");
            sleeper.update().expect("updates");
        }
        sleeper.accept().expect("comes");
        assert_eq!(peer.pop_event().expect("connects").kind, EventKind::Connect);
        let (peer, sleeps) = (Arc::new(Mutex::new(peer)), Arc::default());
        let mut world = Self { clock, sleeper, peer, to_sleeper, sleeps };
        world.sleeper.pump.sleeper = Some(world.sleep());
        world
    }

    /// What happens while the driver sleeps: time passes until it is over or the peer says
    /// something.
    fn sleep(&self) -> Box<dyn FnMut(Duration) + Send + Sync> {
        let (clock, peer) = (Arc::clone(&self.clock), Arc::clone(&self.peer));
        let sleeps = Arc::clone(&self.sleeps);
        Box::new(move |duration| {
            sleeps.fetch_add(1, Ordering::Relaxed);
            let end = clock.load(Ordering::Relaxed).saturating_add(duration.as_micros() as u64);
            let mut peer = peer.lock();
            loop {
                let said = peer.statistics().datagrams_out;
                peer.update().expect("updates");
                if peer.statistics().datagrams_out > said {
                    return;
                }
                let now = clock.load(Ordering::Relaxed);
                let next = now.saturating_add(peer.until_timer(now, Micros::MAX));
                clock.store(next.min(end), Ordering::Relaxed);
                if next >= end {
                    return;
                }
            }
        })
    }

    /// Waits for so many seconds of the clock; how often it slept, and whether there were news.
    fn wait(&mut self, seconds: u32) -> (u64, bool) {
        let before = self.sleeps.load(Ordering::Relaxed);
        let ready = self.sleeper.wait(seconds * 1000).expect("waits");
        (self.sleeps.load(Ordering::Relaxed) - before, ready)
    }
}

#[test]
fn an_idle_wait_wakes_for_heartbeats_alone() {
    for session in [false, true] {
        let mut world = World::new(&NetworkSettings { session, ..NetworkSettings::default() });
        let start = world.clock.load(Ordering::Relaxed);
        let (sleeps, ready) = world.wait(300);
        assert!(!ready);
        assert_eq!(world.clock.load(Ordering::Relaxed) - start, 300 * SECOND);
        // Two of its own in a second, the answers that measure the round trip, two of the peer's;
        // and once for the end of the wait.
        assert!((600..=1801).contains(&sleeps), "{sleeps} in five minutes");
    }
}

#[test]
fn a_wait_without_anything_due_sleeps_once() {
    let settings = NetworkSettings {
        heartbeat_timeout_ms: 0,
        disconnect_timeout_ms: 0,
        round_trip_interval_ms: 0,
        ..NetworkSettings::default()
    };
    let mut world = World::new(&settings);
    // What was armed for the handshake is outdated, and over in time.
    world.wait(10);
    assert_eq!(world.wait(3600), (1, false));
}

#[test]
fn a_message_ends_the_wait_when_it_comes() {
    let settings = NetworkSettings {
        heartbeat_timeout_ms: 0,
        disconnect_timeout_ms: 0,
        round_trip_interval_ms: 0,
        ..NetworkSettings::default()
    };
    let mut world = World::new(&settings);
    world.wait(1);
    world.peer.lock().send(world.to_sleeper, 0, b"wake up").expect("is sent");
    let start = world.clock.load(Ordering::Relaxed);
    let (sleeps, ready) = world.wait(3600);
    assert!(ready && sleeps == 1, "{sleeps}");
    assert_eq!(world.clock.load(Ordering::Relaxed), start, "at once");
}

#[test]
fn a_wait_for_several_drivers_looks_at_each_only_when_there_is_something() {
    let settings = NetworkSettings {
        heartbeat_timeout_ms: 0,
        disconnect_timeout_ms: 0,
        round_trip_interval_ms: 0,
        ..NetworkSettings::default()
    };
    let mut multi = MultiNetworkDriver::new();
    for _ in 0..3 {
        let mut driver = NetworkDriver::new(&settings).expect("the settings are good");
        driver.add_interface(InterfaceSettings::new(InterfaceKind::Udp)).expect("is added");
        driver.bind(0, &NetworkEndpoint::loopback_ipv4(0)).expect("binds");
        driver.listen().expect("listens");
        multi.add_driver(driver).expect("is added");
    }
    multi.wait(1).expect("waits");
    let polls = |multi: &mut MultiNetworkDriver| {
        multi.drivers().map(|driver| driver.pump.polls).collect::<Vec<_>>()
    };
    let before = polls(&mut multi);
    assert!(!multi.wait(100).expect("waits"), "nothing comes");
    for (before, after) in before.iter().zip(polls(&mut multi)) {
        // Once before the sleep and once behind it; a clock may be a little early.
        assert!((2..=4).contains(&(after - before)), "{}", after - before);
    }
}
