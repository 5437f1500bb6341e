//! Grouping the rows of one partition by person and key.

use super::contributions::mix;
use super::part::{Binned, Part, Sequences};
use super::rows::{Layout, Rows};

/// What is added to the values that a pair's number of rows is capped at: beyond it, further rows do not count, so that a
/// pair's sum is always at most its rows times the radius.
const MOST_ROWS: u32 = u32::MAX;

/// The people of a partition, numbered as they come: open addressing with at least half of the slots free.
struct Numbers {
    /// One more than the number, or 0 for a free slot.
    slots: Vec<u32>,
    known: Vec<u64>,
    salt: u64,
}

impl Numbers {
    fn new(salt: u64) -> Self {
        Self { slots: vec![0; 256], known: Vec::new(), salt }
    }

    fn of(&mut self, person: u64) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = mix(person, self.salt) as usize & mask;
        loop {
            match self.slots[at] {
                0 => break,
                number if self.known[number as usize - 1] == person => return number as usize - 1,
                _ => at = (at + 1) & mask,
            }
        }
        self.known.push(person);
        self.slots[at] = u32::try_from(self.known.len()).expect("fewer than 2^32 people in a partition");
        if self.known.len() * 2 > self.slots.len() {
            self.grow();
        }
        self.known.len() - 1
    }

    fn grow(&mut self) {
        let mask = self.slots.len() * 4 - 1;
        self.slots = vec![0; mask + 1];
        for (number, &person) in (1..).zip(&self.known) {
            let mut at = mix(person, self.salt) as usize & mask;
            while self.slots[at] != 0 {
                at = (at + 1) & mask;
            }
            self.slots[at] = number;
        }
    }
}

/// The rows of a partition, by person.
struct ByPerson {
    people: Vec<u64>,
    /// The person of each row.
    of_row: Vec<u32>,
    /// Where each person's rows start; one more entry than people.
    starts: Vec<usize>,
}

impl ByPerson {
    fn new(rows: &Rows, salt: u64) -> Self {
        let mut numbers = Numbers::new(salt);
        let mut of_row = Vec::with_capacity(rows.people.len());
        let mut starts = vec![0];
        for &person in &rows.people {
            let number = numbers.of(person);
            if number + 1 == starts.len() {
                starts.push(0);
            }
            starts[number + 1] += 1;
            of_row.push(number as u32);
        }
        for person in 1..starts.len() {
            starts[person] += starts[person - 1];
        }
        Self { people: numbers.known, of_row, starts }
    }

    /// One item for each row, those of a person together and in their order.
    fn sorted<T: Ord + Copy + Default>(&self, items: impl Iterator<Item = T>) -> Vec<T> {
        let mut sorted = vec![T::default(); self.of_row.len()];
        let mut next = self.starts.clone();
        for (item, &person) in items.zip(&self.of_row) {
            let at = &mut next[person as usize];
            sorted[*at] = item;
            *at += 1;
        }
        for ends in self.starts.windows(2) {
            sorted[ends[0]..ends[1]].sort_unstable();
        }
        sorted
    }
}

/// Groups the rows of a partition. `ranks` is where each key stands in order of its bytes, `salt` places people in the
/// table: nothing that comes out depends on it but the order of people.
pub(super) fn group(rows: &Rows, layout: &Layout, ranks: &[u32], salt: u64) -> Part {
    let by = ByPerson::new(rows, salt);
    if let Some(buckets) = layout.activity {
        return reached(by, buckets);
    }
    let sequences = if layout.ordered { sequences(rows, &by, ranks) } else { Sequences::default() };
    let mut part = if layout.channels <= 1 && layout.spreads.is_empty() {
        single(rows, &by, layout)
    } else {
        several(rows, &by, layout)
    };
    part.people = by.people;
    part.sequences = sequences;
    part
}

/// Every person under the power of two that the number of their rows reaches.
fn reached(by: ByPerson, buckets: u32) -> Part {
    let reach = |ends: &[usize]| (ends[1] - ends[0]).ilog2().min(buckets - 1);
    let keys: Vec<u32> = by.starts.windows(2).map(reach).collect();
    Part {
        starts: (0..=keys.len()).collect(),
        rows: vec![1; keys.len()],
        keys,
        people: by.people,
        ..Part::default()
    }
}

/// With one channel or none, a key and a value are one word.
fn single(rows: &Rows, by: &ByPerson, layout: &Layout) -> Part {
    let keys = rows.keys.iter().map(|&key| u64::from(key) << 32);
    let words = match rows.channels.first() {
        Some(values) => by.sorted(keys.zip(values).map(|(key, &value)| key | u64::from(value as u32))),
        None => by.sorted(keys),
    };
    let mut part = Part { starts: vec![0], ..Part::default() };
    let mut sums = Vec::new();
    for ends in by.starts.windows(2) {
        for pair in words[ends[0]..ends[1]].chunk_by(|one, other| one >> 32 == other >> 32) {
            let counted = &pair[..pair.len().min(MOST_ROWS as usize)];
            part.keys.push((pair[0] >> 32) as u32);
            part.rows.push(counted.len() as u32);
            if layout.channels > 0 {
                // At most 2^32 rows of at most 2^31 each: no overflow.
                sums.push(counted.iter().map(|&word| i64::from(word as u32 as i32)).sum());
            }
        }
        part.starts.push(part.keys.len());
    }
    if layout.channels > 0 {
        part.channels.push(sums);
    }
    part
}

fn several(rows: &Rows, by: &ByPerson, layout: &Layout) -> Part {
    let places = by.sorted(rows.keys.iter().copied().zip(0_usize..));
    let mut part = Part { starts: vec![0], ..Part::default() };
    part.channels = vec![Vec::new(); layout.channels];
    part.binned.resize_with(layout.spreads.len(), || Binned { starts: vec![0], ..Binned::default() });
    let mut bins = vec![Vec::new(); layout.spreads.len()];
    for ends in by.starts.windows(2) {
        for pair in places[ends[0]..ends[1]].chunk_by(|one, other| one.0 == other.0) {
            let counted = &pair[..pair.len().min(MOST_ROWS as usize)];
            part.keys.push(pair[0].0);
            part.rows.push(counted.len() as u32);
            for (sums, values) in part.channels.iter_mut().zip(&rows.channels) {
                // At most 2^32 rows of at most 2^31 each: no overflow.
                sums.push(counted.iter().map(|&(_, at)| i64::from(values[at])).sum());
            }
            for (bins, of_row) in bins.iter_mut().zip(&rows.bins) {
                bins.extend(counted.iter().map(|&(_, at)| of_row[at]));
            }
            part.close_bins(&mut bins);
        }
        part.starts.push(part.keys.len());
    }
    part
}

/// By moment; keys of one moment by rank, so that nothing depends on the order of rows. Several rows in a run with one key
/// are one visit.
fn sequences(rows: &Rows, by: &ByPerson, ranks: &[u32]) -> Sequences {
    let visit = |(&moment, &key): (&i64, &u32)| (moment, ranks[key as usize], key);
    let visits = by.sorted(rows.moments.iter().zip(&rows.keys).map(visit));
    let mut sequences = Sequences { starts: vec![0], keys: Vec::new() };
    for ends in by.starts.windows(2) {
        let runs = visits[ends[0]..ends[1]].chunk_by(|one, other| one.2 == other.2);
        sequences.keys.extend(runs.map(|run| run[0].2));
        sequences.starts.push(sequences.keys.len());
    }
    sequences
}
