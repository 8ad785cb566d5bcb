//! Sessions over what the program carries datagrams with, on virtual time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use netdriver::settings::NetworkSettings;
use netdriver::{
    Connection, CustomInterface, EventKind, IncomingPacket, NetworkDriver, NetworkEndpoint,
    OutgoingPacket, Result,
};

use crate::support::create_pipelines;

/// What is under way in the air, by the name of the place that it goes to.
pub struct Air {
    places: BTreeMap<String, VecDeque<(NetworkEndpoint, Vec<u8>)>>,
    /// Longer datagrams are lost.
    pub size_max: usize,
    /// Lengths of all that were sent, lost ones included.
    pub lengths: Vec<usize>,
    /// How many were too long.
    pub swallowed: usize,
    /// Hellos lose their features, as if they came from peers that have none.
    pub featureless: bool,
    /// Hellos of clients, and answers of servers, are of another version.
    pub versions: [Option<u8>; 2],
    /// How many Hellos of each there were.
    pub hellos: [u64; 2],
}

impl Air {
    fn change_hello(&mut self, data: &mut [u8]) {
        let answer = usize::from(data[15] & 1);
        self.hellos[answer] += 1;
        data[14] = self.versions[answer].unwrap_or(data[14]);
        if self.featureless {
            data[16..20].fill(0);
        }
    }
}

pub type Shared = Arc<Mutex<Air>>;

/// One end of it.
struct Radio {
    air: Shared,
    own: NetworkEndpoint,
}

pub fn enter(air: &Shared) -> MutexGuard<'_, Air> {
    air.lock().unwrap_or_else(PoisonError::into_inner)
}

impl CustomInterface for Radio {
    fn bind(&mut self, endpoint: &NetworkEndpoint) -> Result<NetworkEndpoint> {
        let mut air = enter(&self.air);
        let next = air.places.len() as u8;
        let any = NetworkEndpoint::custom(&[0xee, next]).expect("is short");
        self.own = if endpoint.is_valid() { *endpoint } else { any };
        air.places.insert(self.own.to_string(), VecDeque::new());
        Ok(self.own)
    }

    fn receive(&mut self, packets: &mut [IncomingPacket]) -> Result<usize> {
        let mut air = enter(&self.air);
        let waiting = air.places.get_mut(&self.own.to_string()).expect("is bound");
        let count = waiting.len().min(packets.len());
        for (packet, (from, bytes)) in packets.iter_mut().zip(waiting.drain(..count)) {
            assert!(packet.fill(from, &bytes));
        }
        Ok(count)
    }

    fn send(&mut self, packets: &[OutgoingPacket<'_>]) -> Result<usize> {
        let mut air = enter(&self.air);
        for packet in packets {
            air.lengths.push(packet.data.len());
            if packet.data.len() > air.size_max {
                air.swallowed += 1;
            } else {
                let mut data = packet.data.to_vec();
                if data.get(9..14) == Some(b"\xffndHi") {
                    air.change_hello(&mut data);
                }
                let place = air.places.get_mut(&packet.endpoint.to_string());
                place.expect("is bound").push_back((self.own, data));
            }
        }
        Ok(packets.len())
    }
}

/// Two drivers with a connection through the air that have agreed on a session.
pub struct Talk {
    pub air: Shared,
    pub server: NetworkDriver,
    pub client: NetworkDriver,
    pub to_client: Connection,
    pub to_server: Connection,
}

impl Talk {
    pub fn new(settings: &NetworkSettings, list: &str) -> Self {
        let mut talk = Self::begin(settings, list);
        for _ in 0..20 {
            talk.frame();
        }
        assert!(talk.client.connection_info(talk.to_server).expect("is open").session);
        assert!(talk.server.connection_info(talk.to_client).expect("is open").session);
        talk
    }

    /// The same as soon as both have the connection, before they have agreed on anything.
    pub fn begin(settings: &NetworkSettings, list: &str) -> Self {
        Self::of_versions(settings, list, [None; 2])
    }

    /// The same, where Hellos of clients, and answers of servers, are of another version.
    pub fn of_versions(settings: &NetworkSettings, list: &str, versions: [Option<u8>; 2]) -> Self {
        let air = Arc::new(Mutex::new(Air {
            places: BTreeMap::new(),
            size_max: usize::MAX,
            lengths: Vec::new(),
            swallowed: 0,
            featureless: false,
            versions,
            hellos: [0; 2],
        }));
        let [mut server, mut client] = [(); 2].map(|()| {
            let mut driver = NetworkDriver::new(settings).expect("the settings are good");
            let radio = Radio { air: Arc::clone(&air), own: NetworkEndpoint::INVALID };
            driver.add_custom_interface(Box::new(radio)).expect("is added");
            create_pipelines(&mut driver, list);
            driver
        });
        let tower = NetworkEndpoint::custom(b"tower").expect("is short");
        server.bind(0, &tower).expect("binds");
        server.listen().expect("listens");
        let to_server = client.connect(0, &tower, b"").expect("starts to connect");
        let none = Connection::NONE;
        let mut talk = Self { air, server, client, to_client: none, to_server };
        let mut connected = false;
        while !connected || talk.to_client == Connection::NONE {
            talk.frame();
            talk.to_client = talk.server.accept().unwrap_or(talk.to_client);
            connected |= talk.client.pop_event().is_some_and(|e| e.kind == EventKind::Connect);
        }
        assert!(!talk.client.connection_info(to_server).expect("is open").session);
        talk
    }

    pub fn frame(&mut self) {
        self.server.update().expect("updates");
        self.client.update().expect("updates");
    }

