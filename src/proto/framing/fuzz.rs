//! Fuzz body for the framing: any bytes go in, broken promises panic.

use bytes::BytesMut;

use super::{Framing, Received, write_packet};

const PACKET_SIZE_MAX: usize = 40;

/// Any bytes as a stream, in cuts that the first byte chooses: what comes out is the same however
/// they are cut, and is written as it was read.
pub fn fuzz_framing(data: &[u8]) {
    let Some((&choice, stream)) = data.split_first() else { return };
    let whole = run(stream, stream.len().max(1));
    let pieces = run(stream, usize::from(choice) % 13 + 1);
    assert_eq!(whole, pieces, "what comes does not depend on the cuts");
    let mut written = Vec::new();
    for packet in whole.iter().filter_map(|packet| packet.as_ref().ok()) {
        assert!(!packet.is_empty() && packet.len() <= PACKET_SIZE_MAX);
        write_packet(&mut written, packet, &[]);
    }
    let all_good = whole.iter().all(Result::is_ok);
    assert!(written.len() <= stream.len());
    assert!(!all_good || run(&written, 7) == whole);
}

/// All that comes of a stream that is read in pieces of this size: packets, and lengths that were
/// too long. The shared buffer is not held.
pub(super) fn run(stream: &[u8], size: usize) -> Vec<Result<Vec<u8>, usize>> {
    let mut framing = Framing::new(PACKET_SIZE_MAX);
    let mut all = Vec::new();
    for (turn, piece) in stream.chunks(size).enumerate() {
        framing.handle_bytes(BytesMut::from(piece));
        if turn % 3 == 2 {
            framing.park();
        }
        while let Some(received) = framing.poll_packet() {
            all.push(match received {
                Received::Whole(packet) => Ok(packet.to_vec()),
                Received::Joined(packet) => Ok(packet.to_vec()),
                Received::TooLong(length) => Err(length),
            });
        }
        assert_eq!(framing.input.capacity(), 0, "nothing of what was read is held");
        assert!(framing.pieces.capacity() <= super::HEADER_SIZE + PACKET_SIZE_MAX);
    }
    all
}
