//! The short ways of a send do what the long ones do, or leave it to them: two pairs of drivers go
//! through the same steps, one pair by whatever way is open, the other one by the long way.

use proptest::prelude::*;

use crate::error::Status;
use crate::proto::endpoint::NetworkEndpoint;
use crate::settings::{
    DialectPolicy, InterfaceKind, InterfaceSettings, NetworkSettings, PipelineStage,
};
use crate::{Connection, EventKind, MessageKind, NetworkDriver};

/// Rounds before something has not happened.
const ROUNDS_MAX: usize = 10_000;
/// Milliseconds that a round waits for what the system carries.
const ROUND_MS: u32 = 5;
/// Rounds without news after which there are none.
const QUIET_ROUNDS: usize = 4;

#[derive(Clone, Copy, Debug)]
enum Carrier {
    Udp,
    /// Through a pipeline of a ReliableSequenced stage.
    Reliable,
    Session,
    /// The same.
    SessionReliable,
    Ipc,
    Tcp,
    UtpWebSocket,
    WebSocket,
}

const CARRIERS: [Carrier; 8] = [
    Carrier::Udp,
    Carrier::Reliable,
    Carrier::Session,
    Carrier::SessionReliable,
    Carrier::Ipc,
    Carrier::Tcp,
    Carrier::UtpWebSocket,
    Carrier::WebSocket,
];

/// What the program does; `bool`: on the server.
#[derive(Clone, Copy, Debug)]
enum Step {
    Send(bool, MessageKind, usize),
    /// Bytes asked for, and written.
    InPlace(bool, MessageKind, u32, u32),
    /// Two that are open at once, and end in the other order.
    TwoInPlace(bool, u32),
    /// Begun, and given up.
    Abort(bool, u32),
    /// What messages without a kind are.
    WriteMode(bool, MessageKind),
    Flush(bool),
    /// The client's connection ends.
    Close,
}

fn kind() -> impl Strategy<Value = MessageKind> {
    prop_oneof![
        4 => Just(MessageKind::WriteMode),
        1 => Just(MessageKind::Binary),
        2 => Just(MessageKind::Text),
    ]
}

fn length() -> impl Strategy<Value = usize> {
    prop_oneof![6 => 0_usize..70, 2 => 100_usize..140, 1 => 1000_usize..2200, 1 => 4000_usize..5000]
}

fn step() -> impl Strategy<Value = Step> {
    let sent = (any::<bool>(), kind(), length());
    let place = (any::<bool>(), kind(), length(), length());
    prop_oneof![
        8 => sent.prop_map(|(at, kind, size)| Step::Send(at, kind, size)),
        8 => place.prop_map(|(at, kind, asked, used)| {
            Step::InPlace(at, kind, asked as u32, used.min(asked + 1) as u32)
        }),
        2 => (any::<bool>(), 0_u32..60).prop_map(|(at, size)| Step::TwoInPlace(at, size)),
        1 => (any::<bool>(), 0_u32..60).prop_map(|(at, size)| Step::Abort(at, size)),
        1 => (any::<bool>(), kind()).prop_map(|(at, kind)| Step::WriteMode(at, kind)),
        3 => any::<bool>().prop_map(Step::Flush),
        1 => Just(Step::Close),
    ]
}

/// Some bytes; every third time they are no text.
fn bytes(length: usize, number: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..length).map(|at| b'a' + ((at * 7 + number) % 26) as u8).collect();
    if number % 3 == 2
        && let Some(byte) = bytes.get_mut(number % length.max(1))
    {
        *byte = 0xff;
    } else if number % 3 == 1 && length >= 2 {
        let at = number % (length - 1);
        bytes[at..at + 2].copy_from_slice("é".as_bytes());
    }
    bytes
}

/// A server and its client; one side of it by `bool`.
struct Pair {
    server: NetworkDriver,
    client: NetworkDriver,
    incoming: Connection,
    outgoing: Connection,
    pipeline: u8,
    /// Sends take the long way.
    long: bool,
}

