//! Per person and key: rows and sums, and the bounded aggregates over all people.

use std::hash::Hasher as _;

use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;
use siphasher::sip128::{self, Hasher128 as _};

use super::bound::Bound;
use super::gather::PersonHash;
use super::memory::SpillError;
use super::part::{Needs, Part};
use super::rows::Layout;
use super::spread::Spread;
use super::store::{Slot, Store};
use super::sums::{Weights, Word, averaged, fits_word, merge};
use super::work::share;

/// What each person contributed to each key, before any bound: partition by partition, sorted by person, then key, one
/// entry a pair.
pub struct Contributions {
    pub(super) layout: Layout,
    slots: Vec<Slot>,
    store: Store,
    person_hash: PersonHash,
    key_hashes: Vec<u128>,
    people: u64,
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

    /// Rows of one person in one key that count.
    const fn limit(self) -> u32 {
        match self {
            Self::People => 1,
            Self::Rows { limit } | Self::Value { limit, .. } | Self::Nodes { limit, .. } => limit,
        }
    }
}

/// How many people have how many keys: counts in buckets (1), (2), (3..4), (5..8), … by powers of two.
pub type Activity = Vec<i128>;

/// Marks a key that takes no part.
pub(super) const DROPPED: u32 = u32::MAX;

/// The pairs of a person that take part, each with its place in the output.
#[derive(Default)]
pub(super) struct Chosen {
    pub pairs: Vec<(usize, u32)>,
    ranks: Vec<(u64, u64, (usize, u32))>,
}

impl Chosen {
    /// Finds the pairs of a person among `kept`. Which keys are kept cannot be predicted, so every one is written down, and
    /// those that are not are written over.
    fn find(&mut self, part: &Part, person: usize, kept: &[u32]) {
        let pairs = part.pairs(person);
        self.pairs.clear();
        self.pairs.resize(pairs.len(), (0, 0));
        let (into, mut found) = (&mut self.pairs[..], 0);
        for (pair, &key) in pairs.zip(part.keys_of(person)) {
            let place = kept[key as usize];
            into[found] = (pair, place);
            found += usize::from(place != DROPPED);
        }
        self.pairs.truncate(found);
    }

    /// Keeps the `cap` pairs whose ranks are smallest. Keys of one rank, those whose hashes agree in one half, are told apart
    /// by the other: codes depend on what other people have, and must not decide which keys are kept.
    fn cut(&mut self, part: &Part, cap: usize, rank: impl Fn(u32) -> u64, tie: impl Fn(u32) -> u64) {
        let Self { pairs, ranks } = self;
        if cap == 0 {
            pairs.clear();
            return;
        }
        // Ranks are spread evenly, so nearly always the smallest lie below this; if not, all are looked at.
        let likely = (cap + 8 * cap.isqrt() + 64) as u128 * u128::from(u64::MAX) / pairs.len() as u128;
        for most in [u64::try_from(likely).unwrap_or(u64::MAX), u64::MAX] {
            ranks.clear();
            for &pair in &*pairs {
                let key = part.keys[pair.0];
                let rank = rank(key);
                if rank <= most {
                    ranks.push((rank, tie(key), pair));
                }
            }
            if ranks.len() >= cap {
                break;
            }
        }
        ranks.select_nth_unstable(cap - 1);
        pairs.clear();
        pairs.extend(ranks[..cap].iter().map(|&(_, _, pair)| pair));
    }
}

impl Contributions {
    pub(super) fn new(
        layout: Layout,
        slots: Vec<(u64, Slot)>,
        store: Store,
        person_hash: PersonHash,
        key_hashes: Vec<u128>,
    ) -> Self {
        let people = slots.iter().map(|(people, _)| people).sum();
        let slots = slots.into_iter().map(|(_, slot)| slot).collect();
        Self { layout, slots, store, person_hash, key_hashes, people }
    }

    /// How many people there are.
    pub(super) const fn people(&self) -> u64 {
        self.people
    }

