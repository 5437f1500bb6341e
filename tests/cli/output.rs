//! What the binary writes: formats, folders, logs, the demo.

use flockwise_query::polars::prelude::{LazyFrame, PlRefPath};
use serde_json::Value as Json;

use super::shop::{Shop, job};

fn names(shop: &Shop, folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(shop.path(folder)).expect("the folder is there");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_folder_has_every_release_whole_and_success_last() {
    let shop = Shop::open();
    let run = |format: &'static str| {
        shop.run(&["run", "job.toml", "--request-id", "one", "--out", "out", "--format", format])
    };
    run("csv").ends(0);
    assert_eq!(names(&shop, "out"), ["_SUCCESS", "what.csv", "what.json", "where.csv", "where.json"]);
    run("parquet").ends(0);
    let csv = shop.read("out/where.csv");
    assert_eq!(csv.lines().next(), Some("country,people,people_low,people_high,mean,mean_low,mean_high"));
    assert_eq!(csv.lines().count(), 3, "one line for each public key, and the header");
    let path = PlRefPath::try_from_path(&shop.path("out/where.parquet")).expect("a path");
    let frame =
        LazyFrame::scan_parquet(path, Default::default()).and_then(LazyFrame::collect).expect("Parquet");
    assert_eq!((frame.height(), frame.width()), (2, 7));
    let beside: Json = serde_json::from_str(&shop.read("out/where.json")).expect("JSON");
    assert!(beside.get("rows").is_none() && beside["receipt"]["entry"] == 1, "{beside}");
    assert!(names(&shop, "out").iter().all(|name| !name.ends_with(".part")));
    assert_eq!(shop.charges(), 1, "all formats come from one stored answer");
    // A run that is refused leaves no success of an earlier one.
    shop.write("all.toml", job("1.0"));
    shop.run(&["run", "all.toml", "--out", "out"]).ends(3);
    assert!(!shop.path("out/_SUCCESS").exists());
}

#[test]
fn a_folder_that_cannot_be_written_is_found_before_the_charge() {
    let shop = Shop::open();
    shop.write("out", "a file");
    shop.run(&["run", "job.toml", "--out", "out"]).ends(5).says(&["nothing was charged"]);
    assert_eq!(shop.charges(), 0);
}

#[test]
fn json_is_one_document_a_line_and_the_log_ends_with_the_charge() {
    let shop = Shop::open();
    let ran = shop.run(&["--log", "json", "run", "job.toml", "--format", "json"]).ends(0);
    let documents: Vec<Json> =
        ran.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let of = |field: &str| documents.iter().map(|document| document[field].clone()).collect::<Vec<_>>();
    assert_eq!(of("schema"), ["flockwise.release/1", "flockwise.release/1"]);
    assert_eq!(of("release"), ["where", "what"]);
    let bars = &documents[0]["columns"][1];
    assert_eq!((&bars["name"], &bars["bars"]), (&"people".into(), &"noise, 95%".into()));
    let last: Json = serde_json::from_str(ran.err.lines().last().expect("a last line")).expect("JSON");
    assert_eq!(last, serde_json::json!({ "event": "end", "exit": 0, "charged": true, "entry": 1 }));
    let refused = shop.run(&["--log", "json", "run", "nowhere.toml"]).ends(2);
    let last: Json = serde_json::from_str(refused.err.lines().last().expect("a last line")).expect("JSON");
    assert_eq!(last, serde_json::json!({ "event": "end", "exit": 2, "charged": false, "entry": null }));
}

#[test]
fn p6_the_table_that_is_shown_is_the_one_that_is_stored() {
    let shop = Shop::open();
    let run = |format: &'static str| {
        shop.run(&["--quiet", "run", "job.toml", "--request-id", "one", "--format", format]).ends(0).out
    };
    let (table, json) = (run("table"), run("json"));
    assert_eq!((run("table"), run("json")), (table.clone(), json.clone()));
    let first: Json = serde_json::from_str(json.lines().next().expect("a line")).expect("JSON");
    let people = first["rows"][0][1].as_f64().expect("a number");
    assert!(
        table.contains(&format!("{people:.1}")) || table.contains(&format!("{people:.0}")),
        "{people} in\n{table}"
    );
}

#[test]
fn a_release_that_was_changed_is_not_what_was_charged() {
    let shop = Shop::open();
    shop.run(&["run", "job.toml", "--out", "out", "--format", "json"]).ends(0);
    shop.run(&["verify", "out/where.json"]).ends(0);
    let honest = shop.read("out/where.json");
    let mut document: Json = serde_json::from_str(&honest).expect("JSON");
    let people = document["rows"][0][1].as_f64().expect("a number");
    document["rows"][0][1] = (people + 1.0).into();
    shop.write("out/where.json", document.to_string());
    shop.run(&["verify", "out/where.json"]).ends(4).says(&["not what the ledger charged"]);
    let mut document: Json = serde_json::from_str(&honest).expect("JSON");
    document["privacy"]["alone"]["epsilon"] = 0.01.into();
    shop.write("out/where.json", document.to_string());
    shop.run(&["verify", "out/where.json"]).ends(4);
    document["receipt"]["entry"] = 7.into();
    shop.write("out/where.json", document.to_string());
    shop.run(&["verify", "out/where.json"]).ends(4);
    shop.write("out/where.json", "{}");
    shop.run(&["verify", "out/where.json"]).ends(2);
}

#[test]
fn the_demo_shows_the_same_tables_again_and_charges_once() {
    let shop = Shop::closed();
    let first = shop.run(&["--quiet", "demo", "demo"]).ends(0);
    for part in ["popular · popularity of films", "liked · summary of films", "where · reach of films", "±"]
    {
        assert!(first.out.contains(part), "{part} in\n{}", first.out);
    }
    let again = shop.run(&["--quiet", "demo", "demo"]).ends(0);
    assert_eq!(first.out, again.out);
    let budget = shop.run(&["budget", "demo/policy.toml", "--format", "json"]).ends(0);
    let budget: Json = serde_json::from_str(&budget.out).expect("JSON");
    assert_eq!(budget["charges"], 1);
    shop.run(&["ledger", "verify", "demo/policy.toml"]).ends(0);
}
