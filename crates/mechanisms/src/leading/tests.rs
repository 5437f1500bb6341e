//! Exact divergence over small sets of keys, and the sampler against its probabilities.

use super::*;
use crate::audit::{self, Mode, Recorder, Violation, frequencies, grant, hockey_stick, seeded};

fn loss(epsilon: &str, delta: &str) -> Loss {
    Loss::pure(epsilon.parse().unwrap(), delta.parse().unwrap())
}

/// Counts of keys 0, 1, 2, …; nobody's keys are no candidates.
fn keyed(counts: &[i128]) -> Vec<(Key, i128)> {
    let keys = counts.iter().zip(0_u8..).filter(|(count, _)| **count > 0);
    keys.map(|(count, key)| (vec![key], *count)).collect()
}

/// Sequences of picks and their probabilities.
fn pmf(leader: Leader, counts: &[(Key, i128)]) -> Vec<(Vec<Key>, f64)> {
    let (candidates, mark) = considered(leader, counts);
    let mut done = Vec::new();
    let mut open = vec![(Vec::<Key>::new(), 1.0)];
    for _ in 0..leader.leading.picks {
        let mut next = Vec::new();
        for (taken, chance) in open {
            let left: Vec<_> = candidates.iter().filter(|(key, _)| !taken.contains(key)).collect();
            let weight = |score: i128| (leader.rate.to_f64() * (score - mark) as f64).exp();
            let whole = 1.0 + left.iter().map(|(_, count)| weight(*count)).sum::<f64>();
            for (key, count) in left {
                next.push(([taken.clone(), vec![key.clone()]].concat(), chance * weight(*count) / whole));
            }
            done.push((taken, chance / whole));
        }
        open = next;
    }
    [done, open].concat()
}

/// The largest δ at ε over neighbours: all small counts of four keys, one person more with any of them.
fn worst(leader: Leader, epsilon: f64) -> f64 {
    let mut most = 0.0_f64;
    for code in 0..81_i128 {
        let counts: Vec<i128> = (0..4).map(|at| code / 3_i128.pow(at) % 3).collect();
        for person in 1..16 {
            let moved: Vec<i128> =
                counts.iter().enumerate().map(|(at, count)| count + (person >> at & 1)).collect();
            let (a, b) = (pmf(leader, &keyed(&counts)), pmf(leader, &keyed(&moved)));
            let mut both = std::collections::BTreeMap::<Vec<Key>, (f64, f64)>::new();
            a.into_iter().for_each(|(outcome, chance)| both.entry(outcome).or_default().0 += chance);
            b.into_iter().for_each(|(outcome, chance)| both.entry(outcome).or_default().1 += chance);
            let (p, q): (Vec<f64>, Vec<f64>) = both.into_values().unzip();
            most = most.max(hockey_stick(epsilon, &p, &q));
        }
    }
    most
}

#[test]
fn n5_the_divergence_is_at_most_delta() {
    for (epsilon, delta) in [("0.5", "0.05"), ("1", "0.001"), ("2", "0.1")] {
        for (picks, considered) in [(1, 1), (1, 3), (2, 2), (2, 3)] {
            let leader = Leading::new(picks, considered).unwrap().leader(loss(epsilon, delta)).unwrap();
            let (spent, delta) = (worst(leader, epsilon.parse().unwrap()), delta.parse::<f64>().unwrap());
            assert!(spent > 0.0 && spent <= delta, "{leader:?} spends {spent} of {delta}");
        }
    }
}

#[test]
fn n5_controls() {
    let right = Leading::new(1, 3).unwrap().leader(loss("1", "0.01")).unwrap();
    assert!(worst(Leader { margin: 1, ..right }, 1.0) > 0.01, "an end mark without its margin");
    let rate = Ratio::new(3 * right.rate.numerator(), right.rate.denominator()).unwrap();
    assert!(worst(Leader { rate, margin: right.margin / 3, ..right }, 1.0) > 0.01, "three times the rate");
}

#[test]
fn the_sampler_has_its_probabilities() {
    let mut rng = seeded(61);
    let leader = Leading::new(2, 3).unwrap().leader(loss("2", "0.2")).unwrap();
    let counts = keyed(&[9, 3, 11, 8, 1]);
    let draw = || lead(&mut rng, leader, &counts);
    assert_eq!(frequencies(pmf(leader, &counts), 6000, 1e-11, draw), Ok(()));
    assert_eq!(lead(&mut rng, leader, &[]), Vec::<Key>::new());
}

/// η = 1/2, margin = 1 + ⌈2 ln(100 (1 + e)/1e-6)⌉ = 1 + ⌈39.47⌉: ln(3.71828e8) = 19.7338.
#[test]
fn golden_margin() {
    let leader = Leading::new(2, 100).unwrap().leader(loss("1", "1e-6")).unwrap();
    assert_eq!((leader.rate, leader.margin), (Ratio::new(1, 2).unwrap(), 41));
}

#[test]
fn n6_bad_parameters_are_refused() {
    assert_eq!(Leading::new(0, 5), Err(BadLeading));
    assert_eq!(Leading::new(6, 5), Err(BadLeading));
    let ask = Leading::new(1, 5).unwrap();
    let pure = Loss::pure("1".parse().unwrap(), crate::Delta::ZERO);
    assert_eq!(ask.leader(pure), Err(CalibrationError::NothingToSpend));
    let nothing = Loss::zero(crate::Accounting::Zcdp).with_delta("0.1".parse().unwrap());
    assert_eq!(ask.leader(nothing), Err(CalibrationError::NothingToSpend));
}

#[test]
fn the_recorder_checks_top_k() {
    let run = |counts: &'static [i128]| {
        move |source: &mut Recorder| {
            let ask = Leading::new(2, 3).unwrap();
            leading(grant(loss("1", "0.01")), ask, &Private::new(keyed(counts)), source).unwrap().into_inner()
        }
    };
    let pair = |a, b| {
        for mode in [Mode::Exact, Mode::Open, Mode::Wild { seed: 6 }, Mode::Drawn { seed: 6 }] {
            audit::check(mode, run(a), run(b))?;
        }
        Ok::<(), Violation>(())
    };
    assert_eq!(pair(&[40, 9, 0, 3, 3], &[41, 10, 1, 4, 4]), Ok(()));
    assert_eq!(pair(&[40, 9], &[42, 9]), Err(Violation::Sensitivity { call: 0, moved: 2, allowed: 1 }));
    assert_eq!(pair(&[40, 9], &[41, 8]), Err(Violation::NotMonotone { call: 0 }));
    assert_eq!(pair(&[40, 0, 1], &[40, 1, 0]), Err(Violation::TwoSided { call: 0 }));
}
