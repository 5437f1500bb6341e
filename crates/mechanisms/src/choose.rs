//! The best of many candidates, and the best k: the exponential mechanism and permute-and-flip, sampled exactly.

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};

use crate::chance::{below, exp_minus, index_below};
use crate::charge::Charge;
use crate::loss::{Accounting, Loss};
use crate::noise::CalibrationError;
use crate::private::Private;
use crate::rate;
use crate::ratio::Ratio;
use crate::release::Release;
use crate::source::{Answer, Call, Source};
use crate::weighted::Weighted;

/// How far one person can move each score of a row of candidates.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScoreChange {
    /// All scores move the same way, each by at most this: counts of people, say. It halves the loss.
    Monotone(u32),
    /// Each score moves by at most this, either way.
    Either(u32),
}

impl ScoreChange {
    /// The largest change of one score.
    #[must_use]
    pub const fn largest(self) -> u32 {
        match self {
            Self::Monotone(change) | Self::Either(change) => change,
        }
    }

    /// The range of differences of changes between two candidates: what the loss depends on.
    const fn range(self) -> u128 {
        match self {
            Self::Monotone(change) => change as u128,
            Self::Either(change) => 2 * change as u128,
        }
    }
}

/// A choice of the `picks` best candidates in each of many rows (segments), of which a person is in at most `rows`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    picks: u32,
    rows: u32,
    change: ScoreChange,
}

/// The bounds of a choice are zero or too large.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "a choice needs at least one pick, one row and a change of at least one, and at most 2^32 picks in all"
)]
pub struct BadChoice;

/// How one pick is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pick {
    /// Pr\[i\] ∝ exp(η sᵢ) (McSherry and Talwar 2007).
    Exponential,
    /// Candidates in random order, each taken with probability exp(η(sᵢ − max)) (McKenna and Sheldon 2020).
    PermuteAndFlip,
}

/// A choice with everything that decides its distribution.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Chooser {
    /// What is chosen.
    pub choice: Choice,
    /// How.
    pub pick: Pick,
    /// η.
    pub rate: Ratio,
}

impl Choice {
    /// The best `picks` of each row; a person is in at most `rows` of them.
    ///
    /// # Errors
    /// When a bound is zero, or the picks that a person can move are more than 2^32.
    pub fn new(picks: u32, rows: u32, change: ScoreChange) -> Result<Self, BadChoice> {
        let all = u64::from(picks) * u64::from(rows);
        let sound = (1..=1 << 32).contains(&all) && change.largest() > 0;
        if sound { Ok(Self { picks, rows, change }) } else { Err(BadChoice) }
    }

    /// Picks in each row.
    #[must_use]
    pub const fn picks(self) -> u32 {
        self.picks
    }

    /// Rows that one person can move.
    #[must_use]
    pub const fn rows(self) -> u32 {
        self.rows
    }

    /// How far a person moves a score.
    #[must_use]
    pub const fn change(self) -> ScoreChange {
        self.change
    }

    /// The mechanism and the largest rate η that a loss pays for: see [`choose`] for why.
    ///
    /// # Errors
    /// [`CalibrationError::NothingToSpend`] when there is no loss to spend.
    pub fn chooser(self, loss: Loss) -> Result<Chooser, CalibrationError> {
        let pick = match loss.accounting() {
            Accounting::Pure | Accounting::Approx => Pick::PermuteAndFlip,
            Accounting::Zcdp | Accounting::Gdp => Pick::Exponential,
        };
        let all = u128::from(self.picks) * u128::from(self.rows);
        let rate = rate::divided(rate::equal_range(loss, all)?, self.change.range())?;
        Ok(Chooser { choice: self, pick, rate })
    }
}

