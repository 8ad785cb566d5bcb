use super::*;

#[derive(Default)]
struct Log(Vec<Vec<u8>>);

impl Output for Log {
    fn message(&mut self, _: u8, _: &[u8]) {
        panic!("a channel has no unreliable messages");
    }

    fn reliable(&mut self, channel: u8, data: &[u8]) {
        assert_eq!(channel, 1);
        self.0.push(data.to_vec());
    }
}

fn repair(messages: &[&[u8]]) -> Vec<u8> {
    let longest = messages.iter().map(|message| message.len()).max().unwrap_or_default();
    let mut out = vec![0; 2 + longest];
    for message in messages {
        assert!(mix(&mut out, &[message]));
    }
    out
}

const ROOM: u64 = 10_000;

#[test]
fn messages_are_delivered_once_and_in_order() {
    let (mut channel, mut log) = (ReceiveChannel::new(1), Log::default());
    let mut take = |number, data: &[u8]| channel.handle_message(number, data, ROOM, &mut log);
    assert_eq!(take(0, b"a"), Verdict::Delivered);
    assert_eq!(take(3, b"d"), Verdict::Held);
    assert_eq!(take(2, b""), Verdict::Held);
    assert_eq!(take(2, b""), Verdict::Duplicate);
    assert_eq!(take(0, b"a"), Verdict::Duplicate);
    assert_eq!(take(1, b"b"), Verdict::Delivered);
    assert_eq!(log.0, [&b"a"[..], b"b", b"", b"d"]);
    assert!(!channel.has_gap() && channel.next() == 4);
    assert_eq!(channel.delivered, 3 + 4 * cost(0));
}

#[test]
fn what_the_window_does_not_allow_is_refused() {
    let (mut channel, mut log) = (ReceiveChannel::new(1), Log::default());
    let big = [0; 100];
    assert_eq!(channel.handle_message(1, &big, cost(99), &mut log), Verdict::Refused);
    assert_eq!(channel.handle_message(1, &big, cost(100), &mut log), Verdict::Held);
    assert_eq!(channel.held_cost(), cost(100));
    let full = channel.handle_message(1, &big, 0, &mut log);
    assert_eq!(full, Verdict::Duplicate, "a copy needs no room");
    let far = UNACKNOWLEDGED_MAX as u16;
    let wide = UNACKNOWLEDGED_MAX * cost(0);
    assert_eq!(channel.handle_message(far, b"", wide, &mut log), Verdict::Refused);
    assert_eq!(channel.handle_message(far - 1, b"", wide / 2, &mut log), Verdict::Refused);
    assert_eq!(channel.handle_message(far - 1, b"", wide, &mut log), Verdict::Held);
}

#[test]
fn a_lost_message_is_won_back_from_its_repair() {
    let (mut channel, mut log) = (ReceiveChannel::new(1), Log::default());
    // The first repair only says that repairs are worth a memory.
    assert!(!channel.handle_repair((0, 0b11), &repair(&[b"", b""]), ROOM, &mut log));
    channel.repairs.clear();
    channel.handle_message(0, b"first", ROOM, &mut log);
    assert!(channel.handle_repair((0, 0b11), &repair(&[b"first", b"the second"]), ROOM, &mut log));
    assert_eq!(log.0, [&b"first"[..], b"the second"]);
    assert_eq!((channel.repaired, channel.next()), (1, 2));
    // Late, and of no more use.
    assert_eq!(channel.handle_message(1, b"the second", ROOM, &mut log), Verdict::Duplicate);
    assert!(!channel.handle_repair((0, 0b11), &repair(&[b"first", b"the second"]), ROOM, &mut log));
}

#[test]
fn repairs_wait_for_the_messages_that_they_need_and_help_each_other() {
    let (mut channel, mut log) = (ReceiveChannel::new(1), Log::default());
    channel.keeps_history = true;
    channel.handle_message(0, b"0", ROOM, &mut log);
    // 1 and 2 are lost; the repair of both alone does not help, the next one does.
    assert!(!channel.handle_repair((1, 0b11), &repair(&[b"one", b"two"]), ROOM, &mut log));
    assert_eq!(channel.handle_message(3, b"three", ROOM, &mut log), Verdict::Held);
    assert!(channel.handle_repair((2, 0b11), &repair(&[b"two", b"three"]), ROOM, &mut log));
    assert_eq!(log.0, [&b"0"[..], b"one", b"two", b"three"]);
    assert_eq!((channel.repaired, channel.repairs.len()), (2, 0));
}

