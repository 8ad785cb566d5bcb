//! What was measured: medians over the rounds, and how they compare with the best rival's of the
//! same rounds.

use std::collections::BTreeMap;

use super::suite::{Better, Load, Metric, Role, Sample, Suite};

/// All samples, by load and peer, and then by round.
#[derive(Default)]
pub struct Results {
    samples: BTreeMap<(&'static str, &'static str), BTreeMap<usize, Sample>>,
}

impl Results {
    /// Adds what one trial measured in a round.
    pub fn add(&mut self, load: &'static str, peer: &'static str, round: usize, sample: Sample) {
        self.samples.entry((load, peer)).or_default().insert(round, sample);
    }

    /// The samples of a load and a peer, in the order of the rounds.
    pub fn samples(
        &self,
        load: &'static str,
        peer: &'static str,
    ) -> impl ExactSizeIterator<Item = &Sample> {
        self.samples.get(&(load, peer)).map(BTreeMap::values).unwrap_or_default()
    }

    /// The median of one number over the rounds.
    pub fn median(&self, load: &'static str, peer: &'static str, key: &str) -> Option<f64> {
        median(self.samples(load, peer).filter_map(|sample| sample.get(key).copied()).collect())
    }

    /// The rival with the best median.
    pub fn best(&self, suite: &Suite, load: &Load, metric: &Metric) -> Option<&'static str> {
        let rivals = suite.peers.iter().filter(|peer| peer.role == Role::Rival);
        let medians = rivals
            .filter_map(|peer| Some((peer.name, self.median(load.name, peer.name, metric.key)?)));
        let best = medians.reduce(|a, b| {
            let is_better = match metric.better {
                Better::More => b.1 > a.1,
                Better::Less => b.1 < a.1,
            };
            if is_better { b } else { a }
        });
        best.map(|(name, _)| name)
    }

    /// A peer beside the bound.
    pub fn of_bound(
        &self,
        suite: &Suite,
        load: &Load,
        peer: &'static str,
        metric: &Metric,
    ) -> Option<f64> {
        let bound = suite.peers.iter().find(|peer| peer.role == Role::Bound)?;
        self.beside(load, peer, bound.name, metric)
    }

    /// A peer beside the best rival: above 1 is more, not better.
    pub fn ratio(
        &self,
        suite: &Suite,
        load: &Load,
        peer: &'static str,
        metric: &Metric,
    ) -> Option<f64> {
        self.beside(load, peer, self.best(suite, load, metric)?, metric)
    }

    /// The median of the ratios of two peers, each of one round: a machine that is slower in one
    /// round than in another is so for both of them.
    fn beside(
        &self,
        load: &Load,
        peer: &'static str,
        other: &'static str,
        metric: &Metric,
    ) -> Option<f64> {
        let value = |peer, round| self.samples.get(&(load.name, peer))?.get(round)?.get(metric.key);
        let rounds = self.samples.get(&(load.name, peer))?.keys();
        let ratios = rounds.filter_map(|round| {
            let (value, other) = (*value(peer, round)?, *value(other, round)?);
            (other > 0.0).then(|| value / other)
        });
        median(ratios.collect())
    }
}

/// The middle of the values, or the mean of the two in the middle.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        count if count % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::suite::{Peer, Program};
    use super::*;

    #[test]
    fn a_median_is_the_middle() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0, 1.0, 9.0]), Some(3.0));
        assert_eq!(median(vec![4.0, 1.0, 9.0, 2.0]), Some(3.0));
    }

    const COST: Metric = Metric::new("cost", "cost", 1.0, 1, Better::Less);

    fn peer(name: &'static str, role: Role) -> Peer {
        let nothing = || Program::new(PathBuf::new());
        Peer { name, role, server: nothing(), client: nothing(), without: &[] }
    }

    fn suite() -> Suite {
        let peers = vec![peer("a", Role::Ours), peer("b", Role::Rival), peer("c", Role::Rival)];
        Suite { name: "x", title: "x", peers, loads: vec![Load::nothing()], network: None }
    }

    #[test]
    fn peers_are_compared_round_by_round() {
        let (suite, mut results) = (suite(), Results::default());
        // The machine becomes slower from round to round; the third one failed for the rival.
        for (round, a, b) in [(1, 2.0, 4.0), (2, 6.0, 10.0), (3, 500.0, 0.0), (4, 80.0, 100.0)] {
            let sample = |cost| Sample::from([("cost".to_owned(), cost)]);
            results.add("x", "a", round, sample(a));
            if round != 3 {
                results.add("x", "b", round, sample(b));
            }
            results.add("x", "c", round, sample(1000.0));
        }
        let load = &suite.loads[0];
        assert_eq!(results.best(&suite, load, &COST), Some("b"));
        assert_eq!(results.ratio(&suite, load, "a", &COST), Some(0.6));
        assert_eq!(results.ratio(&suite, load, "b", &COST), Some(1.0));
        assert_eq!(results.of_bound(&suite, load, "a", &COST), None);
        assert_eq!(results.samples("x", "b").len(), 3);
    }
}
