//! Real data where they are there: results within their stated bars of the exact bounded values.
//!
//! The data are looked for in `../shared/data` beside the project; a made-up set of the same shape takes the place of the
//! films where they are not. Noise is drawn with fixed seeds, so that an outcome repeats; the tolerances are binomial.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use flockwise_mechanisms::audit::{Mode, Question, Recorder};
use flockwise_mechanisms::{Key, appearance_probability};
use flockwise_query::Session;
use flockwise_query::key::encode;
use flockwise_query::plan::Plan;
use flockwise_query::polars::prelude::{LazyFrame, PlRefPath, col};
use flockwise_query::release::Document;
use flockwise_query::table::{ColumnKind, Table, TableColumn};
use flockwise_query::value::Value;
use tempfile::TempDir;

use super::dice::Dice;
use super::world::planned;

fn shared(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(folder);
    path.is_dir().then_some(path)
}

fn policy(name: &str, source: &Path, unit: &str, rest: &str) -> String {
    format!(
        "version = 1\n[data]\nname = \"{name}\"\nsource = \"{}\"\nprivacy_unit = \"{unit}\"\n[budget]\nepsilon = 1.0\ndelta = 1e-6\n\
         accounting = \"zcdp\"\nledger = \"l\"\nreleases = \"r\"\n{rest}",
        source.display()
    )
}

fn films(folder: &Path) -> Session {
    let data = shared("movietweetings").unwrap_or_else(|| {
        eprintln!("movietweetings is not in ../shared/data: made-up films take its place");
        made_up(folder);
        folder.to_owned()
    });
    let rest = format!(
        "[columns]\nuser_id = {{ type = \"int\" }}\nmovie_id = {{ type = \"int\" }}\nrating = {{ type = \"int\", bounds = [0, 10] }}\n\
         [tables.movies]\nsource = \"{}\"\nkey = [\"movie_id\"]\ncolumns = {{ genres = {{ type = \"string\", split = \"|\" }} }}\n",
        data.join("movies.parquet").display()
    );
    let text = policy("films", &data.join("ratings.parquet"), "user_id", &rest);
    std::fs::write(folder.join("policy.toml"), text).expect("a temporary folder can be written");
    Session::open(folder.join("policy.toml")).unwrap_or_else(|error| panic!("{error}"))
}

/// Few ratings for most people, many for some; few films with most of the ratings.
fn made_up(folder: &Path) {
    let mut dice = Dice::new(2026);
    let mut rows = Vec::new();
    for person in 0..16_000 {
        let most = 1 << dice.roll(8);
        for _ in 0..1 + dice.roll(most) {
            let film = (1.0 / (1e-3 + dice.roll(1000) as f64 / 1001.0)) as i64 * 10 + dice.roll(10) as i64;
            rows.push(vec![Value::Int(person), Value::Int(film), Value::Int(dice.roll(11) as i64)]);
        }
    }
    let names = |names: [&str; 3], kinds: [ColumnKind; 3]| {
        names.into_iter().zip(kinds).map(|(name, kind)| TableColumn::key(name, kind)).collect()
    };
    let columns = names(["user_id", "movie_id", "rating"], [ColumnKind::Int; 3]);
    flockwise_query::frame::write_parquet(&Table { columns, rows }, &folder.join("ratings.parquet"))
        .expect("a file");
    let genres = ["Drama", "Comedy|Drama", "Horror", "", "Action|Horror|Comedy|Western"];
    let row = |film: i64| {
        let genres = Value::String(genres[(film % 5) as usize].to_owned());
        vec![Value::Int(film), Value::String(format!("film {film}")), genres]
    };
    let columns =
        names(["movie_id", "title", "genres"], [ColumnKind::Int, ColumnKind::String, ColumnKind::String]);
    let table = Table { columns, rows: (0..10_010).map(row).collect() };
    flockwise_query::frame::write_parquet(&table, &folder.join("movies.parquet")).expect("a file");
}

fn job(data: &str, release: &str) -> String {
    format!("version = 1\ndata = \"{data}\"\n[job]\nepsilon = 1.0\n[[release]]\nname = \"r\"\n{release}\n")
}

