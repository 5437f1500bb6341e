//! Per person and key: rows and sums, and the bounded aggregates over all people.

use std::hash::Hasher as _;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;

use super::bound::Bound;
use super::spread::{Binned, Spread};

/// Rows on their way into the kernel: person, key and one fixed-point value per channel.
///
/// A row that fans out to several keys stands here once for each.
#[derive(Clone, Default)]
pub struct Rows {
    /// Code of the person.
    pub people: Vec<u32>,
    /// Code of the key.
    pub keys: Vec<u32>,
    /// Values on the grid, one vector per channel, each at most the channel's radius in absolute value.
    pub channels: Vec<Vec<i32>>,
    /// Bins of the values on each grid, one vector per grid, each less than the grid's number of bins.
    pub bins: Vec<(Spread, Vec<u32>)>,
}

/// What each person contributed to each key, before any bound: sorted by person, then key, one entry a pair.
#[derive(Clone, Default)]
pub struct Contributions {
    /// Where each person's pairs start; one more entry than people.
    starts: Vec<usize>,
    pub(super) keys: Vec<u32>,
    pub(super) rows: Vec<u32>,
    channels: Vec<Vec<i64>>,
    pub(super) spreads: Vec<Spread>,
    pub(super) binned: Vec<Binned>,
    person_hashes: Vec<u64>,
    key_hashes: Vec<u64>,
}

/// One vector of aggregates: an integer for each key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// Σ w: people, in units of the bound.
    People,
    /// Σ w·min(rows, limit), in units of the bound.
    Rows {
        /// Rows of one person in one key that count.
        limit: u32,
    },
    /// Σ w·(mean of the person's values in the key)·min(rows, limit), on the channel's grid.
    Value {
        /// Which channel.
        channel: usize,
        /// Rows of one person in one key that count.
        limit: u32,
    },
    /// Where values lie: a number for each node of a grid, in units of 1/[`UNIT`](super::UNIT).
    Nodes {
        /// Which grid.
        grid: usize,
        /// Its numbers.
        spread: Spread,
        /// Rows of one person in one key that count.
        limit: u32,
    },
}

impl Moment {
    /// How many numbers it has for each key.
    #[must_use]
    pub const fn width(self) -> usize {
        match self {
            Self::People | Self::Rows { .. } | Self::Value { .. } => 1,
            Self::Nodes { spread, .. } => spread.nodes(),
        }
    }
}

/// How many people have how many keys: counts in buckets (1), (2), (3..4), (5..8), … by powers of two.
pub type Activity = Vec<i128>;

/// Marks a key that takes no part.
pub(super) const DROPPED: u32 = u32::MAX;

