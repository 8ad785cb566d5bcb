//! The queue alone: both ways of popping, loans, payloads that move.

use super::*;
use crate::driver::types::{Connection, DisconnectReason, EventKind};

fn event(connection: u32, data: &'static str) -> Event {
    Event {
        connection: Connection::new(connection, 1),
        kind: EventKind::Data,
        data: Bytes::from_static(data.as_bytes()),
        text: false,
        first: true,
        last: true,
        clean: false,
        reason: DisconnectReason::Default,
        close_code: 0,
        pipeline: 0,
    }
}

fn pop(queue: &mut EventQueue, list: &mut Waiting) -> Option<Bytes> {
    let popped = queue.pop(list)?;
    Some(queue.give(popped).data)
}

fn pop_any(queue: &mut EventQueue, lists: &mut [Waiting]) -> Option<Bytes> {
    let index = queue.next_in_order()? as usize;
    pop(queue, &mut lists[index])
}

#[test]
fn both_ways_of_popping_mix() {
    let mut queue = EventQueue::new();
    let mut lists = [Waiting::default(), Waiting::default()];
    queue.push(&mut lists[0], event(0, "a"), true);
    queue.push(&mut lists[1], event(1, "b"), true);
    queue.push(&mut lists[0], event(0, "c"), true);
    assert_eq!(pop_any(&mut queue, &mut lists), None, "not published yet");
    assert_eq!((lists[0].count(), queue.visible_in(&lists[0])), (2, 0));
    queue.publish();
    assert_eq!(queue.visible_in(&lists[0]), 2);
    queue.push(&mut lists[0], event(0, "d"), true);
    assert_eq!((lists[0].count(), queue.visible_in(&lists[0])), (3, 2));
    assert_eq!(queue.visible_in(&lists[1]), 1);
    assert_eq!(pop(&mut queue, &mut lists[1]).unwrap(), "b");
    assert_eq!(pop_any(&mut queue, &mut lists).unwrap(), "a");
    assert_eq!(pop_any(&mut queue, &mut lists).unwrap(), "c");
    assert_eq!(pop_any(&mut queue, &mut lists), None);
    assert_eq!(lists[0].count() + lists[1].count(), 1, "the one that is not visible");
}

#[test]
fn what_is_lent_stays_until_the_loan_ends() {
    let mut queue = EventQueue::new();
    let mut list = Waiting::default();
    let shared = Bytes::from(vec![7; 4096]);
    for round in 0..3 {
        for _ in 0..2 {
            let mut event = event(0, "");
            event.data = shared.clone();
            queue.push(&mut list, event, true);
        }
        queue.publish();
        for _ in 0..2 {
            let popped = queue.pop(&mut list).unwrap();
            assert_eq!(queue.lend(popped).data, &shared[..]);
        }
        assert!(!shared.is_unique(), "round {round}");
        queue.end_loans(drop);
        assert!(shared.is_unique());
    }
    assert_eq!(queue.nodes.len(), 2, "nodes are used again");
}

#[test]
fn events_of_an_unaccepted_connection_wait_for_admission() {
    let mut queue = EventQueue::new();
    let mut lists = [Waiting::default()];
    queue.push(&mut lists[0], event(0, "early"), false);
    queue.publish();
    assert_eq!(pop_any(&mut queue, &mut lists), None);
    queue.admit(&lists[0]);
    assert_eq!(pop_any(&mut queue, &mut lists).unwrap(), "early");
}

#[test]
fn what_is_visible_is_not_behind_what_is_not() {
    let mut queue = EventQueue::new();
    let mut lists = [Waiting::default(), Waiting::default()];
    queue.push(&mut lists[1], event(1, "waits for accept"), false);
    queue.publish();
    queue.push(&mut lists[0], event(0, "not yet"), true);
    queue.push(&mut lists[1], event(1, "not yet either"), false);
    queue.admit(&lists[1]);
    assert_eq!(pop_any(&mut queue, &mut lists).unwrap(), "waits for accept");
    assert_eq!(pop_any(&mut queue, &mut lists), None);
    queue.publish();
    assert_eq!(pop_any(&mut queue, &mut lists).unwrap(), "not yet");
    assert_eq!(pop_any(&mut queue, &mut lists).unwrap(), "not yet either");
}

#[test]
fn a_node_reused_after_clear_is_not_confused_with_the_old_event() {
    let mut queue = EventQueue::new();
    let mut lists = [Waiting::default(), Waiting::default()];
    queue.push(&mut lists[0], event(0, "old"), true);
    queue.clear(&mut lists[0]);
    queue.push(&mut lists[1], event(1, "new"), true);
    queue.publish();
    assert_eq!(pop_any(&mut queue, &mut lists).unwrap(), "new");
    assert_eq!(pop_any(&mut queue, &mut lists), None);
}

