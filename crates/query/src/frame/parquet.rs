//! Parquet files of plain columns, decoded value by value into what the engine holds: no frame in between.
//!
//! A column is plain when it is flat, of a physical type that stands for its family as it is, and compressed by a codec
//! that is compiled in; whatever is not is left to Polars ([`super::decode`]), file by file. This reader decodes only the
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

/// The pieces of a file all of whose wanted columns are plain; none where one is not.
pub(super) fn openers(
    path: &Path,
    schema: &Schema,
    wanted: &[(&str, Kind)],
    lanes: usize,
) -> Option<Vec<Opener>> {
    let file = File::open(path).ok()?;
    let metadata = Arc::new(ParquetMetaDataReader::new().parse_and_finish(&file).ok()?);
    let columns = wanted.iter().map(|(name, kind)| {
        let (_, family, _) = schema.iter().find(|(known, ..)| known == name)?;
        plain_column(&metadata, name, *family, *kind)
    });
    let columns: Arc<Vec<PlainColumn>> = Arc::new(columns.collect::<Option<_>>()?);
    let rows = usize::try_from(metadata.file_metadata().num_rows()).ok()?;
    let most = rows_per_piece(rows, lanes);
    let mut openers: Vec<Opener> = Vec::new();
    for group in 0..metadata.num_row_groups() {
        let rows = usize::try_from(metadata.row_group(group).num_rows()).ok()?;
        let parts = rows.div_ceil(2 * most).max(1);
        for part in 0..parts {
            let (from, until) = (rows * part / parts, rows * (part + 1) / parts);
            let range = Range { path: path.to_owned(), group, from, rows: until - from };
            let (metadata, columns) = (Arc::clone(&metadata), Arc::clone(&columns));
            openers.push(Box::new(move || Groups::open(&range, &metadata, &columns)));
        }
    }
    Some(openers)
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
mod tests {
    use polars::prelude::{
        Column as Series, DataFrame, DataType, NamedFrom as _, ParquetCompression, ParquetWriter, TimeUnit,
    };

    use super::*;
    use crate::backend::cell;
    use crate::frame::files::{DataFile, Files};
    use crate::frame::source::{Source, Wanted, file_schema};

    /// Columns of every type that a policy can declare, with nulls and the ends of their ranges.
    fn frame() -> DataFrame {
        let ints: Vec<Option<i64>> =
            vec![Some(0), None, Some(-1), Some(127), Some(86_399_999), Some(-86_400_001)];
        let floats = vec![Some(0.5), Some(f64::NAN), None, Some(f64::INFINITY), Some(-0.0), Some(1e18)];
        let (words, large) = (vec![Some("a"), None, Some(""), Some("ü"), Some("a"), None], u64::MAX);
        let of = |name: &str, dtype: &DataType| {
            let series = polars::prelude::Series::new(name.into(), ints.clone());
            Series::from(series.cast(dtype).unwrap())
        };
        let columns = vec![
            of("i8", &DataType::Int8),
            of("i16", &DataType::Int16),
            of("i32", &DataType::Int32),
            of("i64", &DataType::Int64),
            of("u8", &DataType::UInt8),
            of("u32", &DataType::UInt32),
            polars::prelude::Series::new(
                "u64".into(),
                vec![Some(1), Some(large), None, Some(2), Some(3), Some(4)],
            )
            .into(),
            of("f32", &DataType::Float32),
            polars::prelude::Series::new("f64".into(), floats).into(),
            polars::prelude::Series::new(
                "bool".into(),
                vec![Some(true), None, Some(false), None, None, Some(true)],
            )
            .into(),
            polars::prelude::Series::new("text".into(), words).into(),
            Series::from(
                polars::prelude::Series::new(
                    "date".into(),
                    vec![Some(0_i32), None, Some(-1), Some(i32::MAX), Some(9), None],
                )
                .cast(&DataType::Date)
                .unwrap(),
            ),
            of("ms", &DataType::Datetime(TimeUnit::Milliseconds, None)),
            of("us", &DataType::Datetime(TimeUnit::Microseconds, None)),
            of("ns", &DataType::Datetime(TimeUnit::Nanoseconds, None)),
        ];
        DataFrame::new(6, columns).unwrap()
    }

    #[test]
    fn plain_columns_are_what_polars_makes_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, compression| {
            let path = folder.path().join(name);
            let writer = ParquetWriter::new(File::create(&path).unwrap()).with_compression(compression);
            writer.with_row_group_size(Some(4)).finish(&mut frame()).unwrap();
            DataFile { path, partitions: Vec::new(), csv: false }
        };
        let plain = [
            write("none.parquet", ParquetCompression::Uncompressed),
            write("snappy.parquet", ParquetCompression::Snappy),
            write("zstd.parquet", ParquetCompression::Zstd(None)),
        ];
        let other = write("gzip.parquet", ParquetCompression::Gzip(None));
        let columns: [(&[&str], &[Kind]); 5] = [
            (&["i8", "i16", "i32", "i64", "u8", "u32", "u64", "f32", "f64"], &[Kind::Int, Kind::Float]),
            (&["bool"], &[Kind::Bool]),
            (&["text"], &[Kind::Text]),
            (&["date"], &[Kind::Date, Kind::Datetime]),
            (&["ms", "us", "ns"], &[Kind::Date, Kind::Datetime]),
        ];
        for (name, kind) in columns.iter().flat_map(|(names, kinds)| {
            names.iter().flat_map(|name| kinds.iter().map(move |kind| (*name, *kind)))
        }) {
            let read = |file: &DataFile| {
                let source = Source::Files(Files(vec![file.clone()]));
                let wanted = [Wanted { name: name.to_owned(), kind: Some(kind) }];
                let (column, unreadable) =
                    source.examine(&source.preflight(&wanted).unwrap()).unwrap().columns.pop().unwrap();
                let cells = (0..column.len()).map(|row| format!("{:?}", cell(&column, row)));
                (cells.collect::<Vec<_>>(), unreadable)
            };
            let opened = |file: &DataFile| {
                openers(&file.path, &file_schema(file).unwrap(), &[(name, kind)], 2).is_some()
            };
            assert!(!opened(&other), "this codec is Polars' to read");
            let reference = read(&other);
            assert_eq!(reference.0.len(), 6);
            for file in &plain {
                assert!(opened(file), "{name} is plain");
                assert_eq!(read(file), reference, "{name} as {kind:?} of {}", file.path.display());
            }
        }
    }

    #[test]
    fn p3_text_that_is_none_is_null_by_itself() {
        let bytes: [&[u8]; 4] = [b"a", b"\xff", b"b", b"\xff\xfe"];
        let valid = Some(vec![true, true, false, true, true]);
        let (column, unreadable) = plain::texts(bytes.into_iter(), valid, Kind::Text);
        let cells: Vec<_> = (0..5).map(|row| cell(&column, row)).collect();
        let text = |text: &str| crate::value::Value::String(text.to_owned());
        use crate::value::Value::Null;
        assert_eq!((cells, unreadable), (vec![text("a"), Null, Null, text("b"), Null], 2));
    }
}
