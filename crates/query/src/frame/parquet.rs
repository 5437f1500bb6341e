//! Parquet files of plain columns, decoded value by value into what the engine holds: no frame in between.
//!
//! A column is plain when it is flat, of a physical type that stands for its family as it is, and compressed by a codec
//! that is compiled in; whatever is not is left to Polars ([`super::decode`]), column by column. This reader decodes only the
//! columns that are asked for, page by page, in a few megabytes.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::{Compression, ConvertedType, LogicalType, TimeUnit, Type};
use parquet::column::reader::{ColumnReader, get_column_reader};
use parquet::data_type::ByteArray;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::schema::types::ColumnDescriptor;

use super::column::{Column, Kind};
use super::decode::{Slices, slice_of};
use super::plain;
use super::source::{Family, Schema, Unreadable};
use super::stream::{Opener, Read, Reader, rows_per_piece};

/// What a physical value stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Plain {
    Signed,
    Unsigned,
    Number,
    Truth,
    Text,
    Day,
    /// So many of these in a microsecond, or of microseconds in one of these.
    Millis,
    Micros,
    Nanos,
}

/// One column of a file.
#[derive(Clone, Copy)]
struct PlainColumn {
    /// Its place in the file.
    at: usize,
    plain: Plain,
    kind: Kind,
}

/// The pieces of a file, its plain columns read here and the others by Polars; none where no wanted column is plain.
///
/// Polars gives up a file for one text that is no UTF-8, and the rows of everybody else with it: so what is plain is read
/// here whatever stands beside it, and such a text is null by itself.
pub(super) fn openers(
    path: &Path,
    schema: &Schema,
    wanted: &[(&str, Kind)],
    lanes: usize,
) -> Option<Vec<Opener>> {
    let file = File::open(path).ok()?;
    let metadata = Arc::new(ParquetMetaDataReader::new().parse_and_finish(&file).ok()?);
    let (mut columns, mut others, mut order) = (Vec::new(), Others::default(), Vec::new());
    for &(name, kind) in wanted {
        let (_, family, _) = schema.iter().find(|(known, ..)| known == name)?;
        let plain = plain_column(&metadata, name, *family, kind);
        order.push(plain.is_some());
        match plain {
            Some(column) => columns.push(column),
            None => {
                others.names.push(name.to_owned());
                others.kinds.push(kind);
            }
        }
    }
    if columns.is_empty() && !wanted.is_empty() {
        return None;
    }
    let (columns, others, order) = (Arc::new(columns), Arc::new(others), Arc::new(order));
    let rows = usize::try_from(metadata.file_metadata().num_rows()).ok()?;
    let most = rows_per_piece(rows, lanes);
    let (mut openers, mut start): (Vec<Opener>, usize) = (Vec::new(), 0);
    for group in 0..metadata.num_row_groups() {
        let rows = usize::try_from(metadata.row_group(group).num_rows()).ok()?;
        let parts = rows.div_ceil(2 * most).max(1);
        for part in 0..parts {
            let (from, until) = (rows * part / parts, rows * (part + 1) / parts);
            let range = Range { path: path.to_owned(), group, from, rows: until - from };
            let (metadata, columns) = (Arc::clone(&metadata), Arc::clone(&columns));
            let (others, order, first) = (Arc::clone(&others), Arc::clone(&order), start + from);
            openers.push(Box::new(move || {
                let plain = Groups::open(&range, &metadata, &columns)?;
                if others.names.is_empty() {
                    return Ok(plain);
                }
                let Others { names, kinds } = (*others).clone();
                let others = slice_of(&range.path, names, kinds, (first, range.rows))?;
                Ok(Box::new(Mixed { plain, others, order }))
            }));
        }
        start += rows;
    }
    Some(openers)
}

/// The wanted columns of a file that are not plain.
#[derive(Clone, Default)]
struct Others {
    names: Vec<String>,
    kinds: Vec<Kind>,
}

/// Plain columns and others of the same rows.
struct Mixed {
    plain: Box<dyn Reader>,
    others: Slices,
    /// Which of the wanted columns are plain.
    order: Arc<Vec<bool>>,
}

impl Reader for Mixed {
    fn next(&mut self, most: usize) -> Result<Option<Read>, Unreadable> {
        let (plain, others) = match (self.plain.next(most)?, self.others.next(most)?) {
            (Some(plain), Some(others)) if plain.rows == others.rows => (plain, others),
            (None, None) => return Ok(None),
            _ => return Err(Unreadable),
        };
        let (mut one, mut other) = (plain.columns.into_iter(), others.columns.into_iter());
        let next = |&plain: &bool| if plain { one.next() } else { other.next() }.ok_or(Unreadable);
        let columns = self.order.iter().map(next).collect::<Result<_, _>>()?;
        Ok(Some(Read { rows: plain.rows, columns, bad_records: 0 }))
    }
}

