//! Grouping the rows of one partition by person and key.

use super::contributions::mix;
use super::part::{Binned, Part, Sequences};
use super::radix::{Composite, Layered, radix_sort};
use super::rows::{Layout, Rows};

/// Beyond so many rows of a pair, further ones do not count, so that a pair's sum is always at most its rows times the
/// radius.
const MOST_ROWS: usize = u32::MAX as usize;

/// The people of a partition, numbered as they come: open addressing with at least half of the slots free.
#[derive(Default)]
struct Numbers {
    /// One more than the number, or 0 for a free slot.
    slots: Vec<u32>,
    known: Vec<u64>,
    salt: u64,
}

impl Numbers {
    fn clear(&mut self) {
        self.known.clear();
        self.slots.clear();
        self.slots.resize(1 << 12, 0);
    }

    fn of(&mut self, person: u64) -> u32 {
        let mask = self.slots.len() - 1;
        let mut at = mix(person, self.salt) as usize & mask;
        loop {
            match self.slots[at] {
                0 => break,
                number if self.known[number as usize - 1] == person => return number - 1,
                _ => at = (at + 1) & mask,
            }
        }
        self.known.push(person);
        let number = u32::try_from(self.known.len()).expect("fewer than 2^32 people in a partition");
        self.slots[at] = number;
        if self.known.len() * 2 > self.slots.len() {
            self.grow();
        }
        number - 1
    }

    fn grow(&mut self) {
        let mask = self.slots.len() * 4 - 1;
        self.slots.clear();
        self.slots.resize(mask + 1, 0);
        for (number, &person) in (1..).zip(&self.known) {
            let mut at = mix(person, self.salt) as usize & mask;
            while self.slots[at] != 0 {
                at = (at + 1) & mask;
            }
            self.slots[at] = number;
        }
    }
}

/// Groups one partition after the other, in the same room.
#[derive(Default)]
pub(super) struct Grouper {
    numbers: Numbers,
    /// The number of the person of each row.
    people: Vec<u32>,
    narrow: Sorted<u64>,
    wide: Sorted<u128>,
    part: Part,
}

#[derive(Default)]
struct Sorted<T> {
    words: Vec<T>,
    spare: Vec<T>,
}

impl Grouper {
    /// The salt places people in the table: nothing that comes out depends on it but the order of people.
    pub fn new(salt: u64) -> Self {
        Self { numbers: Numbers { salt, ..Numbers::default() }, ..Self::default() }
    }

    /// Groups the rows of a partition. `ranks` is where each key stands in order of its bytes.
    pub fn group(&mut self, rows: &Rows, layout: &Layout, ranks: &[u32]) -> &Part {
        self.numbers.clear();
        self.people.clear();
        self.people.extend(rows.people.iter().map(|&person| self.numbers.of(person)));
        self.part.clear(layout);
        self.part.people.extend_from_slice(&self.numbers.known);
        if let Some(buckets) = layout.activity {
            reached(&self.people, buckets, &mut self.part);
            return &self.part;
        }
        if layout.ordered {
            sequences(rows, &self.people, ranks, &mut self.part.sequences);
        }
        let single = layout.channels <= 1 && layout.spreads.is_empty();
        let values = rows.channels.first().filter(|_| single);
        let (low, high) = match values {
            Some(values) => ends(values),
            None if single => (0, 0),
            None => (0, rows.keys.len().saturating_sub(1) as i64),
        };
        let most = rows.keys.iter().max().copied().unwrap_or(0);
        let bits = Layered::new(self.numbers.known.len() as u64, u64::from(most), low, high);
        if bits.total() < u64::BITS {
            self.narrow.sort(rows, &self.people, values, &bits);
            fill(&self.narrow.words, rows, &bits, single, &mut self.part);
        } else {
            self.wide.sort(rows, &self.people, values, &bits);
            fill(&self.wide.words, rows, &bits, single, &mut self.part);
        }
        &self.part
    }
}

fn ends(values: &[i32]) -> (i64, i64) {
    let low = values.iter().min().copied().unwrap_or(0);
    (low.into(), values.iter().max().copied().unwrap_or(0).into())
}

