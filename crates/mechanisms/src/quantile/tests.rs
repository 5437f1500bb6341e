//! Exact divergence over small ranges, and the sampler against its probabilities.

use super::*;
use crate::audit::{self, Mode, Recorder, Violation, frequencies, grant, judge, seeded};
use crate::sensitivity::{L1, L2Squared};
use crate::units::Delta;

fn rank(part: u32, whole: u32) -> Rank {
    Rank::new(part, whole).unwrap()
}

/// The probability of each integer of the range, from the definition, one integer at a time.
fn pmf(drawer: &Drawer, at: usize, row: &[WeightedValue]) -> Vec<(i64, f64)> {
    let (ask, rank, rate) = (&drawer.quantiles, drawer.quantiles.ranks[at], drawer.rates[at].to_f64());
    let score = |v: i64| {
        let weight = |keep: &dyn Fn(i64) -> bool| -> i128 {
            row.iter().filter(|(value, _)| keep(*value)).map(|(_, weight)| i128::from(*weight)).sum()
        };
        let (under, over) = (weight(&|value| value < v), weight(&|value| value > v));
        -(i128::from(rank.whole - rank.part) * under - i128::from(rank.part) * over).abs()
    };
    let scores: Vec<i128> = ask.range().map(score).collect();
    let best = scores.iter().max().unwrap();
    let weights: Vec<f64> = scores.iter().map(|score| (rate * (score - best) as f64).exp()).collect();
    let whole: f64 = weights.iter().sum();
    ask.range().zip(weights.into_iter().map(|weight| weight / whole)).collect()
}

fn losses() -> [(Loss, Sensitivity); 3] {
    let (l1, l2) = (Sensitivity::L1(L1::new(2).unwrap()), Sensitivity::L2Squared(L2Squared::new(4).unwrap()));
    [
        (Loss::pure("0.5".parse().unwrap(), Delta::ZERO), l1),
        (Loss::zcdp("0.01".parse().unwrap(), Delta::ZERO), l2),
        (Loss::gdp("0.04".parse().unwrap(), Delta::ZERO), l2),
    ]
}

/// The largest part of the charge over neighbours that differ in one value of weight 2, in the range 0 to 40.
fn worst(drawer: &Drawer, loss: Loss) -> Result<f64, f64> {
    let mut most = 0.0_f64;
    for size in 0..8_i64 {
        // People at both ends, spread out, and split between the ends.
        let lay = |place: &dyn Fn(i64) -> i64| (0..size).map(|i| (place(i), 2)).collect::<Vec<_>>();
        for row in
            [lay(&|_| 0), lay(&|_| 40), lay(&|i| 7 * i % 41), lay(&|i| 40 * (i % 2)), lay(&|i| 19 + i % 3)]
        {
            for value in [0, 1, 19, 20, 21, 39, 40] {
                let more = [row.clone(), vec![(value, 2)]].concat();
                let chances = |row: &[WeightedValue]| -> Vec<f64> {
                    pmf(drawer, 0, row).into_iter().map(|(_, chance)| chance).collect()
                };
                most = most.max(judge(loss, &chances(&row), &chances(&more))?);
            }
        }
    }
    Ok(most)
}

#[test]
fn n5_the_divergence_is_at_most_the_charge_and_nearly_that() {
    for (loss, sensitivity) in losses() {
        // A rank of 1/100 has a side to approach it from only among hundreds of values.
        for (rank, least) in [(rank(1, 2), 0.9), (rank(9, 10), 0.5), (rank(1, 100), 0.25)] {
            let ask = Quantiles::new(0, 40, vec![rank]).unwrap();
            let drawer = ask.drawer(loss, sensitivity).unwrap();
            let part = worst(&drawer, loss).unwrap_or_else(|part| panic!("{drawer:?} spends {part}"));
            assert!(part >= least, "{drawer:?}: {part}");
        }
    }
}

#[test]
fn n5_controls() {
    for (loss, sensitivity) in losses() {
        let ask = Quantiles::new(0, 40, vec![rank(1, 2)]).unwrap();
        let right = ask.drawer(loss, sensitivity).unwrap();
        // Scale × 0.9.
        let faster = |r: &Ratio| Ratio::new(10 * r.numerator(), 9 * r.denominator()).unwrap();
        let rates = right.rates.iter().map(faster).collect();
        assert!(worst(&Drawer { rates, ..right }, loss).is_err());
    }
}

