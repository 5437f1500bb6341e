//! Hostile ledgers and stores of releases, as a job meets them: refused with exit code 4, nothing charged, nothing shown.

use std::path::PathBuf;

use crate::shop::{CANARY, JOB, POLICY, Shop, code, rows};

fn charged() -> (Shop, Vec<u8>, Vec<u8>) {
    let shop = Shop::new(POLICY);
    shop.init();
    shop.write("rows.csv", rows(30).replace("p7,book", &format!("{CANARY},{CANARY}")));
    let outcome = shop.run(JOB, "first");
    assert_eq!(code(&outcome), 0);
    shop.keeps_the_secret("a ledger as it is", &outcome);
    let read = |name: &str| std::fs::read(shop.path(name)).unwrap();
    let (ledger, releases) = (read("shop.ledger"), read("shop.releases"));
    (shop, ledger, releases)
}

/// What is no ledger, and what is less than one.
fn wrong_files(good: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut cases = vec![
        ("empty".to_owned(), Vec::new()),
        ("text".to_owned(), b"epsilon = 4".to_vec()),
        ("zeros".to_owned(), vec![0; good.len()]),
        ("head alone".to_owned(), b"SQLite format 3\0".to_vec()),
        ("another head".to_owned(), [b"SQLite format 2\0", &good[16..]].concat()),
        ("canary".to_owned(), CANARY.repeat(1_000).into_bytes()),
    ];
    for part in 1..12 {
        cases.push((format!("cut at {part}/12"), good[..good.len() * part / 12].to_vec()));
    }
    for (name, at, value) in [("page size", 16, 7), ("application", 68, 1), ("format", 63, 9)] {
        let mut bytes = good.to_vec();
        bytes[at] = value;
        cases.push((name.to_owned(), bytes));
    }
    cases
}

#[test]
fn a_file_that_is_no_whole_ledger_is_refused() {
    let (shop, ledger, releases) = charged();
    let first = shop.run(JOB, "first").unwrap().bytes().to_vec();
    let reset = || {
        shop.write("shop.ledger", &ledger);
        shop.write("shop.releases", &releases);
    };
    for (file, good) in [("shop.ledger", &ledger), ("shop.releases", &releases)] {
        for (case, bytes) in wrong_files(good) {
            reset();
            shop.write(file, bytes);
            let outcome = shop.run(JOB, "second");
            let refused = code(&outcome) == 4;
            // A store that lost its last pages may still hold new releases; what it lost is never made anew.
            let may_go_on = file == "shop.releases" && case.starts_with("cut at") && code(&outcome) == 0;
            assert!(
                refused || may_go_on,
                "{file}, {case}: {:?}",
                outcome.err().map(|error| error.to_string())
            );
            match shop.run(JOB, "first") {
                Ok(again) => assert_eq!(again.bytes(), first, "{file}, {case}: another draw for one charge"),
                Err(error) => assert_eq!(error.exit_code(), 4, "{file}, {case}: {error}"),
            }
            shop.says_nothing(&case, &outcome);
        }
    }
    reset();
    std::fs::rename(shop.path("shop.ledger"), shop.path("away")).unwrap();
    assert_eq!(code(&shop.run(JOB, "second")), 4, "b11: a missing ledger is never made anew");
    std::fs::create_dir(shop.path("shop.ledger")).unwrap();
    assert_eq!(code(&shop.run(JOB, "second")), 4, "a folder in its place");
    std::fs::remove_dir(shop.path("shop.ledger")).unwrap();
    std::fs::copy(shop.path("shop.releases"), shop.path("shop.ledger")).unwrap();
    assert_eq!(code(&shop.run(JOB, "second")), 4, "the store of releases in its place");
}

#[test]
fn a_flipped_byte_is_found_or_changes_nothing() {
    let (shop, ledger, releases) = charged();
    let mut refused = 0;
    for place in 0..40 {
        let mut bytes = ledger.clone();
        let at = 100 + (bytes.len() - 101) * place / 40;
        bytes[at] ^= 0x55;
        shop.write("shop.ledger", &bytes);
        shop.write("shop.releases", &releases);
        let outcome = shop.run(JOB, &format!("flip-{place}"));
        // A page has room that holds nothing; what is recorded is covered by the chain of hashes.
        assert!([0, 4].contains(&code(&outcome)), "{place}: {}", code(&outcome));
        refused += usize::from(code(&outcome) == 4);
        shop.keeps_the_secret("a flipped byte", &outcome);
    }
    assert!(refused > 0, "no flip met an entry");
}

#[test]
fn a_ledger_of_something_else_is_refused() {
    let (shop, ledger, _) = charged();
    let other = Shop::new(
        &POLICY
            .replace("name = \"shop\"", "name = \"bank\"\n")
            .replace("delta = 1e-6", "delta = 1e-6\nledger = \"shop.ledger\"\nreleases = \"shop.releases\""),
    );
    other.init();
    let foreign: PathBuf = other.path("shop.ledger");
    std::fs::copy(foreign, shop.path("shop.ledger")).unwrap();
    assert_eq!(code(&shop.run(JOB, "second")), 4, "another data set's");
    shop.write("shop.ledger", &ledger);
    for (from, to) in [
        ("epsilon = 1000", "epsilon = 1001"),
        ("delta = 1e-6", "delta = 2e-6"),
        ("delta = 1e-6", "delta = 1e-6\naccounting = \"approx\""),
        ("delta = 1e-6", "delta = 1e-6\nledger_id = \"00000000000000000000000000000000\""),
    ] {
        std::fs::write(&shop.policy, POLICY.replace(from, to)).unwrap();
        let outcome = shop.run(JOB, "second");
        assert_eq!(code(&outcome), 4, "{to}: {:?}", outcome.err().map(|error| error.to_string()));
    }
}