impl Pair {
    fn open(carrier: Carrier, base: &NetworkSettings, long: bool) -> Self {
        let session = matches!(carrier, Carrier::Session | Carrier::SessionReliable);
        let settings = NetworkSettings {
            session,
            // What a session sends when depends on what it has measured.
            send_queue_capacity: if session { 512 } else { base.send_queue_capacity },
            ..base.clone()
        };
        let (kind, dialect) = match carrier {
            Carrier::Udp | Carrier::Reliable | Carrier::Session | Carrier::SessionReliable => {
                (InterfaceKind::Udp, DialectPolicy::UtpOnly)
            }
            Carrier::Ipc => (InterfaceKind::Ipc, DialectPolicy::UtpOnly),
            Carrier::Tcp => (InterfaceKind::Tcp, DialectPolicy::UtpOnly),
            Carrier::UtpWebSocket => (InterfaceKind::WebSocket, DialectPolicy::UtpOnly),
            Carrier::WebSocket => (InterfaceKind::WebSocket, DialectPolicy::PlainOnly),
        };
        let [mut server, mut client] = [(); 2].map(|()| {
            let mut driver = NetworkDriver::new(&settings).expect("the settings are good");
            let interface = InterfaceSettings { dialect, ..InterfaceSettings::new(kind) };
            driver.add_interface(interface).expect("is added");
            let stage = PipelineStage::ReliableSequenced(None);
            assert_eq!(driver.create_pipeline(&[stage]).expect("is made"), 1);
            driver
        });
        let binding = server.bind(0, &NetworkEndpoint::loopback_ipv4(0)).expect("binds");
        server.listen().expect("listens");
        let endpoint = server.local_endpoint(0, binding).expect("is bound");
        let outgoing = client.connect(0, &endpoint, b"").expect("starts to connect");
        for _ in 0..ROUNDS_MAX {
            client.wait(1).expect("waits");
            client.update().expect("updates");
            server.wait(1).expect("waits");
            server.update().expect("updates");
            if let Some(incoming) = server.accept() {
                let within = matches!(carrier, Carrier::Reliable | Carrier::SessionReliable);
                let pipeline = u8::from(within);
                let mut pair = Self { server, client, incoming, outgoing, pipeline, long };
                pair.carry();
                return pair;
            }
        }
        panic!("nobody came in time");
    }

    fn side(&mut self, server: bool) -> (&mut NetworkDriver, Connection) {
        if server { (&mut self.server, self.incoming) } else { (&mut self.client, self.outgoing) }
    }

    /// What a step came to: whether each call worked.
    fn take(&mut self, step: Step, number: usize) -> Vec<Option<Status>> {
        let (long, pipeline) = (self.long, self.pipeline);
        let status = |outcome: crate::Result<()>| outcome.err().map(|error| error.status());
        match step {
            Step::Send(server, kind, length) => {
                let (driver, to) = self.side(server);
                let data = bytes(length, number);
                vec![status(if long {
                    driver.send_slowly(to, pipeline, kind, &data)
                } else {
                    driver.send_as(to, pipeline, kind, &data)
                })]
            }
            Step::InPlace(server, kind, asked, used) => {
                let begun = self.begin(server, asked, number);
                let Ok(handle) = begun else { return vec![begun.err()] };
                let (driver, _) = self.side(server);
                let first = if long {
                    driver.end_slowly(handle, used, kind)
                } else {
                    driver.end_send_as(handle, used, kind)
                };
                vec![status(first), status(driver.end_send(handle, used))]
            }
            Step::TwoInPlace(server, size) => {
                let begun = [0, 1].map(|more| self.begin(server, size, number + more));
                let (driver, _) = self.side(server);
                let end = |begun: Result<_, Status>| {
                    begun.map_or_else(Some, |handle| status(driver.end_send(handle, size)))
                };
                begun.into_iter().rev().map(end).collect()
            }
            Step::Abort(server, size) => {
                let begun = self.begin(server, size, number);
                let (driver, _) = self.side(server);
                let Ok(handle) = begun else { return vec![begun.err()] };
                vec![status(driver.abort_send(handle)), status(driver.end_send(handle, 0))]
            }
            Step::WriteMode(server, kind) => {
                let (driver, to) = self.side(server);
                vec![status(driver.set_write_mode(to, kind))]
            }
            Step::Flush(server) => vec![status(self.side(server).0.flush())],
            Step::Close => vec![status(self.client.disconnect(self.outgoing))],
        }
    }

