//! What was measured: medians over the rounds, and how they compare with the best rival.

use std::collections::BTreeMap;

use super::suite::{Better, Load, Metric, Role, Sample, Suite};

/// All samples, by load and peer.
#[derive(Default)]
pub struct Results {
    samples: BTreeMap<(&'static str, &'static str), Vec<Sample>>,
}

impl Results {
    /// Adds what one trial measured.
    pub fn add(&mut self, load: &'static str, peer: &'static str, sample: Sample) {
        self.samples.entry((load, peer)).or_default().push(sample);
    }

    /// The samples of a load and a peer, in the order of the rounds.
    pub fn samples(&self, load: &'static str, peer: &'static str) -> &[Sample] {
        self.samples.get(&(load, peer)).map_or(&[], Vec::as_slice)
    }

    /// The median of one number over the rounds.
    pub fn median(&self, load: &'static str, peer: &'static str, key: &str) -> Option<f64> {
        let samples = self.samples.get(&(load, peer))?;
        median(samples.iter().filter_map(|sample| sample.get(key).copied()).collect())
    }

    /// The best median among the rivals.
    pub fn best(&self, suite: &Suite, load: &Load, metric: &Metric) -> Option<f64> {
        let rivals = suite.peers.iter().filter(|peer| peer.role == Role::Rival);
        let medians = rivals.filter_map(|peer| self.median(load.name, peer.name, metric.key));
        medians.reduce(|a, b| match metric.better {
            Better::More => a.max(b),
            Better::Less => a.min(b),
        })
    }

    /// A median as a ratio to the bound's.
    pub fn of_bound(
        &self,
        suite: &Suite,
        load: &Load,
        peer: &'static str,
        metric: &Metric,
    ) -> Option<f64> {
        let bound = suite.peers.iter().find(|peer| peer.role == Role::Bound)?;
        let bound = self.median(load.name, bound.name, metric.key)?;
        let value = self.median(load.name, peer, metric.key)?;
        (bound > 0.0).then(|| value / bound)
    }

    /// A median as a ratio to the best rival's: above 1 is more, not better.
    pub fn ratio(
        &self,
        suite: &Suite,
        load: &Load,
        peer: &'static str,
        metric: &Metric,
    ) -> Option<f64> {
        let value = self.median(load.name, peer, metric.key)?;
        let best = self.best(suite, load, metric)?;
        (best > 0.0).then(|| value / best)
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
    use super::*;

    #[test]
    fn a_median_is_the_middle() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0, 1.0, 9.0]), Some(3.0));
        assert_eq!(median(vec![4.0, 1.0, 9.0, 2.0]), Some(3.0));
    }
}
