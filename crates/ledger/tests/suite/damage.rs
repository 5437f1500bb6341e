//! B7: whatever happens to the file is found, and the message says what is wrong.

use flockwise_ledger::Error;

use crate::help::{Place, costs, fresh, request};

fn spent_on() -> Place {
    let place = Place::new(1_000);
    let (mut ledger, releases) = place.open();
    for n in 0..6 {
        fresh(ledger.begin(costs(1 + n), &request(&format!("r{n}")), &releases).unwrap());
    }
    place
}

#[test]
fn b7_changed_rows_are_found_and_named() {
    let cases = [
        ("UPDATE entry SET amount = 1 WHERE number = 3", "at entry 3: it is not what was recorded"),
        ("UPDATE entry SET total_amount = 0 WHERE number = 6", "at entry 6: it is not what was recorded"),
        ("UPDATE entry SET analyst = 'eve' WHERE number = 2", "at entry 2: it is not what was recorded"),
        ("UPDATE entry SET at = 0 WHERE number = 2", "at entry 2: it is not what was recorded"),
        (
            "UPDATE entry SET note = replace(note, 'films', 'books') WHERE number = 0",
            "at entry 0: it is not what was",
        ),
        ("DELETE FROM entry WHERE number = 3", "at entry 3: it is missing"),
        ("DELETE FROM entry WHERE number = 6", "at entry 6: it is missing"),
        ("DELETE FROM entry WHERE number = 0", "at entry 0: it is missing"),
        ("DELETE FROM entry", "at entry 0: it is missing"),
        ("DELETE FROM head", "its head is missing"),
        ("UPDATE head SET number = 5", "at entry 6: it is not the last one"),
        (
            "UPDATE entry SET number = -1 WHERE number = 2; UPDATE entry SET number = 2 WHERE number = 3; \
             UPDATE entry SET number = 3 WHERE number = -1",
            "at entry 2: it is not what was recorded",
        ),
        ("UPDATE entry SET hash = zeroblob(32) WHERE number = 4", "at entry 4: it is not what was recorded"),
        ("UPDATE entry SET hash = 'x' WHERE number = 4", "cannot"),
        ("CREATE TRIGGER t AFTER INSERT ON entry BEGIN DELETE FROM entry; END", "its tables are not those"),
        ("ALTER TABLE entry ADD COLUMN more TEXT", "its tables are not those"),
        ("DROP INDEX entry_by_request", "its tables are not those"),
        ("PRAGMA user_version = 0", "its tables are not those"),
        ("PRAGMA user_version = 2", "use a newer flockwise"),
        ("PRAGMA application_id = 7", "is not a ledger"),
    ];
    for (sql, message) in cases {
        let place = spent_on();
        let done = rusqlite::Connection::open(place.ledger_path()).unwrap().execute_batch(sql);
        if done.is_err() {
            // STRICT tables refuse it.
            assert_eq!(message, "cannot", "{sql}: {done:?}");
            continue;
        }
        let error = place.try_open().unwrap_err();
        assert!(error.to_string().contains(message), "{sql}: {error}");
    }
}

#[test]
fn b7_a_row_that_is_consistently_rehashed_breaks_the_next_link() {
    // The writer recomputes nothing but moves whole rows between two ledgers of the same policy.
    let (one, two) = (spent_on(), spent_on());
    let attach = format!(
        "ATTACH '{}' AS two; DELETE FROM entry WHERE number = 4; \
         INSERT INTO entry SELECT * FROM two.entry WHERE number = 4;",
        two.ledger_path().display()
    );
    rusqlite::Connection::open(one.ledger_path()).unwrap().execute_batch(&attach).unwrap();
    let error = one.try_open().unwrap_err();
    assert!(error.to_string().contains("at entry 4: it does not follow the entry before it"), "{error}");
}

#[test]
fn b7_a_truncated_file_is_found_at_every_length() {
    let place = spent_on();
    let whole = std::fs::read(place.ledger_path()).unwrap();
    for length in (0..whole.len()).step_by(509) {
        std::fs::write(place.ledger_path(), &whole[..length]).unwrap();
        let error = place.try_open().unwrap_err();
        let told = matches!(error, Error::Damaged { .. } | Error::NotOurs { .. });
        assert!(told, "{length} of {} bytes: {error}", whole.len());
    }
}

#[test]
fn b7_flipped_bits_are_found_or_change_nothing() {
    let place = spent_on();
    let whole = std::fs::read(place.ledger_path()).unwrap();
    let head = place.try_open().unwrap().head().unwrap();
    let mut found = 0;
    for at in (0..whole.len()).step_by(23) {
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << (at % 8);
        std::fs::write(place.ledger_path(), &flipped).unwrap();
        match place.try_open().and_then(|ledger| ledger.verify()) {
            Ok(same) => assert_eq!(same, head, "byte {at} changed what is recorded and was not found"),
            Err(error) => {
                let told = matches!(
                    error,
                    Error::Damaged { .. }
                        | Error::NotOurs { .. }
                        | Error::Newer { .. }
                        | Error::AnotherLedger { .. }
                );
                assert!(told, "byte {at}: {error:?}");
                found += 1;
            }
        }
    }
    assert!(found > 50, "only {found} flips were found");
}

#[cfg(unix)]
#[test]
fn a_second_name_is_refused() {
    let place = spent_on();
    std::fs::hard_link(place.ledger_path(), place.dir.path().join("second")).unwrap();
    assert!(matches!(place.try_open(), Err(Error::Linked { links: 2, .. })));
}
