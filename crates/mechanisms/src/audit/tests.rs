//! The recording auditor passes what is right and catches each thing it is for.

use super::*;
use crate::entry::Entry;
use crate::noise::Family;
use crate::select::select;
use crate::sensitivity::{L1, L2Squared, Sensitivity};
use crate::source::{Key, secret};
use crate::{Delta, Epsilon, Private, Rho, measure};

/// People and the items they have, an item perhaps more than once.
type People = Vec<Vec<u8>>;

/// A popularity job in miniature, every step of which can be broken.
#[derive(Clone, Copy)]
struct Job {
    /// Keys per person.
    cap: usize,
    /// Declared L1 sensitivity.
    sensitivity: u128,
    /// Declared weight of a new key.
    weight: i128,
    /// Whether a person counts once per key.
    clamp: bool,
    /// Whether keys beyond the cap are dropped.
    bound: bool,
    /// Whether a public key is a candidate though nobody has it.
    phantom: bool,
    /// Whether a second count is taken when there are few people.
    peek: bool,
}

const RIGHT: Job =
    Job { cap: 3, sensitivity: 3, weight: 1, clamp: true, bound: true, phantom: false, peek: false };

impl Job {
    fn counts(self, people: &People) -> std::collections::BTreeMap<u8, i128> {
        let mut counts = std::collections::BTreeMap::new();
        for items in people {
            let mut kept = items.clone();
            if self.clamp {
                kept.sort_unstable();
                kept.dedup();
            }
            if self.bound {
                kept.truncate(self.cap);
            }
            kept.into_iter().for_each(|item| *counts.entry(item).or_insert(0) += 1);
        }
        if self.phantom {
            counts.insert(u8::MAX, 0);
        }
        counts
    }

    /// Selects keys, then counts what was selected: two stages, the second's shape decided by the first's output.
    fn run(self, people: &People, source: &mut Recorder) -> Vec<(Key, i128)> {
        let counts = self.counts(people);
        let _ = secret(source);
        let loss = |delta| Loss::pure("1".parse::<Epsilon>().unwrap(), delta);
        let sensitivity = Sensitivity::L1(L1::new(self.sensitivity).unwrap());
        let entry = Entry::new(vec![self.weight; self.cap]);
        let candidates = Private::new(counts.iter().map(|(key, count)| (vec![*key], *count)).collect());
        let charge = grant(loss("0.01".parse::<Delta>().unwrap()));
        let keys = select(charge, Family::DiscreteLaplace, sensitivity, &entry, &candidates, source).unwrap();
        let exact = keys.get().iter().map(|(key, _)| counts.get(&key[0]).copied().unwrap_or(0)).collect();
        let charge = grant(loss(Delta::ZERO));
        let values =
            measure(charge, Family::DiscreteLaplace, sensitivity, &Private::new(exact), source).unwrap();
        if self.peek && people.len() < 20 {
            let again = Private::new(vec![people.len() as i128]);
            let charge = grant(loss(Delta::ZERO));
            measure(charge, Family::DiscreteLaplace, sensitivity, &again, source).unwrap();
        }
        keys.get().iter().zip(values.get()).map(|((key, _), value)| (key.clone(), *value)).collect()
    }
}

fn crowd() -> People {
    (0..20_u8).map(|person| (0..1 + person % 3).collect()).collect()
}

/// The crowd with and without one person, in all modes; the first violation, or how close it came.
fn audit(job: Job, person: &[u8]) -> Result<f64, Violation> {
    let (without, mut with) = (crowd(), crowd());
    with.push(person.to_vec());
    let mut closest = 0.0_f64;
    for mode in [Mode::Exact, Mode::Open, Mode::Drawn { seed: 1 }, Mode::Wild { seed: 1 }] {
        for (a, b) in [(&with, &without), (&without, &with)] {
            let divergence = check(mode, |source| job.run(a, source), |source| job.run(b, source))?;
            closest = closest.max(divergence.closest());
        }
    }
    Ok(closest)
}

#[test]
fn a_job_that_is_right_passes_and_reaches_its_bound() {
    assert!((audit(RIGHT, &[0, 1, 2]).unwrap() - 1.0).abs() < f64::EPSILON);
    assert!(audit(RIGHT, &[0, 1, 7]).is_ok());
    assert!(audit(RIGHT, &[7, 8, 9, 10, 11]).is_ok());
    assert!(audit(RIGHT, &[]).is_ok());
}

#[test]
fn new_keys_are_reported() {
    let (mut with, without) = (crowd(), crowd());
    with.push(vec![7, 8]);
    let divergence =
        check(Mode::Exact, |s| RIGHT.run(&with, s), |s| RIGHT.run(&without, s)).expect("it is right");
    let new = divergence.reaches[0].new_keys.unwrap();
    assert_eq!(new, NewKeys { count: 2, cap: 3, largest: 1, allowed: 1 });
    assert_eq!(divergence.reaches.len(), 2);
    assert_eq!(divergence.reaches[1].new_keys, None);
}

#[test]
fn control_half_the_sensitivity() {
    let violation = audit(Job { sensitivity: 1, ..RIGHT }, &[0, 1, 2]).unwrap_err();
    assert_eq!(violation, Violation::Sensitivity { call: 0, moved: 3, allowed: 1 });
}

#[test]
fn control_missing_clamp() {
    let job = Job { clamp: false, bound: false, ..RIGHT };
    assert_eq!(
        audit(job, &[0, 0, 0, 1, 2]).unwrap_err(),
        Violation::Sensitivity { call: 0, moved: 5, allowed: 3 }
    );
    assert_eq!(
        audit(job, &[9, 9]).unwrap_err(),
        Violation::Weight { call: 0, count: 1, weight: 2, allowed: 1 }
    );
}