#[test]
fn a_repair_need_not_be_of_messages_in_a_row() {
    let (mut channel, mut log) = (ReceiveChannel::new(1), Log::default());
    channel.keeps_history = true;
    channel.handle_message(0, b"zero", ROOM, &mut log);
    channel.handle_message(3, b"three", ROOM, &mut log);
    let skips = repair(&[b"zero", b"two", b"three"]);
    assert!(channel.handle_repair((0, 0b1101), &skips, ROOM, &mut log));
    assert_eq!((log.0.len(), channel.repaired), (1, 1), "one is still missing");
    let ends = repair(&[b"zero", b"one"]);
    assert!(channel.handle_repair((0, 0b11), &ends, ROOM, &mut log));
    assert_eq!(log.0, [&b"zero"[..], b"one", b"two", b"three"]);
}

#[test]
fn a_repair_without_its_history_or_with_nonsense_delivers_nothing() {
    let (mut channel, mut log) = (ReceiveChannel::new(1), Log::default());
    channel.handle_message(0, b"before anybody kept anything", ROOM, &mut log);
    assert!(!channel.handle_repair((0, 0b11), &repair(&[b"x", b"y"]), ROOM, &mut log));
    channel.handle_message(1, b"long enough", ROOM, &mut log);
    // Shorter than the message that it must contain.
    assert!(!channel.handle_repair((1, 0b11), &[0, 0, 1], ROOM, &mut log));
    // A length that reaches beyond the repair.
    let mut wrong = repair(&[b"long enough"]);
    wrong[0] ^= 0xff;
    wrong[1] ^= 0xff;
    assert!(!channel.handle_repair((1, 0b11), &wrong, ROOM, &mut log));
    assert!(!channel.handle_repair((1, 0b11), &[], ROOM, &mut log));
    assert_eq!((log.0.len(), channel.repaired), (2, 0));
}

#[test]
fn repairs_that_wait_are_few() {
    let (mut channel, mut log) = (ReceiveChannel::new(1), Log::default());
    for number in 1..100 {
        channel.handle_repair((number, 0b11), &[0; 50], ROOM, &mut log);
        assert!(channel.repairs.len() <= REPAIRS_MAX);
    }
    assert!(log.0.is_empty());
}

fn piece(
    channel: &mut ReceiveChannel,
    (number, place): (u16, (u16, bool)),
    data: &[u8],
    window: u64,
) -> Verdict {
    let room = window - channel.held_cost();
    channel.handle_piece(number, place, data, room, &mut Log::default())
}

#[test]
fn a_message_in_pieces_is_no_longer_than_what_honest_peers_send() {
    let mut channel = ReceiveChannel::new(1);
    let begins = vec![1; DATAGRAM_SIZE_LIMIT - 1];
    let end = begins.len() as u16;
    assert_eq!(piece(&mut channel, (0, (0, false)), &begins, ROOM), Verdict::Held);
    let before = channel.held_cost();
    for last in [false, true] {
        assert_eq!(piece(&mut channel, (0, (end, last)), b"xy", ROOM), Verdict::Refused);
        assert_eq!(channel.held_cost(), before);
    }
    let alone = vec![1; DATAGRAM_SIZE_LIMIT + 1];
    assert_eq!(piece(&mut channel, (1, (0, true)), &alone, ROOM), Verdict::Refused);
    assert_eq!(piece(&mut channel, (0, (end, true)), b"x", ROOM), Verdict::Delivered);
    assert_eq!((channel.delivered, channel.held_cost()), (cost(DATAGRAM_SIZE_LIMIT), 0));
}

#[test]
fn the_last_piece_is_taken_beside_pieces_of_other_messages() {
    let mut channel = ReceiveChannel::new(1);
    let window = 300;
    assert_eq!(piece(&mut channel, (0, (0, false)), &[1; 200], window), Verdict::Held);
    assert_eq!(piece(&mut channel, (5, (0, false)), &[2; 10], window), Verdict::Held);
    // What lies between would take 160 bytes of the window, of which others' pieces are a part.
    assert_eq!(piece(&mut channel, (5, (10, true)), &[3; 5], window), Verdict::Held);
    assert_eq!(channel.held[5].as_deref().map(<[u8]>::len), Some(15));
    assert_eq!((channel.pieces.len(), channel.held_cost()), (1, cost(200) + cost(15)));
}

#[test]
fn a_last_piece_that_is_refused_takes_no_other_with_it() {
    let mut channel = ReceiveChannel::new(1);
    assert_eq!(piece(&mut channel, (0, (0, false)), b"be", cost(2)), Verdict::Held);
    assert_eq!(piece(&mut channel, (0, (2, true)), b"gun", cost(4)), Verdict::Refused);
    assert_eq!(channel.held_cost(), cost(2));
    assert_eq!(piece(&mut channel, (0, (2, true)), b"gun", cost(5)), Verdict::Delivered);
    assert_eq!((channel.delivered, channel.held_cost()), (cost(5), 0));
    // Nothing begins where the window could not hold what lies in front of it.
    assert_eq!(piece(&mut channel, (9, (0, false)), b"far", 7 * cost(0)), Verdict::Refused);
    assert!(channel.pieces.is_empty());
}
