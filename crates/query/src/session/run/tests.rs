//! Every statistic against a plain slow reference, and every statistic on random neighbours.

mod attacks;

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use flockwise_mechanisms::audit::{self, Mode, Recorder, Violation};
use flockwise_mechanisms::{Digest, Ledger, Loss, charge};
use polars::prelude::{DataFrame, IntoLazy as _, NamedFrom as _, Series};
use proptest::prelude::*;

use super::compute;
use crate::backend::{Limits, wanted};
use crate::engine::Measured;
use crate::frame::Source;
use crate::kernel::Bound;
use crate::key::decode;
use crate::plan::{Plan, plan};
use crate::statistics::table;
use crate::table::Table;
use crate::value::Value;
use crate::{Job, Policy, resolve};

const POLICY: &str = r#"
version = 1
data = { name = "made_up", source = "none.parquet", privacy_unit = "person" }
[budget]
epsilon = 100.0
delta = 1e-2
ledger = "made_up.ledger"
accounting = "ACCOUNTING"
[columns]
item = { type = "string" }
group = { type = "string", keys = ["x", "y", "z"] }
moment = { type = "int" }
period = { type = "int", keys = [0, 1, 2, 3] }
value = { type = "float", bounds = [-2, 10] }
stars = { type = "int", bounds = [0, 10] }
"#;

/// One row: person, item, group, moment, period, value.
type Row = (i64, u8, u8, i64, i64, f64);

struct Keeps;

impl Ledger for Keeps {
    type Error = Infallible;
    type Request = ();
    type Receipt = ();

    fn record(&mut self, _: Loss, _: Digest, (): &()) -> Result<(), Self::Error> {
        Ok(())
    }
}

fn planned(accounting: &str, release: &str) -> Plan {
    // Cells that add up are bounded by their sum, and not by how many they are.
    let adds_up = release.contains("consistent");
    let release = if adds_up { release.replace("keep", "norm") } else { release.to_owned() };
    let policy = Policy::parse("policy.toml", &POLICY.replace("ACCOUNTING", accounting)).unwrap().value;
    let text =
        format!("version = 1\ndata = \"made_up\"\n[[release]]\nname = \"r\"\nepsilon = 2.0\n{release}\n");
    let job = Job::parse("job.toml", &text).unwrap_or_else(|error| panic!("{error}"));
    let resolved = resolve(&job.value, &job.places, &policy, &BTreeMap::new());
    let resolved = resolved.unwrap_or_else(|error| panic!("{error}"));
    plan(&resolved, &policy, std::path::Path::new(".")).unwrap_or_else(|error| panic!("{error}"))
}

fn frame(rows: &[Row]) -> Source {
    let letter = |code: u8| char::from(b'a' + code).to_string();
    let group = |code: u8| ["x", "y", "z", "other"][usize::from(code) % 4].to_owned();
    let columns = [
        Series::new("person".into(), rows.iter().map(|row| row.0).collect::<Vec<_>>()),
        Series::new("item".into(), rows.iter().map(|row| letter(row.1)).collect::<Vec<_>>()),
        Series::new("group".into(), rows.iter().map(|row| group(row.2)).collect::<Vec<_>>()),
        Series::new("moment".into(), rows.iter().map(|row| row.3).collect::<Vec<_>>()),
        Series::new("period".into(), rows.iter().map(|row| row.4).collect::<Vec<_>>()),
        Series::new("value".into(), rows.iter().map(|row| row.5).collect::<Vec<_>>()),
        Series::new("stars".into(), rows.iter().map(|row| row.5.round() as i64).collect::<Vec<_>>()),
    ];
    let frame = DataFrame::new(rows.len(), columns.into_iter().map(Into::into).collect()).unwrap();
    Source::Frame(Box::new(frame.lazy()))
}

/// The release of a plan over some rows, and its table.
fn run(plan: &Plan, rows: &[Row], source: &mut Recorder) -> (Measured, Table) {
    let data = frame(rows);
    let preflight = data.preflight(&wanted(&plan.scan)).unwrap();
    let (charged, ()) = charge(&mut Keeps, plan.clone(), &()).unwrap_or_else(|never| match never {});
    let released =
        compute(charged, &data, &preflight, std::path::Path::new("."), &Limits::default(), source).unwrap();
    let measured = released.into_iter().next().unwrap().into_inner();
    let table = table(&plan.releases[0], &measured);
    (measured, table)
}

