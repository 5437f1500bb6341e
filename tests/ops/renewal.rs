//! A budget that renews, through the binary.

use super::{POLICY, Shop};

const PER: &str = "delta = 1e-6\nper = { window = \"month\", time = \"at\", tz = \"UTC\" }";

const JOB: &str = r#"
version = 1
data = "shop"
purpose = "ads"
[params]
month = "string"
[job]
epsilon = 70
windows = ["$month"]
[[release]]
name = "items"
statistic = "popularity"
by = ["item"]
contribution = { keep = 1 }
"#;

/// A shop whose budget renews each month, with rows in January and February 2026.
fn shop() -> Shop {
    let policy = POLICY.replace("delta = 1e-6", PER);
    let policy = policy.replace("who = {", "at = { type = \"datetime\" }\nwho = {");
    let shop = Shop::new(&policy);
    shop.write("job.toml", JOB);
    let row = |person: usize| {
        let item = if person.is_multiple_of(2) { "book" } else { "film" };
        format!("p{person},{item},1,2026-0{}-10T12:00:00Z\n", person % 2 + 1)
    };
    shop.write("rows.csv", format!("who,item,price,at\n{}", (0..200).map(row).collect::<String>()));
    shop
}

#[test]
fn each_month_has_the_whole_budget_and_everything_says_whose_it_is() {
    let shop = shop();
    shop.init();
    let plan = ["plan", "job.toml", "--policy", "policy.toml", "--set", "month=2026-01"];
    let shown = shop.flockwise(&plan).is(0).out;
    assert!(shown.contains("one person (who) in one month (at in UTC)"), "{shown}");
    assert!(shown.contains("windows 2026-01: each is charged all of it"), "{shown}");
    assert!(shown.contains("a person with rows in 12 windows: epsilon"), "{shown}");
    let planned = shop.flockwise(&[&plan[..], &["--format", "json"]].concat()).is(0).json();
    assert_eq!(planned["privacy"]["renewal"]["charged"][0], "2026-01");
    let before = shop.flockwise(&["budget", "policy.toml", "--format", "json"]).is(0).json();
    assert_eq!((&before["window"], &before["left_percent"]), (&serde_json::Value::Null, &100.0.into()));
    // More than half of the budget, once for each month.
    for month in ["2026-01", "2026-02"] {
        let ran = shop.run(&["--set", &format!("month={month}"), "--out", "out", "--quiet"]).is(0);
        assert!(ran.err.is_empty(), "{}", ran.err);
    }
    let refused = shop.run(&["--set", "month=2026-01"]).is(3);
    assert!(refused.err.contains("window 2026-01"), "{}", refused.err);
    for (month, item) in [("2026-01", "book"), ("2026-02", "film")] {
        let text = std::fs::read_to_string(shop.path(&format!("out/items.{month}.json"))).unwrap();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["window"], month);
        assert_eq!(document["privacy"]["unit"], "one person (who) in one month (at in UTC)");
        let rows = document["rows"].as_array().unwrap();
        let people = |item: &str| {
            let row = rows.iter().find(|row| row[0] == item).unwrap();
            row[1].as_f64().unwrap()
        };
        assert!((people(item) - 100.0).abs() < 20.0, "{month}: the people of this month: {rows:?}");
        let file = format!("out/items.{month}.json");
        let verified = shop.flockwise(&["verify", &file, "--policy", "policy.toml"]).is(0);
        assert!(verified.out.starts_with(&format!("items.{month}: charged")), "{}", verified.out);
    }
    let text = std::fs::read_to_string(shop.path("out/items.2026-02.txt"));
    assert!(text.is_err() || text.unwrap().contains("The budget renews"));
}

