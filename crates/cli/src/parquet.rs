//! Reports in Parquet files, for the collector.

use std::io;
use std::path::Path;

use flockwise_query::frame::{ReportCell, each_report};

use crate::local::{Cell, Parquet};

/// Parquet files, read by the query crate.
pub(crate) struct Files;

impl Parquet for Files {
    fn each(&self, path: &Path, cell: &mut dyn FnMut(Cell<'_>)) -> io::Result<()> {
        each_report(path, "report", &mut |report| {
            cell(match report {
                ReportCell::Bytes(bytes) => Cell::Bytes(bytes),
                ReportCell::Text(text) => Cell::Hex(text),
                ReportCell::Null => Cell::Null,
            });
        })
    }
}
