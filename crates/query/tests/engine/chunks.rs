//! How rows are stored and in what pieces they are read decides nothing: every document, byte for byte.

use flockwise_mechanisms::audit::{Mode, Recorder};
use flockwise_query::Limits;
use flockwise_query::plan::Plan;
use flockwise_query::polars::prelude::{
    Column, DataFrame, DataType, NamedFrom as _, ParquetCompression, ParquetWriter, Series, TimeUnit,
};

use super::dice::Dice;
use super::jobs;
use super::world::{HEADER, People, Row, Setting, World, crowd, job};

fn documents(world: &World, plan: &Plan, limits: Limits, seed: u64) -> Vec<u8> {
    let session = world.session().within(limits);
    session.rehearse(plan.clone(), &mut Recorder::new(Mode::Drawn { seed })).expect("made-up data")
}

/// Plans of random releases of every kind that the policy allows.
fn plans(dice: &mut Dice, world: &World, many: usize) -> Vec<Plan> {
    let mut plans = Vec::new();
    while plans.len() < many {
        let releases: Vec<String> = (0..1 + dice.roll(3)).map(|_| jobs::release(dice)).collect();
        let job = job(&releases.iter().map(String::as_str).collect::<Vec<_>>());
        plans.extend(world.plan(&job));
    }
    plans
}

#[test]
fn the_size_of_chunks_changes_no_byte() {
    for seed in 0..8 {
        let mut dice = Dice::new(900 + seed);
        let setting = Setting::random(&mut dice);
        let people = crowd(&mut dice, &setting);
        let world = World::new(&setting, &people);
        for plan in plans(&mut dice, &world, 4) {
            let whole = documents(&world, &plan, Limits::default(), seed);
            for rows in [1, 7, 1000] {
                let chunked = documents(&world, &plan, Limits::default().in_chunks(rows), seed);
                assert_eq!(chunked, whole, "seed {seed}: chunks of {rows}");
            }
            let spilled = documents(&world, &plan, Limits::new(Some(1), None).in_chunks(7), seed);
            assert_eq!(spilled, whole, "seed {seed}: next to no memory");
        }
    }
}

/// The rows in several files, one of them without a row.
fn split(world: &World, rows: &[Row], dice: &mut Dice) {
    let mut rest = rows;
    for part in 0..5 {
        let (here, more) = rest.split_at(if part == 4 { rest.len() } else { dice.roll(rest.len() + 1) });
        let here = if part == 2 { &[][..] } else { here };
        rest = if part == 2 { rest } else { more };
        let all = People { rows: here.to_vec(), ..People::default() };
        let other = World::new(&Setting::plain(), &all);
        let text = std::fs::read(other.path().join("ratings.csv")).expect("it was just written");
        assert!(text.starts_with(HEADER.as_bytes()));
        world.write(&format!("part-{part}.csv"), text);
    }
}

#[test]
fn many_files_are_one_data_set() {
    for seed in 0..6 {
        let mut dice = Dice::new(700 + seed);
        let setting = Setting::random(&mut dice);
        let people = crowd(&mut dice, &setting);
        let world = World::new(&setting, &people);
        for plan in plans(&mut dice, &world, 3) {
            let whole = documents(&world, &plan, Limits::default(), seed);
            split(&world, &people.rows, &mut dice);
            world.write("policy.toml", setting.policy("part-*.csv"));
            for rows in [1, 3, 100_000] {
                let bytes = documents(&world, &plan, Limits::default().in_chunks(rows), seed);
                assert_eq!(bytes, whole, "seed {seed}: files in chunks of {rows}");
            }
            world.write("policy.toml", setting.policy("ratings.csv"));
        }
    }
}

/// What a CSV file and a Parquet file can both say, with nulls in every place.
fn cell(dice: &mut Dice, of: &[&str]) -> String {
    if dice.one_in(6) { String::new() } else { dice.pick(of).to_owned() }
}

