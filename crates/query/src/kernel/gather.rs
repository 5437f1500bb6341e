//! From chunks of rows to contributions.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use super::block::{Block, MOST, PARTITIONS, unpack};
use super::contributions::Contributions;
use super::group::Grouper;
use super::memory::{Held, Settings, SpillError};
use super::rows::{Layout, Rows};
use super::spill::{Extent, Spill};
use super::store::Store;
use super::work::share;

/// What stands for a person in the choice of the keys that are kept: a keyed hash, computed only where it is needed.
pub type PersonHash = Box<dyn Fn(u64) -> u64 + Send + Sync>;

/// Partitions are grouped together until they have about so many rows, if there are that many.
const ENOUGH: u64 = if cfg!(test) { 8 } else { 1 << 15 };

/// Gathers the rows of one grouping, chunk by chunk.
///
/// Rows are scattered into partitions by a hash of their person as they come, so that [`Gather::finish`] groups each
/// partition by itself. What comes out depends on which rows were pushed, and not on how they were chunked, in which order
/// they came or how many threads there are: sums commute, and which keys are kept depends on keyed hashes alone.
pub struct Gather {
    layout: Layout,
    settings: Settings,
    salt: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Small chunks, until there are enough rows for a block.
    pending: Rows,
    blocks: Vec<(Block, Held)>,
    /// What `blocks` hold.
    bytes: u64,
    spilled: Option<Spilled>,
    rows: u64,
    /// One more than the largest code of a key.
    keys: usize,
}

/// Rows on disk, by partition.
struct Spilled {
    spill: Spill,
    extents: Vec<Vec<Extent>>,
    /// Rows of each partition.
    rows: Vec<u64>,
}