    /// Passes over all partitions: `add` is given each once, with what it needs.
    pub(super) fn pass<A: Send>(
        &self,
        needs: Needs,
        zero: impl Fn() -> A + Sync,
        add: impl Fn(&mut A, &Part) + Sync,
    ) -> Result<Vec<A>, SpillError> {
        let states = share(
            self.slots.len(),
            || (zero(), Part::default()),
            |(state, part), at| {
                self.store.open(&self.slots[at], &self.layout, needs, part)?;
                add(state, part);
                Ok(())
            },
        )?;
        Ok(states.into_iter().map(|(state, _)| state).collect())
    }

    pub(super) fn person_hash(&self, person: u64) -> u64 {
        (self.person_hash)(person)
    }

    pub(super) fn key_hash(&self, key: u32) -> u64 {
        self.key_hashes[key as usize] as u64
    }

    /// How many people take part with at least one key.
    ///
    /// # Errors
    /// When what was spilled cannot be read.
    pub fn everyone(&self) -> Result<i128, SpillError> {
        Ok(i128::from(self.people))
    }

    /// The pairs of a person that take part: those in `kept` (all where it is `None`), at most `cap` of them by keyed hash.
    pub(super) fn choose(
        &self,
        part: &Part,
        person: usize,
        kept: Option<&[u32]>,
        cap: u32,
        chosen: &mut Chosen,
    ) {
        match kept {
            None => {
                chosen.pairs.clear();
                let keys = part.pairs(person).zip(part.keys_of(person));
                chosen.pairs.extend(keys.map(|(pair, &key)| (pair, key)));
            }
            Some(kept) => chosen.find(part, person, kept),
        }
        if chosen.pairs.len() > cap as usize {
            let hash = self.person_hash(part.people[person]);
            let tie = |key: u32| (self.key_hashes[key as usize] >> 64) as u64;
            chosen.cut(part, cap as usize, |key| mix(hash, self.key_hash(key)), tie);
        }
    }

    /// Every moment for every key, after bounding. `kept` maps a key's code to its place in the output.
    ///
    /// Sensitivities: [`Bound::l2_squared`] and [`Bound::l1`] with radius 1 for people, `limit` for rows (both in units
    /// of the bound), and `limit`·radius of the channel for values (on the grid).
    ///
    /// # Errors
    /// When what was spilled cannot be read.
    pub fn moments(
        &self,
        bound: Bound,
        moments: &[Moment],
        kept: Option<&[u32]>,
        places: usize,
    ) -> Result<Vec<Vec<i128>>, SpillError> {
        let limit = moments.iter().map(|moment| moment.limit()).max().unwrap_or(1);
        if fits_word(self.people, limit) {
            self.sums::<i64>(bound, moments, kept, places)
        } else {
            self.sums::<i128>(bound, moments, kept, places)
        }
    }

    fn sums<W: Word>(
        &self,
        bound: Bound,
        moments: &[Moment],
        kept: Option<&[u32]>,
        places: usize,
    ) -> Result<Vec<Vec<i128>>, SpillError> {
        let weights = Weights::new(bound);
        let width = moments.len();
        let needs =
            Needs { values: moments.iter().any(|moment| *moment != Moment::People), ..Needs::default() };
        let zero = || (vec![W::default(); places * width], Chosen::default());
        let add = |(sums, chosen): &mut (Vec<W>, Chosen), part: &Part| {
            for person in 0..part.people.len() {
                self.choose(part, person, kept, bound.cap, chosen);
                let weight = weights.of(chosen.pairs.len());
                for (at, &moment) in moments.iter().enumerate() {
                    let cell = |place: u32| place as usize * width + at;
                    add_moment(part, &chosen.pairs, (weight, bound.unit()), moment, sums, cell);
                }
            }
        };
        let sums = self.pass(needs, zero, add)?.into_iter().map(|(sums, _)| sums);
        let sums = merge(sums, places * width);
        Ok((0..width).map(|at| sums.iter().skip(at).step_by(width).copied().collect()).collect())
    }