fn plain_column(metadata: &ParquetMetaData, name: &str, family: Family, kind: Kind) -> Option<PlainColumn> {
    let columns = metadata.file_metadata().schema_descr().columns();
    let mut named = columns.iter().enumerate().filter(|(_, column)| column.path().parts() == [name]);
    let ((at, column), None) = (named.next()?, named.next()) else { return None };
    let flat = column.max_rep_level() == 0 && column.max_def_level() <= 1;
    let known = |at: usize| {
        let codecs = metadata.row_groups().iter().map(|group| group.column(at).compression());
        codecs.into_iter().all(|codec| {
            matches!(codec, Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::ZSTD(_))
        })
    };
    let plain = plain(column).filter(|plain| flat && known(at) && stands_for(*plain, family))?;
    Some(PlainColumn { at, plain, kind })
}

fn plain(column: &ColumnDescriptor) -> Option<Plain> {
    match (column.physical_type(), column.logical_type_ref(), column.converted_type()) {
        (Type::INT32 | Type::INT64, Some(LogicalType::Integer(int)), _) => {
            Some(if int.is_signed { Plain::Signed } else { Plain::Unsigned })
        }
        (Type::INT32, Some(LogicalType::Date), _) | (Type::INT32, None, ConvertedType::DATE) => {
            Some(Plain::Day)
        }
        (Type::INT64, Some(LogicalType::Timestamp(of)), _) => Some(match of.unit {
            TimeUnit::MILLIS => Plain::Millis,
            TimeUnit::MICROS => Plain::Micros,
            TimeUnit::NANOS => Plain::Nanos,
        }),
        (Type::INT64, None, ConvertedType::TIMESTAMP_MILLIS) => Some(Plain::Millis),
        (Type::INT64, None, ConvertedType::TIMESTAMP_MICROS) => Some(Plain::Micros),
        (Type::INT32 | Type::INT64, None, ConvertedType::NONE) => Some(Plain::Signed),
        (Type::FLOAT | Type::DOUBLE, None, _) => Some(Plain::Number),
        (Type::BOOLEAN, None, _) => Some(Plain::Truth),
        (Type::BYTE_ARRAY, Some(LogicalType::String), _) | (Type::BYTE_ARRAY, None, ConvertedType::UTF8) => {
            Some(Plain::Text)
        }
        _ => None,
    }
}

/// Whether the schema that the preflight saw says the same: a file may declare richer types than its physical ones.
const fn stands_for(plain: Plain, family: Family) -> bool {
    match plain {
        Plain::Signed | Plain::Unsigned => matches!(family, Family::Int),
        Plain::Number => matches!(family, Family::Float),
        Plain::Truth => matches!(family, Family::Bool),
        Plain::Text => matches!(family, Family::Text),
        Plain::Day => matches!(family, Family::Date),
        Plain::Millis | Plain::Micros | Plain::Nanos => matches!(family, Family::Datetime),
    }
}

/// Some rows of a row group.
struct Range {
    path: PathBuf,
    group: usize,
    from: usize,
    rows: usize,
}

/// A part of a row group that is being read.
struct Groups {
    left: usize,
    columns: Vec<Reading>,
}

struct Reading {
    reader: ColumnReader,
    column: PlainColumn,
    /// Whether it may hold nulls.
    optional: bool,
}

impl Groups {
    fn open(
        range: &Range,
        metadata: &ParquetMetaData,
        columns: &[PlainColumn],
    ) -> Result<Box<dyn Reader>, Unreadable> {
        let file = Arc::new(File::open(&range.path).map_err(|_| Unreadable)?);
        let group = metadata.row_group(range.group);
        let rows = usize::try_from(group.num_rows()).map_err(|_| Unreadable)?;
        let mut open = Vec::with_capacity(columns.len());
        for &column in columns {
            let chunk = group.column(column.at);
            let pages =
                SerializedPageReader::new(Arc::clone(&file), chunk, rows, None).map_err(|_| Unreadable)?;
            let mut reader = get_column_reader(chunk.column_descr_ptr(), Box::new(pages));
            skip(&mut reader, range.from)?;
            open.push(Reading { reader, column, optional: chunk.column_descr().max_def_level() == 1 });
        }
        Ok(Box::new(Self { left: range.rows, columns: open }))
    }
}

