//! The benchmark against plain arithmetic, and against whoever must not have it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use flockwise_mechanisms::waive;
use tempfile::TempDir;

use super::{Bench, Report, Sweep};
use crate::{Error, Job, Policy, Session};

/// A policy over rows.csv, with this in place of what says who may look.
fn policy(access: &str) -> String {
    format!(
        r#"version = 1
{access}
[data]
name = "made_up"
source = "rows.csv"
privacy_unit = "person"
[columns]
item = {{ type = "string" }}
shelf = {{ type = "string", keys = ["a", "b", "c", "d", "e", "f"] }}
value = {{ type = "float", bounds = [0, 10] }}
stars = {{ type = "int", bounds = [0, 5] }}
moment = {{ type = "int" }}
"#
    )
}

const OPEN: &str = "no_privacy = \"made up\"\nbudget = { delta = 1e-6, accounting = \"zcdp\" }";
const CLOSED: &str = "[budget]\nepsilon = 4\ndelta = 1e-6\n";

/// Person, shelf, value, stars, moment.
type Row = (u32, u8, f64, i64, i64);

/// Some people with one row, some with many, several in one shelf, and values beyond the bounds.
fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for person in 0..400_u32 {
        for at in 0..1 + person % 7 {
            let draw = (person * 31 + at * at * 17) % 101;
            let shelf = b'a' + (draw / 3 % 5) as u8;
            rows.push((person, shelf, f64::from(draw) / 6.0, i64::from(draw % 6), i64::from(at)));
        }
    }
    rows
}

fn folder(access: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut text = "person,item,shelf,value,stars,moment\n".to_owned();
    for (person, shelf, value, stars, moment) in rows() {
        let shelf = shelf as char;
        let _ = writeln!(text, "{person},{shelf}{},{shelf},{value},{stars},{moment}", stars % 2);
    }
    std::fs::write(folder.path().join("rows.csv"), text).unwrap();
    std::fs::write(folder.path().join("policy.toml"), policy(access)).unwrap();
    folder
}

fn asked(epsilons: &[&str], trials: u32, sweeps: &[&str]) -> Bench {
    sweeps.iter().fold(Bench::new(epsilons.iter().copied(), trials).unwrap(), |asked, sweep| {
        asked.sweep(Sweep::parse(sweep).unwrap()).unwrap()
    })
}

fn bench(folder: &TempDir, asked: &Bench, job: &str, mock: bool) -> Result<Report, Error> {
    let session = Session::open(folder.path().join("policy.toml"))?;
    let job = Job::parse("job.toml", &format!("version = 1\ndata = \"made_up\"\n{job}")).unwrap();
    let none = BTreeMap::new();
    if mock {
        session.bench_mock(asked, &job.value, &job.places, &none, &|_, _| {})
    } else {
        session.bench(asked, &job.value, &job.places, &none, &|_, _| {})
    }
}

const SHELVES: &str = r#"
[[release]]
name = "shelves"
statistic = "summary"
by = ["shelf"]
column = "value"
aggregates = ["people", "rows", "sum", "mean", "variance"]
max_rows_per_key = 2
"#;

/// The weight of a person in a shelf, and the values there.
type Pair = (f64, Vec<f64>);

/// The columns of [`SHELVES`] for one shelf, where every row counts: of each person the weight and the values.
fn columns(pairs: &[Pair]) -> [f64; 5] {
    let sum = |of: &dyn Fn(f64, &[f64]) -> f64| pairs.iter().map(|(w, v)| of(*w, v)).sum::<f64>();
    let people = sum(&|weight, _| weight);
    let rows = sum(&|weight, values| weight * values.len() as f64);
    let value = sum(&|weight, values| weight * values.iter().sum::<f64>());
    let square = sum(&|weight, values| weight * values.iter().map(|v| v * v).sum::<f64>());
    let mean = value / rows;
    [people, rows, value, mean, square / rows - mean * mean]
}

/// The same where a person's rows count as at most two of their mean.
fn two_rows(pairs: &[Pair]) -> [f64; 5] {
    let weighted = pairs.iter().map(|(weight, values)| {
        let (rows, counted) = (values.len() as f64, values.len().min(2) as f64);
        (*weight, counted / rows, values)
    });
    let (mut people, mut rows, mut value, mut square) = (0.0, 0.0, 0.0, 0.0);
    for (weight, part, values) in weighted {
        people += weight;
        rows += weight * part * values.len() as f64;
        value += weight * part * values.iter().sum::<f64>();
        square += weight * part * values.iter().map(|v| v * v).sum::<f64>();
    }
    let mean = value / rows;
    [people, rows, value, mean, square / rows - mean * mean]
}

