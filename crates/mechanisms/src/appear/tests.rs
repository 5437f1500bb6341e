//! Exact divergence of the decision, and the sampler against its probabilities.

use super::*;
use crate::audit::{self, Mode, Recorder, Violation, frequencies, grant, hockey_stick, seeded};

fn loss(epsilon: &str, delta: &str) -> Loss {
    Loss::pure(epsilon.parse().unwrap(), delta.parse().unwrap())
}

/// Pr[X > k − n] from the atoms.
fn appears(noise: Truncated, people: i128) -> f64 {
    if people == 0 {
        return 0.0;
    }
    let atom = |x: i128| (-(x.abs() as f64) / noise.scale.to_f64()).exp();
    let whole: f64 = (-noise.most..=noise.most).map(atom).sum();
    let passing = (-noise.most..=noise.most).filter(|x| people + x > noise.most);
    passing.map(atom).sum::<f64>() / whole
}

/// The largest δ at ε over all pairs of counts one apart.
fn worst(noise: Truncated, epsilon: f64) -> f64 {
    let pair = |people| {
        let (p, q) = (appears(noise, people), appears(noise, people + 1));
        hockey_stick(epsilon, &[p, 1.0 - p], &[q, 1.0 - q])
    };
    (0..=2 * noise.most + 2).map(pair).fold(0.0, f64::max)
}

#[test]
fn n5_the_divergence_is_at_most_delta_and_nearly_that() {
    for (epsilon, delta) in [(0.05, "0.001"), (0.1, "1e-6"), (1.0, "1e-4"), (3.0, "0.01")] {
        let noise = Truncated::calibrate(loss(&epsilon.to_string(), delta), 1).unwrap();
        let (delta, spent) = (delta.parse::<f64>().unwrap(), worst(noise, epsilon));
        assert!(spent <= delta * (1.0 + 1e-6), "{noise:?}: {spent}");
        // Rounding k up can cost a factor of e^ε.
        assert!(spent >= 0.99 * delta * (-epsilon).exp(), "{noise:?}: {spent}");
        if epsilon <= 0.1 {
            assert!(spent >= 0.9 * delta);
        }
    }
}

#[test]
fn n5_controls() {
    let noise = Truncated::calibrate(loss("0.1", "0.001"), 1).unwrap();
    let short = Truncated { most: noise.most - 1, ..noise };
    assert!(worst(short, 0.1) > 0.001, "one shorter");
    let scale = Ratio::new(9 * noise.scale.numerator(), 10 * noise.scale.denominator()).unwrap();
    assert!(worst(Truncated { scale, ..noise }, 0.1) > 0.001, "scale × 0.9");
    // At or over, for over: a key of one person then appears with the last two atoms.
    let swapped = |people: i128| if people == 0 { 0.0 } else { appears(noise, people + 1) };
    let (p, q) = (swapped(0), swapped(1));
    assert!(hockey_stick(0.1, &[p, 1.0 - p], &[q, 1.0 - q]) > 0.001, ">= for >");
}

/// k = ⌈ln((e^ε + 2δ − 1)/(δ(e^ε + 1)))/ε⌉ (Desfontaines, Voss, Gipson 2022, theorem 3): at ε = 1, δ = 1e-5, 10.7409.
#[test]
fn golden_truncation() {
    assert_eq!(Truncated::calibrate(loss("1", "1e-5"), 1).unwrap().most, 11);
    let shared = Truncated::calibrate(loss("4", "4e-5"), 4).unwrap();
    assert_eq!(shared.most, 11);
}

#[test]
fn the_sampler_and_the_prediction_have_its_probabilities() {
    let mut rng = seeded(31);
    let noise = Truncated::calibrate(loss("0.5", "0.05"), 1).unwrap();
    for people in [0, 1, 2, 5, 8, 100] {
        let chance = appears(noise, people);
        assert!((noise.appearance_probability(people) - chance).abs() < 1e-12, "{people}");
        let candidates = [(vec![1], people)];
        let draw = || !present(&mut rng, noise, &candidates).is_empty();
        assert_eq!(frequencies([(true, chance), (false, 1.0 - chance)], 10_000, 1e-11, draw), Ok(()));
    }
}

#[test]
fn n6_bad_parameters_are_refused() {
    assert_eq!(Truncated::calibrate(loss("1", "1e-5"), 0), Err(CalibrationError::TooLarge));
    let nothing = Err(CalibrationError::NothingToSpend);
    assert_eq!(Truncated::calibrate(Loss::zero(crate::Accounting::Zcdp), 1), nothing);
    let pure = Loss::pure("1".parse().unwrap(), Delta::ZERO);
    assert_eq!(Truncated::calibrate(pure, 1), nothing);
    assert_eq!(Truncated::calibrate(loss("1", "1e-18"), 2), nothing);
}

#[test]
fn the_recorder_checks_presence() {
    let run = |counts: &'static [(u8, i128)]| {
        move |source: &mut Recorder| {
            let counts = Private::new(counts.iter().map(|(key, people)| (vec![*key], *people)).collect());
            appear(grant(loss("1", "0.01")), 2, &counts, source).unwrap().into_inner()
        }
    };
    let pair = |a, b| {
        for mode in [Mode::Exact, Mode::Open, Mode::Wild { seed: 3 }, Mode::Drawn { seed: 3 }] {
            audit::check(mode, run(a), run(b))?;
        }
        Ok::<(), Violation>(())
    };
    assert_eq!(pair(&[(1, 40), (2, 9)], &[(1, 41), (2, 9), (3, 1)]), Ok(()));
    assert_eq!(
        pair(&[(1, 40)], &[(1, 41), (2, 1), (3, 1)]),
        Err(Violation::Cap { call: 0, count: 3, cap: 2 })
    );
    assert_eq!(
        pair(&[(1, 40)], &[(1, 40), (2, 2)]),
        Err(Violation::Sensitivity { call: 0, moved: 2, allowed: 1 })
    );
    assert_eq!(pair(&[(1, 0)], &[(1, 1)]), Err(Violation::NotPositive { call: 0, weight: 0 }));
}
