//! The contract of the bars: stated 95% bars hold the bounded truth between 93% and 98% of the time, for every statistic.
//!
//! Bars of quantiles are the hull of a 95% set ([`crate::statistics`], quantile.rs): at least that, and more where bins are wide
//! or counts small. They must hold at least as often.
//!
//! A cell holds or not by chance. Of n cells that hold with probability 95% less than 93% do with a chance below 1e-9 where
//! 0.02 is six standard deviations √(0.95·0.05/n): from n = 4,300 on. Every column has more, and more than 6,000 draws of
//! noise; the draws that several cells share (margins, sums of an affinity) are a small part of each cell's noise.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Bench, Report};
use crate::{Job, Session};

const POLICY: &str = r#"version = 1
no_privacy = "made up"
budget = { delta = 1e-6, accounting = "gdp" }
[data]
name = "made_up"
source = "rows.csv"
privacy_unit = "person"
[columns]
item = { type = "int", keys = [KEYS] }
side = { type = "string", keys = ["l", "r"] }
first = { type = "int", keys = [0, 1, 2, 3] }
value = { type = "float", bounds = [-4, 12] }
stars = { type = "int", bounds = [0, 10] }
moment = { type = "int" }
"#;

/// Items, of which a few are rare.
const ITEMS: u32 = 24;
const PEOPLE: u32 = 1_500;

/// The finalizer of SplitMix64: it makes data, never noise.
const fn mixed(n: u64) -> u64 {
    let mut x = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

fn draw(at: u64) -> f64 {
    mixed(at) as f64 / 2.0_f64.powi(64)
}

fn report(job: &str, epsilon: &str, trials: u32) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let keys: Vec<String> = (0..ITEMS).map(|item| item.to_string()).collect();
    std::fs::write(folder.path().join("policy.toml"), POLICY.replace("KEYS", &keys.join(", "))).unwrap();
    let mut text = "person,item,side,first,value,stars,moment\n".to_owned();
    for person in 0..PEOPLE {
        for row in 0..2 + person % 6 {
            let at = u64::from(person * 64 + row * 8);
            let item = (draw(at) * draw(at + 1) * f64::from(ITEMS)) as u32;
            let value = 16.0_f64.mul_add(draw(at + 2) * draw(at + 3), f64::from(item) / 8.0 - 4.0);
            let stars = (f64::from(item % 4) + 7.0 * draw(at + 4)) as u32;
            let side = if draw(at + 5) < 0.4 + f64::from(item % 3) / 10.0 { "l" } else { "r" };
            let _ = writeln!(text, "{person},{item},{side},{},{value},{stars},{row}", person % 4);
        }
    }
    std::fs::write(folder.path().join("rows.csv"), text).unwrap();
    let session = Session::open(folder.path().join("policy.toml")).unwrap();
    let job = format!("version = 1\ndata = \"made_up\"\n[job]\nepsilon = 1\n{job}");
    let job = Job::parse("job.toml", &job).unwrap();
    let asked = Bench::new([epsilon], trials).unwrap();
    session.bench(&asked, &job.value, &job.places, &BTreeMap::new(), &|_, _| {}).unwrap()
}

/// Each column's share of cells whose bars hold the bounded truth, and how many cells there were; the bars of a histogram
/// together.
fn shares(report: &Report) -> BTreeMap<String, (f64, f64)> {
    let mut sums: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    for release in &report.releases {
        for column in &release.points[0].columns {
            let name = column.column.split("_from_").next().unwrap_or_default();
            let sum = sums.entry(format!("{}.{name}", release.release)).or_default();
            let cells = column.coverage.cells as f64;
            *sum = (sum.0 + column.coverage.bounded.unwrap_or(1.0) * cells, sum.1 + cells);
        }
    }
    sums.into_iter().map(|(name, (held, cells))| (name, (held / cells, cells))).collect()
}

const JOB: &str = r#"
[[release]]
name = "popular"
statistic = "popularity"
by = ["item"]
aggregates = ["people", "rows"]
max_rows_per_key = 2
contribution = { norm = 3 }
[[release]]
name = "leading"
statistic = "top_k"
k = 12
item = "item"
by = ["side"]
[[release]]
name = "liked"
statistic = "summary"
by = ["item"]
column = "value"
aggregates = ["sum", "mean", "variance", "deviation"]
share = 4
[[release]]
name = "spread"
statistic = "summary"
by = ["item"]
column = "value"
aggregates = [{ quantile = 0.25, as = "q25" }, { quantile = 0.5, as = "median" }, { quantile = 0.9, as = "p90" }]
[[release]]
name = "bars"
statistic = "summary"
by = ["first"]
column = "stars"
aggregates = [{ histogram = { width = 1 } }]
[[release]]
name = "together"
statistic = "co_occurrence"
item = "item"
measures = ["people", "lift", "cosine", "conditional"]
share = 4
[[release]]
name = "next"
statistic = "transitions"
item = "item"
order_by = "moment"
[[release]]
name = "leaning"
statistic = "affinity"
by = ["side"]
category = "item"
share = 2
[[release]]
name = "active"
statistic = "activity"
share = 0.002
[[release]]
name = "reached"
statistic = "reach"
by = ["item"]
[[release]]
name = "back"
statistic = "retention"
cohort = "first"
period = "item"
"#;

#[test]
fn bars_of_every_statistic_hold_as_often_as_they_say() {
    let report = report(JOB, "40", 300);
    let shares = shares(&report);
    let mut wrong = Vec::new();
    for (name, (share, cells)) in &shares {
        println!("{name}: {share:.4} of {cells}");
        assert!(*cells > 6_000.0, "{name}: {cells} cells");
        let most = if name.starts_with("spread.") { 1.0 } else { 0.98 };
        if !(0.93..=most).contains(share) {
            wrong.push(format!("{name}: {share:.4} of {cells}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
