//! `flockwise bench`: what it measures, what it writes, and whom it refuses.

use flockwise_query::bench::Report;
use flockwise_query::polars::prelude::{LazyFrame, PlRefPath};

use super::shop::{POLICY, Shop};

/// The shop's policy for data that may be looked at.
fn open_policy() -> String {
    let mut text = POLICY.replacen("version = 1", "version = 1\nno_privacy = \"made up for a test\"", 1);
    for line in ["ledger = \"shop.ledger\"\n", "releases = \"shop.releases\"\n"] {
        text = text.replacen(line, "", 1);
    }
    text
}

fn shop() -> Shop {
    let shop = Shop::closed();
    shop.write("open.toml", open_policy());
    shop
}

const ASKED: [&str; 6] = ["bench", "job.toml", "--epsilon", "0.3,1", "--trials", "3"];

fn bench(shop: &Shop, more: &[&str]) -> super::shop::Ran {
    shop.run(&[&ASKED[..], more].concat())
}

#[test]
fn a_policy_that_protects_its_data_is_refused_and_nothing_is_read() {
    let shop = Shop::open();
    std::fs::remove_file(shop.path("sales.csv")).expect("it is there");
    let ran = bench(&shop, &[]).ends(2).says(&["no_privacy", "--mock"]);
    assert!(ran.out.is_empty());
    let made_up = bench(&shop, &["--mock"]).ends(0);
    assert!(made_up.out.starts_with("MADE-UP DATA"), "{}", made_up.out);
    assert_eq!(shop.charges(), 0);
}

#[test]
fn a_policy_without_privacy_runs_nothing() {
    let shop = shop();
    for arguments in [
        &["run", "job.toml", "--policy", "open.toml"][..],
        &["plan", "job.toml", "--policy", "open.toml"],
        &["init", "open.toml"],
        &["budget", "open.toml"],
        &["ledger", "log", "open.toml"],
    ] {
        let ran = shop.run(arguments).ends(2).says(&["no_privacy", "bench"]);
        assert!(ran.out.is_empty(), "{arguments:?}");
    }
    assert!(!shop.path("shop.ledger").exists());
}

#[test]
fn figures_are_written_as_text_json_csv_and_parquet() {
    let shop = shop();
    let sweep = ["--policy", "open.toml", "--sweep", "contribution=norm:1,2,auto"];
    let text = bench(&shop, &sweep).ends(0).says(&["nothing was charged or released"]);
    for word in ["where · summary", "what · popularity", "made up for a test", "norm:2", "mean (value)"] {
        assert!(text.out.contains(word), "{word} in\n{}", text.out);
    }
    let json = bench(&shop, &[&sweep[..], &["--format", "json", "--quiet"]].concat()).ends(0);
    assert!(json.err.is_empty(), "{}", json.err);
    let report: Report = serde_json::from_str(&json.out).expect("a report");
    assert_eq!((report.epsilons.len(), report.trials, report.made_up), (2, 3, false));
    assert!(report.releases.iter().all(|release| release.points.len() == 6));
    bench(&shop, &[&sweep[..], &["--format", "csv", "--out", "figures.csv"]].concat()).ends(0);
    // People and mean of one release, people of the other, at three bounds and two budgets.
    let csv = shop.read("figures.csv");
    assert_eq!(csv.lines().count(), 1 + 3 * 6);
    let parquet = [&sweep[..], &["--format", "parquet"]].concat();
    bench(&shop, &parquet).ends(2).says(&["--out FILE"]);
    bench(&shop, &[&parquet[..], &["--out", "figures.parquet"]].concat()).ends(0);
    let path = PlRefPath::try_from_path(&shop.path("figures.parquet")).expect("a path");
    let frame =
        LazyFrame::scan_parquet(path, Default::default()).and_then(LazyFrame::collect).expect("Parquet");
    assert_eq!(frame.height(), 3 * 6);
    let columns = csv.lines().next().map_or(0, |line| line.split(',').count());
    assert_eq!(frame.width(), columns);
}

#[test]
fn what_is_asked_wrong_says_the_way_out() {
    let shop = shop();
    for (more, says) in [
        (&["--epsilon", "0"][..], "0.1,0.3,1,3"),
        (&["--trials", "0"], "from 1 to 10000"),
        (&["--sweep", "contribution=0"], "norm:B"),
        (&["--sweep", "noise=1"], "contribution, bounds, mechanism"),
        (&["--sweep", "contribution=1", "--sweep", "contribution=2"], "twice"),
        (&["--epsilon", "2"], "over the ceiling of 1"),
    ] {
        shop.run(&[&["bench", "job.toml", "--policy", "open.toml"], more].concat()).ends(2).says(&[says]);
    }
}
