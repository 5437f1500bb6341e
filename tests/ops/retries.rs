//! Under a scheduler that runs again what failed.

use std::process::Command;

use tempfile::TempDir;

#[test]
fn b10_a_run_that_failed_after_the_charge_is_retried_free() {
    let folder = TempDir::new().unwrap();
    let flockwise = |args: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_flockwise")).args(args).current_dir(folder.path()).output().unwrap()
    };
    assert!(flockwise(&["demo", ".", "--quiet"]).status.success());
    let data = folder.path().join("ratings.parquet");
    let good = std::fs::read(&data).unwrap();
    // The footer says what is there, so the preflight passes; the pages cannot be read.
    let mut bad = good.clone();
    let footer = u32::from_le_bytes(good[good.len() - 8..good.len() - 4].try_into().unwrap()) as usize;
    let end = good.len() - 8 - footer;
    bad[4..end].fill(0xa5);
    std::fs::write(&data, bad).unwrap();
    let run = [
        "run",
        "job.toml",
        "--policy",
        "policy.toml",
        "--request-id",
        "nightly",
        "--format",
        "json",
        "--log",
        "json",
    ];
    let failed = flockwise(&run);
    let log = String::from_utf8(failed.stderr).unwrap();
    assert_eq!(failed.status.code(), Some(6), "{log}");
    assert!(
        failed.stdout.is_empty()
            && log.ends_with("{\"charged\":true,\"entry\":3,\"event\":\"end\",\"exit\":6}\n"),
        "{log}"
    );
    assert!(log.contains("--request-id nightly"), "{log}");
    std::fs::write(&data, good).unwrap();
    let retried = flockwise(&run);
    assert_eq!(retried.status.code(), Some(0));
    let again = flockwise(&run);
    assert_eq!(again.status.code(), Some(0));
    assert_eq!(retried.stdout, again.stdout, "the same bytes");
    let log = flockwise(&["ledger", "log", "policy.toml", "--format", "json"]).stdout;
    let kinds: Vec<String> = String::from_utf8(log)
        .unwrap()
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["kind"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(kinds, ["init", "charge", "answer", "charge", "retry", "answer"]);
}

/// A scheduler that knows nothing but the command: whatever stopped the first tries, once it is mended the same command with
/// the same request id goes through, is charged once, and says the same from then on.
#[test]
fn b10_whatever_a_scheduler_met_the_mended_run_is_charged_once() {
    use super::{JOB, POLICY, Shop};
    type Break = fn(&Shop);
    let moved = |shop: &Shop, name: &str| std::fs::rename(shop.path(name), shop.path("away")).unwrap();
    let cases: [(i32, Break, Break); 6] = [
        (
            2,
            |shop| shop.write("job.toml", JOB.replace("items", "it ems")),
            |shop| shop.write("job.toml", JOB),
        ),
        (
            2,
            |shop| shop.write("policy.toml", POLICY.replace("[data]", "[date]")),
            |shop| shop.write("policy.toml", POLICY),
        ),
        (3, |shop| shop.write("job.toml", JOB.replace("20", "101")), |shop| shop.write("job.toml", JOB)),
        (
            4,
            |shop| std::fs::rename(shop.path("shop.ledger"), shop.path("away")).unwrap(),
            |shop| std::fs::rename(shop.path("away"), shop.path("shop.ledger")).unwrap(),
        ),
        (
            4,
            |shop| {
                std::fs::copy(shop.path("shop.ledger"), shop.path("away")).unwrap();
                let bytes = std::fs::read(shop.path("shop.ledger")).unwrap();
                shop.write("shop.ledger", &bytes[..bytes.len() / 2]);
            },
            |shop| std::fs::rename(shop.path("away"), shop.path("shop.ledger")).unwrap(),
        ),
        (
            5,
            |shop| std::fs::rename(shop.path("rows.csv"), shop.path("away")).unwrap(),
            |shop| std::fs::rename(shop.path("away"), shop.path("rows.csv")).unwrap(),
        ),
    ];
    for (expected, broken, mended) in cases {
        let shop = Shop::new(POLICY);
        shop.init();
        let run = || shop.run(&["--request-id", "nightly", "--format", "json", "--log", "json"]);
        broken(&shop);
        for attempt in 0..3 {
            let done = run().is(expected);
            let last = done.err.lines().last().unwrap().to_owned();
            assert!(
                done.out.is_empty() && last.contains("\"charged\":false"),
                "{expected}, try {attempt}: {last}"
            );
        }
        mended(&shop);
        let first = run().is(0);
        assert!(first.err.lines().last().unwrap().contains("\"charged\":true"), "{}", first.err);
        let again = run().is(0);
        assert!(again.err.lines().last().unwrap().contains("\"charged\":false"), "{}", again.err);
        assert_eq!(first.out, again.out, "the same bytes");
        let charges = shop.entries().iter().filter(|entry| entry["kind"] == "charge").count();
        assert_eq!(charges, 1, "exit code {expected}");
        // What was answered stays readable when the data are gone.
        moved(&shop, "rows.csv");
        assert_eq!(run().is(0).out, first.out);
    }
}

/// The store of releases may be lost or cut short: what was answered is never drawn anew, and nothing is shown that is not whole.
#[test]
fn b10_a_store_that_lost_its_end_shows_nothing_that_is_not_whole() {
    use super::{POLICY, Shop};
    let shop = Shop::new(POLICY);
    shop.init();
    let run = |id: &str| shop.run(&["--request-id", id, "--format", "json"]);
    let first = run("one").is(0).out;
    let whole = std::fs::read(shop.path("shop.releases")).unwrap();
    for part in 0..16 {
        shop.write("shop.releases", &whole[..whole.len() * part / 16]);
        let done = run("one");
        match done.code {
            Some(0) => assert_eq!(done.out, first, "{part}/16: the stored bytes"),
            code => assert!(code == Some(4) && done.out.is_empty(), "{part}/16: {code:?} {}", done.err),
        }
    }
    std::fs::remove_file(shop.path("shop.releases")).unwrap();
    let lost = run("one").is(4);
    assert!(lost.out.is_empty() && lost.err.contains("one"), "{}", lost.err);
    shop.write("shop.releases", whole);
    assert_eq!(run("one").is(0).out, first);
    let charges = shop.entries().iter().filter(|entry| entry["kind"] == "charge").count();
    assert_eq!(charges, 1);
}