/// What was asked of the mechanisms, and the one document.
fn run(session: &Session, plan: &Plan, seed: u64) -> (Vec<Question>, Document) {
    let mut recorder = Recorder::new(Mode::Drawn { seed });
    let bytes = session.rehearse(plan.clone(), &mut recorder).unwrap_or_else(|error| panic!("{error}"));
    let questions = recorder.into_trace().events().iter().map(|(question, _)| question.clone()).collect();
    (questions, serde_json::from_slice(&bytes).expect("one document"))
}

fn vector(question: &Question) -> &[i128] {
    let Question::Add { exact, .. } = question else { panic!("a vector was asked for") };
    exact
}

/// In how many of the rows the exact value lies within its bars.
fn covered(document: &Document, value: usize, exact: &dyn Fn(&Key) -> f64) -> (u64, u64) {
    let table = document.table().expect("a document of our own");
    let (mut covered, mut all) = (0, 0);
    for row in &table.rows {
        let mut key = Key::new();
        encode(&row[0], &mut key);
        let (Value::Float(low), Value::Float(high)) = (&row[value + 1], &row[value + 2]) else {
            panic!("bars are numbers")
        };
        let exact = exact(&key);
        // The bars are rounded to a hundredth of their width.
        let slack = (high - low) / 100.0;
        all += 1;
        covered += u64::from((low - slack..=high + slack).contains(&exact));
    }
    (covered, all)
}

/// All cells of all runs together: an honest 95% fails this with a chance of at most 1e-9.
fn assert_honest((covered, all): (u64, u64)) {
    let missed = all - covered;
    // Missed ones are binomial with 0.05; their upper tail is the lower tail of the covered.
    let tail = (missed..=all).map(|k| binomial(all, k, 0.05)).sum::<f64>();
    assert!(tail > 1e-9, "{covered} of {all} bars cover: an honest 95% does so with chance {tail:e}");
}

fn binomial(n: u64, k: u64, p: f64) -> f64 {
    let choose: f64 = (1..=k).map(|i| (((n - k + i) as f64) / i as f64).ln()).sum();
    (choose + k as f64 * p.ln() + (n - k) as f64 * (1.0 - p).ln()).exp()
}

#[test]
fn films_popularity_is_within_its_bars_of_the_exact_bounded_counts() {
    let folder = TempDir::new().expect("a temporary folder");
    let session = films(folder.path());
    let (mut total, mut few, mut expected) = ((0, 0), 0_usize, 0.0);
    for (seed, bound) in
        ["{ keep = 8 }", "{ norm = 8 }", "{ keep = 32 }", "{ norm = 32 }"].into_iter().enumerate()
    {
        let release = format!("statistic = \"popularity\"\nby = [\"movie_id\"]\ncontribution = {bound}");
        let plan = planned(&session, &job("films", &release)).expect("a plan");
        let (questions, document) = run(&session, &plan, seed as u64);
        let Question::Select { candidates, noise, threshold, .. } = &questions[0] else {
            panic!("a selection")
        };
        let unit = plan.releases[0].stages.possible_bounds()[0].unit();
        let rows = document.table().expect("a document of our own").rows;
        let mut released: Vec<Key> = Vec::new();
        for row in &rows {
            let mut key = Key::new();
            encode(&row[0], &mut key);
            released.push(key);
        }
        assert!(released.len() > 20, "{bound}: {} films", released.len());
        let mut sorted = released.clone();
        sorted.sort();
        let exact: BTreeMap<&Key, i128> = sorted.iter().zip(vector(&questions[1]).iter().copied()).collect();
        let (covered, all) = covered(&document, 1, &|key| exact[key] as f64 / f64::from(unit));
        total = (total.0 + covered, total.1 + all);
        // Films whose weight is that of fewer than five people of one film each.
        let selection = plan.releases[0].stages.selection().expect("keys are private");
        let five = i128::from(5 * selection.bound.unit());
        let shown: HashSet<&Key> = released.iter().collect();
        for (key, weight) in candidates.iter().filter(|(_, weight)| *weight < five) {
            few += usize::from(shown.contains(key));
            expected += appearance_probability(*noise, *threshold, *weight);
        }
    }
    eprintln!(
        "films: {} of {} bars cover; films of few: {few} released, {expected:.1e} expected",
        total.0, total.1
    );
    assert_honest(total);
    // Poisson: four or more of an expected 0.02 happen once in 10^8; more are a wrong threshold.
    assert!(expected < 0.02 && few < 4, "{few} films of a handful of people, expected {expected:e}");
}

