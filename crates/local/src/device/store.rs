//! Where a device keeps its promise.

use alloc::vec::Vec;
use core::fmt;

/// A place for one small record that survives crashes.
pub trait Store {
    /// The last record that was saved; `None` when none ever was.
    ///
    /// # Errors
    /// [`StoreError`] when that cannot be told. An unreadable record is an error, never `None`.
    fn load(&mut self) -> Result<Option<Vec<u8>>, StoreError>;

    /// Replaces the record, all or nothing, and returns only when it would survive a power cut.
    ///
    /// # Errors
    /// [`StoreError`]; then either record may be there.
    fn save(&mut self, record: &[u8]) -> Result<(), StoreError>;
}

/// Why a store failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process has it open.
    InUse,
    /// It changed under our hands: another process wrote it, or this one was forked.
    Changed,
    /// Reading failed.
    Read,
    /// Writing failed.
    Write,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InUse => "the store of past answers is in use by another process",
            Self::Changed => "the store of past answers was changed by another process",
            Self::Read => "the store of past answers could not be read",
            Self::Write => "the store of past answers could not be written",
        })
    }
}

impl core::error::Error for StoreError {}

/// A store that ends with the process: for tests, and for a host that saves the record itself.
#[derive(Clone, Default, Debug)]
pub struct Memory {
    record: Option<Vec<u8>>,
}

impl Memory {
    /// With a record that the host kept.
    #[must_use]
    pub const fn with(record: Vec<u8>) -> Self {
        Self { record: Some(record) }
    }

    /// The record, for the host to keep.
    #[must_use]
    pub fn record(&self) -> Option<&[u8]> {
        self.record.as_deref()
    }
}

impl Store for Memory {
    fn load(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.record.clone())
    }

    fn save(&mut self, record: &[u8]) -> Result<(), StoreError> {
        self.record = Some(record.to_vec());
        Ok(())
    }
}
