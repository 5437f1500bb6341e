//! Contributions by key, and what is known of each person beside them.

use std::hash::BuildHasher as _;
use std::sync::{Arc, PoisonError, RwLock};

use flockwise_mechanisms::Key;
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};

use super::people::{Naming, People};
use crate::frame::NULL;
use crate::kernel::{Contributions, Gather, Rows, SpillError, key_hash, keyed_hash};
use crate::plan::{Bins, ValuePlan};
use crate::statistics::activity_buckets;

/// Keys by code: each once.
#[derive(Default)]
pub(super) struct Keys {
    pub all: Vec<Key>,
    codes: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Keys {
    pub fn of(keys: Vec<Key>) -> Self {
        let mut all = Self::default();
        for key in keys {
            all.code(key);
        }
        all
    }

    pub fn find(&self, key: &[u8]) -> Option<u32> {
        self.codes.find(self.hasher.hash_one(key), |&code| self.all[code as usize] == key).copied()
    }

    /// The code of a key, a new one where it has none.
    pub fn code(&mut self, key: Key) -> u32 {
        let hash = self.hasher.hash_one(&key[..]);
        let Self { all, codes, hasher } = self;
        if let Some(&code) = codes.find(hash, |&code| all[code as usize] == key) {
            return code;
        }
        let code = all.len() as u32;
        all.push(key);
        codes.insert_unique(hash, code, |&code| hasher.hash_one(&all[code as usize][..]));
        code
    }

    /// Where each code's key stands in order of its bytes.
    fn ranks(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.all.len() as u32).collect();
        order.sort_unstable_by(|&one, &other| self.all[one as usize].cmp(&self.all[other as usize]));
        let mut ranks = vec![0; order.len()];
        for (rank, &code) in (0..).zip(&order) {
            ranks[code as usize] = rank;
        }
        ranks
    }
}

/// Contributions by key.
pub(super) struct Grouped {
    pub contributions: Contributions,
    pub keys: Keys,
}

/// What was gathered for one grouping.
pub(super) struct Table {
    pub gather: Gather,
    pub keys: Keys,
    /// Whether people stand under the power of two that the number of their rows reaches, the last of so many.
    pub activity: Option<u32>,
    /// Whether rows have moments.
    pub ordered: bool,
    /// Rows that become one row for each person and key, with their average, before they are gathered.
    pub averages: Option<Averages>,
}

/// The sum and number of a person's values in a key.
#[derive(Default)]
pub(super) struct Averages(HashMap<(u64, u32), (i64, i64)>);

impl Averages {
    /// Takes rows with one value each, on the grid.
    pub fn take(&mut self, rows: &Rows) {
        let values = rows.channels.first().into_iter().flatten();
        for ((&person, &key), &value) in rows.people.iter().zip(&rows.keys).zip(values) {
            let (sum, count) = self.0.entry((person, key)).or_default();
            // Less than 2^32 rows of at most 2^31 each count: no overflow. A person who has more in one key changes nobody
            // else's average.
            if *count < i64::from(u32::MAX) {
                (*sum, *count) = (*sum + i64::from(value), *count + 1);
            }
        }
    }

    /// One row for each person and key, with the average of all that there were, rounded toward zero: a function of that
    /// person's values on the grid alone, in whatever order they come.
    ///
    /// # Errors
    /// When what does not fit into memory cannot be kept on disk.
    pub fn push(self, plan: &ValuePlan, gather: &Gather) -> Result<(), SpillError> {
        const ROWS: usize = 1 << 18;
        let all: Vec<_> = self.0.into_iter().collect();
        for part in all.chunks(ROWS) {
            let average = |&(_, (sum, count)): &(_, (i64, i64))| {
                i32::try_from(sum / count).expect("an average lies among its values")
            };
            let averages: Vec<i32> = part.iter().map(average).collect();
            let numbers = averages.iter().map(|&x| plan.channel.clamp(plan.channel.value(x)));
            let numbers: Vec<f64> = numbers.collect();
            let bins = |grid: &Bins| numbers.iter().map(|&number| grid.bin(number)).collect();
            let squares = plan.squares.then(|| averages.iter().map(|&x| plan.channel.square(x)).collect());
            gather.push(&Rows {
                people: part.iter().map(|((person, _), _)| *person).collect(),
                keys: part.iter().map(|((_, key), _)| *key).collect(),
                bins: plan.bins.iter().map(bins).collect(),
                channels: [averages].into_iter().chain(squares).collect(),
                moments: Vec::new(),
            })?;
        }
        Ok(())
    }
}

impl Table {
    /// Groups by person and key. `secret` keys the hash by which a person's kept keys are chosen.
    ///
    /// # Errors
    /// When what does not fit into memory cannot be kept on disk.
    pub fn finish(
        self,
        secret: [u8; 16],
        people: &Arc<RwLock<People>>,
        naming: Naming,
    ) -> Result<Grouped, SpillError> {
        let keys = self.activity.map_or(self.keys, |buckets| Keys::of(activity_buckets(buckets)));
        let key_hashes = keys.all.iter().map(|key| key_hash(secret, key)).collect();
        let ranks = if self.ordered { keys.ranks() } else { Vec::new() };
        let people = Arc::clone(people);
        let of_person = move |id: u64| {
            let people = people.read().unwrap_or_else(PoisonError::into_inner);
            keyed_hash(secret, &people.name(naming, id))
        };
        Ok(Grouped { contributions: self.gather.finish(Box::new(of_person), key_hashes, ranks)?, keys })
    }
}

impl Grouped {
    /// Where each code's key stands in `keys`; keys that nobody has stand nowhere.
    pub fn kept(&self, keys: &[Key]) -> Vec<u32> {
        let mut kept = vec![NULL; self.keys.all.len()];
        for (place, key) in (0..).zip(keys) {
            if let Some(code) = self.keys.find(key) {
                kept[code as usize] = place;
            }
        }
        kept
    }
}

/// The smallest first part of each person's keys.
#[derive(Default)]
pub(super) struct Firsts {
    pub of: HashMap<u64, u32>,
    pub keys: Vec<Key>,
}

impl Firsts {
    /// The code of a person's own.
    pub fn of(&self, id: u64) -> Option<u32> {
        self.of.get(&id).copied()
    }

    /// From the codes that each person was seen with, by the bytes of the keys.
    pub fn take(&mut self, ids: &[u64], codes: &[u32], keys: &Keys) {
        let smaller = |one: u32, other: u32| keys.all[one as usize] < keys.all[other as usize];
        for (&id, &code) in ids.iter().zip(codes) {
            let kept = self.of.entry(id).or_insert(code);
            if *kept != code && smaller(code, *kept) {
                *kept = code;
            }
        }
    }
}

/// The least and the largest value of each person who has any, as integers.
#[derive(Default)]
pub(super) struct Ends(HashMap<u64, (i64, i64)>);

impl Ends {
    pub fn take(&mut self, ids: &[u64], values: &[i64]) {
        for (&id, &value) in ids.iter().zip(values) {
            let (least, largest) = self.0.entry(id).or_insert((value, value));
            (*least, *largest) = ((*least).min(value), (*largest).max(value));
        }
    }

    pub fn unzip(self) -> (Vec<i64>, Vec<i64>) {
        self.0.into_values().unzip()
    }
}