#[test]
fn films_mean_rating_per_genre_is_within_its_bars() {
    let folder = TempDir::new().expect("a temporary folder");
    let session = films(folder.path());
    let mut total = (0, 0);
    for (seed, bound) in
        ["{ keep = 8 }", "{ norm = 8 }", "{ keep = 32 }", "{ norm = 32 }"].into_iter().enumerate()
    {
        let release = format!(
            "statistic = \"summary\"\nby = [{{ column = \"movies.genres\", keys = \"table\" }}]\ncolumn = \"rating\"\naggregates = [\"mean\"]\ncontribution = {bound}"
        );
        let plan = planned(&session, &job("films", &release)).expect("a plan");
        for draw in 0..2 {
            let (questions, document) = run(&session, &plan, 100 * draw + seed as u64);
            let stages = &plan.releases[0].stages;
            let flockwise_query::plan::KeyDomain::Public(keys) = &stages.keys else {
                panic!("declared keys")
            };
            let (channel, unit) = (stages.channels[0], f64::from(stages.possible_bounds()[0].unit()));
            let (counts, sums) = (vector(&questions[0]), vector(&questions[1]));
            let mean = |at: usize| {
                let count = counts[at] as f64 / unit;
                if count > 0.0 {
                    channel.centre + sums[at] as f64 / channel.steps / count
                } else {
                    channel.centre
                }
            };
            let exact: HashMap<&Key, f64> =
                keys.iter().enumerate().map(|(at, key)| (key, mean(at))).collect();
            let (covered, all) = covered(&document, 1, &|key| exact[key]);
            total = (total.0 + covered, total.1 + all);
        }
    }
    eprintln!("genres: {} of {} bars cover", total.0, total.1);
    assert!(total.1 >= 36);
    assert_honest(total);
}

#[test]
fn retail_customers_per_country_and_stock_code_are_those_with_an_id() {
    let Some(data) = shared("online_retail") else {
        eprintln!("skipped: online_retail is not in ../shared/data");
        return;
    };
    let folder = TempDir::new().expect("a temporary folder");
    let source = data.join("invoices.parquet");
    let rest = "[columns]\nCustomerID = { type = \"int\" }\nCountry = { type = \"string\" }\nStockCode = { type = \"string\" }\n";
    std::fs::write(folder.path().join("policy.toml"), policy("shop", &source, "CustomerID", rest))
        .expect("a file");
    let session = Session::open(folder.path().join("policy.toml")).unwrap_or_else(|error| panic!("{error}"));
    let mut total = (0, 0);
    for column in ["Country", "StockCode"] {
        // Nobody loses a key under this bound, so the weights are plain counts of customers.
        let release = format!(
            "statistic = \"popularity\"\nby = [\"{column}\"]\ncontribution = {{ keep = 4096 }}\ntwo_stage = false"
        );
        let plan = planned(&session, &job("shop", &release)).expect("a plan");
        let (questions, document) = run(&session, &plan, 9);
        let Question::Select { candidates, .. } = &questions[0] else { panic!("a selection") };
        let found: BTreeMap<Key, i128> = candidates.iter().cloned().collect();
        assert_eq!(found, customers(&source, column), "{column}: distinct customers with an id, by key");
        let (covered, all) = covered(&document, 1, &|key| found[key] as f64);
        total = (total.0 + covered, total.1 + all);
    }
    eprintln!("retail: {} of {} bars of released keys cover", total.0, total.1);
}

/// Distinct customers per key, the plain way.
fn customers(source: &Path, column: &str) -> BTreeMap<Key, i128> {
    let path = PlRefPath::try_from_path(source).expect("a path");
    let frame = LazyFrame::scan_parquet(path, Default::default()).expect("a Parquet file");
    let frame = frame.select([col("CustomerID"), col(column)]).collect().expect("a Parquet file");
    let ids =
        frame.column("CustomerID").expect("it is there").as_materialized_series().i64().expect("integers");
    let keys = frame.column(column).expect("it is there").as_materialized_series().str().expect("text");
    let mut customers: BTreeMap<Key, HashSet<i64>> = BTreeMap::new();
    for (id, key) in ids.iter().zip(keys.iter()) {
        let (Some(id), Some(key)) = (id, key) else { continue };
        let mut bytes = Key::new();
        encode(&Value::String(key.to_owned()), &mut bytes);
        customers.entry(bytes).or_default().insert(id);
    }
    customers.into_iter().map(|(key, ids)| (key, ids.len() as i128)).collect()
}