impl Contributions {
    /// Groups rows by person and key.
    ///
    /// `person_hashes` and `key_hashes` are keyed hashes of what the codes stand for, so that which keys a person keeps
    /// depends on neither the order of rows nor the codes.
    ///
    /// # Panics
    /// When the columns of `rows` differ in length, or a code has no hash: bugs of the caller.
    #[must_use]
    pub fn new(rows: &Rows, person_hashes: Vec<u64>, key_hashes: Vec<u64>) -> Self {
        let channels = rows.channels.len();
        assert_eq!(rows.people.len(), rows.keys.len(), "one key a row");
        let mut order: Vec<(u64, usize)> = Vec::with_capacity(rows.people.len());
        for (at, (&person, &key)) in rows.people.iter().zip(&rows.keys).enumerate() {
            assert!(
                (person as usize) < person_hashes.len() && (key as usize) < key_hashes.len(),
                "known codes"
            );
            order.push((u64::from(person) << 32 | u64::from(key), at));
        }
        order.par_sort_unstable();
        let mut built =
            Self { starts: vec![0; person_hashes.len() + 1], person_hashes, key_hashes, ..Self::default() };
        built.channels = vec![Vec::new(); channels];
        built.spreads = rows.bins.iter().map(|(spread, _)| *spread).collect();
        built.binned = vec![Binned { starts: vec![0], counts: Vec::new() }; rows.bins.len()];
        let mut bins = vec![Vec::new(); rows.bins.len()];
        let mut last = None;
        for (pair, at) in order {
            if last != Some(pair) {
                if last.is_some() {
                    built.binned.iter_mut().zip(&mut bins).for_each(|(binned, bins)| binned.close(bins));
                }
                last = Some(pair);
                built.keys.push(pair as u32);
                built.rows.push(0);
                built.channels.iter_mut().for_each(|sums| sums.push(0));
                built.starts[(pair >> 32) as usize + 1] = built.keys.len();
            }
            let end = built.keys.len() - 1;
            built.rows[end] += 1;
            for (sums, values) in built.channels.iter_mut().zip(&rows.channels) {
                // At most 2^32 rows of at most 2^31 each: no overflow.
                sums[end] += i64::from(values[at]);
            }
            bins.iter_mut().zip(&rows.bins).for_each(|(bins, (_, of_row))| bins.push(of_row[at]));
        }
        built.binned.iter_mut().zip(&mut bins).for_each(|(binned, bins)| binned.close(bins));
        for person in 1..built.starts.len() {
            built.starts[person] = built.starts[person].max(built.starts[person - 1]);
        }
        built
    }

    pub(super) fn people(&self) -> usize {
        self.starts.len() - 1
    }

    pub(super) fn keys_of(&self, person: usize) -> &[u32] {
        &self.keys[self.starts[person]..self.starts[person + 1]]
    }

    pub(super) fn pairs(&self, person: usize) -> std::ops::Range<usize> {
        self.starts[person]..self.starts[person + 1]
    }

    pub(super) fn channel_sum(&self, channel: usize, pair: usize) -> i64 {
        self.channels[channel][pair]
    }

    pub(super) fn person_hash(&self, person: usize) -> u64 {
        self.person_hashes[person]
    }

    pub(super) fn key_hash(&self, key: u32) -> u64 {
        self.key_hashes[key as usize]
    }

    /// How many people take part with at least one key.
    #[must_use]
    pub fn everyone(&self) -> i128 {
        (0..self.people()).filter(|&person| !self.keys_of(person).is_empty()).count() as i128
    }

