//! The ledger's commands.

use super::{POLICY, Shop};

#[test]
fn parts_are_refused_over_and_lifted() {
    let shop = Shop::new(POLICY);
    shop.init();
    shop.flockwise(&["ledger", "amend", "policy.toml", "--analyst", "ann", "--part", "0.5%"]).is(0);
    let refused = shop.run(&["--analyst", "ann"]).is(3);
    assert!(refused.err.contains("analyst ann") && refused.err.contains("would fit"), "{}", refused.err);
    shop.run(&["--analyst", "bob", "--quiet"]).is(0);
    let budget = shop.flockwise(&["budget", "policy.toml"]).is(0).out;
    assert!(budget.contains("part      of analyst ann: at most"), "{budget}");
    shop.flockwise(&["ledger", "amend", "policy.toml", "--analyst", "ann", "--no-limit"]).is(0);
    shop.run(&["--analyst", "ann", "--quiet"]).is(0);
    let kinds: Vec<_> =
        shop.entries().iter().map(|entry| entry["kind"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kinds, ["init", "amend", "charge", "answer", "amend", "charge", "answer"]);
    for wrong in [
        &["--analyst", "ann"][..],
        &["--part", "5%"],
        &["--analyst", "ann", "--part", "0"],
        &["--analyst", "ann", "--part", "101%"],
        &["--analyst", "ann", "--part", "NaN"],
        &["--analyst", "ann", "--purpose", "ads", "--part", "5"],
        &["--data", "bank", "--part", "5"],
        &["--analyst", "two\nlines", "--no-limit"],
    ] {
        shop.flockwise(&[&["ledger", "amend", "policy.toml"], wrong].concat()).is(2);
    }
}

#[test]
fn a_purpose_has_its_part() {
    let shop = Shop::new(POLICY);
    shop.init();
    shop.flockwise(&["ledger", "amend", "policy.toml", "--purpose", "ads", "--part", "0.1"]).is(0);
    assert!(shop.run(&[]).is(3).err.contains("purpose ads"));
}

#[test]
fn exports_backups_anchors_and_upgrades() {
    let shop = Shop::new(POLICY);
    shop.init();
    shop.run(&["--quiet", "--analyst", "=ann"]).is(0);
    let json = shop.flockwise(&["ledger", "export", "policy.toml"]).is(0).out;
    assert_eq!(json.lines().count(), 3);
    shop.flockwise(&["ledger", "export", "policy.toml", "--format", "csv", "--out", "log.csv"]).is(0);
    let csv = std::fs::read_to_string(shop.path("log.csv")).unwrap();
    assert!(csv.starts_with("number,kind,") && csv.contains("'=ann"), "{csv}");
    shop.flockwise(&["ledger", "export", "policy.toml", "--out", "log.csv"]).is(2);
    shop.flockwise(&["ledger", "backup", "policy.toml", "copy.ledger", "--quiet"]).is(0);
    shop.flockwise(&["ledger", "backup", "policy.toml", "copy.ledger"]).is(2);
    shop.run(&["--quiet"]).is(0);
    shop.flockwise(&["ledger", "anchor", "policy.toml", "anchor"]).is(0);
    let verify = ["ledger", "verify", "policy.toml", "--anchor", "anchor"];
    assert!(shop.flockwise(&verify).is(0).out.contains("the anchor proves 1"));
    assert!(shop.flockwise(&["ledger", "upgrade", "policy.toml"]).is(0).out.contains("format 1"));
    // b8: the backup has forgotten a charge, and the anchor tells.
    std::fs::rename(shop.path("copy.ledger"), shop.path("shop.ledger")).unwrap();
    assert!(shop.flockwise(&verify).is(4).err.contains("older copy"));
    shop.run(&[]).is(4);
}

#[test]
fn budget_fails_below_a_limit() {
    let shop = Shop::new(POLICY);
    shop.init();
    shop.flockwise(&["budget", "policy.toml", "--fail-below", "100"]).is(0);
    shop.run(&["--quiet"]).is(0);
    let done = shop.flockwise(&["budget", "policy.toml", "--format", "json", "--fail-below", "99.99%"]).is(3);
    assert!(done.json()["left_percent"].as_f64().unwrap() < 99.99);
    assert_eq!(done.json()["pace"], serde_json::Value::Null, "one charge makes no pace");
    shop.flockwise(&["budget", "policy.toml", "--fail-below", "a lot"]).is(2);
}