#[test]
fn popping_by_connection_only_leaves_nothing_behind() {
    let mut queue = EventQueue::new();
    let mut list = Waiting::default();
    for _ in 0..10_000 {
        queue.push(&mut list, event(0, "x"), true);
        queue.publish();
        queue.settle();
        assert!(pop(&mut queue, &mut list).is_some());
    }
    assert!(queue.order.len() <= ORDER_SLACK + 2 && queue.nodes.len() == 1);
}

#[test]
fn settling_moves_a_payload_out_of_a_shared_buffer_once() {
    let mut queue = EventQueue::new();
    let mut list = Waiting::default();
    let shared = Bytes::from(vec![7; 4096]);
    let mut small = event(0, "");
    small.data = shared.slice(..3);
    queue.push(&mut list, small, true);
    queue.publish();
    queue.settle();
    let data = pop(&mut queue, &mut list).unwrap();
    assert!(data.is_unique() && data == [7; 3][..]);
    assert!(shared.is_unique());
}

#[test]
fn what_the_program_could_not_pop_yet_stays_where_it_is() {
    let mut queue = EventQueue::new();
    let mut list = Waiting::default();
    let shared = Bytes::from(vec![7; 4096]);
    let mut small = event(0, "");
    small.data = shared.slice(..3);
    queue.push(&mut list, small, true);
    queue.settle();
    queue.publish();
    let data = pop(&mut queue, &mut list).unwrap();
    assert_eq!(data.as_ptr(), shared.as_ptr());
    drop(data);
    queue.settle();
    assert!(queue.recent.is_empty());
}

#[test]
fn events_of_one_read_share_its_memory_until_the_last_one_is_gone() {
    let mut queue = EventQueue::new();
    let mut lists = [Waiting::default(), Waiting::default()];
    let memory = Bytes::from(b"..one..two....three".to_vec());
    let mut batch = queue.begin_batch();
    for (list, place) in [(0, 2..5), (1, 7..10), (0, 12..12), (0, 14..19)] {
        let event = event(list, "");
        queue.push_part(&mut batch, &mut lists[list as usize], event, place, true);
    }
    queue.end_batch(batch, memory.clone());
    assert_eq!((lists[0].bytes(), lists[1].bytes()), (8, 3));
    queue.publish();
    let popped = queue.pop(&mut lists[0]).unwrap();
    assert_eq!(queue.lend(popped).data, b"one");
    assert!(queue.loans().all(|lent| *lent == memory));
    // What was left waiting moves out of it.
    queue.settle();
    assert_eq!(queue.peek(&lists[1]).unwrap().data, b"two");
    assert_eq!(queue.peek(&lists[0]).unwrap().data, b"");
    assert!(!memory.is_unique(), "the loan goes on");
    queue.end_loans(drop);
    assert!(memory.is_unique());
    let rest = [pop(&mut queue, &mut lists[0]), pop(&mut queue, &mut lists[0])];
    assert_eq!(rest.map(Option::unwrap), [Bytes::new(), Bytes::from_static(b"three")]);
    assert_eq!((lists[0].bytes(), lists[1].count()), (0, 1));
}

#[test]
fn an_event_that_is_given_away_keeps_the_memory_it_lies_in() {
    let mut queue = EventQueue::new();
    let mut list = Waiting::default();
    let memory = Bytes::from(b"one and two".to_vec());
    let mut batch = queue.begin_batch();
    for place in [0..3, 8..11] {
        queue.push_part(&mut batch, &mut list, event(0, ""), place, true);
    }
    queue.end_batch(batch, memory.clone());
    queue.publish();
    let one = pop(&mut queue, &mut list).unwrap();
    queue.clear(&mut list);
    assert!(one == "one" && !memory.is_unique());
    drop(one);
    assert!(memory.is_unique());
}

#[test]
fn what_ends_before_it_was_seen_leaves_nothing_to_settle() {
    let mut queue = EventQueue::new();
    let mut lists = [Waiting::default(), Waiting::default()];
    let shared = Bytes::from(vec![7; 4096]);
    let mut small = event(0, "");
    small.data = shared.slice(..3);
    queue.push(&mut lists[0], small, true);
    queue.publish();
    queue.push(&mut lists[1], event(1, "gone before it is visible"), true);
    queue.clear(&mut lists[1]);
    queue.settle();
    assert!(shared.is_unique(), "what waits has moved");
    assert_eq!(pop(&mut queue, &mut lists[0]).unwrap(), [7; 3][..]);
}

