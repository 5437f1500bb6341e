//! What the curator runs: check and notice; and what pipelines are built with: mock.

use super::{JOB, POLICY, Shop};

#[test]
fn p4_check_prints_exact_rates_and_the_log_says_only_that_it_ran() {
    let shop = Shop::new(POLICY);
    let text = "who,item,price\np1,book,1\np1,boot,-1\n,film,11\np2,film,x\np3,,nan\nbad line\np4,film,\n";
    shop.write("rows.csv", text);
    let before = shop.flockwise(&["check", "policy.toml", "--format", "json"]).is(0);
    assert_eq!(before.json()["recorded"], false, "there is no ledger yet");
    shop.init();
    let done = shop.flockwise(&["check", "policy.toml", "--format", "json"]).is(0).json();
    assert_eq!(done["recorded"], true);
    let data = &done["sources"][0];
    assert_eq!(
        [&data["rows"], &data["people"], &data["bad_records"], &data["files"]],
        [6, 4, 1, 1],
        "{data}"
    );
    let column =
        |name: &str| data["columns"].as_array().unwrap().iter().find(|c| c["name"] == name).unwrap().clone();
    let (who, item, price) = (column("who"), column("item"), column("price"));
    assert_eq!(who["null"], 1);
    assert_eq!([&item["null"], &item["not_declared"]], [1, 1], "{item}");
    let rates = ["null", "unreadable", "not_finite", "below", "above"].map(|rate| price[rate].clone());
    assert_eq!(rates, [1, 1, 1, 1, 1].map(serde_json::Value::from), "{price}");
    let table = shop.flockwise(&["check", "policy.toml"]).is(0);
    assert!(table.out.contains("1 (16.67%) null, 1 (16.67%) not of the type"), "{}", table.out);
    let notes: Vec<_> = shop.entries().into_iter().skip(1).collect();
    assert_eq!(notes.len(), 2);
    for note in notes {
        assert_eq!([&note["kind"], &note["note"]], ["note", "check"]);
        assert_eq!(note["loss"]["amount"], "0");
    }
}

#[test]
fn check_of_what_does_not_fit_is_a_failed_preflight() {
    let shop = Shop::new(&POLICY.replace("price =", "prize ="));
    assert!(shop.flockwise(&["check", "policy.toml"]).is(5).err.contains("has no column 'prize'"));
    let pinned =
        POLICY.replace("delta = 1e-6", "delta = 1e-6\nledger_id = \"00000000000000000000000000000000\"");
    shop.write("policy.toml", pinned);
    shop.flockwise(&["check", "policy.toml"]).is(4);
}

#[test]
fn a_mock_needs_no_ledger_and_no_data() {
    let shop = Shop::new(POLICY);
    std::fs::remove_file(shop.path("rows.csv")).unwrap();
    let done = shop.run(&["--mock", "--format", "json", "--log", "json"]).is(0);
    let document = done.json();
    assert!(document["mock"].as_str().unwrap().starts_with("MOCK"));
    assert!(document.get("receipt").is_none());
    assert_eq!(document["rows"].as_array().unwrap().len(), 2);
    assert!(done.err.lines().last().unwrap().contains("\"charged\":false"));
    shop.run(&["--mock", "--out", "made-up", "--format", "csv"]).is(0);
    assert!(shop.path("made-up/_SUCCESS").exists() && shop.path("made-up/items.csv").exists());
    shop.run(&["--mock", "--request-id", "x"]).is(2);
    assert!(!shop.path("shop.ledger").exists());
    // A mock proves nothing.
    shop.write("mock.json", &done.out);
    shop.init();
    shop.flockwise(&["verify", "mock.json", "--policy", "policy.toml"]).is(4);
}

#[test]
fn a_notice_names_jobs_and_contact() {
    let shop = Shop::new(POLICY);
    let args = ["notice", "policy.toml", "--job", "job.toml", "--contact", "privacy@example.org"];
    let text = shop.flockwise(&args).is(0).out;
    for part in
        ["# How we use your data: shop", "What to show", "items: how many people", "privacy@example.org"]
    {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    let page = shop.flockwise(&[&args[..], &["--format", "html"]].concat()).is(0).out;
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    shop.write("other.toml", JOB.replace("\"shop\"", "\"bank\""));
    shop.flockwise(&["notice", "policy.toml", "--job", "other.toml"]).is(2);
}

#[test]
fn check_looks_at_tables_and_consents_too() {
    let more = "[tables.goods]\nsource = \"goods.csv\"\nkey = [\"item\"]\ncolumns = { maker = { type = \"string\" } }\n[consent]\nsource = \
                \"consent.csv\"\ncolumns = { person = \"who\", purpose = \"why\", granted = \"ok\", epsilon = \"most\" }\n";
    let shop = Shop::new(&format!("{POLICY}{more}"));
    shop.write("goods.csv", "item,maker\nbook,Ann\nbook,Bob\nfilm,\n");
    shop.write("consent.csv", "who,why,ok,most\np1,ads,true,1\np2,adds,false,\np3,ads,perhaps,lots\n");
    let sources =
        shop.flockwise(&["check", "policy.toml", "--format", "json"]).is(0).json()["sources"].clone();
    assert_eq!([&sources[1]["name"], &sources[2]["name"]], ["tables.goods", "consent"]);
    assert_eq!(sources[1]["repeated_keys"], 1);
    assert_eq!(sources[1]["columns"][1]["null"], 1);
    assert_eq!(sources[2]["unknown_purposes"], 1, "a misspelt purpose refuses nothing: the curator is told");
    let columns = &sources[2]["columns"];
    assert_eq!(
        [&columns[2]["unreadable"], &columns[3]["unreadable"], &columns[3]["null"]],
        [1, 1, 1],
        "{columns}"
    );
}