    fn begin(
        &mut self,
        server: bool,
        asked: u32,
        number: usize,
    ) -> Result<crate::SendHandle, Status> {
        let (long, pipeline) = (self.long, self.pipeline);
        let (driver, to) = self.side(server);
        let begun = if long {
            driver.begin_slowly(to, pipeline, asked).map(|(handle, _)| handle)
        } else {
            driver.begin_send(to, pipeline, asked)
        };
        let handle = begun.map_err(|error| error.status())?;
        let room = driver.send_buffer(handle).expect("is open");
        assert!(asked == 0 || room.len() == asked as usize);
        // All of it: what is left of an earlier message need not be the same.
        let data = bytes(room.len(), number);
        room[..data.len()].copy_from_slice(&data);
        Ok(handle)
    }

    /// What has arrived, until nothing more comes.
    fn carry(&mut self) -> [Vec<(EventKind, bool, Vec<u8>)>; 2] {
        let mut all = [Vec::new(), Vec::new()];
        let mut quiet = 0;
        while quiet < QUIET_ROUNDS {
            quiet += 1;
            for (driver, events) in [&mut self.server, &mut self.client].into_iter().zip(&mut all) {
                driver.wait(ROUND_MS).expect("waits");
                driver.update().expect("updates");
                while let Some(event) = driver.pop_event() {
                    events.push((event.kind, event.text, event.data.to_vec()));
                    quiet = 0;
                }
            }
        }
        all
    }

    /// What the program can ask for of both sides.
    fn counters(&self) -> Vec<u64> {
        let mut all = Vec::new();
        for (driver, connection) in [(&self.server, self.incoming), (&self.client, self.outgoing)] {
            let sum = driver.statistics();
            all.extend([sum.messages_out, sum.bytes_out, sum.refused_out]);
            all.extend([sum.messages_in, sum.bytes_in]);
            if let Ok(info) = driver.connection_info(connection) {
                all.extend([info.messages_out, info.bytes_out, info.refused_out]);
            }
        }
        all
    }
}

fn check(carrier: Carrier, settings: &NetworkSettings, steps: &[Step]) {
    let mut pairs = [false, true].map(|long| Pair::open(carrier, settings, long));
    for (number, &step) in steps.iter().enumerate() {
        let [short, long] = pairs.each_mut().map(|pair| pair.take(step, number));
        assert_eq!(short, long, "{carrier:?} {step:?}");
        let [short, long] = pairs.each_ref().map(Pair::counters);
        assert_eq!(short, long, "{carrier:?} after {step:?}");
    }
    let [short, long] = pairs.each_mut().map(Pair::carry);
    assert_eq!(short, long, "{carrier:?}");
    let [short, long] = pairs.each_ref().map(Pair::counters);
    assert_eq!(short, long, "{carrier:?} in the end");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// The same results, counters and messages, whatever fills up, over each carrier.
    #[test]
    fn a_short_way_does_what_the_long_one_does(
        steps in proptest::collection::vec(step(), 1..60),
        small in any::<bool>(),
        counted in any::<bool>(),
        cut in any::<bool>(),
    ) {
        let all = NetworkSettings { fixed_frame_time_ms: 10, ..NetworkSettings::default() };
        let settings = NetworkSettings {
            send_queue_capacity: if small { 6 } else { all.send_queue_capacity },
            outbound_bytes_max: if small { 3000 } else { all.outbound_bytes_max },
            websocket_message_size_max: if small { 1500 } else { all.websocket_message_size_max },
            websocket_send_queue_capacity: if counted { 4 } else { 0 },
            fragment_size: if cut { 125 } else { 0 },
            ..all
        };
        for carrier in CARRIERS {
            check(carrier, &settings, &steps);
        }
    }
}
