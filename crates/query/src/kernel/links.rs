//! Pairs and steps: what a person's keys say about each other.
//!
//! A person's pairs are enumerated from that person's own keys among those that were found, one person at a time: no list
//! of all pairs of all people ever exists. The vector that is summed has one cell for each link of the found keys, seen or
//! unseen, so that which cells there are is a function of the found keys alone.

use serde::{Deserialize, Serialize};

use super::bound::Bound;
use super::contributions::{Activity, Contributions, DROPPED, bucket, mix};
use super::memory::SpillError;
use super::part::{Needs, Part};
use super::sums::{Weights, merge};

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

/// A person's keys that were found, as (place, code), and the links of those who have too many or whose links are steps.
#[derive(Default)]
struct Found {
    keys: Vec<(u32, u32)>,
    links: Vec<Linking>,
    ranks: Vec<(u64, Linking)>,
}

/// Two keys, each as (place, code).
type Linking = ((u32, u32), (u32, u32));

impl Found {
    /// Finds a person's keys, in order of their places.
    fn keys(&mut self, part: &Part, person: usize, kept: &[u32]) {
        let keys = part.keys_of(person).iter().map(|&key| (kept[key as usize], key));
        self.keys.clear();
        self.keys.extend(keys.filter(|&(place, _)| place != DROPPED));
        self.keys.sort_unstable();
    }

    /// Lists the distinct pairs of the person's keys.
    fn pairs(&mut self) {
        self.links.clear();
        for (at, &one) in self.keys.iter().enumerate() {
            self.links.extend(self.keys[at + 1..].iter().map(|&other| (one, other)));
        }
    }

    /// Lists the distinct steps of a person between keys that were found.
    fn steps(&mut self, part: &Part, person: usize, kept: &[u32]) {
        let found = |key: u32| (kept[key as usize], key);
        let steps = part.sequences.of(person).windows(2).map(|step| (found(step[0]), found(step[1])));
        let is_link = |&(one, other): &Linking| one != other && one.0 != DROPPED && other.0 != DROPPED;
        self.links.clear();
        self.links.extend(steps.filter(is_link));
        self.links.sort_unstable();
        self.links.dedup();
    }

    /// Keeps at most `cap` links, by hashes alone: codes depend on what other people have, and must not decide which links
    /// are kept.
    fn cut(&mut self, cap: usize, rank: impl Fn(&Linking) -> u64) {
        if self.links.len() > cap {
            self.ranks.clear();
            self.ranks.extend(self.links.iter().map(|link| (rank(link), *link)));
            self.ranks.select_nth_unstable(cap - 1);
            self.links.clear();
            self.links.extend(self.ranks[..cap].iter().map(|&(_, link)| link));
        }
    }
}

/// How many pairs so many keys have.
const fn pairs(keys: usize) -> usize {
    Link::Pairs.cells(keys)
}

impl Contributions {
    /// People for each cell: a person with n distinct links gives each the weight of n keys under `bound`, so the vector
    /// has the sensitivity of [`Bound::l2_squared`] and [`Bound::l1`] with radius 1. Beyond the bound's cap a subset is
    /// chosen by keyed hash.
    ///
    /// # Errors
    /// When what was spilled cannot be read.
    pub fn linked(&self, bound: Bound, links: &Links<'_>) -> Result<Vec<i128>, SpillError> {
        let cells = links.link.cells(links.places);
        let weights = Weights::new(bound);
        let cap = bound.cap as usize;
        // At most 2^16 for each of fewer than 2^47 people: no overflow.
        let add = |(sums, found): &mut (Vec<i64>, Found), part: &Part| {
            for person in 0..part.people.len() {
                match links.link {
                    Link::Pairs => {
                        found.keys(part, person, links.kept);
                        let count = pairs(found.keys.len());
                        if count <= cap {
                            add_pairs(sums, &found.keys, links.places, weights.of(count));
                            continue;
                        }
                        found.pairs();
                    }
                    Link::Steps => found.steps(part, person, links.kept),
                }
                found.cut(cap, |link| self.rank(part.people[person], links.link, link));
                let weight = i64::from(weights.of(found.links.len()));
                for &((one, _), (other, _)) in &found.links {
                    sums[links.link.cell(links.places, one as usize, other as usize)] += weight;
                }
            }
        };
        let needs = Needs { order: links.link == Link::Steps, ..Needs::default() };
        let sums = self.pass(needs, || (vec![0; cells], Found::default()), add)?;
        Ok(merge(sums.into_iter().map(|(sums, _)| sums), cells))
    }

    fn rank(&self, person: u64, link: Link, &((_, one), (_, other)): &Linking) -> u64 {
        let (one, other) = (self.key_hash(one), self.key_hash(other));
        let pair = match link {
            Link::Pairs => mix(one.min(other), one.max(other)),
            Link::Steps => mix(one, other),
        };
        mix(self.person_hash(person), pair)
    }

    /// How many distinct links people have: one person is in one bucket, so the sensitivity is 1.
    ///
    /// # Errors
    /// When what was spilled cannot be read.
    pub fn link_activity(&self, links: &Links<'_>, buckets: usize) -> Result<Activity, SpillError> {
        let add = |(activity, found): &mut (Vec<i64>, Found), part: &Part| {
            for person in 0..part.people.len() {
                let count = match links.link {
                    Link::Pairs => {
                        found.keys(part, person, links.kept);
                        pairs(found.keys.len())
                    }
                    Link::Steps => {
                        found.steps(part, person, links.kept);
                        found.links.len()
                    }
                };
                if let Some(bucket) = bucket(count) {
                    activity[bucket.min(buckets - 1)] += 1;
                }
            }
        };
        let needs = Needs { order: links.link == Link::Steps, ..Needs::default() };
        let activity = self.pass(needs, || (vec![0; buckets], Found::default()), add)?;
        Ok(merge(activity.into_iter().map(|(activity, _)| activity), buckets))
    }
}

/// Adds a weight to every pair of some keys, which are in order of their places: row by row of the triangle.
fn add_pairs(sums: &mut [i64], keys: &[(u32, u32)], places: usize, weight: u32) {
    for (at, &(one, _)) in keys.iter().enumerate() {
        let one = one as usize;
        if one + 1 < places {
            let row = Link::Pairs.cell(places, one, one + 1);
            let row = &mut sums[row..row + places - one - 1];
            for &(other, _) in &keys[at + 1..] {
                row[other as usize - one - 1] += i64::from(weight);
            }
        }
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
