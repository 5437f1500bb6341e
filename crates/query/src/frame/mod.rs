//! From files to typed columns, chunk by chunk: the only room that names Polars.
//!
//! The key decision: a [`Stream`] decodes the columns that are asked for and hands over plain typed columns; everything that decides
//! what a row means (predicates, joins, keys, bounds) is our own code, total on every input. So no engine error and no
//! engine type can depend on one person's row, and another engine can take this room's place.

mod column;
mod csv;
mod decode;
mod encode;
mod files;
mod footer;
mod parquet;
mod plain;
mod reports;
mod source;
mod stream;

pub use column::{Builder, Column, Data, Kind, NULL};
pub use encode::{to_frame, write_parquet};
pub use files::{DataFile, FileError, Files};
pub use reports::{ReportCell, each_report};
pub use source::{Examined, Family, Preflight, PreflightError, Source, Unreadable, Wanted};
pub use stream::{Chunk, Lane, Stream};