/// Without noise, every candidate let through.
fn exact(release: &str, rows: &[Row]) -> Measured {
    run(&planned("zcdp", release), rows, &mut Recorder::new(Mode::Open)).0
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let row = (0..9_i64, 0..6_u8, 0..4_u8, 0..5_i64, 0..5_i64, -4.0..12.0_f64);
    proptest::collection::vec(row, 0..80)
}

/// The rows of each person.
fn people(rows: &[Row]) -> BTreeMap<i64, Vec<Row>> {
    let mut people = BTreeMap::<i64, Vec<Row>>::new();
    rows.iter().for_each(|row| people.entry(row.0).or_default().push(*row));
    people
}

fn text(value: &Value) -> String {
    crate::release::text(value)
}

/// The cells of a measure by the texts of their keys, those that are zero left out.
fn cells(measured: &Measured, place: usize) -> BTreeMap<Vec<String>, i128> {
    let name = |key: &Vec<u8>| decode(key).iter().map(text).collect();
    let all = measured.keys.iter().map(name).zip(measured.values[place].iter().copied());
    all.filter(|(_, value)| *value != 0).collect()
}

/// Each person's distinct cells, each with the weight of so many under a bound.
fn reference(
    rows: &[Row],
    bound: Bound,
    of: impl Fn(&[Row]) -> BTreeSet<Vec<String>>,
) -> BTreeMap<Vec<String>, i128> {
    let mut sums = BTreeMap::new();
    for rows in people(rows).values() {
        let cells = of(rows);
        let weight = i128::from(bound.weight(cells.len() as u32));
        cells.into_iter().for_each(|cell| *sums.entry(cell).or_default() += weight);
    }
    sums
}

fn letter(row: &Row) -> String {
    char::from(b'a' + row.1).to_string()
}

fn pairs(rows: &[Row]) -> BTreeSet<Vec<String>> {
    let items: BTreeSet<String> = rows.iter().map(letter).collect();
    let mut pairs = BTreeSet::new();
    for one in &items {
        pairs.extend(items.iter().filter(|other| *other > one).map(|other| vec![one.clone(), other.clone()]));
    }
    pairs
}

fn steps(rows: &[Row]) -> BTreeSet<Vec<String>> {
    let mut order: Vec<(i64, String)> = rows.iter().map(|row| (row.3, letter(row))).collect();
    order.sort();
    let all = order.windows(2).map(|step| vec![step[0].1.clone(), step[1].1.clone()]);
    all.filter(|step| step[0] != step[1]).collect()
}

fn cohort_cells(rows: &[Row]) -> BTreeSet<Vec<String>> {
    let group = |row: &Row| ["x", "y", "z", "other"][usize::from(row.2) % 4];
    let Some(first) = rows.iter().map(group).filter(|group| *group != "other").min() else {
        return BTreeSet::new();
    };
    let periods = rows.iter().map(|row| row.4).filter(|period| (0..4).contains(period));
    periods.map(|period| vec![first.to_owned(), period.to_string()]).collect()
}

