//! How much memory the rows of people may take, and where the rest goes.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The operator's limits, shared by all groupings that are made with clones of one value: they never decide what is
/// released.
#[derive(Clone, Debug)]
pub struct Settings {
    memory: u64,
    folder: PathBuf,
    held: Arc<AtomicU64>,
}

/// What did not fit into memory could not be kept on disk. Nothing here says anything about the data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpillError {
    /// The temporary file could not be made, written or read.
    #[error("the temporary folder could not be used")]
    Disk(#[source] std::io::Error),
    /// The operating system gave no entropy for the key of the temporary file.
    #[error("the operating system gave no entropy for the key of the temporary file")]
    Entropy,
}

impl Settings {
    /// So many bytes of people's rows stay in memory (by default half of what the machine has, where it tells), and the
    /// rest is kept in this folder (by default the system's for temporary files), encrypted, in a file without a name.
    ///
    /// The limit is on what is stored. Chunks on their way, dictionaries, and one partition for each thread come on top.
    #[must_use]
    pub fn new(memory: Option<u64>, folder: Option<PathBuf>) -> Self {
        let memory = memory.or_else(half_of_machine).unwrap_or(u64::MAX);
        Self { memory, folder: folder.unwrap_or_else(std::env::temp_dir), held: Arc::default() }
    }

    /// Whether the folder can hold a temporary file: for the time before anything is charged.
    ///
    /// # Errors
    /// When no file can be made there.
    pub fn check(&self) -> Result<(), SpillError> {
        self.file().map(drop)
    }

    /// A file that has no name, or none for longer than it takes to open it: nothing is left of it when the process ends,
    /// in whichever way.
    pub(super) fn file(&self) -> Result<std::fs::File, SpillError> {
        tempfile::tempfile_in(&self.folder).map_err(SpillError::Disk)
    }

    /// Counts bytes as held for as long as what is returned lives.
    pub(super) fn hold(&self, bytes: usize) -> Held {
        self.held.fetch_add(bytes as u64, Ordering::Relaxed);
        Held { bytes: bytes as u64, all: Arc::clone(&self.held) }
    }

    /// Whether `own` bytes of rows should go to disk: all rows together may take half of the memory, so that the other
    /// half is there for what they are grouped into. A small part of them is not worth going.
    pub(super) fn is_crowded(&self, own: u64) -> bool {
        let all = self.held.load(Ordering::Relaxed);
        all > self.memory || (all > self.memory / 2 && own > self.memory / 32)
    }

    /// Whether so many bytes more would be too much.
    pub(super) fn is_full(&self, more: usize) -> bool {
        self.held.load(Ordering::Relaxed).saturating_add(more as u64) > self.memory
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new(None, None)
    }
}

/// Bytes that are held.
pub(super) struct Held {
    bytes: u64,
    all: Arc<AtomicU64>,
}

impl Held {
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

fn half_of_machine() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024 / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_what_is_held() {
        let settings = Settings::new(Some(100), None);
        let one = settings.clone().hold(60);
        assert!(settings.is_crowded(4) && !settings.is_crowded(3), "half, and worth going");
        assert!(settings.is_full(41) && !settings.is_full(40));
        drop(one);
        assert!(!settings.is_crowded(100) && !settings.is_full(100));
    }

    #[test]
    fn a_folder_that_is_not_there_is_found_before_it_is_needed() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Settings::new(None, Some(folder.path().to_owned())).check().is_ok());
        assert!(Settings::new(None, Some(folder.path().join("none"))).check().is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the file has no name");
    }
}
