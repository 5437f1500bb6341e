//! How far the exact inputs of one mechanism moved, counted as its guarantee counts.

use std::collections::BTreeMap;

use crate::choose::{Choice, ScoreChange};
use crate::entry::Entry;
use crate::quantile::WeightedValue;
use crate::sensitivity::Sensitivity;
use crate::source::Key;

use super::{NewKeys, Reach, Violation};

/// The change under the norm of the declared sensitivity.
fn norm(
    call: usize,
    sensitivity: Sensitivity,
    changes: impl Iterator<Item = (i128, i128)>,
) -> Result<(u128, u128), Violation> {
    let (allowed, squared) = match sensitivity {
        Sensitivity::L1(l1) => (l1.units(), false),
        Sensitivity::L2Squared(l2) => (l2.units(), true),
    };
    let moved = changes.map(|(a, b)| a.abs_diff(b)).try_fold(0_u128, |sum, change| {
        let term = if squared { change.checked_mul(change)? } else { change };
        sum.checked_add(term)
    });
    match moved {
        Some(moved) if moved <= allowed => Ok((moved, allowed)),
        Some(_) | None => Err(Violation::Sensitivity { call, moved: moved.unwrap_or(u128::MAX), allowed }),
    }
}

pub(super) fn vectors(
    call: usize,
    sensitivity: Sensitivity,
    ours: &[i128],
    theirs: &[i128],
) -> Result<Reach, Violation> {
    same_length(call, ours.len(), theirs.len())?;
    let changes = ours.iter().copied().zip(theirs.iter().copied());
    let (moved, allowed) = norm(call, sensitivity, changes)?;
    Ok(Reach { mechanism: "add", moved, allowed, new_keys: None })
}

fn by_key(call: usize, candidates: &[(Key, i128)]) -> Result<BTreeMap<&Key, i128>, Violation> {
    if let Some(&(_, weight)) = candidates.iter().find(|(_, weight)| *weight <= 0) {
        return Err(Violation::NotPositive { call, weight });
    }
    let map: BTreeMap<_, _> = candidates.iter().map(|(key, weight)| (key, *weight)).collect();
    if map.len() == candidates.len() { Ok(map) } else { Err(Violation::Twice { call }) }
}

/// The weights of keys that only one side has.
fn one_sided(
    call: usize,
    ours: &BTreeMap<&Key, i128>,
    theirs: &BTreeMap<&Key, i128>,
) -> Result<Vec<i128>, Violation> {
    let alone = |one: &BTreeMap<&Key, i128>, other: &BTreeMap<&Key, i128>| -> Vec<i128> {
        one.iter().filter(|(key, _)| !other.contains_key(*key)).map(|(_, weight)| *weight).collect()
    };
    let (first, second) = (alone(ours, theirs), alone(theirs, ours));
    if !first.is_empty() && !second.is_empty() {
        return Err(Violation::TwoSided { call });
    }
    Ok([first, second].concat())
}

pub(super) fn selections(
    call: usize,
    sensitivity: Sensitivity,
    entry: &Entry,
    ours: &[(Key, i128)],
    theirs: &[(Key, i128)],
) -> Result<Reach, Violation> {
    let (ours, theirs) = (by_key(call, ours)?, by_key(call, theirs)?);
    let common = ours.iter().filter_map(|(key, weight)| theirs.get(key).map(|other| (*weight, *other)));
    let (moved, allowed) = norm(call, sensitivity, common)?;
    let new = one_sided(call, &ours, &theirs)?;
    let (count, cap) = (new.len(), entry.cap());
    if count > cap {
        return Err(Violation::Cap { call, count, cap });
    }
    let new_keys = match new.iter().copied().max() {
        None => None,
        Some(weight) => {
            let allowed = entry.largest(count);
            if weight > allowed {
                return Err(Violation::Weight { call, count, weight, allowed });
            }
            Some(NewKeys { count, cap, largest: weight, allowed })
        }
    };
    Ok(Reach { mechanism: "select", moved, allowed, new_keys })
}

fn same_length(call: usize, first: usize, second: usize) -> Result<(), Violation> {
    if first == second { Ok(()) } else { Err(Violation::Length { call, first, second }) }
}