#[test]
fn budget_and_log_tell_windows_apart() {
    let shop = shop();
    shop.init();
    shop.run(&["--set", "month=2026-02", "--quiet", "--analyst", "ann"]).is(0);
    let text = JOB.replace("epsilon = 70", "epsilon = 10");
    shop.write("job.toml", text.replace("[\"$month\"]", "[\"$month\", \"2026-03\"]"));
    shop.run(&["--set", "month=2026-01", "--quiet"]).is(0);
    let budget =
        |args: &[&str]| shop.flockwise(&[&["budget", "policy.toml", "--format", "json"], args].concat());
    let left = |args: &[&str]| budget(args).is(0).json()["left_percent"].as_f64().unwrap();
    assert_eq!(budget(&[]).is(0).json()["window"], "2026-03", "the last one that was charged");
    assert!(left(&["--window", "2026-02"]) < 50.0);
    assert!(left(&["--window", "2026-01"]) > 70.0 && left(&[]) > 70.0);
    assert!((left(&["--window", "2031-07"]) - 100.0).abs() < 1e-9, "nobody asked of it");
    budget(&["--window", "2026-02", "--fail-below", "50%"]).is(3);
    budget(&["--window", "2026-01", "--fail-below", "50%"]).is(0);
    budget(&["--fail-below", "50%"]).is(0);
    budget(&["--window", "2026-W01"]).is(2);
    let all = budget(&[]).is(0).json();
    let names: Vec<_> =
        all["renewal"]["windows"].as_array().unwrap().iter().map(|w| w["window"].clone()).collect();
    assert_eq!(names, ["2026-01", "2026-02", "2026-03"]);
    assert!(all["renewal"]["whole_life"]["epsilon"].as_f64().unwrap() > 100.0);
    let table = shop.flockwise(&["budget", "policy.toml"]).is(0).out;
    assert!(table.contains("in one month (at in UTC)") && table.contains("2026-02"), "{table}");
    let log = shop.flockwise(&["ledger", "log", "policy.toml"]).is(0).out;
    assert_eq!(log.lines().filter(|line| line.contains("in 2026-0")).count(), 3, "{log}");
    let windows: Vec<_> = shop
        .entries()
        .into_iter()
        .filter(|entry| entry["kind"] == "charge")
        .map(|entry| entry["window"].clone())
        .collect();
    assert_eq!(windows, ["2026-02", "2026-01", "2026-03"]);
    let csv = shop.flockwise(&["ledger", "export", "policy.toml", "--format", "csv"]).is(0).out;
    assert!(csv.contains("2026-03"), "{csv}");
    let ordinary = Shop::new(POLICY);
    ordinary.init();
    ordinary.flockwise(&["budget", "policy.toml", "--window", "2026-01"]).is(2);
}

#[test]
fn how_a_budget_renews_can_never_change() {
    let shop = shop();
    shop.init();
    shop.run(&["--set", "month=2026-01", "--quiet"]).is(0);
    let policy = std::fs::read_to_string(shop.path("policy.toml")).unwrap();
    for other in [
        policy.replace("\"month\"", "\"day\""),
        policy.replace("tz = \"UTC\"", "tz = \"Europe/Amsterdam\""),
        policy.replace(&PER["delta = 1e-6\n".len()..], ""),
    ] {
        assert_ne!(other, policy);
        shop.write("policy.toml", other);
        let error = shop.flockwise(&["budget", "policy.toml"]).is(4).err;
        assert!(error.contains("renewal window"), "{error}");
    }
    shop.write("policy.toml", policy);
    shop.flockwise(&["budget", "policy.toml"]).is(0);
}

#[test]
fn what_names_no_month_is_wrong_before_anything_is_charged() {
    let shop = shop();
    shop.init();
    for month in ["", "2026", "2026-13", "2026-1", "january", "$month", "2026-01-01"] {
        shop.run(&["--set", &format!("month={month}")]).is(2);
    }
    shop.run(&[]).is(2);
    shop.write("job.toml", JOB.replace("windows = [\"$month\"]", "").replace("month = \"string\"", ""));
    let error = shop.run(&[]).is(2).err;
    assert!(error.contains("nothing says which months") && error.contains("windows = ["), "{error}");
    assert_eq!(shop.entries().len(), 1);
}

#[test]
fn a_mock_has_rows_in_each_window_and_a_notice_says_how_long_one_is() {
    let shop = shop();
    shop.write("job.toml", JOB.replace("[\"$month\"]", "[\"$month\", \"2026-07\"]"));
    let mock = shop.run(&["--mock", "--set", "month=2026-01", "--format", "json"]).is(0).out;
    let documents: Vec<serde_json::Value> =
        mock.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(documents.len(), 2);
    for document in &documents {
        let most = document["rows"].as_array().unwrap().iter().map(|row| row[1].as_f64().unwrap());
        assert!(most.fold(0.0, f64::max) > 50.0, "{document}");
    }
    let notice = shop.flockwise(&["notice", "policy.toml"]).is(0).out;
    assert!(notice.contains("in one month") && notice.contains("12 months"), "{notice}");
}