/// Chooses, in each row of scores, candidates of high score: positions in the row, in the order of the picks.
///
/// A pick is made among what is left in the row; a row with fewer candidates is chosen entirely. Guarantee, with K =
/// picks · rows, Δ the largest change of a score and r = Δ when all scores move the same way, 2Δ otherwise:
/// - `pure`, `approx`: each pick is permute-and-flip at η = ε/(K r), which is (η r)-DP: it has the distribution of the
///   largest score with exponential noise (Ding, Kifer, Saghaian, Steinke, Wang, Xiao, Zhang 2021), for which moving
///   every score by at most Δ changes the winner's required noise by at most r (Dwork and Roth 2014, claim 3.9). It is
///   never worse than the exponential mechanism at the same ε. It is *not* η²r²/8-zCDP.
/// - `zcdp`: each pick is the exponential mechanism, whose log-ratio of probabilities varies by at most ηr over outcomes:
///   (ηr)-bounded range (Durfee and Rogers 2019), so (ηr)²/8-zCDP (Cesar and Rogers 2021); η = √(8ρ/K)/r.
/// - `gdp`: such a choice is dominated by two biased coins whose log-odds differ by ηr (Dong, Durfee, Rogers 2020), and
///   their trade-off function has one kink, so it lies above that of N(0, 1) against N(μ, 1) where the kink does. The
///   symmetric pair is the worst, since the logistic quantile is steeper than the normal one outwards (van Zwet 1964):
///   Φ(μ/2) = 1/(1 + exp(−ηr/2)), and μ² adds up over picks.
///
/// Picks are adaptive, each among what earlier ones left, and rows without the person are the same on both sides: the
/// losses of K picks add up. Peeling with the exponential mechanism is the one-shot Gumbel top k (Durfee and Rogers 2019).
///
/// # Errors
/// [`CalibrationError::NothingToSpend`] when the charge has nothing to spend.
pub fn choose(
    charge: Charge,
    choice: Choice,
    scores: &Private<Vec<Vec<i128>>>,
    source: &mut dyn Source,
) -> Result<Release<Vec<Vec<usize>>>, CalibrationError> {
    let loss = charge.loss();
    let chooser = choice.chooser(loss)?;
    let answer = source.answer(&Call::Choose { loss, chooser, scores: scores.exact() });
    let Answer::Positions(positions) = answer else {
        unreachable!("a source answers a choice with positions")
    };
    Ok(Release::made_by_a_mechanism(positions))
}

/// The picks in one row.
pub(crate) fn pick_row<R: CryptoRng>(rng: &mut R, chooser: Chooser, scores: &[i128]) -> Vec<usize> {
    let picks = scores.len().min(chooser.choice.picks as usize);
    match chooser.pick {
        Pick::Exponential => exponential(rng, chooser.rate, scores, picks),
        Pick::PermuteAndFlip => {
            let mut left: Vec<usize> = (0..scores.len()).collect();
            (0..picks).map(|_| permute_and_flip(rng, chooser.rate, scores, &mut left)).collect()
        }
    }
}

/// Candidates of equal score are drawn as one bin, then uniformly within it.
fn exponential<R: CryptoRng>(rng: &mut R, rate: Ratio, scores: &[i128], picks: usize) -> Vec<usize> {
    let mut bins = std::collections::BTreeMap::<i128, Vec<usize>>::new();
    scores.iter().enumerate().for_each(|(at, score)| bins.entry(*score).or_default().push(at));
    let Some(best) = bins.keys().next_back().copied() else { return Vec::new() };
    let mut weighted = Weighted::new(rate, bins.keys().map(|score| best.abs_diff(*score)).collect());
    let mut bins: Vec<Vec<usize>> = bins.into_values().collect();
    let pick = |_| {
        let multiplicities: Vec<u128> = bins.iter().map(|bin| bin.len() as u128).collect();
        let bin = &mut bins[weighted.draw(rng, &multiplicities)];
        let at = index_below(rng, bin.len());
        bin.swap_remove(at)
    };
    (0..picks).map(pick).collect()
}

/// One pick, taken out of what is left.
fn permute_and_flip<R: CryptoRng>(rng: &mut R, rate: Ratio, scores: &[i128], left: &mut Vec<usize>) -> usize {
    let best = left.iter().map(|at| scores[*at]).max().expect("there is something to pick");
    let mut passed = 0;
    loop {
        // The first `passed` have had their chance; the best one's coin always shows heads, so this ends before the end.
        let at = passed + below(rng, (left.len() - passed) as u128) as usize;
        left.swap(passed, at);
        if exp_minus(rng, rate, best.abs_diff(scores[left[passed]])) {
            return left.swap_remove(passed);
        }
        passed += 1;
    }
}

#[cfg(test)]
mod tests;