#[test]
fn control_missing_cap() {
    let job = Job { bound: false, ..RIGHT };
    assert_eq!(audit(job, &[7, 8, 9, 10]).unwrap_err(), Violation::Cap { call: 0, count: 4, cap: 3 });
}

#[test]
fn control_extra_call() {
    let job = Job { peek: true, ..RIGHT };
    let (mut few, many) = (crowd(), crowd());
    few.pop();
    let violation = check(Mode::Exact, |s| job.run(&many, s), |s| job.run(&few, s)).unwrap_err();
    assert_eq!(violation, Violation::Calls { first: 2, second: 3 });
}

#[test]
fn control_a_key_nobody_has() {
    let violation = audit(Job { phantom: true, ..RIGHT }, &[0]).unwrap_err();
    assert_eq!(violation, Violation::NotPositive { call: 0, weight: 0 });
}

#[test]
fn control_two_sided_keys_and_duplicates() {
    let (mut one, mut other) = (crowd(), crowd());
    one.push(vec![7]);
    other.push(vec![8]);
    let violation = check(Mode::Exact, |s| RIGHT.run(&one, s), |s| RIGHT.run(&other, s)).unwrap_err();
    assert_eq!(violation, Violation::TwoSided { call: 0 });

    let twice = |source: &mut Recorder| choose_from(vec![(vec![1], 4), (vec![1], 4)], source);
    assert_eq!(check(Mode::Exact, twice, twice).unwrap_err(), Violation::Twice { call: 0 });
}

fn choose_from(candidates: Vec<(Key, i128)>, source: &mut Recorder) {
    let loss = Loss::zcdp("0.5".parse::<Rho>().unwrap(), "0.01".parse::<Delta>().unwrap());
    let sensitivity = Sensitivity::L2Squared(L2Squared::new(4).unwrap());
    let candidates = Private::new(candidates);
    let entry = Entry::new(vec![2, 2]);
    select(grant(loss), Family::DiscreteGaussian, sensitivity, &entry, &candidates, source).unwrap();
}

fn add(rho: &str, square: u128, exact: Vec<i128>, source: &mut Recorder) -> Vec<i128> {
    let loss = Loss::zcdp(rho.parse::<Rho>().unwrap(), Delta::ZERO);
    let sensitivity = Sensitivity::L2Squared(L2Squared::new(square).unwrap());
    measure(grant(loss), Family::DiscreteGaussian, sensitivity, &Private::new(exact), source)
        .unwrap()
        .into_inner()
}

#[test]
fn squared_norms_are_exact_without_slack() {
    let pair = |far: i128| {
        check(Mode::Exact, |s| drop(add("1", 25, vec![0, 0], s)), |s| drop(add("1", 25, vec![3, far], s)))
    };
    assert!(pair(4).unwrap().reaches_a_bound());
    assert_eq!(pair(5).unwrap_err(), Violation::Sensitivity { call: 0, moved: 34, allowed: 25 });
    let wraps = pair(i128::MAX).unwrap_err();
    assert_eq!(wraps, Violation::Sensitivity { call: 0, moved: u128::MAX, allowed: 25 });
}

#[test]
fn control_parameters_and_lengths_from_data() {
    let run = |rho: &'static str, square, exact: Vec<i128>| {
        move |s: &mut Recorder| drop(add(rho, square, exact, s))
    };
    let against = |other: (&'static str, u128, Vec<i128>)| {
        check(Mode::Wild { seed: 5 }, run("1", 25, vec![0, 0]), run(other.0, other.1, other.2)).unwrap_err()
    };
    let parameter = |parameter| Violation::Parameter { call: 0, parameter };
    assert_eq!(against(("2", 25, vec![0, 0])), parameter("loss"));
    assert_eq!(against(("1", 26, vec![0, 0])), parameter("sensitivity"));
    assert_eq!(against(("1", 25, vec![0])), Violation::Length { call: 0, first: 2, second: 1 });
    let mechanism =
        check(Mode::Exact, |s| choose_from(vec![(vec![1], 4)], s), |s| drop(add("0.5", 4, vec![4], s)));
    assert_eq!(mechanism.unwrap_err(), Violation::Mechanism { call: 0, first: "select", second: "add" });
}

#[test]
fn control_outcome_from_exact_values() {
    let leaky = |exact: i128| {
        move |s: &mut Recorder| {
            let noisy = add("1", 1, vec![exact], s)[0];
            if exact > 3 { noisy.max(0) } else { noisy.max(1) }
        }
    };
    let modes = (0..20).map(|seed| Mode::Wild { seed });
    let caught = modes.filter(|mode| check(*mode, leaky(3), leaky(4)) == Err(Violation::Outcome));
    assert!(caught.count() > 0);
}

#[test]
fn traces_add_up_what_was_charged() {
    let mut recorder = Recorder::new(Mode::Exact);
    add("0.25", 1, vec![0], &mut recorder);
    add("0.5", 1, vec![0], &mut recorder);
    let trace = recorder.into_trace();
    assert_eq!(trace.loss(), Some(Loss::zcdp("0.75".parse().unwrap(), Delta::ZERO)));
    assert_eq!(trace.events().len(), 2);
}

#[test]
fn two_first_runs_are_not_a_replay() {
    let trace = |seed| {
        let mut recorder = Recorder::new(Mode::Drawn { seed });
        add("0.0001", 1, vec![0; 8], &mut recorder);
        recorder.into_trace()
    };
    assert_eq!(compare(&trace(1), &trace(2)).unwrap_err(), Violation::Answer { call: 0 });
    assert!(compare(&trace(1), &trace(1)).is_ok());
}