    /// Messages that one side has received.
    pub fn received(driver: &mut NetworkDriver) -> Vec<Vec<u8>> {
        let events = std::iter::from_fn(|| driver.pop_event());
        events.map(|event| (event.kind, event.data.to_vec())).map(only_data).collect()
    }
}

fn only_data((kind, data): (EventKind, Vec<u8>)) -> Vec<u8> {
    assert_eq!(kind, EventKind::Data);
    data
}

fn frames() -> NetworkSettings {
    NetworkSettings { fixed_frame_time_ms: 10, ..NetworkSettings::default() }
}

#[test]
fn messages_share_the_datagrams_of_a_custom_interface() {
    let mut talk = Talk::new(&frames(), "reliable:8;frag,reliable:8");
    enter(&talk.air).lengths.clear();
    for number in 0..40u8 {
        talk.client.send(talk.to_server, 1, &[number; 20]).expect("no window is in the way");
    }
    talk.frame();
    talk.frame();
    let got = Talk::received(&mut talk.server);
    assert_eq!(got, Vec::from_iter((0..40u8).map(|number| vec![number; 20])));
    let long = enter(&talk.air).lengths.iter().filter(|&&length| length > 900).count();
    assert_eq!(long, 1, "{:?}", enter(&talk.air).lengths);
}

#[test]
fn a_lossy_carrier_loses_nothing_reliable_either_way() {
    let mut talk = Talk::new(&frames(), "reliable:8;frag,reliable:8");
    let (mut there, mut back) = (Vec::new(), Vec::new());
    let message = |number: u32| {
        let mut message = vec![number as u8; if number.is_multiple_of(3) { 4000 } else { 30 }];
        message[..4].copy_from_slice(&number.to_le_bytes());
        message
    };
    let mut turns = 0..;
    for number in 0..200u32 {
        talk.client.send(talk.to_server, 2, &message(number)).expect("fits");
        talk.server.send(talk.to_client, 2, &message(number)).expect("fits");
        // Now and then the carrier swallows everything.
        let dead = turns.next().is_some_and(|turn: u32| turn % 7 == 3);
        enter(&talk.air).size_max = if dead { 0 } else { usize::MAX };
        talk.frame();
        there.extend(Talk::received(&mut talk.server));
        back.extend(Talk::received(&mut talk.client));
    }
    enter(&talk.air).size_max = usize::MAX;
    for _ in 0..300 {
        talk.frame();
        there.extend(Talk::received(&mut talk.server));
        back.extend(Talk::received(&mut talk.client));
    }
    let all = Vec::from_iter((0..200).map(message));
    assert!(there == all && back == all, "{} and {} of 200", there.len(), back.len());
    assert!(enter(&talk.air).swallowed > 20);
}

#[test]
fn a_disconnect_waits_for_what_a_custom_interface_has_not_carried_yet() {
    let mut talk = Talk::new(&frames(), "reliable:32");
    for number in 0..400u32 {
        let mut message = [0; 1300];
        message[..4].copy_from_slice(&number.to_le_bytes());
        talk.client.send(talk.to_server, 1, &message).expect("is taken");
    }
    talk.client.disconnect(talk.to_server).expect("is open");
    let mut kinds = Vec::new();
    for _ in 0..200 {
        talk.frame();
        kinds.extend(std::iter::from_fn(|| talk.server.pop_event()).map(|event| event.kind));
    }
    assert_eq!((kinds.len(), kinds.last()), (401, Some(&EventKind::Disconnect)));
}

#[test]
fn a_carrier_that_takes_less_than_it_did_is_noticed_and_loses_nothing_reliable() {
    for (size_max, found) in [(1100, 1024), (600, 512)] {
        let mut talk = Talk::new(&frames(), "frag,reliable:32;reliable:32");
        let message = |number: u32| {
            let mut message =
                vec![number as u8; if number.is_multiple_of(2) { 3500 } else { 1300 }];
            message[..4].copy_from_slice(&number.to_le_bytes());
            message
        };
        let (mut sent, mut got) = (0u32, Vec::new());
        for frame in 0..1500 {
            if frame == 20 {
                enter(&talk.air).size_max = size_max;
            }
            // A message that was accepted while the path took more arrives, too.
            let pipeline = if sent.is_multiple_of(2) || frame >= 20 { 1 } else { 2 };
            if sent < 100 && talk.client.send(talk.to_server, pipeline, &message(sent)).is_ok() {
                sent += 1;
            }
            talk.frame();
            got.extend(Talk::received(&mut talk.server));
        }
        got.sort_by_key(|message| u32::from_le_bytes(message[..4].try_into().expect("four")));
        let all = Vec::from_iter((0..100).map(message));
        assert!(got == all, "{} of 100 at {size_max}", got.len());
        let info = talk.client.connection_info(talk.to_server).expect("is open");
        assert_eq!((u32::from(info.path_mtu), info.session), (found, true));
        let most = talk.client.payload_size_max(talk.to_server, 0).expect("is open");
        assert_eq!(most, found - 10, "messages follow");
        let swallowed = enter(&talk.air).swallowed;
        talk.client.send(talk.to_server, 1, &message(2)).expect("fits in pieces");
        talk.client.send(talk.to_server, 0, &vec![7; most as usize]).expect("fits");
        for _ in 0..10 {
            talk.frame();
        }
        assert_eq!(Talk::received(&mut talk.server).len(), 2);
        assert_eq!(enter(&talk.air).swallowed, swallowed, "nothing too long leaves any more");
    }
}