const PAIRS: &str = "statistic = \"co_occurrence\"\nitem = \"item\"\nmeasures = [\"people\", \"lift\", \"cosine\", \"conditional\"]";
const STEPS: &str = "statistic = \"transitions\"\nitem = \"item\"\norder_by = \"moment\"";
const COHORTS: &str = "statistic = \"retention\"\ncohort = \"group\"\nperiod = \"period\"";
const ACTIVITY: &str = "statistic = \"activity\"";
const AFFINITY: &str = "statistic = \"affinity\"\nby = [\"group\"]\ncategory = \"item\"";
const VALUES: &str = "statistic = \"summary\"\nby = [\"item\"]\ncolumn = \"value\"\nmax_rows_per_key = 2\naggregates = [\"people\", \"deviation\", { quantile = 0.5, as = \"median\" }, { quantile = 0.9, as = \"p90\" }, { histogram = { width = 4 } }]";
const STARS: &str = "statistic = \"summary\"\nby = [\"group\"]\ncolumn = \"stars\"\naggregates = [\"sum\", { quantile = 0.5, as = \"median\" }]";
const BOUGHT: &str = "statistic = \"summary\"\nby = [\"item\"]\ncolumn = \"value\"\nbounds = \"auto\"\naggregates = [\"people\", \"mean\", \"deviation\"]";
const BOUGHT_SUM: &str = "statistic = \"summary\"\nby = [\"group\"]\ncolumn = \"stars\"\nbounds = \"auto\"\naggregates = [\"sum\"]";
const TOP: &str = "statistic = \"top_k\"\nk = 2\nitem = \"item\"\nby = [\"group\"]";
const SUM: &str = "statistic = \"summary\"\nby = [\"item\"]\ncolumn = \"value\"\nmax_rows_per_key = 3\naggregates = [\"sum\"]";
const CHOSEN: &str =
    "statistic = \"top_k\"\nk = 1\nitem = \"group\"\nby = [\"period\"]\nmechanism = \"gumbel\"";
const POPULARITY: &str =
    "statistic = \"popularity\"\nby = [\"item\"]\naggregates = [\"people\", \"rows\"]\nmax_rows_per_key = 3";
const REACH: &str = "statistic = \"reach\"\nby = [\"group\"]";
const PER_PERSON: &str = "statistic = \"summary\"\nby = [\"item\"]\ncolumn = \"value\"\nper = \"person\"\naggregates = [\"people\", \"mean\", \"deviation\", { quantile = 0.5, as = \"median\" }, { histogram = { width = 4 } }]";
const BOUGHT_QUANTILES: &str = "statistic = \"summary\"\nby = [\"group\"]\ncolumn = \"value\"\nbounds = \"auto\"\nper = \"person\"\naggregates = [\"people\", { quantile = 0.5, as = \"median\" }]";
const TOTALS: &str =
    "statistic = \"popularity\"\nby = [\"item\", \"group\"]\nconsistent = true\nround = \"noise\"";