fn rows(dice: &mut Dice) -> Vec<Row> {
    let row = |dice: &mut Dice| {
        let person = format!("{}", dice.roll(40));
        [
            cell(dice, &[&person]),
            cell(dice, &["1", "2", "3", "5", "-9", "4000000000", "9223372036854775807"]),
            cell(dice, &["2.5", "-7", "1e30", "NaN", "0.1"]),
            cell(dice, &["1", "50", "101", "-3"]),
            cell(dice, &["2026-01-02T03:04:05Z", "1969-12-31T23:59:59.999999Z", "2026-03-29T01:30:00Z"]),
            cell(dice, &["NL", " BE", "DE"]),
            cell(dice, &["a", "ü", "zero"]),
        ]
    };
    (0..400).map(|_| row(dice)).collect()
}

/// The rows as a Parquet file of small row groups.
fn parquet(world: &World, rows: &[Row], text: bool, unit: TimeUnit, compression: ParquetCompression) {
    fn parsed<T: std::str::FromStr>(rows: &[Row], at: usize) -> Vec<Option<T>> {
        rows.iter().map(|row| row[at].parse().ok()).collect()
    }
    let words = |at: usize| -> Vec<Option<String>> {
        rows.iter().map(|row| Some(row[at].clone()).filter(|text| !text.is_empty())).collect()
    };
    let moment = |row: &Row| match row[4].as_str() {
        "2026-01-02T03:04:05Z" => Some(1_767_323_045_000_000_i64),
        "1969-12-31T23:59:59.999999Z" => Some(-1),
        "2026-03-29T01:30:00Z" => Some(1_774_747_800_000_000),
        _ => None,
    };
    let scale = |micros: i64| if unit == TimeUnit::Nanoseconds { micros * 1000 } else { micros };
    let moments: Vec<Option<i64>> = rows.iter().map(|row| moment(row).map(scale)).collect();
    let moments = Series::new("at".into(), moments).cast(&DataType::Datetime(unit, None)).expect("moments");
    let people = match text {
        true => Series::new("user_id".into(), words(0)),
        false => Series::new("user_id".into(), parsed::<i64>(rows, 0)),
    };
    let columns: Vec<Column> = vec![
        people.into(),
        Series::new("item".into(), parsed::<i64>(rows, 1)).into(),
        Series::new("rating".into(), parsed::<f64>(rows, 2)).into(),
        Series::new("price".into(), parsed::<i16>(rows, 3)).into(),
        moments.into(),
        Series::new("country".into(), words(5)).into(),
        Series::new("tag".into(), words(6)).into(),
    ];
    let mut frame = DataFrame::new(rows.len(), columns).expect("columns of one length");
    let file = std::fs::File::create(world.path().join("ratings.parquet")).expect("a temporary folder");
    let writer = ParquetWriter::new(file).with_compression(compression).with_row_group_size(Some(90));
    writer.finish(&mut frame).expect("a temporary folder can be written");
}

#[test]
fn csv_and_parquet_of_the_same_rows_give_the_same_bytes() {
    let codecs = [
        ParquetCompression::Uncompressed,
        ParquetCompression::Snappy,
        ParquetCompression::Zstd(None),
        ParquetCompression::Gzip(None),
        ParquetCompression::Brotli(None),
        ParquetCompression::Lz4Raw,
    ];
    for (seed, codec) in (0..).zip(codecs) {
        let mut dice = Dice::new(500 + seed);
        let setting = Setting::random(&mut dice);
        let mut people = crowd(&mut dice, &setting);
        people.rows = rows(&mut dice);
        let world = World::new(&setting, &people);
        let units = [TimeUnit::Microseconds, TimeUnit::Nanoseconds];
        parquet(&world, &people.rows, setting.ids_are_text, units[dice.roll(2)], codec);
        for plan in plans(&mut dice, &world, 4) {
            let csv = documents(&world, &plan, Limits::default(), seed);
            world.write("policy.toml", setting.policy("ratings.parquet"));
            for rows in [1, 64, 100_000] {
                let bytes = documents(&world, &plan, Limits::default().in_chunks(rows), seed);
                assert_eq!(bytes, csv, "{codec:?} in chunks of {rows}");
            }
            world.write("policy.toml", setting.policy("ratings.csv"));
        }
    }
}
