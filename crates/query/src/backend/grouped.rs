//! Contributions by key, and what is known of each person beside them.

use std::hash::BuildHasher as _;
use std::sync::{Arc, PoisonError, RwLock};

use flockwise_mechanisms::Key;
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};

use super::people::{Naming, People};
use crate::frame::NULL;
use crate::kernel::{Contributions, Gather, SpillError, keyed_hash};
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
        let key_hashes = keys.all.iter().map(|key| keyed_hash(secret, key)).collect();
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
