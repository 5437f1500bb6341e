//! What an operator allows a run to take of the machine.

use std::path::PathBuf;

use crate::kernel::Settings;

/// How much memory a run takes, and in what pieces it reads: none of it decides what is released.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How much of people's rows stays in memory, and where the rest goes.
    pub memory: Settings,
    /// Rows that a lane decodes at once.
    pub(crate) chunk: usize,
    /// Rows that a lane reads before they go to the kernel.
    pub(crate) wave: usize,
}

/// Few enough for what is made of them to stay near the processor, many enough for a sweep to pay.
const CHUNK: usize = 1 << 16;
const WAVE: usize = 1 << 18;

impl Limits {
    /// So many bytes of people's rows stay in memory, and the rest is kept in this folder, encrypted; see [`Settings::new`].
    #[must_use]
    pub fn new(memory: Option<u64>, folder: Option<PathBuf>) -> Self {
        Self { memory: Settings::new(memory, folder), chunk: CHUNK, wave: WAVE }
    }

    /// The same, with at most so many rows decoded at once, at least one.
    #[must_use]
    pub fn in_chunks(self, rows: usize) -> Self {
        Self { chunk: rows.max(1), wave: rows.max(1), ..self }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new(None, None)
    }
}