const PUBLIC_TOTALS: &str = "statistic = \"reach\"\nby = [\"group\", \"period\"]\nconsistent = true";
const FOREMOST: &str = "statistic = \"top_k\"\nk = 2\nitem = \"item\"\nmechanism = \"gumbel\"";
const ALL: [&str; 19] = [
    PAIRS,
    STEPS,
    COHORTS,
    ACTIVITY,
    AFFINITY,
    VALUES,
    STARS,
    BOUGHT,
    BOUGHT_SUM,
    SUM,
    TOP,
    CHOSEN,
    POPULARITY,
    REACH,
    PER_PERSON,
    BOUGHT_QUANTILES,
    TOTALS,
    PUBLIC_TOTALS,
    FOREMOST,
];
const BOUNDS: [&str; 4] = [
    "contribution = \"auto\"",
    "contribution = { norm = 2 }",
    "contribution = { keep = 2 }",
    "contribution = { norm = 1 }",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn pairs_are_those_of_the_plain_reference(rows in rows()) {
        let measured = exact(&format!("{PAIRS}\ncontribution = {{ norm = 2 }}"), &rows);
        prop_assert_eq!(cells(&measured, 0), reference(&rows, Bound::norm(2), pairs));
        let items = |rows: &[Row]| rows.iter().map(|row| vec![letter(row)]).collect::<BTreeSet<_>>();
        let each: Vec<i128> = reference(&rows, Bound::norm(2), items).into_values().collect();
        prop_assert_eq!(&measured.margins[0].values, &each);
        prop_assert_eq!(&measured.margins[1].values, &vec![people(&rows).len() as i128]);
        let found = each.len();
        prop_assert_eq!(measured.keys.len(), found * found.saturating_sub(1) / 2, "seen or unseen");
    }

    #[test]
    fn steps_are_those_of_the_plain_reference_in_any_order_of_rows(rows in rows(), seed in any::<u64>()) {
        let release = format!("{STEPS}\ncontribution = {{ norm = 3 }}");
        let measured = exact(&release, &rows);
        prop_assert_eq!(cells(&measured, 0), reference(&rows, Bound::norm(3), steps));
        let mut shuffled = rows;
        shuffled.sort_by_key(|row| (row.1 as u64).wrapping_mul(seed) ^ (row.3 as u64).wrapping_mul(seed >> 7));
        prop_assert_eq!(exact(&release, &shuffled), measured);
    }

    #[test]
    fn cohorts_are_those_of_the_plain_reference(rows in rows()) {
        let measured = exact(&format!("{COHORTS}\ncontribution = {{ norm = 2 }}"), &rows);
        prop_assert_eq!(cells(&measured, 0), reference(&rows, Bound::norm(2), cohort_cells));
        prop_assert_eq!(measured.keys.len(), 12);
        let group = |row: &Row| ["x", "y", "z", "other"][usize::from(row.2) % 4];
        let first = |rows: &Vec<Row>| rows.iter().map(group).filter(|group| *group != "other").min();
        let sizes = ["x", "y", "z"].map(|cohort| {
            people(&rows).values().filter(|rows| first(rows) == Some(cohort)).count() as i128
        });
        prop_assert_eq!(&measured.margins[0].values, &sizes.to_vec());
    }

    #[test]
    fn activity_is_that_of_the_plain_reference(rows in rows()) {
        let measured = exact(ACTIVITY, &rows);
        let bucket = |rows: &[Row]| BTreeSet::from([vec![(1_u64 << rows.len().ilog2()).to_string()]]);
        prop_assert_eq!(cells(&measured, 0), reference(&rows, Bound::keep(1), bucket));
        prop_assert_eq!(measured.keys.len(), 21);
    }

    #[test]
    fn bars_and_trees_are_those_of_the_plain_reference(rows in rows()) {
        let measured = exact(&format!("{VALUES}\ncontribution = {{ norm = 2 }}"), &rows);
        // people, sum, squares, tree, bars: bars of width 4 from −4 to 12, over values within −2 and 10.
        let (tree, bars) = (&measured.values[4], &measured.values[5]);
        let (leaves, nodes) = (256, 273);
        for (at, key) in measured.keys.iter().enumerate() {
            let (mut expected_bars, mut expected_leaves) = (vec![0; 4], vec![0_i128; leaves]);
            let (mut halves, item) = (vec![0; 16], text(&decode(key)[0]));
            for rows in people(&rows).values() {
                let items: BTreeSet<String> = rows.iter().map(letter).collect();
                let weight = i128::from(Bound::norm(2).weight(items.len() as u32));
                let here: Vec<f64> =
                    rows.iter().filter(|row| letter(row) == item).map(|row| row.5.clamp(-2.0, 10.0)).collect();
                let share = |count: usize| match here.len() {
                    0 => 0,
                    rows => weight * rows.min(2) as i128 * count as i128 / rows as i128,
                };
                for (bar, sum) in expected_bars.iter_mut().enumerate() {
                    let lies = |value: &&f64| (**value / 4.0).floor() as i64 == bar as i64 - 1;
                    *sum += share(here.iter().filter(lies).count());
                }
                for leaf in 0..leaves {
                    let width = 12.0 / 256.0;
                    let lies = |value: &&f64| (((**value + 2.0) / width).floor() as usize).min(255) == leaf;
                    let part = share(here.iter().filter(lies).count());
                    expected_leaves[leaf] += part;
                    halves[leaf / 16] += part;
                }
            }
            prop_assert_eq!(&bars[at * 4..(at + 1) * 4], &expected_bars[..]);
            let here = &tree[at * nodes..(at + 1) * nodes];
            prop_assert_eq!(here[0], expected_leaves.iter().sum::<i128>());
            prop_assert_eq!(&here[1..17], &halves[..]);
            prop_assert_eq!(&here[17..], &expected_leaves[..]);
        }
    }

    #[test]
    fn averages_are_those_of_the_plain_reference(rows in rows()) {
        let release = format!("{PER_PERSON}\ncontribution = {{ norm = 2 }}");
        let channel = planned("zcdp", &release).releases[0].stages.channels[0];
        let measured = exact(&release, &rows);
        // people, sum, squares, tree, bars; a person's values are put on the grid, and their average is one value.
        for (at, key) in measured.keys.iter().enumerate() {
            let item = text(&decode(key)[0]);
            let (mut people_here, mut sum, mut leaves, mut bars) = (0, 0, vec![0; 256], vec![0; 4]);
            for rows in people(&rows).values() {
                let items: BTreeSet<String> = rows.iter().map(letter).collect();
                let weight = i128::from(Bound::norm(2).weight(items.len() as u32));
                let here: Vec<i64> = rows
                    .iter()
                    .filter(|row| letter(row) == item)
                    .map(|row| ((row.5.clamp(-2.0, 10.0) - 4.0) * channel.steps).round() as i64)
                    .collect();
                if here.is_empty() {
                    continue;
                }
                let average = here.iter().sum::<i64>() / here.len() as i64;
                let value = average as f64 / channel.steps + 4.0;
                people_here += weight;
                sum += weight * i128::from(average) / i128::from(Bound::norm(2).unit());
                leaves[(((value + 2.0) / (12.0 / 256.0)).floor() as usize).min(255)] += weight;
                bars[((value / 4.0).floor() as i64 + 1) as usize] += weight;
            }
            prop_assert_eq!((measured.values[0][at], measured.values[1][at]), (people_here, sum));
            prop_assert_eq!(&measured.values[3][at * 273 + 17..(at + 1) * 273], &leaves[..]);
            prop_assert_eq!(&measured.values[4][at * 4..(at + 1) * 4], &bars[..]);
        }
    }

    #[test]
    fn totals_are_the_sums_of_their_cells(rows in rows()) {
        for release in [TOTALS, PUBLIC_TOTALS] {
            let measured = exact(&format!("{release}\ncontribution = {{ norm = 2 }}"), &rows);
            let mut by_first = BTreeMap::<String, i128>::new();
            for (key, cell) in measured.keys.iter().zip(&measured.values[0]) {
                *by_first.entry(text(&decode(key)[0])).or_default() += cell;
            }
            prop_assert_eq!(&measured.margins[0].values, &by_first.into_values().collect::<Vec<_>>());
            let all: i128 = measured.values[0].iter().sum();
            let everyone: Vec<i128> = measured.margins[1].values.clone();
            prop_assert_eq!(everyone.iter().sum::<i128>(), all);
            // People count at most twice in all, whatever number of cells they are in.
            prop_assert!(all <= 2 * i128::from(Bound::mass(2).unit()) * people(&rows).len() as i128);
        }
    }

    #[test]
    fn every_statistic_stays_within_its_sensitivity_on_neighbours(rows in rows(), person in 0..9_i64, seed in any::<u64>()) {
        let without: Vec<Row> = rows.iter().filter(|row| row.0 != person).copied().collect();
        for release in ALL {
            for (accounting, bound) in [("zcdp", BOUNDS[0]), ("gdp", BOUNDS[1]), ("zcdp", BOUNDS[2]), ("pure", BOUNDS[0])] {
                let plan = planned(accounting, &format!("{release}\n{bound}"));
                for mode in [Mode::Wild { seed }, Mode::Open] {
                    let both = audit::check(
                        mode,
                        |source| run(&plan, &rows, source),
                        |source| run(&plan, &without, source),
                    );
                    prop_assert!(both.is_ok(), "{release} {bound}: {both:?}");
                }
            }
        }
    }
}