/// The largest change of a score, which must be allowed and, where it was declared, one way.
fn scores(
    call: usize,
    change: ScoreChange,
    pairs: impl Iterator<Item = (i128, i128)> + Clone,
) -> Result<(u128, u128), Violation> {
    let (moved, allowed) = (pairs.clone().map(|(a, b)| a.abs_diff(b)).max(), u128::from(change.largest()));
    let moved = moved.unwrap_or(0);
    if moved > allowed {
        return Err(Violation::Sensitivity { call, moved, allowed });
    }
    let both_ways = pairs.clone().any(|(a, b)| a < b) && pairs.clone().any(|(a, b)| a > b);
    match change {
        ScoreChange::Monotone(_) if both_ways => Err(Violation::NotMonotone { call }),
        ScoreChange::Monotone(_) | ScoreChange::Either(_) => Ok((moved, allowed)),
    }
}

pub(super) fn rows(
    call: usize,
    choice: Choice,
    ours: &[Vec<i128>],
    theirs: &[Vec<i128>],
) -> Result<Reach, Violation> {
    same_length(call, ours.len(), theirs.len())?;
    for (ours, theirs) in ours.iter().zip(theirs) {
        same_length(call, ours.len(), theirs.len())?;
    }
    let (count, allowed) = (ours.iter().zip(theirs).filter(|(a, b)| a != b).count(), choice.rows() as usize);
    if count > allowed {
        return Err(Violation::Rows { call, count, allowed });
    }
    let pairs = ours.iter().flatten().copied().zip(theirs.iter().flatten().copied());
    let (moved, allowed) = scores(call, choice.change(), pairs)?;
    Ok(Reach { mechanism: "choose", moved, allowed, new_keys: None })
}

/// All counts as pairs; a key that one side has not counts nobody there.
fn paired(call: usize, ours: &[(Key, i128)], theirs: &[(Key, i128)]) -> Result<Vec<(i128, i128)>, Violation> {
    let (ours, theirs) = (by_key(call, ours)?, by_key(call, theirs)?);
    one_sided(call, &ours, &theirs)?;
    let keys: std::collections::BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
    let count = |side: &BTreeMap<&Key, i128>, key| side.get(key).copied().unwrap_or(0);
    Ok(keys.into_iter().map(|key| (count(&ours, key), count(&theirs, key))).collect())
}

pub(super) fn presences(
    call: usize,
    keys: u32,
    ours: &[(Key, i128)],
    theirs: &[(Key, i128)],
) -> Result<Reach, Violation> {
    let pairs = paired(call, ours, theirs)?;
    scores(call, ScoreChange::Either(1), pairs.iter().copied())?;
    let (count, cap) = (pairs.iter().filter(|(a, b)| a != b).count(), keys as usize);
    if count > cap {
        return Err(Violation::Cap { call, count, cap });
    }
    Ok(Reach { mechanism: "appear", moved: count as u128, allowed: u128::from(keys), new_keys: None })
}

pub(super) fn searches(
    call: usize,
    change: ScoreChange,
    ours: &[i128],
    theirs: &[i128],
) -> Result<Reach, Violation> {
    same_length(call, ours.len(), theirs.len())?;
    let pairs = ours.iter().copied().zip(theirs.iter().copied());
    let (moved, allowed) = scores(call, change, pairs)?;
    Ok(Reach { mechanism: "above", moved, allowed, new_keys: None })
}

pub(super) fn weighted_rows(
    call: usize,
    sensitivity: Sensitivity,
    ours: &[Vec<WeightedValue>],
    theirs: &[Vec<WeightedValue>],
) -> Result<Reach, Violation> {
    same_length(call, ours.len(), theirs.len())?;
    let moved = |(ours, theirs): (&Vec<WeightedValue>, &Vec<WeightedValue>)| {
        let mut weights = BTreeMap::<i64, i128>::new();
        ours.iter().for_each(|(value, weight)| *weights.entry(*value).or_default() += i128::from(*weight));
        theirs.iter().for_each(|(value, weight)| *weights.entry(*value).or_default() -= i128::from(*weight));
        (weights.values().map(|change| change.abs()).sum::<i128>(), 0)
    };
    let (moved, allowed) = norm(call, sensitivity, ours.iter().zip(theirs).map(moved))?;
    Ok(Reach { mechanism: "quantiles", moved, allowed, new_keys: None })
}

pub(super) fn leaders(call: usize, ours: &[(Key, i128)], theirs: &[(Key, i128)]) -> Result<Reach, Violation> {
    let pairs = paired(call, ours, theirs)?;
    let (moved, allowed) = scores(call, ScoreChange::Monotone(1), pairs.iter().copied())?;
    Ok(Reach { mechanism: "leading", moved, allowed, new_keys: None })
}
