//! What the footer of a Parquet file says of the file, before anything else of it is believed.
//!
//! A footer names where each column of each group of rows begins and how long it is. Polars reads there without asking whether
//! the file goes so far, so a footer that was made up could have it read beyond the file. What is checked here is a property
//! of how the file was written and of no row in it: every writer's own files pass, whatever they hold.

use std::fs::File;
use std::path::Path;

use polars::prelude::{ParquetReader, SerReader as _};

/// Whether every part that the footer names lies within the file. May panic on a damaged footer, as its reader does.
pub(super) fn lies_within(path: &Path) -> Option<()> {
    let file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    let mut reader = ParquetReader::new(file);
    let metadata = reader.get_metadata().ok()?;
    let within = metadata.row_groups.iter().all(|group| {
        group.parquet_columns().iter().all(|chunk| {
            let range = chunk.byte_range();
            range.start <= range.end && range.end <= length && chunk.num_values() >= 0
        })
    });
    within.then_some(())
}