    /// The pairs of a person that take part: those in `kept` (all where it is `None`), at most `cap` of them by keyed hash.
    pub(super) fn part<'a>(
        &self,
        person: usize,
        kept: Option<&[u32]>,
        cap: u32,
        pairs: &'a mut Vec<usize>,
    ) -> &'a [usize] {
        pairs.clear();
        let all = self.starts[person]..self.starts[person + 1];
        match kept {
            None => pairs.extend(all),
            Some(kept) => pairs.extend(all.filter(|&pair| kept[self.keys[pair] as usize] != DROPPED)),
        }
        let cap = cap as usize;
        if pairs.len() > cap {
            let rank = |&pair: &usize| {
                let key = self.keys[pair];
                (mix(self.person_hashes[person], self.key_hashes[key as usize]), key)
            };
            pairs.select_nth_unstable_by_key(cap - 1, rank);
            pairs.truncate(cap);
        }
        pairs
    }

    /// Every moment for every key, after bounding. `kept` maps a key's code to its place in the output.
    ///
    /// Sensitivities: [`Bound::l2_squared`] and [`Bound::l1`] with radius 1 for people, `limit` for rows (both in units
    /// of the bound), and `limit`·radius of the channel for values (on the grid).
    #[must_use]
    pub fn moments(
        &self,
        bound: Bound,
        moments: &[Moment],
        kept: Option<&[u32]>,
        places: usize,
    ) -> Vec<Vec<i128>> {
        let zero = || (vec![vec![0_i128; places]; moments.len()], Vec::new());
        let add = |(mut sums, mut pairs): (Vec<Vec<i128>>, Vec<usize>), person: usize| {
            let part = self.part(person, kept, bound.cap, &mut pairs);
            let weight = i128::from(bound.weight(part.len() as u32));
            for &pair in part {
                let key = self.keys[pair] as usize;
                let place = kept.map_or(key, |kept| kept[key] as usize);
                for (sum, &moment) in sums.iter_mut().zip(moments) {
                    sum[place] += self.contribution(pair, weight, bound.unit(), moment);
                }
            }
            (sums, pairs)
        };
        let merge = |mut one: Vec<Vec<i128>>, other: Vec<Vec<i128>>| {
            one.iter_mut().flatten().zip(other.into_iter().flatten()).for_each(|(a, b)| *a += b);
            one
        };
        let split = (self.people() / (2 * rayon::current_num_threads())).max(1024);
        (0..self.people())
            .into_par_iter()
            .with_min_len(split)
            .fold(zero, add)
            .map(|(sums, _)| sums)
            .reduce(|| zero().0, merge)
    }

    /// One pair's part of a moment. Products round toward zero, so that rounding never enlarges a contribution.
    fn contribution(&self, pair: usize, weight: i128, unit: u32, moment: Moment) -> i128 {
        let rows = self.rows[pair];
        match moment {
            Moment::People => weight,
            Moment::Rows { limit } => weight * i128::from(rows.min(limit)),
            Moment::Value { channel, limit } => {
                let sum = i128::from(self.channels[channel][pair]);
                let value = sum * i128::from(rows.min(limit)) / i128::from(rows);
                weight * value / i128::from(unit)
            }
            // Measured by [`Contributions::distributions`].
            Moment::Nodes { .. } => 0,
        }
    }

    /// The keys that anybody has, with their weight: the candidates of a selection. Every weight is positive.
    #[must_use]
    pub fn candidates(&self, bound: Bound) -> Vec<(u32, i128)> {
        let weights = self.moments(bound, &[Moment::People], None, self.key_hashes.len()).swap_remove(0);
        (0..).zip(weights).filter(|(_, weight)| *weight > 0).collect()
    }

    /// In how many of the kept keys people take part: one person is in one bucket, so the L1 and L2 sensitivity is 1.
    #[must_use]
    pub fn activity(&self, kept: Option<&[u32]>, buckets: usize) -> Activity {
        let mut activity = vec![0; buckets];
        for person in 0..self.people() {
            let all = self.starts[person]..self.starts[person + 1];
            let takes_part =
                |&pair: &usize| kept.is_none_or(|kept| kept[self.keys[pair] as usize] != DROPPED);
            let keys = all.filter(takes_part).count();
            if let Some(bucket) = bucket(keys) {
                activity[bucket.min(buckets - 1)] += 1;
            }
        }
        activity
    }

    /// The `kept` map of some keys, in the order given.
    #[must_use]
    pub fn kept(&self, codes: impl IntoIterator<Item = u32>) -> Vec<u32> {
        let mut kept = vec![DROPPED; self.key_hashes.len()];
        for (place, code) in (0..).zip(codes) {
            if let Some(slot) = kept.get_mut(code as usize) {
                *slot = place;
            }
        }
        kept
    }
}

/// ⌈log₂ keys⌉; none for a person without keys.
pub(super) fn bucket(keys: usize) -> Option<usize> {
    (keys > 0).then(|| keys.next_power_of_two().trailing_zeros() as usize)
}

/// A keyed hash of bytes.
#[must_use]
pub(crate) fn keyed_hash(secret: [u8; 16], bytes: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new_with_key(&secret);
    hasher.write(bytes);
    hasher.finish()
}

/// The rank of a key among a person's keys: a mixing of two keyed hashes (the finalizer of SplitMix64).
pub(super) fn mix(person: u64, key: u64) -> u64 {
    let mut x = person ^ key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
