//! What the kernel must give, written down one sentence after the other: maps of people, of keys, of rows.

use std::collections::{BTreeMap, BTreeSet};

use crate::kernel::contributions::mix;
use crate::kernel::{Bound, Link, Moment, Rows, Spread, UNIT};

/// One row: values by channel, bins by grid, and when it was.
#[derive(Clone)]
pub struct Row {
    pub values: Vec<i32>,
    pub bins: Vec<u32>,
    pub moment: i64,
}

/// Everybody's rows by person and key.
pub struct Reference {
    pub people: BTreeMap<u64, BTreeMap<u32, Vec<Row>>>,
    pub person_hash: fn(u64) -> u64,
    pub key_hashes: Vec<u128>,
    pub key_ranks: Vec<u32>,
}

fn weight(bound: Bound, keys: usize) -> i128 {
    i128::from(bound.weight(keys as u32))
}

impl Reference {
    pub fn new(rows: &Rows, person_hash: fn(u64) -> u64, key_hashes: Vec<u128>, key_ranks: Vec<u32>) -> Self {
        let mut people: BTreeMap<u64, BTreeMap<u32, Vec<Row>>> = BTreeMap::new();
        for at in 0..rows.people.len() {
            let row = Row {
                values: rows.channels.iter().map(|values| values[at]).collect(),
                bins: rows.bins.iter().map(|bins| bins[at]).collect(),
                moment: rows.moments.get(at).copied().unwrap_or(0),
            };
            people.entry(rows.people[at]).or_default().entry(rows.keys[at]).or_default().push(row);
        }
        Self { people, person_hash, key_hashes, key_ranks }
    }

    /// Each person's keys among those at `places`, at most `cap` of them by keyed hash.
    fn parts(&self, places: &[u32], cap: u32) -> Vec<BTreeMap<u32, &Vec<Row>>> {
        let mut parts = Vec::new();
        for (&person, keys) in &self.people {
            let mut ranked: Vec<(&u32, &Vec<Row>)> =
                keys.iter().filter(|(key, _)| places.contains(key)).collect();
            let hash = (self.person_hash)(person);
            ranked.sort_by_key(|(key, _)| {
                let of_key = self.key_hashes[**key as usize];
                (mix(hash, of_key as u64), of_key >> 64)
            });
            ranked.truncate(cap as usize);
            parts.push(ranked.into_iter().map(|(&key, rows)| (key, rows)).collect());
        }
        parts
    }

    pub fn moment(&self, bound: Bound, moment: Moment, places: &[u32]) -> Vec<i128> {
        let mut sums = vec![0; places.len()];
        for part in self.parts(places, bound.cap) {
            let weight = weight(bound, part.len());
            for (place, key) in places.iter().enumerate() {
                let Some(rows) = part.get(key) else { continue };
                let count = rows.len() as i128;
                sums[place] += match moment {
                    Moment::People => weight,
                    Moment::Rows { limit } => weight * count.min(i128::from(limit)),
                    Moment::Value { channel, limit } => {
                        let sum: i128 = rows.iter().map(|row| i128::from(row.values[channel])).sum();
                        weight * (sum * count.min(i128::from(limit)) / count) / i128::from(bound.unit())
                    }
                    Moment::Nodes { .. } => panic!("nodes are not one number"),
                };
            }
        }
        sums
    }

    pub fn distributions(
        &self,
        bound: Bound,
        spread: Spread,
        grid: usize,
        limit: u32,
        places: &[u32],
    ) -> Vec<i128> {
        let nodes = spread.nodes();
        let mut sums = vec![0; places.len() * nodes];
        for part in self.parts(places, bound.cap) {
            // A key that counts in full has 2^16 shares, whatever the bound's own unit.
            let whole = weight(bound, part.len()) * i128::from(UNIT / bound.unit());
            for (place, key) in places.iter().enumerate() {
                let Some(rows) = part.get(key) else { continue };
                let mut counts: BTreeMap<u32, i128> = BTreeMap::new();
                rows.iter().for_each(|row| *counts.entry(row.bins[grid]).or_default() += 1);
                let (all, counted) = (rows.len() as i128, i128::from(limit).min(rows.len() as i128));
                for (bin, count) in counts {
                    for node in nodes_over(spread, bin) {
                        sums[place * nodes + node] += whole * counted * count / all;
                    }
                }
            }
        }
        sums
    }

    /// Each person in the bucket of their number of keys.
    pub fn activity(&self, places: &[u32], buckets: usize) -> Vec<i128> {
        histogram(self.parts(places, u32::MAX).iter().map(BTreeMap::len), buckets)
    }

    fn vectors(&self, channel: usize, limit: u32, places: &[u32]) -> Vec<BTreeMap<u32, i128>> {
        let value = |rows: &Vec<Row>| {
            let (count, limit) = (rows.len() as i128, i128::from(limit));
            let sum: i128 = rows.iter().map(|row| i128::from(row.values[channel])).sum();
            sum * count.min(limit) / count
        };
        let parts = self.parts(places, u32::MAX).into_iter();
        parts.map(|part| part.into_iter().map(|(key, rows)| (key, value(rows))).collect()).collect()
    }

