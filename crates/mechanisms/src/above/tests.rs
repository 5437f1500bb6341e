//! Exact divergence of whole outcomes, gaps included, and the broken variants.

use super::*;
use crate::audit::{self, Mode, Recorder, Violation, frequencies, grant, judge, seeded};
use crate::units::Delta;

const FAR: i128 = 160;

/// Discrete Laplace probabilities and tails on −2 FAR..=2 FAR, by table.
struct Table {
    atoms: Vec<f64>,
    tails: Vec<f64>,
}

impl Table {
    fn new(scale: f64) -> Self {
        let p = (-1.0 / scale).exp();
        let at = |x: i128| (1.0 - p) / (1.0 + p) * (-(x.abs() as f64) / scale).exp();
        let tail = |x: i128| {
            if x >= 1 {
                (-(x as f64) / scale).exp() / (1.0 + p)
            } else {
                1.0 - (-(1 - x) as f64 / scale).exp() / (1.0 + p)
            }
        };
        let all = -2 * FAR..=2 * FAR;
        Self { atoms: all.clone().map(at).collect(), tails: all.map(tail).collect() }
    }

    fn atom(&self, x: i128) -> f64 {
        self.atoms[(x + 2 * FAR) as usize]
    }

    fn tail(&self, x: i128) -> f64 {
        self.tails[(x + 2 * FAR) as usize]
    }
}

/// Outcomes: for each query that is looked at, nothing or a gap.
type Outcome = Vec<Option<i128>>;

/// The probability of an outcome, summed over the threshold's noise.
fn chance(searcher: Searcher, queries: &[i128], outcome: &[Option<i128>]) -> f64 {
    let noise = Table::new(searcher.query_scale.to_f64());
    let threshold = Table::new(searcher.threshold_scale.to_f64());
    let given = |shift: i128| {
        let bar = searcher.search.threshold() + shift;
        let steps = outcome.iter().zip(queries).map(|(step, query)| match step {
            Some(gap) => noise.atom(gap + bar - query),
            None => 1.0 - noise.tail(bar - query),
        });
        threshold.atom(shift) * steps.product::<f64>()
    };
    (-FAR..=FAR).map(given).sum()
}

/// All outcomes with gaps from a list, and their probabilities.
fn pmf(searcher: Searcher, queries: &[i128], gaps: &[i128]) -> Vec<(Outcome, f64)> {
    let wanted = searcher.search.positives() as usize;
    let mut outcomes: Vec<Outcome> = vec![vec![]];
    for _ in queries {
        let extend = |outcome: Outcome| -> Vec<Outcome> {
            if outcome.iter().flatten().count() >= wanted {
                return vec![outcome];
            }
            let steps = [None].into_iter().chain(gaps.iter().map(|gap| Some(*gap)));
            steps.map(|step| [outcome.clone(), vec![step]].concat()).collect()
        };
        outcomes = outcomes.into_iter().flat_map(extend).collect();
    }
    let with_chance = |outcome: Outcome| (outcome.clone(), chance(searcher, queries, &outcome));
    outcomes.into_iter().map(with_chance).collect()
}

/// The largest part of the charge that single outcomes need on neighbours: all combinations of changes of three queries.
fn worst(searcher: Searcher, loss: Loss, changes: &[i128]) -> Result<f64, f64> {
    let mut most = 0.0_f64;
    // Gaps beyond these behave as the last one does.
    let chances = |queries: &[i128]| -> Vec<f64> {
        pmf(searcher, queries, &[0, 1, 40]).into_iter().map(|(_, chance)| chance).collect()
    };
    for queries in [[0, 0, 0], [9, 9, -9]] {
        let before = chances(&queries);
        for code in 0..changes.len().pow(3) {
            let mut moved = queries;
            (0..3).for_each(|at| moved[at] += changes[code / changes.len().pow(at as u32) % changes.len()]);
            most = most.max(judge(loss, &before, &chances(&moved))?);
        }
    }
    Ok(most)
}

/// The part of the charge that the worst outcome needs: so many negatives, high above the threshold, rise that the
/// threshold has to, and each positive, far below, does not rise or falls.
fn hardest(searcher: Searcher, loss: Loss) -> f64 {
    let fall = match searcher.search.change() {
        ScoreChange::Monotone(_) => 0,
        ScoreChange::Either(step) => -i128::from(step),
    };
    let positives = searcher.search.positives() as usize;
    let lay = |high: i128, low: i128| [vec![high; 12], vec![low; positives]].concat();
    let outcome = [vec![None; 12], vec![Some(0); positives]].concat();
    let (queries, moved) = (lay(20, -20), lay(21, -20 + fall));
    let ratio = chance(searcher, &queries, &outcome) / chance(searcher, &moved, &outcome);
    ratio.ln() / loss.amount_f64()
}

fn pure(epsilon: &str) -> Loss {
    Loss::pure(epsilon.parse().unwrap(), Delta::ZERO)
}

#[test]
fn n5_the_divergence_is_at_most_the_charge_and_nearly_that() {
    for (change, changes) in
        [(ScoreChange::Monotone(1), [0, 1].as_slice()), (ScoreChange::Either(1), &[-1, 0, 1])]
    {
        for positives in [1, 2] {
            let loss = pure("1");
            let searcher = Search::new(0, positives, change).unwrap().searcher(loss).unwrap();
            let part = worst(searcher, loss, changes);
            assert!(part.is_ok(), "{searcher:?} spends {part:?}");
            let part = hardest(searcher, loss);
            assert!((0.9..=1.0 + 1e-9).contains(&part), "{searcher:?} spends {part}");
        }
    }
}