    /// The keys that anybody has, with their weight: the candidates of a selection. Every weight is positive.
    ///
    /// # Errors
    /// When what was spilled cannot be read.
    pub fn candidates(&self, bound: Bound) -> Result<Vec<(u32, i128)>, SpillError> {
        let (weights, codes) = (Weights::new(bound), self.key_hashes.len());
        // At most 2^16 for each of fewer than 2^47 people: no overflow.
        let add = |(sums, chosen): &mut (Vec<i64>, Chosen), part: &Part| {
            for person in 0..part.people.len() {
                let keys = part.keys_of(person);
                if keys.len() <= bound.cap as usize {
                    let weight = i64::from(weights.of(keys.len()));
                    keys.iter().for_each(|&key| sums[key as usize] += weight);
                } else {
                    self.choose(part, person, None, bound.cap, chosen);
                    let weight = i64::from(weights.of(chosen.pairs.len()));
                    chosen.pairs.iter().for_each(|&(_, key)| sums[key as usize] += weight);
                }
            }
        };
        let sums = self.pass(Needs::default(), || (vec![0; codes], Chosen::default()), add)?;
        let weights = merge(sums.into_iter().map(|(sums, _)| sums), codes);
        Ok((0..).zip(weights).filter(|(_, weight)| *weight > 0).collect())
    }

    /// In how many of the kept keys people take part: one person is in one bucket, so the L1 and L2 sensitivity is 1.
    ///
    /// # Errors
    /// When what was spilled cannot be read.
    pub fn activity(&self, kept: Option<&[u32]>, buckets: usize) -> Result<Activity, SpillError> {
        let add = |activity: &mut Vec<i64>, part: &Part| {
            for person in 0..part.people.len() {
                let keys = part.keys_of(person);
                let keys = kept.map_or(keys.len(), |kept| {
                    keys.iter().filter(|&&key| kept[key as usize] != DROPPED).count()
                });
                if let Some(bucket) = bucket(keys) {
                    activity[bucket.min(buckets - 1)] += 1;
                }
            }
        };
        Ok(merge(self.pass(Needs::default(), || vec![0; buckets], add)?, buckets))
    }
}

/// Adds one person's part of a moment. Products round toward zero, so that rounding never enlarges a contribution.
fn add_moment<W: Word>(
    part: &Part,
    pairs: &[(usize, u32)],
    (weight, unit): (u32, u32),
    moment: Moment,
    sums: &mut [W],
    cell: impl Fn(u32) -> usize,
) {
    match moment {
        Moment::People => {
            let weight = W::of(i64::from(weight));
            pairs.iter().for_each(|&(_, place)| sums[cell(place)] += weight);
        }
        Moment::Rows { limit } => {
            for &(pair, place) in pairs {
                let rows = part.rows[pair].min(limit);
                sums[cell(place)] += W::of(i64::from(weight) * i64::from(rows));
            }
        }
        Moment::Value { channel, limit } => {
            let channel = &part.channels[channel];
            for &(pair, place) in pairs {
                let value = averaged(channel[pair], part.rows[pair], limit);
                sums[cell(place)] += W::weighted(value, weight, unit);
            }
        }
        // Measured by [`Contributions::distributions`].
        Moment::Nodes { .. } => {}
    }
}

/// ⌈log₂ keys⌉; none for a person without keys.
pub(super) fn bucket(keys: usize) -> Option<usize> {
    (keys > 0).then(|| keys.next_power_of_two().trailing_zeros() as usize)
}

/// A keyed hash of the bytes of a key, long enough that no two of a data set's agree: of n keys two do with a chance of
/// n²/2^129, of 10^12 keys 10^-15 of the smallest δ that a budget can say.
#[must_use]
pub(crate) fn key_hash(secret: [u8; 16], bytes: &[u8]) -> u128 {
    let mut hasher = sip128::SipHasher13::new_with_key(&secret);
    hasher.write(bytes);
    hasher.finish128().as_u128()
}

/// A keyed hash of the bytes of a person's name.
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