#[test]
fn what_waits_is_settled_beside_events_that_were_admitted_before_they_were_seen() {
    for later in [false, true] {
        let mut queue = EventQueue::new();
        let mut lists = [Waiting::default(), Waiting::default()];
        let memory = Bytes::from(vec![7; 4096]);
        let mut batch = queue.begin_batch();
        queue.push_part(&mut batch, &mut lists[0], event(0, ""), 0..3, true);
        queue.end_batch(batch, memory.clone());
        queue.publish();
        // As many entries too many as events that are visible.
        queue.push(&mut lists[1], event(1, "unseen"), false);
        if later {
            queue.admit_later(&lists[1])
        } else {
            queue.admit(&lists[1])
        }
        queue.settle();
        assert!(memory.is_unique(), "what waits has moved (later: {later})");
        queue.publish();
        assert_eq!(pop_any(&mut queue, &mut lists).unwrap(), [7; 3][..]);
        assert_eq!(pop_any(&mut queue, &mut lists).unwrap(), "unseen");
        assert_eq!(pop_any(&mut queue, &mut lists), None, "it comes once");
        assert_eq!((queue.visible, queue.unseen), (0, 0));
    }
}

#[test]
fn an_event_seen_before_it_is_admitted_later_is_settled_and_comes_once() {
    let mut queue = EventQueue::new();
    let mut lists = [Waiting::default()];
    let shared = Bytes::from(vec![7; 4096]);
    let mut small = event(0, "");
    small.data = shared.slice(..3);
    queue.push(&mut lists[0], small, false);
    queue.publish();
    queue.admit_later(&lists[0]);
    queue.settle();
    assert!(shared.is_unique());
    queue.publish();
    queue.settle();
    assert_eq!(pop_any(&mut queue, &mut lists).unwrap(), [7; 3][..]);
    assert_eq!(pop_any(&mut queue, &mut lists), None);
}

#[test]
fn clearing_counts_what_was_seen_and_what_was_not() {
    let mut queue = EventQueue::new();
    let mut lists = [Waiting::default(), Waiting::default()];
    let shared = Bytes::from(vec![7; 4096]);
    let mut small = event(0, "");
    small.data = shared.slice(..3);
    queue.push(&mut lists[0], small, true);
    queue.push(&mut lists[1], event(1, "seen"), true);
    queue.publish();
    for _ in 0..2 {
        queue.push(&mut lists[1], event(1, "unseen"), true);
    }
    queue.clear(&mut lists[1]);
    assert_eq!((queue.visible, queue.unseen), (1, 0));
    queue.settle();
    assert!(shared.is_unique(), "what waits has moved");
    queue.clear(&mut lists[0]);
    assert_eq!((queue.visible, queue.unseen), (0, 0));
    queue.push(&mut lists[0], event(0, "next"), true);
    queue.publish();
    assert_eq!(pop_any(&mut queue, &mut lists).unwrap(), "next");
    assert_eq!(pop_any(&mut queue, &mut lists), None);
}

#[test]
fn what_comes_and_goes_without_being_published_leaves_nothing_behind() {
    let mut queue = EventQueue::new();
    let mut waits = Waiting::default();
    queue.push(&mut waits, event(1, "waits"), true);
    for _ in 0..10_000 {
        let mut list = Waiting::default();
        queue.push(&mut list, event(0, "x"), false);
        queue.admit(&list);
        queue.clear(&mut list);
    }
    assert!(queue.fresh.len() <= FRESH_SLACK + 4 && queue.nodes.len() == 2);
    queue.publish();
    assert_eq!(queue.next_in_order(), Some(1));
    assert_eq!(pop(&mut queue, &mut waits).unwrap(), "waits");
}

#[test]
fn closing_many_with_unseen_events_looks_through_the_others_rarely() {
    let mut queue = EventQueue::new();
    let mut lists: Vec<Waiting> = Vec::new();
    lists.resize_with(10_000, Waiting::default);
    for (index, list) in lists.iter_mut().enumerate() {
        queue.push(list, event(index as u32, "x"), true);
    }
    let (mut length, mut looked_at) = (queue.fresh.len(), 0);
    for list in &mut lists {
        queue.clear(list);
        if queue.fresh.len() < length {
            looked_at += length;
            length = queue.fresh.len();
        }
    }
    assert!(looked_at <= 20_000, "{looked_at} entries for 10,000 connections");
    assert!(length <= FRESH_SLACK && queue.unseen == 0);
}
