//! Grouped partitions: in memory as long as they fit, else on disk.

use std::sync::{Arc, Mutex, PoisonError};

use super::ints::Ints;
use super::memory::{Held, Settings, SpillError};
use super::part::{Needs, Part};
use super::rows::Layout;
use super::spill::{Extent, Spill};

/// Where one partition is.
pub(super) enum Slot {
    /// In memory, and counted as held.
    Here(Vec<Ints>, #[expect(dead_code, reason = "gives its bytes back when it is dropped")] Held),
    /// On disk.
    There(Extent),
}

/// Keeps partitions within the limit.
pub(super) struct Store {
    settings: Settings,
    /// Made when something does not fit.
    spill: Mutex<Option<Arc<Spill>>>,
}

impl Store {
    pub const fn new(settings: Settings) -> Self {
        Self { settings, spill: Mutex::new(None) }
    }

    fn spill(&self) -> Result<Arc<Spill>, SpillError> {
        let mut spill = self.spill.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(spill) = &*spill {
            return Ok(Arc::clone(spill));
        }
        let made = Arc::new(Spill::new(&self.settings)?);
        *spill = Some(Arc::clone(&made));
        Ok(made)
    }

    /// Keeps a partition.
    pub fn keep(&self, part: &Part) -> Result<Slot, SpillError> {
        let columns = part.packed();
        let bytes = columns.iter().map(Ints::size).sum();
        if self.settings.is_full(bytes) {
            return Ok(Slot::There(self.spill()?.write(&columns)?));
        }
        let held = self.settings.hold(bytes);
        Ok(Slot::Here(columns, held))
    }

    /// Opens what a pass needs of a partition.
    pub fn open(
        &self,
        slot: &Slot,
        layout: &Layout,
        needs: Needs,
        part: &mut Part,
    ) -> Result<(), SpillError> {
        match slot {
            Slot::Here(columns, _) => part.open(columns, layout, needs),
            Slot::There(extent) => part.open(&self.spill()?.read(extent)?, layout, needs),
        }
        Ok(())
    }
}