    pub fn clipped(&self, power: u32, channel: usize, limit: u32, places: &[u32]) -> Vec<i128> {
        let mut sums = vec![0; places.len()];
        for vector in self.vectors(channel, limit, places) {
            let square: u128 = vector.values().map(|value| value.unsigned_abs().pow(2)).sum();
            let scaled = |value: i128| {
                if square <= 1 << power {
                    return value;
                }
                let factor = ((1_u128 << (power + 40)) / square).isqrt() as i128;
                value * factor / (1 << 20)
            };
            for (sum, key) in sums.iter_mut().zip(places) {
                *sum += vector.get(key).map_or(0, |&value| scaled(value));
            }
        }
        sums
    }

    pub fn norms(&self, first: u32, buckets: usize, channel: usize, limit: u32, places: &[u32]) -> Vec<i128> {
        let mut counts = vec![0; buckets];
        for vector in self.vectors(channel, limit, places) {
            let square: u128 = vector.values().map(|value| value.unsigned_abs().pow(2)).sum();
            let reach = (0..buckets - 1).find(|&bucket| square <= 1_u128 << (first as usize + bucket));
            if square > 0 {
                counts[reach.unwrap_or(buckets - 1)] += 1;
            }
        }
        counts
    }

    /// The distinct links of each person, as places.
    fn links(&self, link: Link, places: &[u32]) -> Vec<(u64, BTreeSet<(usize, usize)>)> {
        let place = |key: u32| places.iter().position(|&known| known == key);
        let of_person = |(&person, keys): (&u64, &BTreeMap<u32, Vec<Row>>)| {
            let mut links = BTreeSet::new();
            match link {
                Link::Pairs => {
                    let found: Vec<usize> = keys.keys().filter_map(|&key| place(key)).collect();
                    for &one in &found {
                        links.extend(found.iter().filter(|&&other| one < other).map(|&other| (one, other)));
                    }
                }
                Link::Steps => {
                    let mut visits: Vec<(i64, u32, u32)> = keys
                        .iter()
                        .flat_map(|(&key, rows)| rows.iter().map(move |row| (row.moment, key)))
                        .map(|(moment, key)| (moment, self.key_ranks[key as usize], key))
                        .collect();
                    visits.sort_unstable();
                    for step in visits.windows(2) {
                        if let (Some(one), Some(other)) = (place(step[0].2), place(step[1].2))
                            && one != other
                        {
                            links.insert((one, other));
                        }
                    }
                }
            }
            (person, links)
        };
        self.people.iter().map(of_person).collect()
    }

    pub fn linked(&self, bound: Bound, link: Link, places: &[u32]) -> Vec<i128> {
        let mut sums = vec![0; link.cells(places.len())];
        for (person, links) in self.links(link, places) {
            let hash = |place: usize| self.key_hashes[places[place] as usize] as u64;
            let mut ranked: Vec<(usize, usize)> = links.into_iter().collect();
            ranked.sort_by_key(|&(one, other)| {
                let (one, other) = (hash(one), hash(other));
                let pair = match link {
                    Link::Pairs => mix(one.min(other), one.max(other)),
                    Link::Steps => mix(one, other),
                };
                mix((self.person_hash)(person), pair)
            });
            ranked.truncate(bound.cap as usize);
            let weight = weight(bound, ranked.len());
            for (one, other) in ranked {
                sums[link.cell(places.len(), one, other)] += weight;
            }
        }
        sums
    }

    pub fn link_activity(&self, link: Link, places: &[u32], buckets: usize) -> Vec<i128> {
        histogram(self.links(link, places).iter().map(|(_, links)| links.len()), buckets)
    }

    /// Candidates: every key that somebody has.
    pub fn candidates(&self, bound: Bound) -> Vec<(u32, i128)> {
        let all: Vec<u32> = (0..self.key_hashes.len() as u32).collect();
        let sums = self.moment(bound, Moment::People, &all);
        all.into_iter().zip(sums).filter(|(_, weight)| *weight > 0).collect()
    }

    /// How many people reach which power of two with the number of their rows, each at full weight.
    pub fn reached(&self, buckets: u32) -> Vec<i128> {
        let mut counts = vec![0; buckets as usize];
        for keys in self.people.values() {
            let rows: usize = keys.values().map(Vec::len).sum();
            counts[rows.ilog2().min(buckets - 1) as usize] += i128::from(UNIT);
        }
        counts
    }
}

fn histogram(counts: impl Iterator<Item = usize>, buckets: usize) -> Vec<i128> {
    let mut histogram = vec![0; buckets];
    for count in counts.filter(|&count| count > 0) {
        let reach = (0..buckets - 1).find(|&bucket| count <= 1 << bucket).unwrap_or(buckets - 1);
        histogram[reach] += 1;
    }
    histogram
}

/// The nodes above a bin, and the bin's own.
fn nodes_over(spread: Spread, bin: u32) -> Vec<usize> {
    match spread {
        Spread::Flat { .. } => vec![bin as usize],
        Spread::Tree { bins, branching } => {
            let mut widths = vec![1_usize];
            while widths[widths.len() - 1] < bins as usize {
                widths.push(widths[widths.len() - 1] * branching as usize);
            }
            let leaves = widths[widths.len() - 1];
            let first = |level: usize| widths[..level].iter().sum::<usize>();
            let at = |level: usize| first(level) + bin as usize * widths[level] / leaves;
            (0..widths.len()).map(at).collect()
        }
    }
}
