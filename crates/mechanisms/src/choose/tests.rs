//! Exact divergences of choices, and the sampler against its probabilities.

use super::*;
use crate::audit::{self, Mode, Recorder, Violation, frequencies, grant, judge, seeded};
use crate::units::Delta;

/// Ordered picks and their probabilities, from the definition of the mechanism.
fn pmf(pick: Pick, rate: f64, scores: &[i128], picks: usize) -> Vec<(Vec<usize>, f64)> {
    let mut outcomes = vec![(Vec::new(), 1.0)];
    for _ in 0..picks {
        outcomes = outcomes
            .into_iter()
            .flat_map(|(taken, chance): (Vec<usize>, f64)| {
                let left: Vec<usize> = (0..scores.len()).filter(|at| !taken.contains(at)).collect();
                let chances = match pick {
                    Pick::Exponential => exponential_pmf(rate, scores, &left),
                    Pick::PermuteAndFlip => flip_pmf(rate, scores, &left),
                };
                let extend = move |(at, p): (usize, f64)| ([taken.clone(), vec![at]].concat(), chance * p);
                left.into_iter().zip(chances).map(extend).collect::<Vec<_>>()
            })
            .collect();
    }
    outcomes
}

fn heads(rate: f64, scores: &[i128], left: &[usize]) -> Vec<f64> {
    let best = left.iter().map(|at| scores[*at]).max().unwrap();
    left.iter().map(|at| (-rate * best.abs_diff(scores[*at]) as f64).exp()).collect()
}

fn exponential_pmf(rate: f64, scores: &[i128], left: &[usize]) -> Vec<f64> {
    let weights = heads(rate, scores, left);
    let whole: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / whole).collect()
}

/// Over all orders of the candidates.
fn flip_pmf(rate: f64, scores: &[i128], left: &[usize]) -> Vec<f64> {
    fn walk(heads: &[f64], reached: f64, passed: &mut Vec<usize>, out: &mut [f64]) {
        let left: Vec<usize> = (0..heads.len()).filter(|at| !passed.contains(at)).collect();
        for at in &left {
            let next = reached / left.len() as f64;
            out[*at] += next * heads[*at];
            if heads[*at] < 1.0 {
                passed.push(*at);
                walk(heads, next * (1.0 - heads[*at]), passed, out);
                passed.pop();
            }
        }
    }
    let heads = heads(rate, scores, left);
    let mut out = vec![0.0; heads.len()];
    walk(&heads, 1.0, &mut Vec::new(), &mut out);
    out
}

/// All vectors of three entries from a range.
fn triples(range: std::ops::RangeInclusive<i128>) -> impl Iterator<Item = [i128; 3]> {
    let (b, c) = (range.clone(), range.clone());
    range.flat_map(move |x| {
        let c = c.clone();
        b.clone().flat_map(move |y| c.clone().map(move |z| [x, y, z]))
    })
}

/// The largest part of the charge that any pair of neighbours needs.
fn worst(chooser: Chooser, loss: Loss) -> Result<f64, f64> {
    let choice = chooser.choice;
    let step = i128::from(choice.change().largest());
    let changes = match choice.change() {
        ScoreChange::Monotone(_) => 0..=step,
        ScoreChange::Either(_) => -step..=step,
    };
    let mut most = 0.0_f64;
    for scores in triples(0..=2) {
        for change in triples(changes.clone()) {
            let moved: Vec<i128> = scores.iter().zip(change).map(|(score, change)| score + change).collect();
            let chances = |scores: &[i128]| -> Vec<f64> {
                let outcomes = pmf(chooser.pick, chooser.rate.to_f64(), scores, choice.picks() as usize);
                outcomes.into_iter().map(|(_, chance)| chance).collect()
            };
            most = most.max(judge(loss, &chances(&scores), &chances(&moved))?);
        }
    }
    Ok(most)
}

fn losses() -> [Loss; 4] {
    [
        Loss::pure("0.5".parse().unwrap(), Delta::ZERO),
        Loss::pure("3".parse().unwrap(), Delta::ZERO),
        Loss::zcdp("0.01".parse().unwrap(), Delta::ZERO),
        Loss::gdp("0.25".parse().unwrap(), Delta::ZERO),
    ]
}

#[test]
fn n5_the_divergence_is_at_most_the_charge_and_nearly_that() {
    for loss in losses() {
        for change in [ScoreChange::Monotone(1), ScoreChange::Either(1), ScoreChange::Monotone(2)] {
            for picks in [1, 2] {
                let chooser = Choice::new(picks, 1, change).unwrap().chooser(loss).unwrap();
                let part = worst(chooser, loss);
                let part = part.unwrap_or_else(|part| panic!("{chooser:?} spends {part} of {loss}"));
                // One pick is tight; two picks can not both be at their worst with three candidates.
                assert!(
                    part >= if picks == 1 { 0.9 } else { 0.4 },
                    "{chooser:?} spends only {part} of {loss}"
                );
            }
        }
    }
}

