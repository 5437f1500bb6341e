//! Parquet files as few write them: odd encodings, codecs, types, nesting, no rows, many columns. Each runs, or is told before
//! the charge; none says what stands in it. `odd/make.py` wrote them, with pyarrow.

use std::path::Path;

use flockwise_query::frame::{Files, Kind, Source, Wanted, write_parquet};
use flockwise_query::table::{ColumnKind, Table, TableColumn};
use flockwise_query::value::Value;

use crate::shop::{JOB, POLICY, Shop, code};

/// The files that do not fit the policy, by their schema alone.
const TOLD: [&str; 11] = [
    "column_missing",
    "moments_are_text",
    "no_column_at_all",
    "people_are_binary",
    "people_are_lists",
    "people_are_numbers",
    "people_are_structs",
    "prices_are_decimals",
    "prices_are_half_floats",
    "prices_are_null",
    "column_twice",
];

#[test]
fn odd_parquet_files_run_or_are_told_before_the_charge() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ops/odd");
    let shop = Shop::new(&POLICY.replace("rows.csv", "rows.parquet"));
    shop.init();
    let mut seen = 0;
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if path.extension().is_none_or(|extension| extension != "parquet") {
            continue;
        }
        shop.write("rows.parquet", std::fs::read(&path).unwrap());
        let outcome = shop.run(JOB, &format!("odd-{name}"));
        let expected = if TOLD.contains(&name.as_str()) { 5 } else { 0 };
        if code(&outcome) != expected {
            wrong.push(format!(
                "{name}: {} {:?}",
                code(&outcome),
                outcome.as_ref().err().map(ToString::to_string)
            ));
        }
        shop.keeps_the_secret(&name, &outcome);
        seen += 1;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(seen >= 35, "{seen} files");
}

/// A footer that was made up may point anywhere: nothing is read beyond the file, and nothing is said but that it cannot be read.
#[test]
fn a_footer_of_which_any_byte_was_changed_reads_nothing_beyond_the_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ops/odd");
    let good = std::fs::read(folder.join("index_checksums_and_small_groups.parquet")).unwrap();
    let small = std::fs::read(folder.join("codec_none.parquet")).unwrap();
    let shop = Shop::new(POLICY);
    let wanted = [
        ("who", None),
        ("item", Some(Kind::Text)),
        ("price", Some(Kind::Float)),
        ("at", Some(Kind::Datetime)),
    ];
    let wanted = wanted.map(|(name, kind)| Wanted { name: name.to_owned(), kind });
    let mut read = 0;
    for (good, step) in [(small, 1), (good, 3)] {
        let end = good.len() - 8;
        let footer = u32::from_le_bytes(good[end..end + 4].try_into().unwrap()) as usize;
        for at in (end - footer..end).step_by(step) {
            for value in [0x00, 0x7f, 0xff, good[at] ^ 1, good[at] ^ 0x40] {
                let mut bytes = good.clone();
                bytes[at] = value;
                shop.write("rows.parquet", bytes);
                let source =
                    Source::Files(Files::list(shop.folder.path(), &["rows.parquet".to_owned()]).unwrap());
                if let Ok(found) = source.preflight(&wanted) {
                    read += usize::from(source.read(&found).is_ok());
                }
            }
        }
    }
    assert!(read > 100, "{read} footers were none the worse");
}

#[test]
fn ten_thousand_columns_of_which_four_are_read() {
    let shop = Shop::new(&POLICY.replace("rows.csv", "rows.parquet"));
    shop.init();
    let mut columns = vec![
        TableColumn::key("who", ColumnKind::String),
        TableColumn::key("item", ColumnKind::String),
        TableColumn::key("price", ColumnKind::Float),
        TableColumn::key("at", ColumnKind::Datetime),
    ];
    columns.extend((0..10_000).map(|at| TableColumn::key(&format!("c{at}"), ColumnKind::Bool)));
    let row = |person: i64| {
        let mut row = vec![
            Value::String(format!("p{person}")),
            Value::String("book".to_owned()),
            Value::Float(1.0),
            Value::Datetime(1_767_268_800_000_000),
        ];
        row.resize(10_004, Value::Bool(true));
        row
    };
    write_parquet(&Table { columns, rows: (0..2).map(row).collect() }, &shop.path("rows.parquet")).unwrap();
    let outcome = shop.run(JOB, "wide");
    assert_eq!(code(&outcome), 0, "{:?}", outcome.err().map(|error| error.to_string()));
}
