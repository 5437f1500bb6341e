//! Thresholds against exact enumeration, and against simulation at a δ that has power.

use super::*;
use crate::audit::{Mode, Recorder, clopper_pearson, grant};
use crate::loss::Loss;
use crate::ratio::Ratio;
use crate::{Epsilon, Rho};

fn delta(text: &str) -> Delta {
    text.parse().unwrap()
}

fn ratio(numerator: u128, denominator: u128) -> Ratio {
    Ratio::new(numerator, denominator).unwrap()
}

fn noises() -> Vec<Noise> {
    vec![
        Noise::DiscreteLaplace { scale: ratio(1, 3) },
        Noise::DiscreteLaplace { scale: ratio(50, 1) },
        Noise::DiscreteLaplace { scale: ratio(1_000_003, 2) },
        Noise::DiscreteGaussian { sigma_squared: ratio(1, 2) },
        Noise::DiscreteGaussian { sigma_squared: ratio(900, 1) },
        Noise::RoundedNormal { sigma: ratio(7, 5) },
        Noise::RoundedNormal { sigma: ratio(4000, 1) },
    ]
}

fn entries() -> Vec<Entry> {
    vec![
        Entry::keep(1, 1).unwrap(),
        Entry::keep(64, 3).unwrap(),
        Entry::norm(1, 64, 100).unwrap(),
        Entry::norm(8, 300, 1 << 20).unwrap(),
        Entry::l1(4, 128, 1000).unwrap(),
        Entry::new(vec![5, 9, 2, 7]),
    ]
}

/// Pr[N ≥ m], summed from the pmf term by term: independent of the closed forms and bounds that thresholds use.
fn tail(noise: Noise, m: i128) -> f64 {
    let far = (45.0 * noise.standard_deviation()) as i128 + 60;
    let pmf: Box<dyn Fn(f64) -> f64> = match noise {
        Noise::DiscreteLaplace { scale } => {
            let p = (-1.0 / scale.to_f64()).exp();
            Box::new(move |x| (1.0 - p) / (1.0 + p) * (-x.abs() / scale.to_f64()).exp())
        }
        Noise::DiscreteGaussian { sigma_squared } => {
            let weight = move |x: f64| (-x * x / (2.0 * sigma_squared.to_f64())).exp();
            let whole: f64 = (-far..=far).map(|x| weight(x as f64)).sum();
            Box::new(move |x| weight(x) / whole)
        }
        Noise::RoundedNormal { sigma } => {
            return crate::normal::upper_tail((m as f64 - 0.5) / sigma.to_f64());
        }
    };
    // From the far end, so that small terms are not lost.
    (m..=m.max(far)).rev().map(|x| pmf(x as f64)).sum()
}

/// The chance that any of t new keys of the largest weight appears.
fn any_appears(noise: Noise, entry: &Entry, threshold: i128, t: usize) -> f64 {
    let each = tail(noise, threshold - entry.largest(t));
    -(t as f64 * (-each).ln_1p()).exp_m1()
}

/// The worst chance over numbers of keys; all of them for small caps, a spread of them for large ones.
fn worst(noise: Noise, entry: &Entry, threshold: i128) -> f64 {
    let cap = entry.cap();
    let step = (cap / 40).max(1);
    let spread = (1..=cap).filter(|t| *t <= 12 || t % step == 0 || *t == cap);
    spread.map(|t| any_appears(noise, entry, threshold, t)).fold(0.0, f64::max)
}

#[test]
fn p1_no_new_key_appears_more_often_than_delta() {
    for noise in noises().into_iter().filter(|noise| noise.standard_deviation() < 5000.0) {
        for entry in entries() {
            for delta in ["0.05", "1e-3", "1e-6"].map(delta) {
                let threshold = threshold(noise, &entry, delta).unwrap();
                let chance = worst(noise, &entry, threshold);
                assert!(chance <= delta.to_f64(), "{noise:?} {entry:?} {delta}: {chance}");
            }
        }
    }
}

