//! Answers that are made up instead of drawn: exact ones, and any that could be drawn.

use chacha20::ChaCha12Rng;
use rand_core::Rng as _;

use crate::chance::below;
use crate::choose::pick_row;
use crate::leading::considered;
use crate::noise::Noise;
use crate::quantile::pieces;
use crate::source::{Answer, Call};

/// Whether an answer has the shape of one to this call.
pub(super) fn fits(call: &Call<'_>, answer: &Answer) -> bool {
    match call {
        Call::Add { exact, .. } => matches!(answer, Answer::Integers(noisy) if noisy.len() == exact.len()),
        Call::Select { .. } => matches!(answer, Answer::Keys(_)),
        Call::Choose { scores, .. } => {
            let within = |(row, at): (&Vec<i128>, &Vec<usize>)| at.iter().all(|at| *at < row.len());
            matches!(answer, Answer::Positions(rows)
                if rows.len() == scores.len() && scores.iter().zip(rows).all(within))
        }
        Call::Appear { .. } | Call::Leading { .. } => matches!(answer, Answer::Present(_)),
        Call::Above { queries, .. } => {
            matches!(answer, Answer::Found(found) if found.iter().all(|(at, _)| *at < queries.len()))
        }
        Call::Quantiles { rows, .. } => {
            matches!(answer, Answer::Values(values) if values.len() == rows.len())
        }
    }
}

/// The answer without noise; with `open`, no threshold keeps anything back either.
pub(super) fn exact(call: &Call<'_>, open: bool) -> Answer {
    match call {
        Call::Add { exact, .. } => Answer::Integers(exact.to_vec()),
        Call::Select { threshold, candidates, .. } => {
            let passed = candidates.iter().filter(|(_, weight)| open || weight >= threshold);
            let mut keys: Vec<_> = passed.cloned().collect();
            keys.sort();
            Answer::Keys(keys)
        }
        Call::Choose { chooser, scores, .. } => {
            let best = |row: &Vec<i128>| {
                let mut positions: Vec<_> = (0..row.len()).collect();
                positions.sort_by_key(|at| std::cmp::Reverse(row[*at]));
                positions.truncate(chooser.choice.picks() as usize);
                positions
            };
            Answer::Positions(scores.iter().map(best).collect())
        }
        Call::Appear { noise, candidates, .. } => {
            let passed = candidates.iter().filter(|(_, people)| open || *people > noise.most);
            let mut keys: Vec<_> = passed.map(|(key, _)| key.clone()).collect();
            keys.sort();
            Answer::Present(keys)
        }
        Call::Above { searcher, queries, .. } => {
            let gaps = queries.iter().map(|query| query - searcher.search.threshold());
            let positives = gaps.enumerate().filter(|(_, gap)| open || *gap >= 0);
            Answer::Found(positives.take(searcher.search.positives() as usize).collect())
        }
        Call::Quantiles { drawer, rows, .. } => {
            let best = |rank, row: &[_]| {
                let pieces = pieces(&drawer.quantiles, rank, row);
                pieces.into_iter().min().map(|(_, first, _)| first)
            };
            let ranks = drawer.quantiles.ranks();
            let row = |row: &Vec<_>| ranks.iter().filter_map(|rank| best(*rank, row)).collect();
            Answer::Values(rows.iter().map(row).collect())
        }
        Call::Leading { leader, counts, .. } => {
            let (candidates, mark) = considered(*leader, counts);
            let ahead = candidates.iter().take_while(|(_, count)| open || *count > mark);
            let picks = leader.leading.picks() as usize;
            Answer::Present(ahead.take(picks).map(|(key, _)| key.clone()).collect())
        }
    }
}

/// Any answer that could be drawn, the rare ones too.
pub(super) fn wild(rng: &mut ChaCha12Rng, call: &Call<'_>) -> Answer {
    match call {
        Call::Add { noise, exact, .. } => {
            Answer::Integers(exact.iter().map(|exact| exact + wild_noise(rng, *noise)).collect())
        }
        Call::Select { noise, threshold, candidates, .. } => {
            let mut keys: Vec<_> = some(rng, candidates.iter().map(|(key, _)| key.clone()))
                .into_iter()
                .map(|key| (key, threshold + wild_noise(rng, *noise).abs()))
                .collect();
            keys.sort();
            Answer::Keys(keys)
        }
        Call::Choose { chooser, scores, .. } => {
            let flat = |row: &Vec<i128>| pick_row(rng, *chooser, &vec![0; row.len()]);
            Answer::Positions(scores.iter().map(flat).collect())
        }
        Call::Appear { candidates, .. } => {
            let mut keys = some(rng, candidates.iter().map(|(key, _)| key.clone()));
            keys.sort();
            Answer::Present(keys)
        }
        Call::Above { searcher, queries, .. } => {
            let positives = some(rng, 0..queries.len()).into_iter();
            let noise = Noise::DiscreteLaplace { scale: searcher.query_scale };
            let gaps = positives.map(|at| (at, wild_noise(rng, noise).abs()));
            Answer::Found(gaps.take(searcher.search.positives() as usize).collect())
        }
        Call::Quantiles { drawer, rows, .. } => {
            let (low, high) = drawer.quantiles.range().into_inner();
            let mut value = |_| low.wrapping_add(below(rng, u128::from(low.abs_diff(high)) + 1) as i64);
            let mut row = |_| drawer.quantiles.ranks().iter().map(&mut value).collect();
            Answer::Values(rows.iter().map(&mut row).collect())
        }
        Call::Leading { leader, counts, .. } => {
            let (candidates, _) = considered(*leader, counts);
            let mut keys = some(rng, candidates.iter().map(|(key, _)| key.clone()));
            keys.truncate(leader.leading.picks() as usize);
            Answer::Present(keys)
        }
    }
}

/// Each with probability one half.
fn some<T>(rng: &mut ChaCha12Rng, all: impl Iterator<Item = T>) -> Vec<T> {
    all.filter(|_| rng.next_u32() & 1 == 1).collect()
}

/// Noise of a random magnitude, up to sixteen standard deviations or a thousand grid units.
fn wild_noise(rng: &mut ChaCha12Rng, noise: Noise) -> i128 {
    let widest = (16.0 * noise.standard_deviation()).max(1000.0) as i128;
    let width = widest >> below(rng, u128::from(u128::BITS - widest.leading_zeros()));
    let sign = if rng.next_u32() & 1 == 1 { 1 } else { -1 };
    sign * below(rng, width.unsigned_abs() + 1) as i128
}