/// The control: data sets that are no neighbours must be caught, by every statistic.
#[test]
fn five_people_are_more_than_one() {
    let one = |person: i64| {
        (0..4)
            .map(move |at| (person, at as u8, at as u8 % 3, at, at, f64::from(at as u8)))
            .collect::<Vec<Row>>()
    };
    let (few, many) = (one(0), (0..6).flat_map(one).collect::<Vec<Row>>());
    for release in ALL {
        let plan = planned("zcdp", &format!("{release}\n{}", BOUNDS[3]));
        let check = |rows: &[Row]| {
            audit::check(Mode::Open, |source| run(&plan, &many, source), |source| run(&plan, rows, source))
        };
        assert!(matches!(check(&few), Err(Violation::Sensitivity { .. })), "{release}: {:?}", check(&few));
        assert!(check(&many[4..]).is_ok(), "{release}");
    }
}

/// The audit has no slack to hide in: one person reaches what is declared.
#[test]
fn a_person_reaches_the_declared_sensitivity() {
    let one =
        |person: i64| (0..4).map(move |at| (person, at as u8, at as u8, at, at, 10.0)).collect::<Vec<Row>>();
    let (rows, others) = (one(1), one(2));
    let all = [rows, others.clone()].concat();
    for release in ALL {
        // Three of the person's four rows have a declared group: three cells that add up to a bound of three, unrounded.
        let bound = if release.contains("consistent") { "norm = 3" } else { "keep = 2" };
        let plan = planned("zcdp", &format!("{release}\ncontribution = {{ {bound} }}"));
        let both =
            audit::check(Mode::Open, |source| run(&plan, &all, source), |source| run(&plan, &others, source));
        assert!(both.unwrap().reaches_a_bound(), "{release}");
    }
}