#[test]
fn the_sampler_has_its_probabilities() {
    let mut rng = seeded(51);
    let (loss, sensitivity) =
        (Loss::pure("8".parse().unwrap(), Delta::ZERO), Sensitivity::L1(L1::new(1).unwrap()));
    let ranks = vec![rank(1, 4), rank(9, 10)];
    let drawer = Quantiles::new(-3, 6, ranks).unwrap().drawer(loss, sensitivity).unwrap();
    // Values beyond the range count at its ends.
    let rows: [&[WeightedValue]; 3] = [&[], &[(-90, 1), (2, 3), (2, 1), (80, 2)], &[(-3, 5), (6, 5)]];
    for row in rows {
        let inside: Vec<WeightedValue> =
            row.iter().map(|(value, weight)| ((*value).clamp(-3, 6), *weight)).collect();
        for at in [0, 1] {
            let draw = || draw_row(&mut rng, &drawer, row)[at];
            assert_eq!(frequencies(pmf(&drawer, at, &inside), 4000, 1e-11, draw), Ok(()));
        }
    }
}

#[test]
fn the_whole_range_of_integers_is_drawn_from() {
    let mut rng = seeded(52);
    let (loss, sensitivity) =
        (Loss::pure("2".parse().unwrap(), Delta::ZERO), Sensitivity::L1(L1::new(1).unwrap()));
    let ask = Quantiles::new(i64::MIN, i64::MAX, vec![rank(1, 2)]).unwrap();
    let drawer = ask.drawer(loss, sensitivity).unwrap();
    let row: Vec<WeightedValue> = (0..400).map(|i| (1000 + i, 1)).collect();
    let near = (0..50).filter(|_| (1000..1400).contains(&draw_row(&mut rng, &drawer, &row)[0])).count();
    assert!(near >= 49, "{near}: outside, the weight is below 2^64 e^-100");
    let ends = [(i64::MIN, 1), (i64::MAX, 1)];
    assert_eq!(pieces(&drawer.quantiles, rank(1, 2), &ends).iter().map(|(_, _, n)| n).sum::<u128>(), 1 << 64);
}

#[test]
fn n6_bad_parameters_are_refused() {
    assert_eq!(Rank::new(0, 2), Err(BadQuantile));
    assert_eq!(Rank::new(2, 2), Err(BadQuantile));
    assert_eq!(Rank::new(1, 1_000_001), Err(BadQuantile));
    assert_eq!(Quantiles::new(3, 2, vec![rank(1, 2)]), Err(BadQuantile));
    assert_eq!(Quantiles::new(2, 3, vec![]), Err(BadQuantile));
    let ask = Quantiles::new(0, 1, vec![rank(1, 2)]).unwrap();
    let [(pure, l1), (zcdp, l2), _] = losses();
    for (loss, other) in [(pure, l2), (zcdp, l1)] {
        let accounting = loss.accounting();
        assert_eq!(ask.clone().drawer(loss, other), Err(CalibrationError::Sensitivity { accounting }));
    }
    let nothing = Loss::zero(Accounting::Zcdp);
    assert_eq!(ask.drawer(nothing, l2), Err(CalibrationError::NothingToSpend));
}

#[test]
fn the_recorder_checks_quantiles() {
    let run = |rows: &[&[WeightedValue]]| {
        let rows: Vec<Vec<WeightedValue>> = rows.iter().map(|row| row.to_vec()).collect();
        move |source: &mut Recorder| {
            let (loss, sensitivity) = losses()[1];
            let ask = Quantiles::new(0, 100, vec![rank(1, 2), rank(3, 4)]).unwrap();
            quantiles(grant(loss), ask, sensitivity, &Private::new(rows), source).unwrap().into_inner()
        }
    };
    let pair = |a: &[&[WeightedValue]], b: &[&[WeightedValue]]| {
        for mode in [Mode::Exact, Mode::Open, Mode::Wild { seed: 5 }, Mode::Drawn { seed: 5 }] {
            let divergence = audit::check(mode, run(a), run(b))?;
            assert!(divergence.closest() <= 1.0);
        }
        Ok::<(), Violation>(())
    };
    assert_eq!(pair(&[&[(5, 1), (9, 1)], &[(1, 1)]], &[&[(9, 1)], &[(1, 2)]]), Ok(()));
    assert_eq!(pair(&[&[(5, 1)]], &[&[(5, 3)]]), Ok(()));
    assert_eq!(
        pair(&[&[(5, 1)], &[]], &[&[(5, 3)], &[(7, 1)]]),
        Err(Violation::Sensitivity { call: 0, moved: 5, allowed: 4 })
    );
    let exact = run(&[&[(5, 1), (9, 1), (11, 1), (20, 1)]])(&mut Recorder::new(Mode::Exact));
    assert_eq!(exact, [[10, 12]]);
}
