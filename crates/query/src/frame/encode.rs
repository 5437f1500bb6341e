//! Tables to Polars frames and Parquet files.

use std::fs::File;
use std::io;
use std::path::Path;

use polars::prelude::{
    Column as Series, DataFrame, DataType, NamedFrom as _, ParquetWriter, TimeUnit, TimeZone,
};

use crate::table::{ColumnKind, Table};
use crate::value::Value;

/// A table as a Polars frame.
///
/// # Errors
/// When two columns have one name.
pub fn to_frame(table: &Table) -> polars::prelude::PolarsResult<DataFrame> {
    let mut columns = Vec::new();
    for (at, column) in table.columns.iter().enumerate() {
        let cells = || table.rows.iter().map(|row| &row[at]);
        let series = series(&column.name, column.kind, &mut cells())?;
        columns.push(Series::from(series));
    }
    DataFrame::new(table.rows.len(), columns)
}

fn series(
    name: &str,
    kind: ColumnKind,
    cells: &mut dyn Iterator<Item = &Value>,
) -> polars::prelude::PolarsResult<polars::prelude::Series> {
    use polars::prelude::Series;
    macro_rules! typed {
        ($variant:ident, $type:ty) => {{
            let values: Vec<Option<$type>> = cells
                .map(|cell| if let Value::$variant(value) = cell { Some(value.clone()) } else { None })
                .collect();
            Series::new(name.into(), values)
        }};
    }
    Ok(match kind {
        ColumnKind::Int => typed!(Int, i64),
        ColumnKind::Float => typed!(Float, f64),
        ColumnKind::String => typed!(String, String),
        ColumnKind::Bool => typed!(Bool, bool),
        ColumnKind::Date => typed!(Date, i32).cast(&DataType::Date)?,
        ColumnKind::Datetime => {
            typed!(Datetime, i64).cast(&DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC)))?
        }
    })
}

/// Writes a table as a Parquet file.
///
/// # Errors
/// When the file cannot be written.
pub fn write_parquet(table: &Table, path: &Path) -> io::Result<()> {
    let mut frame = to_frame(table).map_err(io::Error::other)?;
    let file = File::create(path)?;
    ParquetWriter::new(&file).finish(&mut frame).map_err(io::Error::other)?;
    file.sync_all()
}
