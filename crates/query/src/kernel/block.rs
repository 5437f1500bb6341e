//! Rows by partition of their people, in columns no wider than needed.

use std::ops::Range;

use super::contributions::mix;
use super::ints::Ints;
use super::rows::{Layout, Rows};

/// How many partitions the people are scattered into, as a power of two: as many as a core can write to without leaving its
/// cache.
const BITS: u32 = 10;
/// The number of partitions.
pub(super) const PARTITIONS: usize = 1 << BITS;
/// The most rows of a block: its columns stay in cache while they are scattered.
pub(super) const MOST: usize = if cfg!(test) { 1 << 5 } else { 1 << 17 };

/// Some rows, those of one partition behind each other.
pub(super) struct Block {
    /// Where each partition starts; one more entry than partitions.
    starts: Vec<u32>,
    columns: Vec<Ints>,
}

impl Block {
    /// Scatters some rows of a chunk, at most [`MOST`]. The salt is secret, so that nobody can choose ids that all fall into
    /// one partition; nothing but the order of the work depends on it.
    pub fn new(rows: &Rows, range: Range<usize>, salt: u64) -> Self {
        let people = &rows.people[range.clone()];
        let partition = |person: u64| mix(person, salt) >> (u64::BITS - BITS);
        let partitions: Vec<u16> = people.iter().map(|&person| partition(person) as u16).collect();
        let mut starts = vec![0_u32; PARTITIONS + 1];
        partitions.iter().for_each(|&partition| starts[usize::from(partition) + 1] += 1);
        (1..starts.len()).for_each(|at| starts[at] += starts[at - 1]);
        let mut next = starts.clone();
        let mut order = vec![0_u32; people.len()];
        for (row, &partition) in (0..).zip(&partitions) {
            let at = &mut next[usize::from(partition)];
            order[*at as usize] = row;
            *at += 1;
        }
        let mut columns = vec![
            Ints::gathered(people, &order, |person| person as i64),
            Ints::gathered(&rows.keys[range.clone()], &order, i64::from),
        ];
        let values = |values: &Vec<i32>| Ints::gathered(&values[range.clone()], &order, i64::from);
        columns.extend(rows.channels.iter().map(values));
        let bins = |bins: &Vec<u32>| Ints::gathered(&bins[range.clone()], &order, i64::from);
        columns.extend(rows.bins.iter().map(bins));
        if !rows.moments.is_empty() {
            columns.push(Ints::gathered(&rows.moments[range.clone()], &order, |moment| moment));
        }
        Self { starts, columns }
    }

    /// The columns of rows that are all of one partition, or of some together.
    pub fn pack(rows: &Rows) -> Vec<Ints> {
        let mut columns =
            vec![Ints::of(&rows.people, |person| person as i64), Ints::of(&rows.keys, i64::from)];
        columns.extend(rows.channels.iter().map(|values| Ints::of(values, i64::from)));
        columns.extend(rows.bins.iter().map(|bins| Ints::of(bins, i64::from)));
        if !rows.moments.is_empty() {
            columns.push(Ints::of(&rows.moments, |moment| moment));
        }
        columns
    }

    /// Number of rows of some partitions.
    pub fn rows(&self, partitions: &Range<usize>) -> usize {
        (self.starts[partitions.end] - self.starts[partitions.start]) as usize
    }

    /// Bytes in memory.
    pub fn size(&self) -> usize {
        size_of_val(&self.starts[..]) + self.columns.iter().map(Ints::size).sum::<usize>()
    }

    /// Appends the rows of some partitions.
    pub fn unpack(&self, partitions: &Range<usize>, layout: &Layout, into: &mut Rows) {
        let range = self.starts[partitions.start] as usize..self.starts[partitions.end] as usize;
        unpack(&self.columns, range, layout, into);
    }
}

/// Appends rows of columns in the order of [`Block::pack`].
pub(super) fn unpack(columns: &[Ints], range: Range<usize>, layout: &Layout, into: &mut Rows) {
    let (channels, bins) = (2..2 + layout.channels, 2 + layout.channels..);
    columns[0].unpack(range.clone(), &mut into.people, |person| person as u64);
    columns[1].unpack(range.clone(), &mut into.keys, |key| key as u32);
    into.channels.resize_with(layout.channels, Vec::new);
    for (values, column) in into.channels.iter_mut().zip(&columns[channels]) {
        column.unpack(range.clone(), values, |value| value as i32);
    }
    into.bins.resize_with(layout.spreads.len(), Vec::new);
    for (bins, column) in into.bins.iter_mut().zip(&columns[bins]) {
        column.unpack(range.clone(), bins, |bin| bin as u32);
    }
    if layout.ordered
        && let Some(column) = columns.last()
    {
        column.unpack(range, &mut into.moments, |moment| moment);
    }
}