#[test]
fn p1_thresholds_are_tight() {
    // Laplace: one below, and it is broken. At these scales one grid unit changes the chance by at most 2%.
    for (scale, least) in [(ratio(50, 1), 0.98), (ratio(500, 1), 0.998), (ratio(1, 3), 0.0)] {
        let noise = Noise::DiscreteLaplace { scale };
        for entry in
            [Entry::keep(1, 1).unwrap(), Entry::keep(64, 3).unwrap(), Entry::norm(1, 8, 100).unwrap()]
        {
            let delta = delta("0.001");
            let threshold = threshold(noise, &entry, delta).unwrap();
            assert!(worst(noise, &entry, threshold - 1) > delta.to_f64() * (1.0 - 1e-6));
            assert!(worst(noise, &entry, threshold) >= least * 0.999 * delta.to_f64());
        }
    }
    let noise = Noise::DiscreteGaussian { sigma_squared: ratio(90_000, 1) };
    let entry = Entry::norm(1, 64, 100).unwrap();
    let threshold = threshold(noise, &entry, delta("0.001")).unwrap();
    assert!(worst(noise, &entry, threshold) >= 0.9 * 0.001);
}

#[test]
fn golden_thresholds() {
    // One key, T = 1 + ⌈s ln(1/(δ(1 + e^{-1/s})))⌉: with s = 1, δ = 1e-6 it is 1 + ⌈ln(10^6/1.3679)⌉ = 1 + ⌈13.502⌉.
    let laplace = Noise::DiscreteLaplace { scale: ratio(1, 1) };
    assert_eq!(threshold(laplace, &Entry::keep(1, 1).unwrap(), delta("1e-6")).unwrap(), 15);
    // One key, rounded normal with σ = 10: Pr[10 Z ≥ T − 1.5] ≤ 0.05 from T = 1.5 + 16.4485 on.
    let rounded = Noise::RoundedNormal { sigma: ratio(10, 1) };
    assert_eq!(threshold(rounded, &Entry::keep(1, 1).unwrap(), delta("0.05")).unwrap(), 18);
    // Discrete Gaussian with σ = 10: Pr[N ≥ 17] = 0.0494, by summation.
    let gaussian = Noise::DiscreteGaussian { sigma_squared: ratio(100, 1) };
    assert_eq!(threshold(gaussian, &Entry::keep(1, 1).unwrap(), delta("0.05")).unwrap(), 18);
}

/// The search that skips ranges finds the maximum that trying every t finds.
#[test]
fn the_search_misses_nothing() {
    for noise in noises() {
        for (bound, cap, unit) in
            [(1, 1, 1), (1, 2, 9), (1, 300, 10_000), (3, 250, 17), (16, 400, 1 << 20), (400, 300, 5)]
        {
            for entry in [Entry::norm(bound, cap, unit).unwrap(), Entry::l1(bound, cap, unit).unwrap()] {
                let listed = Entry::new((1..=cap).map(|t| entry.largest(t)).collect());
                for delta in ["0.05", "1e-8"].map(delta) {
                    let quick = threshold(noise, &entry, delta).unwrap();
                    assert_eq!(quick, threshold(noise, &listed, delta).unwrap(), "{noise:?} {entry:?}");
                }
            }
        }
    }
}

#[test]
fn the_largest_cap_is_not_slow() {
    let entry = Entry::norm(64, Entry::MOST_KEYS, 1 << 40).unwrap();
    for sigma in [1_u128 << 38, 1 << 41, 1 << 44] {
        let noise = Noise::RoundedNormal { sigma: ratio(sigma, 1) };
        let whole = threshold(noise, &entry, delta("1e-8")).unwrap();
        let small = Entry::norm(64, 1000, 1 << 40).unwrap();
        assert!(threshold(noise, &small, delta("1e-8")).unwrap() <= whole);
    }
}

#[test]
fn zero_delta_is_refused() {
    for noise in noises() {
        let refused = threshold(noise, &Entry::keep(1, 1).unwrap(), Delta::ZERO);
        assert_eq!(refused, Err(CalibrationError::NothingToSpend));
    }
}

/// One person's t own keys, `runs` times: how often any appears.
fn appearances(family: Family, loss: Loss, entry: &Entry, t: usize, runs: u64, lower: i128) -> u64 {
    let sensitivity = entry.sensitivity(family).unwrap();
    let mut source = Recorder::new(Mode::Drawn { seed: 0x5eed + t as u64 });
    let candidates: Vec<_> =
        (0..t).map(|key| (key.to_be_bytes().to_vec(), entry.largest(t) + lower)).collect();
    let candidates = Private::new(candidates);
    let run = |_: &u64| {
        let keys = select(grant(loss), family, sensitivity, entry, &candidates, &mut source).unwrap();
        !keys.get().is_empty()
    };
    (0..runs).filter(run).count() as u64
}

