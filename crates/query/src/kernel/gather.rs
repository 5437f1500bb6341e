//! From chunks of rows to contributions.

use super::contributions::Contributions;
use super::memory::{Settings, SpillError};
use super::rows::{Layout, Rows};

/// What stands for a person in the choice of the keys that are kept: a keyed hash, computed only where it is needed.
pub type PersonHash = Box<dyn Fn(u64) -> u64 + Send + Sync>;

/// Gathers the rows of one grouping, chunk by chunk.
///
/// What comes out depends on which rows were pushed, and not on how they were chunked, in which order they came or how
/// many threads there are.
pub struct Gather {
    layout: Layout,
    rows: Rows,
}

impl Gather {
    /// An empty grouping.
    #[must_use]
    pub fn new(layout: Layout, _settings: &Settings) -> Self {
        let rows = Rows {
            channels: vec![Vec::new(); layout.channels],
            bins: vec![Vec::new(); layout.spreads.len()],
            ..Rows::default()
        };
        Self { layout, rows }
    }

    /// Takes a chunk of rows.
    ///
    /// # Errors
    /// When what does not fit into memory cannot be kept on disk.
    ///
    /// # Panics
    /// When the chunk does not fit the layout: a bug of the caller.
    pub fn push(&mut self, rows: &Rows) -> Result<(), SpillError> {
        assert!(rows.fits(&self.layout), "a chunk of the layout");
        self.rows.people.extend_from_slice(&rows.people);
        self.rows.keys.extend_from_slice(&rows.keys);
        self.rows.moments.extend_from_slice(&rows.moments);
        let values = self.rows.channels.iter_mut().zip(&rows.channels);
        values.for_each(|(all, values)| all.extend_from_slice(values));
        let bins = self.rows.bins.iter_mut().zip(&rows.bins);
        bins.for_each(|(all, bins)| all.extend_from_slice(bins));
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
        key_hashes: Vec<u64>,
        key_ranks: Vec<u32>,
    ) -> Result<Contributions, SpillError> {
        Ok(Contributions::new(&self.layout, self.rows, &person_hash, key_hashes, &key_ranks))
    }
}
