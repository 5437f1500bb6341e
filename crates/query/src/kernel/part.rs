//! The people of one partition: what each contributed to each key, before any bound.

use super::ints::Ints;
use super::rows::Layout;

/// Sorted by person, then key, one entry a pair: open for a pass, or on the way into a store.
#[derive(Default)]
pub(super) struct Part {
    /// Who they are.
    pub people: Vec<u64>,
    /// Where each person's pairs start; one more entry than people.
    pub starts: Vec<usize>,
    /// The key of each pair.
    pub keys: Vec<u32>,
    /// The number of rows of each pair.
    pub rows: Vec<u32>,
    /// The sums of each pair's values, by channel.
    pub channels: Vec<Vec<i64>>,
    /// How many rows of each pair lie in which bin, by grid.
    pub binned: Vec<Binned>,
    /// The order in which people met their keys.
    pub sequences: Sequences,
}

/// For each pair of person and key, how many rows lie in which bin.
#[derive(Default)]
pub(super) struct Binned {
    /// Where each pair's bins start; one more entry than pairs.
    pub starts: Vec<usize>,
    /// The bins that have rows, in order.
    pub bins: Vec<u32>,
    /// How many rows each has.
    pub counts: Vec<u32>,
}

/// What each person met, in order, each visit once.
#[derive(Default)]
pub(super) struct Sequences {
    /// Where each person's visits start; one more entry than people.
    pub starts: Vec<usize>,
    /// The key of each visit.
    pub keys: Vec<u32>,
}

/// What a pass looks at besides people and keys.
#[derive(Clone, Copy, Default)]
pub(super) struct Needs {
    /// Rows and sums of values.
    pub values: bool,
    /// Rows, and bins of one grid.
    pub grid: Option<usize>,
    /// Sequences.
    pub order: bool,
}

const PEOPLE: usize = 0;
const SIZES: usize = 1;
const KEYS: usize = 2;
const ROWS: usize = 3;
const CHANNELS: usize = 4;

fn sizes(starts: &[usize]) -> Ints {
    let sizes: Vec<usize> = starts.windows(2).map(|ends| ends[1] - ends[0]).collect();
    Ints::of(&sizes, |size| size as i64)
}

fn fill_starts(sizes: &Ints, starts: &mut Vec<usize>) {
    starts.clear();
    starts.push(0);
    let mut end = 0;
    sizes.unpack(0..sizes.len(), starts, |size| size as usize);
    for start in &mut starts[1..] {
        end += *start;
        *start = end;
    }
}

fn codes(codes: &[u32]) -> Ints {
    Ints::of(codes, i64::from)
}

impl Part {
    /// As columns, no wider than needed.
    pub fn packed(&self) -> Vec<Ints> {
        let people = Ints::of(&self.people, |person| person as i64);
        let mut columns = vec![people, sizes(&self.starts), codes(&self.keys), codes(&self.rows)];
        columns.extend(self.channels.iter().map(|sums| Ints::of(sums, |sum| sum)));
        for binned in &self.binned {
            columns.extend([sizes(&binned.starts), codes(&binned.bins), codes(&binned.counts)]);
        }
        columns.extend([sizes(&self.sequences.starts), codes(&self.sequences.keys)]);
        columns
    }

    /// Opens what a pass needs of the columns of a part.
    pub fn open(&mut self, columns: &[Ints], layout: &Layout, needs: Needs) {
        columns[PEOPLE].fill(&mut self.people, |person| person as u64);
        fill_starts(&columns[SIZES], &mut self.starts);
        columns[KEYS].fill(&mut self.keys, |key| key as u32);
        if needs.values || needs.grid.is_some() {
            columns[ROWS].fill(&mut self.rows, |rows| rows as u32);
        }
        let grids = CHANNELS + layout.channels;
        if needs.values {
            self.channels.resize_with(layout.channels, Vec::new);
            for (sums, column) in self.channels.iter_mut().zip(&columns[CHANNELS..grids]) {
                column.fill(sums, |sum| sum);
            }
        }
        if let Some(grid) = needs.grid {
            self.binned.resize_with(layout.spreads.len(), Binned::default);
            let binned = &mut self.binned[grid];
            let at = grids + 3 * grid;
            fill_starts(&columns[at], &mut binned.starts);
            columns[at + 1].fill(&mut binned.bins, |bin| bin as u32);
            columns[at + 2].fill(&mut binned.counts, |count| count as u32);
        }
        if needs.order {
            let at = grids + 3 * layout.spreads.len();
            fill_starts(&columns[at], &mut self.sequences.starts);
            columns[at + 1].fill(&mut self.sequences.keys, |key| key as u32);
        }
    }

    /// The pairs of a person.
    pub fn pairs(&self, person: usize) -> std::ops::Range<usize> {
        self.starts[person]..self.starts[person + 1]
    }

    /// The keys of a person.
    pub fn keys_of(&self, person: usize) -> &[u32] {
        &self.keys[self.pairs(person)]
    }

    /// Closes a pair, given the bins of its rows on each grid.
    pub fn close_bins(&mut self, bins: &mut [Vec<u32>]) {
        for (binned, bins) in self.binned.iter_mut().zip(bins) {
            bins.sort_unstable();
            for run in bins.chunk_by(|one, other| one == other) {
                binned.bins.push(run[0]);
                binned.counts.push(u32::try_from(run.len()).unwrap_or(u32::MAX));
            }
            bins.clear();
            binned.starts.push(binned.bins.len());
        }
    }
}

impl Sequences {
    /// The visits of a person.
    pub fn of(&self, person: usize) -> &[u32] {
        &self.keys[self.starts[person]..self.starts[person + 1]]
    }
}