impl Reader for Groups {
    fn next(&mut self, most: usize) -> Result<Option<Read>, Unreadable> {
        if self.left == 0 {
            return Ok(None);
        }
        let rows = self.left.min(most);
        self.left -= rows;
        let columns = self.columns.iter_mut().map(|reading| reading.next(rows)).collect::<Result<_, _>>()?;
        Ok(Some(Read { rows, columns, bad_records: 0 }))
    }
}

/// Evaluates an expression for a reader of whichever type.
macro_rules! for_each_type {
    ($reader:expr, $typed:ident => $body:expr) => {
        match $reader {
            ColumnReader::BoolColumnReader($typed) => $body,
            ColumnReader::Int32ColumnReader($typed) => $body,
            ColumnReader::Int64ColumnReader($typed) => $body,
            ColumnReader::Int96ColumnReader($typed) => $body,
            ColumnReader::FloatColumnReader($typed) => $body,
            ColumnReader::DoubleColumnReader($typed) => $body,
            ColumnReader::ByteArrayColumnReader($typed) => $body,
            ColumnReader::FixedLenByteArrayColumnReader($typed) => $body,
        }
    };
}

fn skip(reader: &mut ColumnReader, rows: usize) -> Result<(), Unreadable> {
    let skipped = for_each_type!(reader, typed => typed.skip_records(rows)).map_err(|_| Unreadable)?;
    if skipped == rows { Ok(()) } else { Err(Unreadable) }
}

/// The next values of a reader, and which rows have one.
macro_rules! values {
    ($reader:expr, $rows:expr, $optional:expr) => {{
        let (mut values, mut levels) = (Vec::with_capacity($rows), Vec::new());
        let wanted = $optional.then_some(&mut levels);
        let read = $reader.read_records($rows, wanted, None, &mut values).map_err(|_| Unreadable)?;
        if read.0 != $rows || ($optional && levels.len() != $rows) {
            return Err(Unreadable);
        }
        let all = values.len() == $rows;
        if !all && !$optional {
            return Err(Unreadable);
        }
        let valid: Option<Vec<bool>> = (!all).then(|| levels.iter().map(|&level| level == 1).collect());
        (values, valid)
    }};
}

impl Reading {
    /// The next rows, exactly so many, and how many of their values do not fit.
    fn next(&mut self, rows: usize) -> Result<(Column, usize), Unreadable> {
        let PlainColumn { plain, kind, .. } = self.column;
        let optional = self.optional;
        Ok(match (&mut self.reader, plain) {
            (ColumnReader::BoolColumnReader(reader), Plain::Truth) => {
                let (values, valid) = values!(reader, rows, optional);
                plain::truths(values, valid, kind)
            }
            (ColumnReader::Int32ColumnReader(reader), plain) => {
                let (values, valid): (Vec<i32>, _) = values!(reader, rows, optional);
                let unsigned = plain == Plain::Unsigned;
                let wide =
                    |value: &i32| if unsigned { i64::from(value.cast_unsigned()) } else { i64::from(*value) };
                let values = values.iter().map(wide).collect();
                if plain == Plain::Day {
                    plain::days(values, valid, kind)
                } else {
                    plain::ints(values, valid, kind)
                }
            }
            (ColumnReader::Int64ColumnReader(reader), plain) => {
                let (values, valid) = values!(reader, rows, optional);
                match plain {
                    Plain::Millis => plain::moments(values, valid, kind, plain::Unit::Milli),
                    Plain::Micros => plain::moments(values, valid, kind, plain::Unit::Micro),
                    Plain::Nanos => plain::moments(values, valid, kind, plain::Unit::Nano),
                    Plain::Unsigned => plain::unsigned(values, valid, kind),
                    Plain::Signed | Plain::Number | Plain::Truth | Plain::Text | Plain::Day => {
                        plain::ints(values, valid, kind)
                    }
                }
            }
            (ColumnReader::FloatColumnReader(reader), _) => {
                let (values, valid): (Vec<f32>, _) = values!(reader, rows, optional);
                plain::floats(values.into_iter().map(f64::from).collect(), valid, kind)
            }
            (ColumnReader::DoubleColumnReader(reader), _) => {
                let (values, valid) = values!(reader, rows, optional);
                plain::floats(values, valid, kind)
            }
            (ColumnReader::ByteArrayColumnReader(reader), Plain::Text) => {
                let (values, valid): (Vec<ByteArray>, _) = values!(reader, rows, optional);
                plain::texts(values.iter().map(ByteArray::data), valid, kind)
            }
            _ => return Err(Unreadable),
        })
    }
}

#[cfg(test)]
mod tests;