/// How often 95% bars hold the value without noise, for each column, over many draws.
fn coverage(release: &str, rows: &[Row], draws: u64) -> BTreeMap<String, (u64, u64)> {
    let plan = planned("zcdp", release);
    let is_key =
        |table: &Table, at: usize| at < table.columns.iter().position(|c| c.bars.is_some()).unwrap_or(0);
    let key = |table: &Table, row: &[Value]| -> Vec<String> {
        row.iter().enumerate().filter(|(at, _)| is_key(table, *at)).map(|(_, value)| text(value)).collect()
    };
    let (_, truth) = run(&plan, rows, &mut Recorder::new(Mode::Exact));
    let known: BTreeMap<_, _> = truth.rows.iter().map(|row| (key(&truth, row), row)).collect();
    let mut counts = BTreeMap::<String, (u64, u64)>::new();
    for seed in 0..draws {
        let (_, table) = run(&plan, rows, &mut Recorder::new(Mode::Drawn { seed }));
        for row in &table.rows {
            let Some(exact) = known.get(&key(&table, row)) else { continue };
            for (at, column) in table.columns.iter().enumerate().filter(|(_, column)| column.bars.is_some()) {
                let number = |value: &Value| if let Value::Float(value) = value { *value } else { f64::NAN };
                let (low, high, exact) = (number(&row[at + 1]), number(&row[at + 2]), number(&exact[at]));
                let (held, all) = counts.entry(column.name.clone()).or_default();
                *held += u64::from(low - 1e-9 <= exact && exact <= high + 1e-9);
                *all += 1;
            }
        }
    }
    counts
}

/// The seeds are fixed, so the outcome is. Were they not, a column of true coverage 95% would fail with probability below
/// 1e-9 in 600 independent bars and more: six standard deviations.
#[test]
fn bars_hold_what_they_say() {
    let row = |at: i64| {
        let (person, mixed) = (at % 700, at.wrapping_mul(0x9e37_79b9) >> 7);
        let value = (mixed % 101) as f64 / 10.0 - 1.0;
        (person, (mixed % 5) as u8, (at % 3) as u8, mixed % 4, mixed % 4, value)
    };
    let rows: Vec<Row> = (0..2_800).map(row).collect();
    for release in
        [PAIRS, STEPS, COHORTS, AFFINITY, VALUES, STARS, POPULARITY, PER_PERSON, TOTALS, PUBLIC_TOTALS]
    {
        for (column, (held, all)) in coverage(&format!("{release}\ncontribution = {{ norm = 4 }}"), &rows, 60)
        {
            let covered = held as f64 / all as f64;
            println!("{column}: {covered:.3} of {all}");
            let slack = 6.0 * (0.95 * 0.05 / all as f64).sqrt();
            assert!(covered >= 0.95 - slack, "{release} {column}: {covered:.4} of {all}");
        }
    }
}