impl<T: Composite> Sorted<T> {
    /// One word a row: person, key, and the value itself where there is one channel, else the place of the row.
    fn sort(&mut self, rows: &Rows, people: &[u32], values: Option<&Vec<i32>>, bits: &Layered) {
        self.words.clear();
        let keyed = people.iter().zip(&rows.keys);
        match values {
            Some(values) => self.words.extend(
                keyed.zip(values).map(|((&person, &key), &value)| T::of(person, key, value.into(), bits)),
            ),
            None if bits.payload == 0 => {
                self.words.extend(keyed.map(|(&person, &key)| T::of(person, key, bits.low, bits)));
            }
            None => self
                .words
                .extend(keyed.zip(0_i64..).map(|((&person, &key), place)| T::of(person, key, place, bits))),
        }
        radix_sort(&mut self.words, &mut self.spare, bits);
    }
}

/// Every person under the power of two that the number of their rows reaches.
fn reached(people: &[u32], buckets: u32, part: &mut Part) {
    let mut counts = vec![0_u64; part.people.len()];
    people.iter().for_each(|&person| counts[person as usize] += 1);
    part.keys.extend(counts.iter().map(|count| count.ilog2().min(buckets - 1)));
    part.rows.resize(counts.len(), 1);
    part.starts.extend(1..=counts.len());
}

/// Fills a part from sorted words.
fn fill<T: Composite>(words: &[T], rows: &Rows, bits: &Layered, single: bool, part: &mut Part) {
    let mut bins = vec![Vec::new(); part.binned.len()];
    let mut people = 0;
    for pair in words.chunk_by(|&one, &other| one.pair(bits) == other.pair(bits)) {
        if pair[0].person(bits) > people {
            people += 1;
            part.starts.push(part.keys.len());
        }
        let counted = &pair[..pair.len().min(MOST_ROWS)];
        part.keys.push(pair[0].key(bits));
        part.rows.push(counted.len() as u32);
        if single {
            // At most 2^32 rows of at most 2^31 each: no overflow.
            if let Some(sums) = part.channels.first_mut() {
                sums.push(counted.iter().map(|word| word.payload(bits)).sum());
            }
            continue;
        }
        let place = |word: &T| word.payload(bits) as usize;
        for (sums, values) in part.channels.iter_mut().zip(&rows.channels) {
            sums.push(counted.iter().map(|word| i64::from(values[place(word)])).sum());
        }
        for (bins, of_row) in bins.iter_mut().zip(&rows.bins) {
            bins.extend(counted.iter().map(|word| of_row[place(word)]));
        }
        part.close_bins(&mut bins);
    }
    if !words.is_empty() {
        part.starts.push(part.keys.len());
    }
}

/// By moment; keys of one moment by rank, so that nothing depends on the order of rows. Several rows in a run with one key
/// are one visit.
fn sequences(rows: &Rows, people: &[u32], ranks: &[u32], into: &mut Sequences) {
    let keyed = people.iter().zip(&rows.moments).zip(&rows.keys);
    let visit = |((&person, &moment), &key): ((&u32, &i64), &u32)| (person, moment, ranks[key as usize], key);
    let mut visits: Vec<(u32, i64, u32, u32)> = keyed.map(visit).collect();
    visits.sort_unstable();
    for of_person in visits.chunk_by(|one, other| one.0 == other.0) {
        into.keys.extend(of_person.chunk_by(|one, other| one.3 == other.3).map(|run| run[0].3));
        into.starts.push(into.keys.len());
    }
}

impl Part {
    /// Empties a part, for another partition.
    fn clear(&mut self, layout: &Layout) {
        self.people.clear();
        self.keys.clear();
        self.rows.clear();
        self.starts.clear();
        self.starts.push(0);
        self.channels.resize_with(layout.channels, Vec::new);
        self.channels.iter_mut().for_each(Vec::clear);
        self.binned.clear();
        self.binned.resize_with(layout.spreads.len(), || Binned { starts: vec![0], ..Binned::default() });
        self.sequences.keys.clear();
        self.sequences.starts.clear();
        self.sequences.starts.push(0);
    }
}
