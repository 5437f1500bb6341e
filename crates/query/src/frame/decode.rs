//! Polars frames to columns: frames that are handed over, and Parquet files with columns that are not plain.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use polars::prelude::{
    DataFrame, DataType, LazyFrame, ParallelStrategy, ParquetReader, SerReader as _, Series, TimeUnit, col,
};

use super::column::Kind;
use super::plain::{self, Fitted, Unit};
use super::source::{Family, Unreadable};
use super::stream::{Opener, Read, Reader, rows_per_piece};

/// The family of a Polars type.
pub(super) fn family(dtype: &DataType) -> Family {
    if dtype.is_integer() {
        Family::Int
    } else if dtype.is_float() {
        Family::Float
    } else if dtype.is_string() || dtype.is_categorical() || dtype.is_enum() {
        Family::Text
    } else if dtype.is_bool() {
        Family::Bool
    } else if dtype.is_date() {
        Family::Date
    } else if dtype.is_datetime() {
        Family::Datetime
    } else {
        Family::Other
    }
}

/// The pieces of a frame: it is computed once, and what is in memory already is not copied.
pub(super) fn of_frame(
    frame: LazyFrame,
    names: &[&str],
    kinds: &[Kind],
    lanes: usize,
) -> Result<Vec<Opener>, Unreadable> {
    let columns: Vec<_> = names.iter().map(|name| col(*name)).collect();
    let frame = Arc::new(frame.select(columns).collect().map_err(|_| Unreadable)?);
    let rows = frame.height();
    let most = rows_per_piece(rows, lanes);
    let piece = |from: usize| -> Opener {
        let (frame, kinds) = (Arc::clone(&frame), kinds.to_vec());
        Box::new(move || {
            let slice = frame.slice(i64::try_from(from).map_err(|_| Unreadable)?, most);
            Ok(Box::new(Slices { frame: slice, at: 0, kinds }))
        })
    };
    Ok((0..rows).step_by(most).map(piece).collect())
}

/// The pieces of a Parquet file.
pub(super) fn of_file(path: &Path, wanted: &[(&str, Kind)], lanes: usize) -> Result<Vec<Opener>, Unreadable> {
    let mut reader = ParquetReader::new(File::open(path).map_err(|_| Unreadable)?);
    let metadata = reader.get_metadata().map_err(|_| Unreadable)?;
    let groups: Vec<usize> = metadata.row_groups.iter().map(|group| group.num_rows()).collect();
    let most = rows_per_piece(groups.iter().sum(), lanes);
    let names: Vec<String> = wanted.iter().map(|(name, _)| (*name).to_owned()).collect();
    let kinds: Vec<Kind> = wanted.iter().map(|(_, kind)| *kind).collect();
    let (mut openers, mut start): (Vec<Opener>, usize) = (Vec::new(), 0);
    for rows in groups {
        let parts = rows.div_ceil(2 * most).max(1);
        for part in 0..parts {
            let (from, until) = (rows * part / parts, rows * (part + 1) / parts);
            let (path, names, kinds) = (path.to_owned(), names.clone(), kinds.clone());
            let slice = (start + from, until - from);
            openers.push(Box::new(move || Ok(Box::new(slice_of(&path, names, kinds, slice)?))));
        }
        start += rows;
    }
    Ok(openers)
}

/// Some rows of a Parquet file, from one on.
pub(super) fn slice_of(
    path: &Path,
    names: Vec<String>,
    kinds: Vec<Kind>,
    slice: (usize, usize),
) -> Result<Slices, Unreadable> {
    let file = File::open(path).map_err(|_| Unreadable)?;
    let reader = ParquetReader::new(file)
        .with_columns(Some(names.clone()))
        .with_slice(Some(slice))
        .read_parallel(ParallelStrategy::None);
    let read = reader.finish().map_err(|_| Unreadable)?;
    let frame = read.select(names).map_err(|_| Unreadable)?;
    if frame.height() != slice.1 && !kinds.is_empty() {
        return Err(Unreadable);
    }
    Ok(Slices { frame, at: 0, kinds })
}

/// A frame that is handed over slice by slice.
pub(super) struct Slices {
    frame: DataFrame,
    at: usize,
    kinds: Vec<Kind>,
}

impl Reader for Slices {
    fn next(&mut self, most: usize) -> Result<Option<Read>, Unreadable> {
        let rows = most.min(self.frame.height() - self.at);
        if rows == 0 {
            return Ok(None);
        }
        let slice = self.frame.slice(i64::try_from(self.at).map_err(|_| Unreadable)?, rows);
        self.at += rows;
        let columns = slice.columns().iter().zip(&self.kinds);
        let columns =
            columns.map(|(values, kind)| column(values.as_materialized_series(), *kind).ok_or(Unreadable));
        Ok(Some(Read { rows, columns: columns.collect::<Result<_, _>>()?, bad_records: 0 }))
    }
}

/// The values of an array without its nulls, and which rows have one.
macro_rules! there {
    ($values:expr) => {{
        let values = $values;
        let valid = values.has_nulls().then(|| values.iter().map(|value| value.is_some()).collect());
        let there = match values.cont_slice() {
            Ok(slice) => slice.to_vec(),
            Err(_) => values.iter().flatten().collect(),
        };
        (there, valid)
    }};
}

/// A series as a column of a kind: each value becomes what it is, or null, by itself.
fn column(series: &Series, kind: Kind) -> Option<Fitted> {
    Some(match family(series.dtype()) {
        Family::Int => {
            // What does not fit an i64 is null.
            let wide = series.cast(&DataType::Int64).ok()?;
            let beyond = wide.null_count() - series.null_count();
            let (values, valid) = there!(wide.i64().ok()?);
            let (column, misfits) = plain::ints(values, valid, kind);
            (column, misfits + beyond)
        }
        Family::Float => {
            let series = series.cast(&DataType::Float64).ok()?;
            let (values, valid) = there!(series.f64().ok()?);
            plain::floats(values, valid, kind)
        }
        Family::Text => {
            let series = series.cast(&DataType::String).ok()?;
            let texts = series.str().ok()?;
            let valid = texts.has_nulls().then(|| texts.iter().map(|text| text.is_some()).collect());
            let there: Vec<&str> = texts.iter().flatten().collect();
            plain::texts(there.iter().map(|text| text.as_bytes()), valid, kind)
        }
        Family::Bool => {
            let truths = series.bool().ok()?;
            let valid = truths.has_nulls().then(|| truths.iter().map(|truth| truth.is_some()).collect());
            plain::truths(truths.iter().flatten().collect(), valid, kind)
        }
        Family::Date => {
            let days = series.cast(&DataType::Int64).ok()?;
            let (values, valid) = there!(days.i64().ok()?);
            plain::days(values, valid, kind)
        }
        Family::Datetime => {
            let DataType::Datetime(unit, _) = series.dtype() else { return None };
            let unit = match unit {
                TimeUnit::Nanoseconds => Unit::Nano,
                TimeUnit::Microseconds => Unit::Micro,
                TimeUnit::Milliseconds => Unit::Milli,
            };
            let moments = series.cast(&DataType::Int64).ok()?;
            let (values, valid) = there!(moments.i64().ok()?);
            plain::moments(values, valid, kind, unit)
        }
        Family::Written | Family::Other => return None,
    })
}
