//! Plain columns against what Polars makes of them.

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
    for (name, kind) in columns
        .iter()
        .flat_map(|(names, kinds)| names.iter().flat_map(|name| kinds.iter().map(move |kind| (*name, *kind))))
    {
        let read = |file: &DataFile| {
            let source = Source::Files(Files(vec![file.clone()]));
            let wanted = [Wanted { name: name.to_owned(), kind: Some(kind) }];
            let (column, unreadable) =
                source.examine(&source.preflight(&wanted).unwrap()).unwrap().columns.pop().unwrap();
            let cells = (0..column.len()).map(|row| format!("{:?}", cell(&column, row)));
            (cells.collect::<Vec<_>>(), unreadable)
        };
        let opened =
            |file: &DataFile| openers(&file.path, &file_schema(file).unwrap(), &[(name, kind)], 2).is_some();
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

/// A file whose moments Polars reads: one text that is no UTF-8 beside them used to stop everybody's rows.
#[test]
fn p3_text_that_is_none_is_null_by_itself_beside_columns_that_are_not_plain() {
    let odd = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ops/odd");
    let good = std::fs::read(odd.join("moments_of_96_bits.parquet")).unwrap();
    // The dictionary of items: each text behind its length.
    let canary = b"book\x0b\0\0\0canary";
    let at = good.windows(canary.len()).position(|window| window == canary).unwrap() + 8;
    let mut bad = good.clone();
    bad[at] = 0xff;
    let folder = tempfile::tempdir().unwrap();
    let read = |bytes: &[u8]| {
        let path = folder.path().join("rows.parquet");
        std::fs::write(&path, bytes).unwrap();
        let source = Source::Files(Files(vec![DataFile { path, partitions: Vec::new(), csv: false }]));
        let wanted = [("at", Kind::Datetime), ("item", Kind::Text)];
        let wanted = wanted.map(|(name, kind)| Wanted { name: name.to_owned(), kind: Some(kind) });
        let columns = source.examine(&source.preflight(&wanted).unwrap()).unwrap().columns;
        let cells = |at: usize| (0..30).map(|row| cell(&columns[at].0, row)).collect::<Vec<_>>();
        (cells(0), cells(1), columns[1].1)
    };
    let (moments, mut items, none) = read(&good);
    assert_eq!(none, 0);
    assert!(!moments.contains(&crate::value::Value::Null));
    items[7] = crate::value::Value::Null;
    assert_eq!(read(&bad), (moments, items, 1));
}