#[test]
fn the_parts_of_the_error_are_those_of_plain_arithmetic() {
    let norm = 2.0;
    let mut by_person: BTreeMap<u32, BTreeMap<u8, Vec<f64>>> = BTreeMap::new();
    for (person, shelf, value, _, _) in rows() {
        by_person.entry(person).or_default().entry(shelf).or_default().push(value);
    }
    let mut levels: [BTreeMap<u8, Vec<Pair>>; 3] = Default::default();
    for shelves in by_person.values() {
        let weight = (norm / shelves.len() as f64).sqrt().min(1.0);
        for (&shelf, values) in shelves {
            let clamped: Vec<f64> = values.iter().map(|value| value.clamp(0.0, 10.0)).collect();
            levels[0].entry(shelf).or_default().push((1.0, values.clone()));
            levels[1].entry(shelf).or_default().push((1.0, clamped.clone()));
            levels[2].entry(shelf).or_default().push((weight, clamped));
        }
    }
    let truth: Vec<[f64; 5]> = levels[0].values().map(|pairs| columns(pairs)).collect();
    let clamped: Vec<[f64; 5]> = levels[1].values().map(|pairs| two_rows(pairs)).collect();
    let bounded: Vec<[f64; 5]> = levels[2].values().map(|pairs| two_rows(pairs)).collect();
    // At this epsilon there is no noise to speak of.
    let report = bench(
        &folder(OPEN),
        &asked(&["900000"], 2, &["contribution=norm:2"]),
        &format!("[job]\nepsilon = 1\n{SHELVES}"),
        false,
    )
    .unwrap();
    let release = &report.releases[0];
    assert_eq!((release.true_keys, release.keys.as_str()), (5, "public"));
    let point = &release.points[0];
    assert_eq!((point.keys.rows.mean, point.keys.found.mean, point.keys.nobodys.mean), (6.0, 5.0, 1.0));
    for (place, column) in point.columns.iter().enumerate() {
        // The empty shelf has no mean, and a count of zero.
        let shelves = if column.additive { 6.0 } else { 5.0 };
        let rms = |one: &[[f64; 5]], other: &[[f64; 5]]| {
            let squares = one.iter().zip(other).map(|(one, other)| (one[place] - other[place]).powi(2));
            (squares.sum::<f64>() / shelves).sqrt()
        };
        let near = |found: Option<super::Spread>, wanted: f64, what: &str| {
            let found = found.expect("every row is judged").mean;
            let slack = 0.02 * wanted + 0.05;
            assert!((found - wanted).abs() < slack, "{} {what}: {found} for {wanted}", column.column);
        };
        near(column.error.clamp, rms(&clamped, &truth), "clamp");
        near(column.error.contribution, rms(&bounded, &clamped), "contribution");
        near(column.error.total, rms(&bounded, &truth), "total");
        near(column.error.noise, 0.0, "noise");
        assert_eq!(column.rmse, column.error.total);
        if place < 3 {
            assert!(rms(&bounded, &clamped) > 1.0, "the bound cuts something off");
        }
        if place > 0 {
            assert!(rms(&clamped, &truth) > 0.05, "the limits cut something off");
        }
    }
}

#[test]
fn a_session_with_a_ledger_never_gets_a_waiver() {
    let closed = Policy::parse("policy.toml", &policy(CLOSED)).unwrap().value;
    assert!(waive(&closed).is_none());
    let asked = asked(&["1"], 1, &[]);
    let job = format!("[job]\nepsilon = 1\n{SHELVES}");
    let refused = bench(&folder(CLOSED), &asked, &job, false).unwrap_err();
    assert!(matches!(refused, Error::Protected), "{refused}");
    assert_eq!(refused.exit_code(), 2);
    assert!(refused.to_string().contains("--mock"), "{refused}");
    // Before anything of the data is looked at: there may be none.
    let folder = folder(CLOSED);
    std::fs::remove_file(folder.path().join("rows.csv")).unwrap();
    assert!(matches!(bench(&folder, &asked, &job, false), Err(Error::Protected)));
    let made_up = bench(&folder, &asked, &job, true).unwrap();
    assert!(made_up.made_up && made_up.reason.contains("made-up"));
    assert_eq!(made_up.ceiling, Some(4.0));
}