/// The controls: what others have charged.
#[test]
fn n5_controls() {
    // Permute-and-flip as if it were of bounded range: η²/8.
    let zcdp = Loss::zcdp("0.01".parse().unwrap(), Delta::ZERO);
    let right = Choice::new(1, 1, ScoreChange::Either(1)).unwrap().chooser(zcdp).unwrap();
    assert!(worst(Chooser { pick: Pick::PermuteAndFlip, ..right }, zcdp).is_err());
    for loss in losses() {
        // The saving for monotone scores, for scores that are not.
        let saved = Choice::new(1, 1, ScoreChange::Monotone(1)).unwrap().chooser(loss).unwrap();
        let wrong = Chooser { choice: Choice::new(1, 1, ScoreChange::Either(1)).unwrap(), ..saved };
        assert!(worst(wrong, loss).is_err());
        // Noise at nine tenths of the scale.
        let right = Choice::new(1, 1, ScoreChange::Either(1)).unwrap().chooser(loss).unwrap();
        let rate = Ratio::new(10 * right.rate.numerator(), 9 * right.rate.denominator()).unwrap();
        assert!(worst(Chooser { rate, ..right }, loss).is_err());
        // Two picks for the price of one.
        let two = Choice::new(2, 1, ScoreChange::Either(1)).unwrap();
        assert!(worst(Chooser { choice: two, ..right }, loss).is_err());
    }
}

#[test]
fn the_sampler_has_its_probabilities() {
    const RUNS: u64 = 10_000;
    let mut rng = seeded(21);
    let choice = Choice::new(2, 1, ScoreChange::Either(1)).unwrap();
    for pick in [Pick::Exponential, Pick::PermuteAndFlip] {
        for rate in [(1, 3), (7, 5)] {
            let chooser = Chooser { choice, pick, rate: Ratio::new(rate.0, rate.1).unwrap() };
            let scores = [4, 3, 5, 3];
            let expected = pmf(pick, chooser.rate.to_f64(), &scores, 2);
            let seen = frequencies(expected, RUNS, 1e-11, || pick_row(&mut rng, chooser, &scores));
            assert_eq!(seen, Ok(()), "{pick:?}");
        }
    }
}

/// ρ = G k η²/8 for monotone counts.
#[test]
fn golden_rates() {
    let rate = |picks, rows, change, loss| {
        Choice::new(picks, rows, change).unwrap().chooser(loss).unwrap().rate.to_f64()
    };
    let rho = |text: &str| Loss::zcdp(text.parse().unwrap(), Delta::ZERO);
    assert!((rate(10, 5, ScoreChange::Monotone(1), rho("0.25")) - 0.2).abs() < 1e-12);
    assert!((rate(10, 5, ScoreChange::Either(1), rho("0.25")) - 0.1).abs() < 1e-12);
    let pure = Loss::pure("1".parse().unwrap(), Delta::ZERO);
    assert!((rate(4, 1, ScoreChange::Monotone(5), pure) - 0.05).abs() < 1e-15);
    // Small μ: ηr = 4 φ(0) μ/… : 2 ln(Φ(μ/2)/Φ(−μ/2)) → 2 · 2 · 2 φ(0) μ/2 = 1.5958 μ.
    let gdp = Loss::gdp("0.0001".parse().unwrap(), Delta::ZERO);
    assert!((rate(1, 1, ScoreChange::Monotone(1), gdp) - 0.015_957_7).abs() < 1e-6);
    let most = Loss::gdp("999999".parse().unwrap(), Delta::ZERO);
    assert!(rate(1, 1, ScoreChange::Monotone(1), most) > 900.0);
}

#[test]
fn n6_bad_parameters_are_refused() {
    assert_eq!(Choice::new(0, 1, ScoreChange::Monotone(1)), Err(BadChoice));
    assert_eq!(Choice::new(1, 0, ScoreChange::Monotone(1)), Err(BadChoice));
    assert_eq!(Choice::new(1, 1, ScoreChange::Either(0)), Err(BadChoice));
    assert_eq!(Choice::new(u32::MAX, u32::MAX, ScoreChange::Either(1)), Err(BadChoice));
    let choice = Choice::new(1, 1, ScoreChange::Either(1)).unwrap();
    for loss in losses() {
        let nothing = Loss::zero(loss.accounting());
        assert_eq!(choice.chooser(nothing).unwrap_err(), CalibrationError::NothingToSpend);
    }
}

/// A row of scores for each segment, and the neighbour's.
fn run(choice: Choice, scores: &[&[i128]], source: &mut Recorder) -> Vec<Vec<usize>> {
    let loss = Loss::zcdp("0.5".parse().unwrap(), Delta::ZERO);
    let scores = Private::new(scores.iter().map(|row| row.to_vec()).collect());
    choose(grant(loss), choice, &scores, source).unwrap().into_inner()
}

#[test]
fn the_recorder_checks_choices() {
    let choice = Choice::new(2, 1, ScoreChange::Monotone(1)).unwrap();
    let pair = |a: &[&[i128]], b: &[&[i128]]| {
        for mode in [Mode::Exact, Mode::Open, Mode::Wild { seed: 2 }, Mode::Drawn { seed: 2 }] {
            audit::check(mode, |s| run(choice, a, s), |s| run(choice, b, s))?;
        }
        Ok::<(), Violation>(())
    };
    assert_eq!(pair(&[&[1, 5, 9], &[]], &[&[2, 5, 10], &[]]), Ok(()));
    let far = Violation::Sensitivity { call: 0, moved: 2, allowed: 1 };
    assert_eq!(pair(&[&[1, 5, 9]], &[&[3, 5, 9]]), Err(far));
    assert_eq!(pair(&[&[1, 5, 9]], &[&[2, 4, 9]]), Err(Violation::NotMonotone { call: 0 }));
    assert_eq!(pair(&[&[1], &[1]], &[&[2], &[2]]), Err(Violation::Rows { call: 0, count: 2, allowed: 1 }));
    assert_eq!(pair(&[&[1, 2]], &[&[1]]), Err(Violation::Length { call: 0, first: 2, second: 1 }));
    let mut best = Recorder::new(Mode::Exact);
    assert_eq!(run(choice, &[&[1, 5, 9], &[3]], &mut best), [vec![2, 1], vec![0]]);
}