fn losses() -> [(Family, Loss); 3] {
    let epsilon = "0.5".parse::<Epsilon>().unwrap();
    let rho = "0.02".parse::<Rho>().unwrap();
    [
        (Family::DiscreteLaplace, Loss::pure(epsilon, delta("0.05"))),
        (Family::DiscreteGaussian, Loss::zcdp(rho, delta("0.05"))),
        (Family::RoundedNormal, Loss::gdp("0.04".parse().unwrap(), delta("0.05"))),
    ]
}

/// Seeds are fixed, so the outcome is; the level says how unlikely a fair seed was to fail.
#[test]
fn p1_any_of_one_persons_keys_appears_at_most_with_delta() {
    const RUNS: u64 = 10_000;
    for (family, loss) in losses() {
        let entry = if family == Family::DiscreteLaplace {
            Entry::l1(4, 16, 20).unwrap()
        } else {
            Entry::norm(4, 16, 20).unwrap()
        };
        let mut worst = 0.0_f64;
        for t in [1, 4, 16] {
            let seen = appearances(family, loss, &entry, t, RUNS, 0);
            let (low, high) = clopper_pearson(seen, RUNS, 1e-9);
            assert!(low <= 0.05, "{family:?}, {t} keys: {seen} of {RUNS}");
            worst = worst.max(high);
        }
        assert!(worst >= 0.045, "{family:?}: the threshold is not tight, {worst}");
        let noise = Noise::calibrate(family, loss, entry.sensitivity(family).unwrap()).unwrap();
        // Control: keys a third of a standard deviation heavier than was declared.
        let heavier = (noise.standard_deviation() / 3.0) as i128;
        let caught = [1, 4, 16].into_iter().any(|t| {
            let seen = appearances(family, loss, &entry, t, RUNS, heavier);
            clopper_pearson(seen, RUNS, 1e-9).0 > 0.05
        });
        assert!(caught, "{family:?}: the test has no power");
    }
}

/// Controls: a threshold for other noise, a swapped comparison and a rounding down are each over δ.
#[test]
fn p1_controls_break_delta() {
    let laplace = Noise::DiscreteLaplace { scale: ratio(3, 1) };
    let entry = Entry::keep(8, 2).unwrap();
    let right = threshold(laplace, &entry, delta("0.05")).unwrap();
    assert!(worst(laplace, &entry, right - 1) > 0.05, "one lower is too low");
    let single = threshold(laplace, &Entry::keep(1, 2).unwrap(), delta("0.05")).unwrap();
    assert!(worst(laplace, &entry, single) > 0.05, "a threshold for one key does not serve eight");
    let gaussian = Noise::DiscreteGaussian { sigma_squared: ratio(18, 1) };
    let other = threshold(gaussian, &entry, delta("1e-6")).unwrap();
    assert!(worst(laplace, &entry, other) > 1e-6, "Gaussian tails are lighter than Laplace tails");
    let wide = Entry::norm(1, 64, 100).unwrap();
    let flat = Entry::keep(1, 100).unwrap();
    let rounded = Noise::RoundedNormal { sigma: ratio(500, 1) };
    let single = threshold(rounded, &flat, delta("0.05")).unwrap();
    assert!(worst(rounded, &wide, single) > 0.05, "many light keys are likelier than one heavy one");
}

#[test]
fn predictions_agree_with_enumeration() {
    for noise in noises().into_iter().filter(|noise| (3.0..5000.0).contains(&noise.standard_deviation())) {
        for short in [-70, -20, -1, 0, 1, 2, 33, 90] {
            let exact = tail(noise, short);
            let ours = appearance_probability(noise, 1000, 1000 - short);
            assert!((exact - ours).abs() < 1e-3, "{noise:?}, {short} short: {exact} against {ours}");
        }
        let (half, nearly) = (appearing_weight(noise, 1000, 0.5), appearing_weight(noise, 1000, 0.99));
        assert!((999..=1001).contains(&half), "{half}");
        assert!(appearance_probability(noise, 1000, nearly) >= 0.99);
        assert!(appearance_probability(noise, 1000, nearly - 1) < 0.99);
    }
}
