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
