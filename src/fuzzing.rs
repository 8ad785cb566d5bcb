//! The bodies of the fuzz targets: one function per parser, fed with any bytes at all.
//!
//! A body panics when a promise of its parser is broken; whether the input was good is no matter.
//! The targets in `fuzz/` only forward to these, so that every test run compiles and runs them.

pub use crate::proto::authorization::fuzz::fuzz_challenge as challenge;
use crate::proto::endpoint::NetworkEndpoint;
pub use crate::proto::framing::fuzz::fuzz_framing as framing;
pub use crate::proto::http::forwarded::fuzz_forwarded as forwarded;
pub use crate::proto::http::fuzz::{
    fuzz_request_head as request_head, fuzz_response_head as response_head,
};
use crate::proto::netem::{Netem, Params};
pub use crate::proto::pipeline::fuzz::{
    fuzz_operations as pipeline_operations, fuzz_packets as pipeline_packets,
};
pub use crate::proto::proxy::fuzz::fuzz_proxy as proxy;
pub use crate::proto::proxy_protocol::fuzz_proxy_protocol as proxy_protocol;
pub use crate::proto::redirect::fuzz_redirect as redirect;
pub use crate::proto::session::fuzz::{fuzz_packet as session_packet, fuzz_pair as session_pair};
pub use crate::proto::stream::fuzz::fuzz_reader as stream_reader;
use crate::proto::url::{WebSocketUrl, split_host_port};
pub use crate::proto::utp::cookie::fuzz_cookie as utp_cookie;
use crate::proto::utp::packet::{self, Packet, PacketError};
pub use crate::proto::websocket::extension::fuzz::fuzz_extension as extension;
pub use crate::proto::websocket::fuzz::{fuzz_deflate as deflate, fuzz_frames as frames};

/// Any datagram: parses or not, and what parses is written back to something that means the same.
pub fn utp_packet(data: &[u8]) {
    let parsed = packet::parse(data);
    let recognised = packet::is_connection_request(data);
    let Ok(packet) = parsed else {
        assert!(!recognised, "{parsed:?}");
        assert_ne!(parsed, Err(PacketError::UnknownVersion(packet::VERSION)));
        return;
    };
    let mut written = Vec::new();
    packet.write(&mut written);
    assert_eq!(packet::parse(&written), Ok(packet));
    match packet {
        Packet::ConnectionRequest { payload, .. } => {
            assert_eq!(recognised, written == data, "{} bytes of payload", payload.len());
        }
        Packet::Data { .. } => assert_eq!(written, data),
        _ => assert!(!recognised),
    }
}

/// Any text, as an address with and without port; and any 64 bytes as an endpoint.
pub fn endpoint(data: &[u8]) {
    if let Some(bytes) = data.first_chunk()
        && let Some(endpoint) = NetworkEndpoint::from_bytes(*bytes)
    {
        assert_eq!(endpoint.to_bytes(), *bytes);
        assert!(!endpoint.to_string().is_empty());
        assert_eq!(
            endpoint.to_socket_addr().is_some(),
            matches!(endpoint.raw_address().len(), 4 | 16)
        );
    }
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(endpoint) = NetworkEndpoint::parse_with_port(text) {
        let again = NetworkEndpoint::parse_with_port(&endpoint.to_string());
        // The text form has no scope id.
        assert_eq!(
            again.map(|again| again.raw_address().to_vec()),
            Ok(endpoint.raw_address().to_vec())
        );
    }
    if let Ok(endpoint) = NetworkEndpoint::parse(text, 7777, None) {
        assert_eq!(endpoint.port(), 7777);
        assert!(endpoint.to_socket_addr().is_some());
    }
}

/// Any text as a URL: what parses is safe inside an HTTP head and parses the same again.
pub fn url(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok((host, port)) = split_host_port(text) {
        assert!(!host.is_empty() && port != Some(0));
    }
    let Ok(url) = WebSocketUrl::parse(text) else {
        return;
    };
    assert!(url.target.starts_with('/') && url.target.bytes().all(|byte| byte.is_ascii_graphic()));
    assert!(url.host_header().bytes().all(|byte| byte.is_ascii_graphic()));
    let plain = WebSocketUrl { credentials: None, ..url.clone() };
    assert_eq!(WebSocketUrl::parse(&url.to_string()), Ok(plain));
}