#[test]
fn an_open_policy_runs_nothing() {
    let folder = folder(OPEN);
    let session = Session::open(folder.path().join("policy.toml")).unwrap();
    assert!(waive(session.policy()).is_some());
    let refused = [session.init().map(|_| ()).unwrap_err(), session.status().map(|_| ()).unwrap_err()];
    for refused in refused {
        assert!(matches!(refused, Error::NoLedger) && refused.to_string().contains("bench"), "{refused}");
    }
    let plan = session.plan(&crate::Query::popularity(["shelf"]).epsilon(1.0)).unwrap_err();
    assert!(plan.to_string().contains("bench"), "{plan}");
}

#[test]
fn what_cannot_be_benchmarked_says_the_way_out() {
    let popular = "[[release]]\nname = \"p\"\nstatistic = \"popularity\"\nby = [\"item\"]\nepsilon = 1\n";
    let no_delta = folder("no_privacy = \"made up\"");
    let refused = bench(&no_delta, &asked(&["1"], 1, &[]), popular, false).unwrap_err();
    assert!(refused.to_string().contains("delta = 1e-6"), "{refused}");
    let part = folder("no_privacy = \"made up\"\nbudget = { epsilon = 2, delta = 1e-6 }");
    let refused = bench(&part, &asked(&["1", "3"], 1, &[]), popular, false).unwrap_err();
    assert!(refused.to_string().contains("epsilon 3 is over the ceiling of 2"), "{refused}");
    let refused = bench(&folder(OPEN), &asked(&["1"], 1, &["mechanism=gumbel"]), popular, false).unwrap_err();
    assert!(refused.to_string().contains("mechanism"), "{refused}");
}

#[test]
fn keys_that_are_kept_lose_nothing_of_their_distribution() {
    // Whoever has several rows in a shelf shares one among their bins.
    let aggregates = "aggregates = [{ quantile = 0.5, as = \"median\" }, { histogram = { width = 2 } }]";
    let release = format!("name = \"r\"\nstatistic = \"summary\"\ncolumn = \"value\"\n{aggregates}");
    for more in ["by = [\"shelf\"]\ncontribution = { keep = 100 }", ""] {
        let job = format!("[job]\nepsilon = 1\n[[release]]\n{release}\n{more}\n");
        let report = bench(&folder(OPEN), &asked(&["900000"], 2, &[]), &job, false).unwrap();
        for column in &report.releases[0].points[0].columns {
            let part = column.error.contribution.unwrap().mean;
            assert!(part < 0.01, "{more} {}: {part}", column.column);
        }
    }
}

#[test]
fn a_range_that_is_bought_and_averages_by_person_are_measured_by_their_own_truth() {
    let release = "name = \"r\"\nstatistic = \"summary\"\ncolumn = \"value\"\nby = [\"shelf\"]\naggregates = [\"mean\", { quantile = 0.5, as = \"median\" }]";
    for more in ["bounds = \"auto\"", "per = \"person\"", "bounds = \"auto\"\nper = \"person\""] {
        let job = format!("[job]\nepsilon = 1\n[[release]]\n{release}\n{more}\n");
        let report =
            bench(&folder(OPEN), &asked(&["900000"], 2, &["contribution=norm:100"]), &job, false).unwrap();
        for column in &report.releases[0].points[0].columns {
            // Without noise, and with every key in full, what is left is clamping, Linf, and the width of bins.
            let parts = &column.error;
            let least = [parts.contribution, parts.noise].map(|part| part.unwrap().mean);
            assert!(least.iter().all(|part| *part < 0.05), "{more} {}: {least:?}", column.column);
            let clamp = parts.clamp.unwrap().mean;
            assert!((0.001..1.5).contains(&clamp), "{more} {}: {clamp}", column.column);
        }
    }
}

