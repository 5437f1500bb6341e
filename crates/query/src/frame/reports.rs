//! One column of a Parquet file, in pieces of bounded size: reports of local randomizers on their way to a collector.

use std::io;
use std::path::Path;

use polars::prelude::{IdxSize, LazyFrame, PlRefPath, ScanArgsParquet, col, len};

/// Rows that are in memory at once.
const PIECE: u32 = 1 << 20;

/// One cell of a column of reports.
#[derive(Clone, Copy, Debug)]
pub enum ReportCell<'a> {
    /// Binary.
    Bytes(&'a [u8]),
    /// Text.
    Text(&'a str),
    /// Null.
    Null,
}

/// Hands over each cell of a column of a Parquet file, with a bounded part of the file in memory.
///
/// # Errors
/// When the file cannot be read, or has no such column of text or bytes.
pub fn each_report(path: &Path, column: &str, each: &mut dyn FnMut(ReportCell<'_>)) -> io::Result<()> {
    let failed =
        |error: polars::prelude::PolarsError| io::Error::new(io::ErrorKind::InvalidData, error.to_string());
    let args = ScanArgsParquet { glob: false, ..ScanArgsParquet::default() };
    let frame =
        LazyFrame::scan_parquet(PlRefPath::try_from_path(path).map_err(failed)?, args).map_err(failed)?;
    let rows = frame.clone().select([len()]).collect().map_err(failed)?;
    let rows = rows
        .columns()
        .first()
        .and_then(|rows| rows.as_materialized_series().idx().ok().and_then(|rows| rows.get(0)));
    let mut at: IdxSize = 0;
    while at < rows.unwrap_or(0) {
        let piece =
            frame.clone().select([col(column)]).slice(i64::from(at), PIECE).collect().map_err(failed)?;
        let series = piece.columns().first().map(|column| column.as_materialized_series().clone());
        let Some(series) = series else { break };
        if let Ok(texts) = series.str() {
            texts.iter().for_each(|cell| each(cell.map_or(ReportCell::Null, ReportCell::Text)));
        } else {
            series
                .binary()
                .map_err(failed)?
                .iter()
                .for_each(|cell| each(cell.map_or(ReportCell::Null, ReportCell::Bytes)));
        }
        at = at.saturating_add(PIECE);
    }
    Ok(())
}
