//! `flockwise local`, from values through reports to estimates.

use std::fs;
use std::io;
use std::path::Path;

use clap::{Args, Command, FromArgMatches};
use flockwise_cli::local::{Cell, LocalArgs, LocalError, NoParquet, Parquet, run};

fn local_with(parquet: &dyn Parquet, args: &[&str]) -> Result<String, LocalError> {
    let command = LocalArgs::augment_args(Command::new("local"));
    let matches = command.try_get_matches_from([&["local"], args].concat()).expect("a test's arguments");
    let args = LocalArgs::from_arg_matches(&matches).expect("they were parsed");
    let mut out = Vec::new();
    run(&args, parquet, &mut out)?;
    Ok(String::from_utf8(out).expect("output is text"))
}

fn local(args: &[&str]) -> Result<String, LocalError> {
    local_with(&NoParquet, args)
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

const GENRES: &str =
    r#"{"version": 1, "collection": "genres", "epsilon": "4", "items": ["Drama", "Sci-Fi, hard", "Horror"]}"#;

#[test]
fn values_become_reports_become_estimates() {
    let folder = tempfile::tempdir().unwrap();
    let collection = write(folder.path(), "genres.json", GENRES);
    let people =
        [vec!["Drama"; 6000], vec!["Horror"; 3000], vec!["Sci-Fi, hard"; 900], vec!["", "no such genre"]]
            .concat();
    let values = write(folder.path(), "values.txt", &people.join("\n"));
    let reports = local(&["randomize", &collection, &values]).unwrap();
    assert_eq!(reports.lines().count(), people.len());
    assert!(reports.lines().all(|line| line.len() == reports.lines().next().unwrap().len()));
    let junk = "\nnot json\n{}\n{\"report\": 7}\n{\"report\":\"07\"}\n{\"report\":\"0001\"}\n{\"collection\":\"other\",\"report\":\"00\"}\n";
    let file = write(folder.path(), "reports.jsonl", &(reports + junk));
    let found = local(&["collect", &collection, &file, "--format", "json"]).unwrap();
    let found: serde_json::Value = serde_json::from_str(&found).unwrap();
    assert_eq!(found["reports"], 9902);
    assert_eq!(found["skipped"]["malformed"], 4);
    assert_eq!(found["skipped"]["wrong_length"], 1);
    assert_eq!(found["skipped"]["impossible"], 1);
    // Real randomness: at epsilon 4 the standard deviation is below 40 people; 400 is ten of them.
    for (row, (item, truth)) in
        [("Drama", 6000.0), ("Horror", 3000.0), ("Sci-Fi, hard", 900.0)].iter().enumerate()
    {
        let row = &found["items"][row];
        assert_eq!(row["item"], *item);
        assert!((row["people"].as_f64().unwrap() - truth).abs() < 400.0);
        assert_eq!(row["certain"], true);
    }
    let shuffled = found["shuffled"]["epsilon"].as_f64().unwrap();
    assert!(shuffled > 0.0 && shuffled < 4.0);
    let table = local(&["collect", &collection, &file, "--top", "1"]).unwrap();
    assert!(table.contains("Drama") && !table.contains("Horror"));
    assert!(table.contains("Only if a trusted shuffler") && table.contains("6 skipped"));
    let csv = local(&["collect", &collection, &file, "--format", "csv"]).unwrap();
    assert!(csv.contains("\"Sci-Fi, hard\",") && csv.lines().count() == 4);
}

#[test]
fn a_mean_of_decimals() {
    let folder = tempfile::tempdir().unwrap();
    let collection = write(
        folder.path(),
        "stars.json",
        r#"{"version": 1, "collection": "stars", "epsilon": "2", "numbers": {"low": "0", "high": "10", "decimals": 1}}"#,
    );
    let values = write(folder.path(), "values.txt", &["7.5\n", "9.25\n", "-3\n"].concat().repeat(10_000));
    let reports = local(&["randomize", &collection, &values]).unwrap();
    let file = write(folder.path(), "reports.jsonl", &reports);
    let found = local(&["collect", &collection, &file, "--format", "json"]).unwrap();
    let found: serde_json::Value = serde_json::from_str(&found).unwrap();
    // (7.5 + 9.2 + 0)/3; the standard deviation is 10/(2·0.76·√30000) = 0.04.
    assert!((found["mean"]["mean"].as_f64().unwrap() - 5.5667).abs() < 0.4);
}

/// A reader of a column, as the Parquet reader is one.
struct Column(Vec<Option<&'static str>>);

impl Parquet for Column {
    fn each(&self, _: &Path, cell: &mut dyn FnMut(Cell<'_>)) -> io::Result<()> {
        self.0.iter().for_each(|report| cell(report.map_or(Cell::Null, Cell::Hex)));
        cell(Cell::Bytes(&[2]));
        Ok(())
    }
}

#[test]
fn columns_of_reports_are_read_through_the_reader() {
    let folder = tempfile::tempdir().unwrap();
    let collection = write(folder.path(), "genres.json", GENRES);
    let args = ["collect", &collection, "reports.parquet", "--format", "json"];
    let found = local_with(&Column(vec![Some("00"), None, Some("01"), Some("zz")]), &args).unwrap();
    let found: serde_json::Value = serde_json::from_str(&found).unwrap();
    assert_eq!((&found["reports"], &found["skipped"]["malformed"]), (&3.into(), &2.into()));
    assert!(matches!(local(&args), Err(LocalError::Read { .. })));
}

#[test]
fn a_simulation_agrees_with_theory() {
    let args = [
        "simulate",
        "--items",
        "40",
        "--epsilon",
        "1",
        "--people",
        "20000",
        "--trials",
        "3",
        "--format",
        "json",
    ];
    let found: serde_json::Value = serde_json::from_str(&local(&args).unwrap()).unwrap();
    assert_eq!(found["schemes"].as_array().unwrap().len(), 4);
    for scheme in found["schemes"].as_array().unwrap() {
        let of = |name: &str| scheme[name].as_f64().unwrap();
        // The mean of 120 squared errors: a chi-square tail below 1e-12 on either side.
        let ratio = of("measured_rmse") / of("predicted_rmse");
        assert!((0.4..1.7).contains(&ratio), "{scheme}");
    }
    assert!(found["chosen"].as_str().unwrap().contains("40 items at epsilon 1"));
    let folder = tempfile::tempdir().unwrap();
    let values = write(folder.path(), "values.txt", &"a\nb\nc\n".repeat(100));
    let table = local(&["simulate", "--values", &values, "--scheme", "k-ary"]).unwrap();
    assert!(table.contains("over 3 items, in people out of 300"));
}

#[test]
fn wrong_files_have_their_exit_codes() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = write(folder.path(), "wrong.json", "{}");
    assert_eq!(local(&["collect", &wrong]).unwrap_err().exit_code(), 2);
    assert_eq!(local(&["collect", "/no/such/file.json"]).unwrap_err().exit_code(), 5);
    let collection = write(folder.path(), "genres.json", GENRES);
    assert_eq!(local(&["collect", &collection, "/no/such/reports"]).unwrap_err().exit_code(), 5);
    assert_eq!(local(&["collect", &collection, "--delta", "0"]).unwrap_err().exit_code(), 2);
    let empty = write(folder.path(), "empty.jsonl", "");
    let found = local(&["collect", &collection, &empty]).unwrap();
    assert!(found.contains("0 reports counted"));
}