/// Any script of settings, packets and time: nothing is invented, lost uncounted, or early.
pub fn netem(data: &[u8]) {
    let Some((&[seed, queue_max], script)) = data.split_first_chunk() else {
        return;
    };
    let params = Params { queue_max: usize::from(queue_max), ..Params::default() };
    let mut netem = Netem::new(params, u64::from(seed));
    let mut now = 0u64;
    let mut offered = 0u64;
    for &[operation, value] in script.as_chunks().0 {
        match operation % 4 {
            0 => now += u64::from(value),
            1 => netem.set_params(netem_params(*netem.params(), operation, value)),
            2 => {
                offered += 1;
                netem.handle_packet(now, (), usize::from(value));
            }
            _ => {
                let due = netem.next_timeout();
                let came = netem.poll_packet(now).is_some();
                let is_due = due.is_some_and(|due| due <= now);
                assert_eq!(came, is_due && !netem.params().partitioned);
            }
        }
        let statistics = netem.statistics();
        let accounted = statistics.passed + statistics.dropped + netem.held() as u64;
        assert_eq!(accounted, offered + statistics.duplicated);
        assert!(netem.held() <= usize::from(queue_max));
    }
    while netem.poll_packet(u64::MAX).is_some() {}
    assert_eq!((netem.held(), netem.next_timeout()), (0, None));
}

fn netem_params(mut params: Params, operation: u8, value: u8) -> Params {
    match operation / 4 % 8 {
        0 => params.loss_percent = f32::from(value),
        1 => params.duplicate_percent = f32::from(value),
        2 => params.delay = u64::from(value),
        3 => params.jitter = u64::from(value) << (value % 64),
        4 => params.reorder_percent = f32::from(value),
        5 => params.size_max = usize::from(value),
        6 => params.partitioned = value % 2 == 1,
        _ => params = Params { queue_max: params.queue_max, ..Params::default() },
    }
    params
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::proto::random::Random;

    /// Damaged copies made of each seed.
    const MUTATIONS: u32 = 300;

    /// Runs a body over its committed seeds and over damaged copies of them.
    fn smoke(target: &str, body: fn(&[u8])) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
        let mut seeds: Vec<_> = std::fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .map(|entry| entry.unwrap().path())
            .collect();
        seeds.sort();
        assert!(!seeds.is_empty(), "{} holds no seed", folder.display());
        let mut random = Random::new(1);
        for path in seeds {
            let seed = std::fs::read(&path).unwrap();
            body(&seed);
            for _ in 0..MUTATIONS {
                body(&damaged(&seed, &mut random));
            }
        }
    }

    fn damaged(seed: &[u8], random: &mut Random) -> Vec<u8> {
        let mut bytes = seed.to_vec();
        for _ in 0..=random.below(4) {
            let [place, value, ..] = random.next_u64().to_le_bytes();
            let at = usize::from(place) % (bytes.len() + 1);
            match value % 4 {
                0 => bytes.insert(at, value),
                1 => bytes.truncate(at.max(1)),
                2 if at < bytes.len() => bytes[at] ^= 1 << (value >> 5),
                _ if at < bytes.len() => bytes[at] = value,
                _ => bytes.push(value),
            }
        }
        bytes
    }

    #[test]
    fn utp_cookies_hold_their_promises() {
        smoke("utp_cookie", utp_cookie);
    }

    #[test]
    fn utp_packets_hold_their_promises() {
        smoke("utp_packet", utp_packet);
    }

    #[test]
    fn endpoints_hold_their_promises() {
        smoke("endpoint", endpoint);
    }

    #[test]
    fn urls_hold_their_promises() {
        smoke("url", url);
    }

    #[test]
    fn the_network_emulator_holds_its_promises() {
        smoke("netem", netem);
    }

    #[test]
    fn packets_of_pipelines_hold_their_promises() {
        smoke("pipeline_packets", pipeline_packets);
    }

    #[test]
    fn two_ends_of_a_pipeline_hold_their_promises() {
        smoke("pipeline_operations", pipeline_operations);
    }

    #[test]
    fn extensions_hold_their_promises() {
        smoke("websocket_extension", extension);
    }

    #[test]
    fn compressed_messages_hold_their_promises() {
        smoke("websocket_deflate", deflate);
    }

    #[test]
    fn streams_of_values_hold_their_promises() {
        smoke("stream_reader", stream_reader);
    }

    #[test]
    fn proxies_hold_their_promises() {
        smoke("proxy", proxy);
    }

    #[test]
    fn redirects_hold_their_promises() {
        smoke("redirect", redirect);
    }

    #[test]
    fn packets_in_a_stream_hold_their_promises() {
        smoke("framing", framing);
    }

    #[test]
    fn the_proxy_protocol_holds_its_promises() {
        smoke("proxy_protocol", proxy_protocol);
    }

    #[test]
    fn session_packets_hold_their_promises() {
        smoke("session_packet", session_packet);
    }

    #[test]
    fn pairs_of_sessions_hold_their_promises() {
        smoke("session_pair", session_pair);
    }

    #[test]
    fn forwarding_headers_hold_their_promises() {
        smoke("forwarded", forwarded);
    }
}
