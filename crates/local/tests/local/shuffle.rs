//! The shuffler's bound against exact divergences of small crowds.

use std::collections::BTreeMap;

use flockwise_local::collector::shuffle;
use flockwise_local::{Input, Kary, Kind, Scheme};
use num_rational::BigRational;
use num_traits::ToPrimitive;

use crate::support::{distribution, epsilon};

type Histogram = BTreeMap<Vec<u32>, f64>;

/// The exact distribution of how often each report arrives, from people with these inputs.
fn shuffled(reports: &[BTreeMap<Vec<u8>, BigRational>], outputs: usize) -> Histogram {
    reports.iter().fold(Histogram::from([(vec![0; outputs], 1.0)]), shuffled_onto)
}

/// One more person among them.
fn shuffled_onto(all: Histogram, person: &BTreeMap<Vec<u8>, BigRational>) -> Histogram {
    let mut next = Histogram::new();
    for (counts, p) in &all {
        for (report, q) in person {
            let mut counts = counts.clone();
            counts[usize::from(report[0])] += 1;
            *next.entry(counts).or_default() += p * q.to_f64().expect("a probability");
        }
    }
    next
}

/// The least δ at which the shuffled reports of `people` people are (ε, δ)-private, exactly, over all inputs of one person
/// and every input that the others could share.
fn exact_delta(scheme: &Scheme, people: usize, eps: f64) -> f64 {
    let of = |input| {
        distribution(0, |draws| {
            let mut report = vec![0; 1];
            scheme.randomize_with(input, draws, &mut report).unwrap();
            report
        })
    };
    let items = scheme.items().unwrap();
    let each: Vec<_> = (0..items).map(Input::Item).chain([Input::Nothing]).map(of).collect();
    let outputs =
        each.iter().flat_map(|one| one.keys().map(|report| usize::from(report[0]) + 1)).max().unwrap();
    let mut worst: f64 = 0.0;
    for others in &each {
        let crowd = shuffled(&vec![others.clone(); people - 1], outputs);
        let with = |one| shuffled_onto(crowd.clone(), one);
        let all: Vec<_> = each.iter().map(with).collect();
        for a in &all {
            for b in &all {
                worst = worst.max(a.iter().map(|(counts, p)| (p - eps.exp() * b[counts]).max(0.0)).sum());
            }
        }
    }
    worst
}

#[test]
fn the_bound_covers_the_exact_divergence() {
    for (kind, items, text, people) in [
        (Kind::Kary, 2, "1", 30),
        (Kind::Kary, 2, "3", 40),
        (Kind::Kary, 3, "1", 12),
        (Kind::Kary, 3, "2.5", 12),
        (Kind::Unary, 2, "2", 12),
        (Kind::Hadamard, 3, "1", 12),
        (Kind::Hadamard, 2, "3.5", 12),
    ] {
        let scheme = Scheme::of_kind(kind, items, epsilon(text)).unwrap();
        for delta in [0.1, 0.01, 1e-4] {
            let bound = shuffle::epsilon(&scheme, people, delta).unwrap();
            let exact = exact_delta(&scheme, people as usize, bound);
            assert!(exact <= delta * 1.000_001, "{scheme}, {people} people: {exact} over {delta}");
        }
    }
}

#[test]
fn control_half_the_bound_is_not_enough() {
    let scheme = Scheme::of_kind(Kind::Kary, 2, epsilon("1")).unwrap();
    let bound = shuffle::epsilon(&scheme, 30, 0.01).unwrap();
    assert!(exact_delta(&scheme, 30, bound / 2.0) > 0.01);
}

#[test]
fn more_people_hide_better_and_nothing_is_worse_than_alone() {
    for scheme in [
        Scheme::of_kind(Kind::LocalHashing, 1000, epsilon("2")).unwrap(),
        Scheme::of_kind(Kind::Hadamard, 1000, epsilon("2")).unwrap(),
    ] {
        let few = shuffle::epsilon(&scheme, 2, 1e-6).unwrap();
        let some = shuffle::epsilon(&scheme, 10_000, 1e-6).unwrap();
        let more = shuffle::epsilon(&scheme, 100_000, 1e-6).unwrap();
        assert!(more < some && some < few && few <= 2.0);
        // The closed form of Feldman, McMillan, Talwar 2021, Theorem 3.1, is looser.
        let (local, n, delta) = (2.0_f64, 100_000.0_f64, 1e-6_f64);
        let root = (8.0 * (local.exp() * (4.0 / delta).ln()).sqrt()) / n.sqrt();
        let closed = (1.0 + (local.exp() - 1.0) / (local.exp() + 1.0) * (root + 8.0 * local.exp() / n)).ln();
        assert!(more < closed && more > closed / 20.0, "{more} against {closed}");
    }
    let scheme = Scheme::Kary(Kary::new(2, epsilon("1")).unwrap());
    for (people, delta) in [(1, 1e-6), (100, 0.0), (100, 1.0), (100, f64::NAN)] {
        assert!(shuffle::epsilon(&scheme, people, delta).is_none());
    }
}
