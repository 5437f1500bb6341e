//! Pairs and steps: what a person's keys say about each other.
//!
//! A person's pairs are enumerated from that person's own keys among those that were found, one person at a time: no list
//! of all pairs of all people ever exists. The vector that is summed has one cell for each link of the found keys, seen or
//! unseen, so that which cells there are is a function of the found keys alone.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::bound::Bound;
use super::contributions::{Activity, Contributions, DROPPED, bucket, mix};
use super::memory::SpillError;

/// What links two keys of one person.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// The person has both: unordered.
    Pairs,
    /// The second follows the first in the person's sequence: ordered.
    Steps,
}

impl Link {
    /// What tells the columns of its two keys apart.
    #[must_use]
    pub const fn suffixes(self) -> [&'static str; 2] {
        match self {
            Self::Pairs => ["_a", "_b"],
            Self::Steps => ["_from", "_to"],
        }
    }

    /// How many cells so many keys have.
    #[must_use]
    pub const fn cells(self, keys: usize) -> usize {
        let ordered = keys * keys.saturating_sub(1);
        match self {
            Self::Pairs => ordered / 2,
            Self::Steps => ordered,
        }
    }

    /// The cell of two different places among `keys`: pairs by (smaller, larger), steps by (from, to), each in
    /// lexicographic order.
    #[must_use]
    pub const fn cell(self, keys: usize, one: usize, other: usize) -> usize {
        match self {
            Self::Pairs => {
                let (a, b) = if one < other { (one, other) } else { (other, one) };
                a * (2 * keys - a - 1) / 2 + (b - a - 1)
            }
            Self::Steps => one * (keys - 1) + if other < one { other } else { other - 1 },
        }
    }
}

/// The order in which people met their keys, for steps.
#[derive(Clone, Default)]
pub(super) struct Sequences {
    starts: Vec<usize>,
    keys: Vec<u32>,
}

impl Sequences {
    /// From rows, each a person, a moment and a key with its rank among keys: sorted by person, then moment; keys of one
    /// moment by rank, so that nothing depends on the order of rows. Several rows in a run with one key are one visit.
    pub(super) fn new(mut rows: Vec<(u32, i64, u32, u32)>, people: usize) -> Self {
        rows.par_sort_unstable();
        let mut built = Self { starts: vec![0; people + 1], keys: Vec::new() };
        let mut last = None;
        for (person, _, _, key) in rows {
            if last != Some((person, key)) {
                built.keys.push(key);
                built.starts[person as usize + 1] = built.keys.len();
            }
            last = Some((person, key));
        }
        for person in 1..built.starts.len() {
            built.starts[person] = built.starts[person].max(built.starts[person - 1]);
        }
        built
    }

    fn of(&self, person: usize) -> &[u32] {
        &self.keys[self.starts[person]..self.starts[person + 1]]
    }
}

/// The links of one kind, between the keys of a person that were found.
#[derive(Clone, Copy)]
pub struct Links<'a> {
    /// Which kind.
    pub link: Link,
    /// Where each key's code stands among the found keys.
    pub kept: &'a [u32],
    /// How many keys were found.
    pub places: usize,
}

impl Contributions {
    /// The distinct links of a person, as pairs of codes.
    fn links(&self, links: &Links<'_>, person: usize, found: &mut Vec<(u32, u32)>) {
        found.clear();
        let is_kept = |key: u32| links.kept[key as usize] != DROPPED;
        match links.link {
            Link::Pairs => {
                let keys: Vec<u32> =
                    self.keys_of(person).iter().copied().filter(|&key| is_kept(key)).collect();
                for (at, &one) in keys.iter().enumerate() {
                    found.extend(keys[at + 1..].iter().map(|&other| (one, other)));
                }
            }
            Link::Steps => {
                let sequence = self.sequences.of(person);
                let steps = sequence.windows(2).map(|step| (step[0], step[1]));
                found.extend(steps.filter(|&(one, other)| one != other && is_kept(one) && is_kept(other)));
                found.sort_unstable();
                found.dedup();
            }
        }
    }

    /// People for each cell: a person with n distinct links gives each the weight of n keys under `bound`, so the vector
    /// has the sensitivity of [`Bound::l2_squared`] and [`Bound::l1`] with radius 1. Beyond the bound's cap a subset is
    /// chosen by keyed hash.
    ///
    /// # Errors
    /// When what was spilled cannot be read.
    pub fn linked(&self, bound: Bound, links: &Links<'_>) -> Result<Vec<i128>, SpillError> {
        let cells = links.link.cells(links.places);
        let zero = || (vec![0_i128; cells], Vec::new());
        let add = |(mut sums, mut found): (Vec<i128>, Vec<(u32, u32)>), person: usize| {
            self.links(links, person, &mut found);
            let cap = bound.cap as usize;
            if found.len() > cap {
                // By hashes alone: codes depend on what other people have, and must not decide which links are kept.
                let rank = |&(one, other): &(u32, u32)| {
                    let (one, other) = (self.key_hash(one), self.key_hash(other));
                    let pair = match links.link {
                        Link::Pairs => mix(one.min(other), one.max(other)),
                        Link::Steps => mix(one, other),
                    };
                    mix(self.person_hash(person), pair)
                };
                found.select_nth_unstable_by_key(cap - 1, rank);
                found.truncate(cap);
            }
            // Fewer than 2^32: places are limited by the plan, and rows by the kernel.
            let weight = i128::from(bound.weight(found.len() as u32));
            let place = |key: u32| links.kept[key as usize] as usize;
            for &(one, other) in &found {
                sums[links.link.cell(links.places, place(one), place(other))] += weight;
            }
            (sums, found)
        };
        let merge = |mut one: Vec<i128>, other: Vec<i128>| {
            one.iter_mut().zip(other).for_each(|(a, b)| *a += b);
            one
        };
        let split = (self.people() / (2 * rayon::current_num_threads())).max(1024);
        Ok((0..self.people())
            .into_par_iter()
            .with_min_len(split)
            .fold(zero, add)
            .map(|(sums, _)| sums)
            .reduce(|| zero().0, merge))
    }

    /// How many distinct links people have: one person is in one bucket, so the sensitivity is 1.
    ///
    /// # Errors
    /// When what was spilled cannot be read.
    pub fn link_activity(&self, links: &Links<'_>, buckets: usize) -> Result<Activity, SpillError> {
        let mut activity = vec![0; buckets];
        let mut found = Vec::new();
        for person in 0..self.people() {
            self.links(links, person, &mut found);
            if let Some(bucket) = bucket(found.len()) {
                activity[bucket.min(buckets - 1)] += 1;
            }
        }
        Ok(activity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_link_has_its_own_cell_in_order() {
        for keys in 0..8 {
            let mut cells = Vec::new();
            for one in 0..keys {
                cells.extend((one + 1..keys).map(|other| Link::Pairs.cell(keys, one, other)));
            }
            assert_eq!(cells, (0..Link::Pairs.cells(keys)).collect::<Vec<_>>());
            let mut cells = Vec::new();
            for one in 0..keys {
                cells.extend((0..keys).filter(|&o| o != one).map(|o| Link::Steps.cell(keys, one, o)));
            }
            assert_eq!(cells, (0..Link::Steps.cells(keys)).collect::<Vec<_>>());
        }
        assert_eq!(Link::Pairs.cell(5, 3, 1), Link::Pairs.cell(5, 1, 3));
    }
}