impl Gather {
    /// An empty grouping.
    #[must_use]
    pub fn new(layout: Layout, settings: &Settings) -> Self {
        // From the system's entropy. It places people, and never comes out.
        let salt = RandomState::new().build_hasher().finish();
        Self { layout, settings: settings.clone(), salt, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a chunk of rows. Several threads may push at once.
    ///
    /// # Errors
    /// When what does not fit into memory cannot be kept on disk.
    ///
    /// # Panics
    /// When the chunk does not fit the layout: a bug of the caller.
    pub fn push(&self, rows: &Rows) -> Result<(), SpillError> {
        assert!(rows.fits(&self.layout), "a chunk of the layout");
        let keys = rows.keys.iter().max().map_or(0, |&key| key as usize + 1);
        let pending = {
            let mut state = self.state();
            state.keys = state.keys.max(keys);
            state.rows += rows.people.len() as u64;
            if rows.people.len() >= MOST / 2 {
                None
            } else {
                state.pending.append(rows);
                if state.pending.people.len() < 2 * MOST {
                    return Ok(());
                }
                Some(std::mem::take(&mut state.pending))
            }
        };
        self.scatter(pending.as_ref().unwrap_or(rows))
    }

    /// Nothing is locked while threads are at work: one that waits for the others may be given another push to do.
    fn scatter(&self, rows: &Rows) -> Result<(), SpillError> {
        let total = rows.people.len();
        let blocks: Vec<(Block, Held)> = (0..total.div_ceil(MOST))
            .into_par_iter()
            .map(|at| {
                let block = Block::new(rows, at * MOST..total.min((at + 1) * MOST), self.salt);
                let held = self.settings.hold(block.size());
                (block, held)
            })
            .collect();
        let crowd = {
            let mut state = self.state();
            state.bytes += blocks.iter().map(|(_, held)| held.bytes()).sum::<u64>();
            state.blocks.extend(blocks);
            if !self.settings.is_crowded(state.bytes) {
                return Ok(());
            }
            state.bytes = 0;
            if state.spilled.is_none() {
                let spill = Spill::new(&self.settings)?;
                let (extents, rows) = (vec![Vec::new(); PARTITIONS], vec![0; PARTITIONS]);
                state.spilled = Some(Spilled { spill, extents, rows });
            }
            std::mem::take(&mut state.blocks)
        };
        self.spill(crowd)
    }

    /// Moves blocks to disk: each partition's rows of all of them in one extent.
    fn spill(&self, blocks: Vec<(Block, Held)>) -> Result<(), SpillError> {
        let packed = |rows: &mut Rows, partition: usize| {
            rows.clear();
            blocks.iter().for_each(|(block, _)| {
                block.unpack(&(partition..partition + 1), &self.layout, rows);
            });
            Block::pack(rows)
        };
        // So many partitions are packed, then written, at a time.
        for first in (0..PARTITIONS).step_by(64) {
            let columns: Vec<(usize, usize, Vec<super::ints::Ints>)> = (first..first + 64)
                .into_par_iter()
                .map_init(Rows::default, |rows, partition| {
                    let columns = packed(rows, partition);
                    (partition, rows.people.len(), columns)
                })
                .filter(|(_, rows, _)| *rows > 0)
                .collect();
            let mut state = self.state();
            let spilled = state.spilled.as_mut().expect("made before");
            for (partition, rows, columns) in columns {
                let extent = spilled.spill.write(&columns)?;
                spilled.extents[partition].push(extent);
                spilled.rows[partition] += rows as u64;
            }
        }
        Ok(())
    }

    /// Groups what was gathered by person and key.
    ///
    /// `person_hash` gives a keyed hash of whom an identity stands for, `key_hashes` those of the keys by code, so that
    /// which keys a person keeps depends on neither the order of rows nor the codes. `key_ranks` is where each key stands
    /// in order of its bytes, for the order of keys of one moment; empty where the layout is not ordered.
    ///
    /// # Errors
    /// When what does not fit into memory cannot be kept on disk.
    ///
    /// # Panics
    /// When a code has no hash: a bug of the caller.
    pub fn finish(
        self,
        person_hash: PersonHash,
        key_hashes: Vec<u128>,
        key_ranks: Vec<u32>,
    ) -> Result<Contributions, SpillError> {
        let pending = std::mem::take(&mut self.state().pending);
        self.scatter(&pending)?;
        drop(pending);
        let Self { layout, settings, salt, state } = self;
        let state = state.into_inner().unwrap_or_else(PoisonError::into_inner);
        let codes = layout.activity.map_or(state.keys, |buckets| buckets as usize);
        assert!(codes <= key_hashes.len(), "every key has a hash");
        assert!(!layout.ordered || state.keys <= key_ranks.len(), "every key has a rank");
        let store = Store::new(settings);
        let ranges = ranges(&state);
        let zero = || (Rows::default(), Grouper::new(salt), Vec::new());
        let done = share(ranges.len(), zero, |(rows, grouper, slots), task| {
            rows.clear();
            state.read(&ranges[task], &layout, rows)?;
            let part = grouper.group(rows, &layout, &key_ranks);
            slots.push((part.people.len() as u64, store.keep(part)?));
            Ok(())
        })?;
        drop(state);
        let slots = done.into_iter().flat_map(|(_, _, slots)| slots).collect();
        Ok(Contributions::new(layout, slots, store, person_hash, key_hashes))
    }
}

impl State {
    /// Number of rows in some partitions.
    fn rows(&self, partitions: &Range<usize>) -> u64 {
        let held: u64 = self.blocks.iter().map(|(block, _)| block.rows(partitions) as u64).sum();
        let spilled = self.spilled.as_ref();
        held + spilled.map_or(0, |spilled| spilled.rows[partitions.clone()].iter().sum::<u64>())
    }

    /// Appends the rows of some partitions.
    fn read(&self, partitions: &Range<usize>, layout: &Layout, into: &mut Rows) -> Result<(), SpillError> {
        for (block, _) in &self.blocks {
            block.unpack(partitions, layout, into);
        }
        if let Some(spilled) = &self.spilled {
            for extent in spilled.extents[partitions.clone()].iter().flatten() {
                let columns = spilled.spill.read(extent)?;
                unpack(&columns, 0..columns[0].len(), layout, into);
            }
        }
        Ok(())
    }
}

/// Partitions that are grouped together, those with the most rows first, so that no thread is left with a large one.
fn ranges(state: &State) -> Vec<Range<usize>> {
    let tasks = (state.rows / ENOUGH).next_power_of_two().clamp(1, PARTITIONS as u64);
    let span = PARTITIONS / tasks as usize;
    let mut ranges: Vec<Range<usize>> =
        (0..PARTITIONS).step_by(span).map(|first| first..first + span).collect();
    ranges.sort_by_cached_key(|range| std::cmp::Reverse(state.rows(range)));
    ranges.retain(|range| state.rows(range) > 0);
    ranges
}