/// One release of each statistic, with private and public keys.
const ALL: &str = r#"
[job]
epsilon = 1
[[release]]
name = "popular"
statistic = "popularity"
by = ["item"]
aggregates = ["people", "rows"]
[[release]]
name = "one_stage"
statistic = "popularity"
by = ["item"]
two_stage = false
contribution = { norm = 2 }
[[release]]
name = "mixed"
statistic = "popularity"
by = ["item", "shelf"]
[[release]]
name = "liked"
statistic = "summary"
by = ["item"]
column = "stars"
aggregates = ["people", "mean", "deviation", { quantile = 0.5, as = "median" }, { histogram = { width = 1 } }]
[[release]]
name = "worth"
statistic = "summary"
by = ["shelf"]
column = "value"
aggregates = ["sum", "mean", { quantile = 0.5, as = "median" }]
bounds = "auto"
[[release]]
name = "clipped"
statistic = "summary"
by = ["shelf"]
column = "value"
aggregates = ["sum"]
[[release]]
name = "leading"
statistic = "top_k"
k = 2
item = "item"
by = ["shelf"]
[[release]]
name = "chosen"
statistic = "top_k"
k = 2
item = "shelf"
mechanism = "gumbel"
[[release]]
name = "together"
statistic = "co_occurrence"
item = "item"
measures = ["people", "lift", "cosine", "conditional"]
[[release]]
name = "next"
statistic = "transitions"
item = "shelf"
order_by = "moment"
[[release]]
name = "leaning"
statistic = "affinity"
by = ["shelf"]
category = "item"
[[release]]
name = "active"
statistic = "activity"
[[release]]
name = "reached"
statistic = "reach"
[[release]]
name = "back"
statistic = "retention"
cohort = { column = "stars", keys = [0, 1, 2] }
period = { column = "shelf", keys = ["a", "b", "c"] }
"#;

#[test]
fn every_statistic_has_figures() {
    let report = bench(&folder(OPEN), &asked(&["30", "3"], 3, &[]), ALL, false).unwrap();
    assert_eq!(report.releases.len(), 14);
    for release in &report.releases {
        assert_eq!(release.points.len(), 2, "{}", release.release);
        assert!(release.points[0].epsilon < release.points[1].epsilon, "ascending");
        let point = &release.points[1];
        assert!(point.keys.rows.mean > 0.0, "{} released rows", release.release);
        if release.keys == "private" {
            assert!(point.keys.nobodys.most < 0.5, "{}: no private key is nobody's", release.release);
        }
        for column in &point.columns {
            let at = format!("{} {}", release.release, column.column);
            assert!(!column.unit.is_empty(), "{at}");
            let rmse = column.rmse.expect(&at);
            assert!(rmse.mean.is_finite() && rmse.least <= rmse.mean && rmse.mean <= rmse.most, "{at}");
            assert!(column.coverage.cells > 0 && column.coverage.bounded.is_some(), "{at}");
            // R − T is the sum of the parts: its root mean square is at most the sum of theirs.
            let parts =
                [column.error.clamp, column.error.contribution, column.error.noise, column.error.dropped];
            let sum: f64 = parts.iter().flatten().map(|part| part.mean).sum();
            assert!(rmse.mean <= sum * 1.000_001 + 1e-9, "{at}: {} of {sum}", rmse.mean);
        }
    }
    // Read back as it was written, and for people.
    let again: Report = serde_json::from_str(&report.to_json().unwrap()).unwrap();
    assert_eq!(again, report);
    assert!(report.to_text().contains("together · co_occurrence"));
}

#[test]
fn made_up_data_have_figures_of_every_statistic_too() {
    let folder = folder(CLOSED);
    std::fs::remove_file(folder.path().join("rows.csv")).unwrap();
    let report = bench(&folder, &asked(&["2"], 1, &[]), ALL, true).unwrap();
    assert!(report.releases.iter().all(|release| release.points.len() == 1));
    assert!(report.to_text().starts_with("MADE-UP"));
}

#[test]
fn a_setting_is_swept_where_it_has_a_meaning() {
    let sweeps = ["contribution=norm:1,auto", "bounds=0:5,0:10,auto", "max_rows_per_key=1,3"];
    let job = format!(
        "[job]\nepsilon = 1\n{SHELVES}\n[[release]]\nname = \"popular\"\nstatistic = \"popularity\"\nby = [\"item\"]\n\
         [[release]]\nname = \"active\"\nstatistic = \"activity\"\n"
    );
    let report = bench(&folder(OPEN), &asked(&["1", "5"], 2, &sweeps), &job, false).unwrap();
    let points: Vec<usize> = report.releases.iter().map(|release| release.points.len()).collect();
    assert_eq!(points, [2 * 3 * 2 * 2, 2 * 2 * 2, 2]);
    assert_eq!(report.releases[2].points[0].setting, BTreeMap::new());
    let clamp = |bounds: &str| {
        let point = report.releases[0]
            .points
            .iter()
            .find(|point| point.setting["bounds"] == bounds && point.setting["max_rows_per_key"] == "1");
        let column = point.unwrap().columns.iter().find(|column| column.column == "sum").unwrap();
        column.error.clamp.unwrap().mean
    };
    assert!(clamp("0:5") > clamp("0:10") + 100.0, "tighter bounds cut more off");
}