/// Controls: the mistakes of published variants (Lyu, Su, Li 2017, figure 1).
#[test]
fn control_broken_sparse_vector() {
    let loss = pure("1");
    let right = Search::new(0, 2, ScoreChange::Either(1)).unwrap().searcher(loss).unwrap();
    let scaled = |ratio: Ratio, n, d| Ratio::new(n * ratio.numerator(), d * ratio.denominator()).unwrap();
    let caught = |searcher| assert!(hardest(searcher, loss) > 1.0 + 1e-9, "{searcher:?}");
    // Query noise that does not grow with the number of positives.
    caught(Searcher { query_scale: scaled(right.query_scale, 1, 2), ..right });
    // Query noise for monotone queries.
    let saved = Search::new(0, 2, ScoreChange::Monotone(1)).unwrap().searcher(loss).unwrap();
    caught(Searcher { search: right.search, ..saved });
    // Hardly any noise on the threshold.
    caught(Searcher { threshold_scale: Ratio::new(1, 3).unwrap(), ..right });
    // Both at nine tenths.
    let (threshold_scale, query_scale) =
        (scaled(right.threshold_scale, 9, 10), scaled(right.query_scale, 9, 10));
    caught(Searcher { threshold_scale, query_scale, ..right });
    // Hardly any noise on the queries: found without looking for the worst outcome.
    let either = [-1, 0, 1].as_slice();
    assert!(worst(Searcher { query_scale: Ratio::new(1, 3).unwrap(), ..right }, loss, either).is_err());
}

#[test]
fn the_sampler_has_its_probabilities() {
    let mut rng = seeded(41);
    let searcher = Search::new(2, 1, ScoreChange::Monotone(1)).unwrap().searcher(pure("2")).unwrap();
    let queries = [1, 3];
    // Gaps from 2 on as one outcome: what is left.
    let folded = |outcome: &[Option<i128>]| -> Vec<Option<i128>> {
        outcome.iter().map(|step| step.map(|gap| gap.min(2))).collect()
    };
    let mut expected = std::collections::BTreeMap::<Outcome, f64>::new();
    for (outcome, chance) in pmf(searcher, &queries, &(0..60).collect::<Vec<_>>()) {
        *expected.entry(folded(&outcome)).or_default() += chance;
    }
    let draw = || {
        let found = found(&mut rng, searcher, &queries);
        let seen = found.first().map_or(queries.len(), |(at, _)| at + 1);
        let gap = |at| found.iter().find(|(position, _)| *position == at).map(|(_, gap)| *gap);
        folded(&(0..seen).map(gap).collect::<Vec<_>>())
    };
    assert_eq!(frequencies(expected, 10_000, 1e-11, draw), Ok(()));
}

#[test]
fn golden_scales() {
    // c = 4, either way: weight (8)^{2/3} = 4, so a fifth for the threshold.
    let searcher = Search::new(0, 4, ScoreChange::Either(1)).unwrap().searcher(pure("0.5")).unwrap();
    assert_eq!(searcher.threshold_scale, Ratio::new(10, 1).unwrap());
    assert_eq!(searcher.query_scale, Ratio::new(20, 1).unwrap());
    let zcdp = Loss::zcdp("0.125".parse().unwrap(), Delta::ZERO);
    assert_eq!(Search::new(0, 4, ScoreChange::Either(1)).unwrap().searcher(zcdp).unwrap(), searcher);
}

#[test]
fn n6_bad_parameters_are_refused() {
    assert_eq!(Search::new(0, 0, ScoreChange::Monotone(1)), Err(BadSearch));
    assert_eq!(Search::new(0, 1, ScoreChange::Monotone(0)), Err(BadSearch));
    assert_eq!(Search::new(i128::MIN, 1, ScoreChange::Monotone(1)), Err(BadSearch));
    let search = Search::new(0, 1, ScoreChange::Monotone(1)).unwrap();
    let nothing = Loss::zero(crate::Accounting::Gdp);
    assert_eq!(search.searcher(nothing), Err(CalibrationError::NothingToSpend));
}

#[test]
fn the_recorder_checks_searches() {
    let search = Search::new(10, 2, ScoreChange::Monotone(1)).unwrap();
    let run = |queries: &'static [i128]| {
        move |source: &mut Recorder| {
            above(grant(pure("1")), search, &Private::new(queries.to_vec()), source).unwrap().into_inner()
        }
    };
    let pair = |a, b| {
        for mode in [Mode::Exact, Mode::Open, Mode::Wild { seed: 4 }, Mode::Drawn { seed: 4 }] {
            audit::check(mode, run(a), run(b))?;
        }
        Ok::<(), Violation>(())
    };
    assert_eq!(pair(&[3, 12, 30, 40], &[4, 12, 31, 41]), Ok(()));
    assert_eq!(pair(&[3, 12], &[4, 11]), Err(Violation::NotMonotone { call: 0 }));
    assert_eq!(pair(&[3], &[3, 1]), Err(Violation::Length { call: 0, first: 1, second: 2 }));
    assert_eq!(run(&[3, 12, 30, 40])(&mut Recorder::new(Mode::Exact)), [(1, 2), (2, 20)]);
}
