//! The short way through a pipeline that is only ReliableSequenced: what it sends and keeps is what
//! the long way does.

use proptest::prelude::*;

use super::*;

/// Two ends of one connection; `short` says whether the short way is tried first.
struct Pair {
    ends: [Alone; 2],
    short: bool,
    taken: usize,
}

impl Pair {
    fn new(window: usize, short: bool) -> Self {
        Self { ends: [(); 2].map(|()| Alone::new(vec![reliable(window)])), short, taken: 0 }
    }

    fn send(&mut self, end: usize, message: &[u8]) -> (Result<(), SendError>, Vec<Vec<u8>>) {
        let end = &mut self.ends[end];
        let now = end.now;
        let fits = |size| size + message.len() <= PACKET_MAX;
        let alone = self.short.then(|| end.pipeline.sends_alone(fits));
        match alone.flatten() {
            Some(mut alone) => {
                self.taken += 1;
                let packet = [&alone.header(now)[..alone.header_size()], message].concat();
                alone.handle_send(now, message);
                (Ok(()), vec![packet])
            }
            None => (end.send(message), end.packets()),
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Send {
        end: usize,
        size: usize,
    },
    /// A packet that is under way arrives, or is lost.
    Move {
        end: usize,
        place: usize,
        lost: bool,
    },
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..2usize, 0..1500usize).prop_map(|(end, size)| Step::Send { end, size }),
        4 => (0..2usize, 0..9usize, any::<bool>())
            .prop_map(|(end, place, lost)| Step::Move { end, place, lost }),
        1 => (0..400u64).prop_map(Step::Wait),
    ]
}

/// What leaves in the course of these steps, and what is counted.
fn run(window: usize, short: bool, steps: &[Step]) -> (Vec<String>, usize) {
    let mut pair = Pair::new(window, short);
    let mut under_way: [Vec<Vec<u8>>; 2] = Default::default();
    let mut seen = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        match *step {
            Step::Send { end, size } => {
                let (outcome, packets) = pair.send(end, &message(number, size));
                seen.push(format!("{outcome:?} {packets:?}"));
                under_way[end].extend(packets);
            }
            Step::Move { end, place, lost } if place < under_way[end].len() => {
                let packet = under_way[end].remove(place);
                let to = &mut pair.ends[1 - end];
                if !lost {
                    let outcome = to.receive(&packet);
                    let messages = std::mem::take(&mut to.out.messages);
                    seen.push(format!("{outcome:?} {messages:?} {}", to.pipeline.wants_ack()));
                }
            }
            Step::Move { .. } => {}
            Step::Wait(ms) => {
                for (end, under_way) in under_way.iter_mut().enumerate() {
                    let packets = pair.ends[end].wait(ms);
                    seen.push(format!("{packets:?}"));
                    under_way.extend(packets);
                }
            }
        }
        for end in &pair.ends {
            let (next, counted) = (end.pipeline.next_timeout(), end.pipeline.statistics());
            seen.push(format!("{next:?} {:?}", counted.collect::<Vec<_>>()));
        }
    }
    (seen, pair.taken)
}

proptest! {
    #[test]
    fn both_ways_send_the_same(
        window in prop::sample::select(vec![8, 32, 40, 64]),
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let (short, taken) = run(window, true, &steps);
        let (long, _) = run(window, false, &steps);
        prop_assert_eq!(short, long);
        let sends = steps.iter().any(|step| matches!(step, Step::Send { size: ..1000, .. }));
        prop_assert!(taken > 0 || !sends);
    }
}

#[test]
fn other_pipelines_and_larger_windows_go_the_long_way() {
    let others = [
        vec![reliable(72)],
        vec![fragmentation(4096), reliable(32)],
        vec![StageConfig::UnreliableSequenced],
        vec![],
    ];
    for stages in others {
        let mut end = Alone::new(stages);
        assert!(end.pipeline.sends_alone(|size| size + 7 <= PACKET_MAX).is_none());
        assert!(end.pipeline.carries_alone().is_none());
    }
}
