//! Many processes at one ledger: B4, B5, B10 and the lock.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use flockwise_ledger::{Begun, Error, LedgerFile, RequestId};

use crate::help::{Place, costs, fresh, request, retry};

/// The child program with the ledger's directory, a request id and what it costs.
pub fn child(dir: &Path, request: &str, units: u64) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flockwise-ledger-child"));
    command.arg(dir).arg(request).arg(units.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn outcome(mut child: Child) -> (Option<i32>, String) {
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    (child.wait().unwrap().code(), said)
}

/// Lets `count` children go at once and collects their exit codes and what they said.
fn race(place: &Place, count: usize, id: impl Fn(usize) -> String) -> Vec<(Option<i32>, String)> {
    let start = place.dir.path().join("start");
    let spawn = |n| child(place.dir.path(), &id(n), 1).arg("wait").arg(&start).spawn().unwrap();
    let children: Vec<_> = (0..count).map(spawn).collect();
    std::fs::write(&start, b"").unwrap();
    children.into_iter().map(outcome).collect()
}

#[test]
fn b4_of_64_processes_that_race_for_the_last_unit_exactly_one_wins() {
    let place = Place::new(5);
    let (mut ledger, releases) = place.open();
    fresh(ledger.begin(costs(4), &request("before"), &releases).unwrap());
    let outcomes = race(&place, 64, |n| format!("racer-{n}"));
    let winners = outcomes.iter().filter(|(code, said)| *code == Some(0) && said.contains("charged")).count();
    let refused = outcomes.iter().filter(|(code, said)| *code == Some(3) && said.is_empty()).count();
    assert_eq!((winners, refused), (1, 63), "{outcomes:?}");
    assert_eq!(place.spent(), 5);
}

#[test]
fn b10_processes_with_one_request_id_show_one_draw_for_one_charge() {
    let place = Place::new(100);
    // One charge and three retries at most: so many may draw at once.
    let outcomes = race(&place, 4, |_| "the-same".into());
    let shown: Vec<_> = outcomes.iter().map(|(_, said)| said.lines().last().unwrap_or_default()).collect();
    assert!(outcomes.iter().all(|(code, _)| *code == Some(0)), "{outcomes:?}");
    assert!(shown.iter().all(|line| line.starts_with("released") && *line == shown[0]), "{shown:?}");
    assert_eq!(place.spent(), 1);
}

#[test]
fn a_holder_of_the_lock_makes_others_wait_then_report_busy_and_its_death_frees_it() {
    let place = Place::new(100);
    let (mut ledger, releases) = place.open();
    // The holder: a shell of SQLite in this process, on another connection.
    let holder = rusqlite::Connection::open(place.ledger_path()).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    ledger.set_patience(Duration::from_millis(50)).unwrap();
    let error = ledger.begin(costs(1), &request("a"), &releases).unwrap_err();
    assert!(matches!(error, Error::Busy), "{error}");
    assert_eq!(place.spent(), 0);
    drop(holder);
    fresh(ledger.begin(costs(1), &request("a"), &releases).unwrap());
}

#[test]
fn b5_a_killed_holder_of_the_lock_blocks_nobody() {
    let place = Place::new(1_000_000);
    for n in 0..10_u64 {
        let mut victim = child(place.dir.path(), &format!("victim-{n}"), 1).spawn().unwrap();
        // Whatever it has reached by then.
        std::thread::sleep(Duration::from_millis(2 * n));
        victim.kill().unwrap();
        victim.wait().unwrap();
        // If the dead held the lock, this would be refused as busy.
        let (mut ledger, releases) = place.open();
        fresh(ledger.begin(costs(1), &request(&format!("heir-{n}")), &releases).unwrap());
    }
    place.try_open().unwrap().verify().unwrap();
}

#[test]
fn b5_a_hot_journal_that_was_left_behind_is_rolled_back() {
    let place = Place::new(100);
    let (mut ledger, releases) = place.open();
    fresh(ledger.begin(costs(1), &request("a"), &releases).unwrap());
    drop(ledger);
    let (before, journal) =
        (std::fs::read(place.ledger_path()).unwrap(), place.dir.path().join("films.ledger-journal"));
    // A writer that spills to the file before it commits, and "dies": both files are copied as they lie on disk.
    let (half, hot) = {
        let writer = rusqlite::Connection::open(place.ledger_path()).unwrap();
        writer.pragma_update(None, "cache_size", 1).unwrap();
        writer.execute_batch("BEGIN IMMEDIATE; UPDATE entry SET amount = 0;").unwrap();
        let more = "WITH RECURSIVE n(i) AS (VALUES (2) UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO entry \
                    SELECT i, 'charge', 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0, NULL, \
                    zeroblob(32), zeroblob(32) FROM n";
        writer.execute_batch(more).unwrap();
        (std::fs::read(place.ledger_path()).unwrap(), std::fs::read(&journal).unwrap())
    };
    assert_ne!(half, before, "the writer did not spill: the test tests nothing");
    std::fs::write(place.ledger_path(), half).unwrap();
    std::fs::write(&journal, hot).unwrap();
    let (mut ledger, releases) = place.open();
    assert!(!journal.exists());
    retry(ledger.begin(costs(1), &request("a"), &releases).unwrap());
    ledger.verify().unwrap();
    assert_eq!(place.spent(), 1);
}

#[test]
fn a_handle_in_another_thread_sees_what_this_one_charged() {
    let place = Place::new(3);
    let (path, binding, id) = (place.ledger_path(), place.binding.clone(), place.id);
    let (mut ledger, releases) = place.open();
    fresh(ledger.begin(costs(2), &request("a"), &releases).unwrap());
    let other = std::thread::spawn(move || {
        let mut ledger = LedgerFile::open(&path, &binding, Some(&id)).unwrap();
        ledger.status().unwrap().windows[0].left.amount_units()
    });
    assert_eq!(other.join().unwrap(), 1);
    assert!(matches!(ledger.begin(costs(2), &request("b"), &releases), Err(Error::OverBudget(_))));
    let id = RequestId::new("a").unwrap();
    assert!(releases.get(&id).unwrap().is_none());
    assert!(matches!(ledger.begin(costs(2), &request("a"), &releases), Ok(Begun::Retry(..))));
}
