//! The shuffler's bound against exact divergences of small crowds.

use std::collections::BTreeMap;

use flockwise_local::collector::shuffle;
use flockwise_local::{Input, Kary, Scheme};
use num_rational::BigRational;
use num_traits::ToPrimitive;

use crate::support::{distribution, epsilon};

type Histogram = BTreeMap<Vec<u32>, f64>;

/// The exact distribution of how often each report arrives, from people with these inputs.
fn shuffled(reports: &[BTreeMap<Vec<u8>, BigRational>], outputs: usize) -> Histogram {
    let mut all = Histogram::from([(vec![0; outputs], 1.0)]);
    for person in reports {
        let mut next = Histogram::new();
        for (counts, p) in &all {
            for (report, q) in person {
                let mut counts = counts.clone();
                counts[usize::from(report[0])] += 1;
                *next.entry(counts).or_default() += p * q.to_f64().expect("a probability");
            }
        }
        all = next;
    }
    all
}

/// The least δ at which the shuffled reports of `people` people are (ε, δ)-private, exactly, over inputs of the others.
fn exact_delta(scheme: &Scheme, items: u32, people: usize, eps: f64) -> f64 {
    let of = |item| {
        distribution(0, |draws| {
            let mut report = vec![0; 1];
            scheme.randomize_with(Input::Item(item), draws, &mut report).unwrap();
            report
        })
    };
    let each: Vec<_> = (0..items).map(of).collect();
    let mut worst: f64 = 0.0;
    for other in 0..items {
        let crowd = |first: u32| {
            let mut people: Vec<_> = vec![each[other as usize].clone(); people];
            people[0] = each[first as usize].clone();
            shuffled(&people, items as usize)
        };
        let (a, b) = (crowd(0), crowd(1));
        for (a, b) in [(&a, &b), (&b, &a)] {
            worst = worst.max(a.iter().map(|(counts, p)| (p - eps.exp() * b[counts]).max(0.0)).sum());
        }
    }
    worst
}

#[test]
fn the_bound_covers_the_exact_divergence() {
    for (items, text, people) in [(2, "1", 30), (2, "3", 40), (3, "1", 12), (3, "2.5", 12)] {
        let scheme = Scheme::Kary(Kary::new(items, epsilon(text)).unwrap());
        for delta in [0.1, 0.01, 1e-4] {
            let bound = shuffle::epsilon(&scheme, people, delta).unwrap();
            let exact = exact_delta(&scheme, items, people as usize, bound);
            assert!(exact <= delta * 1.000_001, "{scheme}, {people} people: {exact} over {delta}");
        }
    }
}

#[test]
fn control_half_the_bound_is_not_enough() {
    let scheme = Scheme::Kary(Kary::new(2, epsilon("1")).unwrap());
    let bound = shuffle::epsilon(&scheme, 30, 0.01).unwrap();
    assert!(exact_delta(&scheme, 2, 30, bound / 2.0) > 0.01);
}

#[test]
fn more_people_hide_better_and_nothing_is_worse_than_alone() {
    for scheme in [
        Scheme::of_kind(flockwise_local::Kind::LocalHashing, 1000, epsilon("2")).unwrap(),
        Scheme::of_kind(flockwise_local::Kind::Hadamard, 1000, epsilon("2")).unwrap(),
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
