//! The search for an event that tells two neighbours apart, and the judgement on fresh runs.

use std::collections::BTreeMap;

use flockwise_mechanisms::Os;
use flockwise_mechanisms::audit::clopper_pearson;
use flockwise_mechanisms::sampler::NoEntropy;

use crate::{Side, Subject};

/// How many runs, and how sure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size {
    /// Runs per side in which an event is looked for.
    pub search: u64,
    /// Fresh runs per side in which it is counted.
    pub judge: u64,
}

impl Size {
    /// For every commit.
    pub const SMALL: Self = Self { search: 10_000, judge: 30_000 };
    /// For the controls at every commit: a scale that is a tenth too small shows in no fewer.
    pub const CONTROLS: Self = Self { search: 20_000, judge: 150_000 };
    /// For every night.
    pub const NIGHTLY: Self = Self { search: 100_000, judge: 1_000_000 };
}

/// A set of outcomes: those whose view has a certain value, or lies on one side of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event {
    view: usize,
    shape: Shape,
    value: i64,
    /// On which side it is likelier.
    likelier: Side,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Shape {
    Is,
    AtLeast,
    AtMost,
}

impl Event {
    fn holds(&self, outcome: &[i64]) -> bool {
        let seen = outcome[self.view];
        match self.shape {
            Shape::Is => seen == self.value,
            Shape::AtLeast => seen >= self.value,
            Shape::AtMost => seen <= self.value,
        }
    }

    /// In words.
    #[must_use]
    pub fn describe(&self, views: &[&str]) -> String {
        let sign = match self.shape {
            Shape::Is => "=",
            Shape::AtLeast => "≥",
            Shape::AtMost => "≤",
        };
        format!("{} {sign} {}", views[self.view], self.value)
    }
}

/// What an audit found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The event that was judged.
    pub event: Event,
    /// The lower confidence bound ε̂; 0 when the event shows nothing.
    pub epsilon: f64,
    /// How often it was seen: where it is likelier, and on the other side.
    pub seen: (u64, u64),
    /// Whether ε̂ is over the ε that is claimed.
    pub broken: bool,
}

/// Audits one subject; each of its two bounds fails with probability at most `alpha`.
///
/// # Errors
/// When the operating system gives no entropy.
///
/// # Panics
/// When a run does.
pub fn audit(subject: &Subject, size: Size, alpha: f64) -> Result<Finding, NoEntropy> {
    let [without, with] = both(|side, source| {
        let mut histograms = vec![BTreeMap::<i64, u64>::new(); subject.views.len()];
        for _ in 0..size.search {
            let outcome = (subject.run)(side, source);
            histograms.iter_mut().zip(outcome).for_each(|(seen, value)| *seen.entry(value).or_default() += 1);
        }
        histograms
    })?;
    let event = search(&without, &with, size.search, subject.delta);
    let [without, with] = both(|side, source| {
        (0..size.judge).filter(|_| event.holds(&(subject.run)(side, source))).count() as u64
    })?;
    let seen = event.likelier.pick((without, with), (with, without));
    let (low, _) = clopper_pearson(seen.0, size.judge, alpha);
    let (_, high) = clopper_pearson(seen.1, size.judge, alpha);
    let epsilon = if low > subject.delta { ((low - subject.delta) / high).ln().max(0.0) } else { 0.0 };
    Ok(Finding { event, epsilon, seen, broken: epsilon > subject.epsilon })
}

/// The same on both sides, each with a source of its own.
fn both<T: Send>(work: impl Fn(Side, &mut Os) -> T + Sync) -> Result<[T; 2], NoEntropy> {
    let one = |side| Ok(work(side, &mut Os::new()?));
    std::thread::scope(|scope| {
        let with = scope.spawn(|| one(Side::With));
        let without = one(Side::Without)?;
        Ok([without, with.join().expect("a run does not panic")?])
    })
}

/// The event whose ε is largest by a rough bound, five standard deviations on each side.
fn search(without: &[BTreeMap<i64, u64>], with: &[BTreeMap<i64, u64>], runs: u64, delta: f64) -> Event {
    let runs = runs as f64;
    let rough = |likelier: u64, other: u64| {
        let (p, q) = (likelier as f64 / runs, other as f64 / runs);
        let low = p - 5.0 * (p / runs).sqrt() - delta;
        let high = q + 5.0 * (q / runs).sqrt() + 25.0 / runs;
        if low > 0.0 { (low / high).ln() } else { f64::NEG_INFINITY }
    };
    let mut best =
        (f64::NEG_INFINITY, Event { view: 0, shape: Shape::AtLeast, value: 0, likelier: Side::With });
    for (view, (without, with)) in without.iter().zip(with).enumerate() {
        let values: std::collections::BTreeSet<i64> = without.keys().chain(with.keys()).copied().collect();
        let (mut under_without, mut under_with) = (0, 0);
        for value in values {
            let at = |side: &BTreeMap<i64, u64>| side.get(&value).copied().unwrap_or(0);
            let (a, b) = (at(without), at(with));
            let (over_without, over_with) = (runs as u64 - under_without, runs as u64 - under_with);
            (under_without, under_with) = (under_without + a, under_with + b);
            let shapes = [
                (Shape::Is, a, b),
                (Shape::AtLeast, over_without, over_with),
                (Shape::AtMost, under_without, under_with),
            ];
            for (shape, a, b) in shapes {
                for (likelier, score) in [(Side::Without, rough(a, b)), (Side::With, rough(b, a))] {
                    if score > best.0 {
                        best = (score, Event { view, shape, value, likelier });
                    }
                }
            }
        }
    }
    best.1
}
