//! What a ledger does when nothing goes wrong beneath it: B2, B3, B8, B9, B10, B11 and the audit.

use std::time::{Duration, SystemTime};

use flockwise_ledger::{Amendment, Begun, Error, Kind, LedgerFile, Name, Releases, Scope};
use flockwise_mechanisms::{Accounting, Ceiling, Delta, Digest, Epsilon, Loss};

use crate::help::{Costs, Place, binding, costs, epsilon, fresh, monthly, name, request, retry};

#[test]
fn b2_spending_exactly_the_rest_works_and_one_unit_more_is_refused() {
    let place = Place::new(1_000_000);
    let (mut ledger, releases) = place.open();
    for (n, units) in [1, 333_333, 600_000, 66_665].into_iter().enumerate() {
        fresh(ledger.begin(costs(units), &request(&format!("r{n}")), &releases).unwrap());
    }
    let error = ledger.begin(costs(2), &request("two"), &releases).unwrap_err();
    assert_eq!(
        error.to_string(),
        "over the budget of the ledger: requested epsilon 2e-12; remaining epsilon 1e-12; epsilon 1e-12 would fit"
    );
    fresh(ledger.begin(costs(1), &request("rest"), &releases).unwrap());
    let error = ledger.begin(costs(1), &request("more"), &releases).unwrap_err();
    let Error::OverBudget(over) = error else { panic!("{error}") };
    assert_eq!((over.requested, over.remaining, over.fits), (epsilon(1), epsilon(0), epsilon(0)));
    assert_eq!(place.spent(), 1_000_000);
}

#[test]
fn b3_a_refusal_changes_nothing_and_the_rest_is_usable() {
    let place = Place::new(10);
    let (mut ledger, releases) = place.open();
    fresh(ledger.begin(costs(4), &request("first"), &releases).unwrap());
    let before = std::fs::read(place.ledger_path()).unwrap();
    for _ in 0..3 {
        let error = ledger.begin(costs(7), &request("large"), &releases).unwrap_err();
        assert!(matches!(error, Error::OverBudget(_)), "{error}");
    }
    assert_eq!(std::fs::read(place.ledger_path()).unwrap(), before);
    fresh(ledger.begin(costs(6), &request("large"), &releases).unwrap());
}

#[test]
fn delta_has_a_ceiling_of_its_own() {
    let mut binding = binding(1_000);
    binding.ceiling.delta = Delta::from_units(1_000).unwrap();
    let place = Place::bound(binding);
    let (mut ledger, releases) = place.open();
    let with_delta = |delta| Costs {
        loss: epsilon(10).with_delta(Delta::from_units(delta).unwrap()),
        digest: Digest::of(b"thresholded"),
        windows: 1,
    };
    fresh(ledger.begin(with_delta(400), &request("a"), &releases).unwrap());
    let Err(Error::OverBudget(over)) = ledger.begin(with_delta(800), &request("b"), &releases) else {
        panic!("600 are left")
    };
    assert_eq!((over.fits.amount_units(), over.fits.delta().units()), (7, 600));
    fresh(ledger.begin(with_delta(600), &request("c"), &releases).unwrap());
}

#[test]
fn the_accounting_of_a_plan_must_be_the_ledgers() {
    let place = Place::new(1_000);
    let (mut ledger, releases) = place.open();
    let loss = Loss::from_units(Accounting::Zcdp, 1, Delta::ZERO).unwrap();
    let error = ledger
        .begin(Costs { loss, digest: Digest::of(b""), windows: 1 }, &request("a"), &releases)
        .unwrap_err();
    assert!(matches!(error, Error::Accounting { plan: Accounting::Zcdp, ledger: Accounting::Pure }));
}

#[test]
fn b10_the_same_request_is_retried_free_three_times_then_charged() {
    let place = Place::new(100);
    let (mut ledger, releases) = place.open();
    let first = fresh(ledger.begin(costs(10), &request("job"), &releases).unwrap());
    for _ in 0..3 {
        // Another process each time: the count is on disk.
        let (mut ledger, releases) = place.open();
        assert_eq!(retry(ledger.begin(costs(10), &request("job"), &releases).unwrap()), first);
    }
    assert_eq!(place.spent(), 10);
    let again = fresh(ledger.begin(costs(10), &request("job"), &releases).unwrap());
    assert_ne!(again, first);
    assert_eq!(place.spent(), 20);
    fresh(ledger.begin(costs(10), &request("job"), &releases).unwrap());
    assert_eq!(place.spent(), 30);
}

#[test]
fn b10_the_same_request_is_answered_with_the_same_bytes_and_one_charge() {
    let place = Place::new(100);
    let (mut ledger, mut releases) = place.open();
    let receipt = fresh(ledger.begin(costs(10), &request("job"), &releases).unwrap());
    let plan = costs(10).digest;
    assert_eq!(
        ledger.answer(&mut releases, &request("job"), &receipt, plan, b"first draw").unwrap().bytes,
        b"first draw"
    );
    // A second process that executed the same request gets the first one's draw.
    let (mut other, mut others) = place.open();
    assert_eq!(
        other.answer(&mut others, &request("job"), &receipt, plan, b"second draw").unwrap().bytes,
        b"first draw"
    );
    for _ in 0..5 {
        let Begun::Stored(stored) = other.begin(costs(10), &request("job"), &others).unwrap() else {
            panic!("it is stored")
        };
        assert_eq!((stored.bytes.as_slice(), stored.receipt), (&b"first draw"[..], receipt));
    }
    assert_eq!(place.spent(), 10);
    // Another id is another charge.
    fresh(other.begin(costs(10), &request("job-2"), &others).unwrap());
    assert_eq!(place.spent(), 20);
}

#[test]
fn b10_another_plan_under_the_same_request_id_is_refused() {
    let place = Place::new(100);
    let (mut ledger, mut releases) = place.open();
    let receipt = fresh(ledger.begin(costs(10), &request("job"), &releases).unwrap());
    let reused = |error| matches!(error, Error::RequestIdReused { .. });
    assert!(reused(ledger.begin(costs(11), &request("job"), &releases).unwrap_err()));
    // The same digest with another loss is not the same plan either.
    let forged = Costs { loss: epsilon(50), ..costs(10) };
    assert!(reused(ledger.begin(forged, &request("job"), &releases).unwrap_err()));
    ledger.answer(&mut releases, &request("job"), &receipt, costs(10).digest, b"draw").unwrap();
    assert!(reused(ledger.begin(costs(11), &request("job"), &releases).unwrap_err()));
    assert!(reused(
        ledger.answer(&mut releases, &request("job"), &receipt, costs(11).digest, b"x").unwrap_err()
    ));
    assert_eq!(place.spent(), 10);
}

#[test]
fn b11_a_missing_ledger_is_refused_and_made_only_by_init() {
    let place = Place::new(100);
    std::fs::remove_file(place.ledger_path()).unwrap();
    let error = place.try_open().unwrap_err();
    assert!(
        matches!(error, Error::Missing { .. }) && error.to_string().contains("flockwise init"),
        "{error}"
    );
    assert!(!place.ledger_path().exists());
}

#[test]
fn init_refuses_what_is_there_and_leaves_nothing_behind() {
    let place = Place::new(100);
    let before = std::fs::read(place.ledger_path()).unwrap();
    assert!(matches!(LedgerFile::init(&place.ledger_path(), &place.binding), Err(Error::Exists { .. })));
    assert_eq!(std::fs::read(place.ledger_path()).unwrap(), before);
    let journal = place.dir.path().join("other.ledger-journal");
    std::fs::write(&journal, b"left over").unwrap();
    let other = place.dir.path().join("other.ledger");
    assert!(matches!(LedgerFile::init(&other, &place.binding), Err(Error::Exists { .. })));
    std::fs::remove_file(journal).unwrap();
    assert_ne!(LedgerFile::init(&other, &place.binding).unwrap(), place.id);
    let mut names: Vec<_> = place.dir.path().read_dir().unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["films.ledger", "other.ledger"]);
}

#[test]
fn b7_another_binding_or_id_is_refused_and_each_difference_named() {
    let place = Place::new(100);
    let other = LedgerFile::init(&place.dir.path().join("other"), &place.binding).unwrap();
    let error = LedgerFile::open(&place.ledger_path(), &place.binding, Some(&other)).unwrap_err();
    assert!(error.to_string().contains(&format!("ledger id: the ledger has {}", place.id)), "{error}");
    let ceiling = Ceiling {
        accounting: Accounting::Zcdp,
        epsilon: Epsilon::from_units(200).unwrap(),
        delta: Delta::from_units(7).unwrap(),
    };
    let mut asked = monthly(100);
    (asked.ceiling, asked.data, asked.privacy_unit) = (ceiling, name("books"), name("reader"));
    let Err(Error::AnotherLedger { differences }) = LedgerFile::open(&place.ledger_path(), &asked, None)
    else {
        panic!("it is another ledger")
    };
    let what: Vec<_> = differences.iter().map(|d| d.what).collect();
    assert_eq!(what, ["data set", "privacy unit", "accounting", "epsilon", "delta", "renewal window"]);
}

#[test]
fn b8_an_older_copy_is_told_by_a_receipt_and_by_a_stored_release() {
    let place = Place::new(100);
    let (mut ledger, mut releases) = place.open();
    fresh(ledger.begin(costs(1), &request("a"), &releases).unwrap());
    let copy = std::fs::read(place.ledger_path()).unwrap();
    let receipt = fresh(ledger.begin(costs(2), &request("b"), &releases).unwrap());
    ledger.answer(&mut releases, &request("b"), &receipt, costs(2).digest, b"draw").unwrap();
    ledger.proves(&receipt).unwrap();
    drop(ledger);
    std::fs::write(place.ledger_path(), copy).unwrap();
    let (mut ledger, releases) = place.open();
    assert!(matches!(ledger.proves(&receipt), Err(Error::Older { entry: 2, .. })));
    let error = ledger.begin(costs(1), &request("c"), &releases).unwrap_err();
    assert!(matches!(error, Error::Older { entry: 2, witness: "a stored release" }), "{error}");
    // Without either, it cannot be told: the docs say so.
    std::fs::remove_file(place.releases_path()).unwrap();
    let releases = Releases::open_or_create(&place.releases_path(), place.id).unwrap();
    fresh(ledger.begin(costs(1), &request("c"), &releases).unwrap());
    assert!(matches!(ledger.proves(&receipt), Err(Error::Older { entry: 2, .. })));
}

#[test]
fn b8_an_older_copy_under_an_open_ledger_is_told() {
    let place = Place::new(100);
    let copy = std::fs::read(place.ledger_path()).unwrap();
    let (mut ledger, releases) = place.open();
    fresh(ledger.begin(costs(1), &request("a"), &releases).unwrap());
    ledger.status().unwrap();
    std::fs::write(place.ledger_path(), copy).unwrap();
    let error = ledger.begin(costs(1), &request("b"), &releases).unwrap_err();
    assert!(matches!(error, Error::Damaged { .. } | Error::Older { .. }), "{error}");
}

#[test]
fn b9_the_clock_decides_nothing() {
    let decade = Duration::from_secs(10 * 365 * 86_400);
    let times = [
        SystemTime::now(),
        SystemTime::UNIX_EPOCH - decade,
        SystemTime::now() + decade,
        SystemTime::UNIX_EPOCH,
    ];
    let place = Place::new(4);
    let (mut ledger, releases) = place.open();
    for (n, when) in times.into_iter().enumerate() {
        let mut request = request(&format!("r{n}"));
        request.when = when;
        fresh(ledger.begin(costs(1), &request, &releases).unwrap());
    }
    let mut late = request("late");
    late.when = SystemTime::now() + 100 * decade;
    assert!(matches!(ledger.begin(costs(1), &late, &releases), Err(Error::OverBudget(_))));
    ledger.verify().unwrap();
}

#[test]
fn renewal_charges_each_window_in_full_and_all_or_none() {
    let place = Place::bound(monthly(10));
    let (mut ledger, releases) = place.open();
    let windows = |id: &str, names: &[&str]| {
        let mut request = request(id);
        request.windows = names.iter().map(|n| name(n)).collect();
        request
    };
    fresh(ledger.begin(costs(6).in_windows(2), &windows("a", &["2026-01", "2026-02"]), &releases).unwrap());
    let Err(Error::OverBudget(over)) =
        ledger.begin(costs(6).in_windows(2), &windows("b", &["2026-03", "2026-02"]), &releases)
    else {
        panic!("february has 4 left")
    };
    assert_eq!((over.scope, over.fits), (Scope::Window(name("2026-02")), epsilon(4)));
    let receipt = fresh(
        ledger.begin(costs(4).in_windows(2), &windows("c", &["2026-03", "2026-02"]), &releases).unwrap(),
    );
    assert_eq!(
        retry(
            ledger.begin(costs(4).in_windows(2), &windows("c", &["2026-03", "2026-02"]), &releases).unwrap()
        ),
        receipt
    );
    // Paid for two months, not to be retried on another.
    for other in [&["2026-01", "2026-03"][..], &["2026-02"]] {
        let plan = costs(4).in_windows(other.len());
        let error = ledger.begin(plan, &windows("c", other), &releases).unwrap_err();
        assert!(matches!(error, Error::RequestIdReused { .. }), "{error}");
    }
    let spent: Vec<_> = ledger.status().unwrap().windows.iter().map(|w| w.spent.amount_units()).collect();
    assert_eq!(spent, [6, 10, 4]);
    // No window, one twice, and as many windows as are paid for, no more: a plan of two is no plan of one.
    for (bad, executed) in [
        (&[][..], 1),
        (&["2026-04", "2026-04"], 2),
        (&["2026-04", "2026-04"], 1),
        (&["2026-04"], 2),
        (&["2026-04", "2026-05"], 1),
    ] {
        assert!(matches!(
            ledger.begin(costs(1).in_windows(executed), &windows("d", bad), &releases),
            Err(Error::Windows { renewal: true })
        ));
    }
    ledger.verify().unwrap();
    let place = Place::new(10);
    let (mut ledger, releases) = place.open();
    let error = ledger.begin(costs(1), &windows("a", &["2026-01"]), &releases).unwrap_err();
    assert!(matches!(error, Error::Windows { renewal: false }));
    let error = ledger.begin(costs(1).in_windows(2), &request("a"), &releases).unwrap_err();
    assert!(matches!(error, Error::Windows { renewal: false }));
}

#[test]
fn parts_divide_the_ceiling_and_amendments_are_logged() {
    let place = Place::new(100);
    let (mut ledger, releases) = place.open();
    let now = SystemTime::now();
    ledger.amend(&Amendment::Analyst { name: name("ada"), ceiling: Some(epsilon(30)) }, now).unwrap();
    ledger
        .amend(&Amendment::Purpose { name: name("recommendations"), ceiling: Some(epsilon(40)) }, now)
        .unwrap();
    fresh(ledger.begin(costs(25), &request("a"), &releases).unwrap());
    let Err(Error::OverBudget(over)) = ledger.begin(costs(20), &request("b"), &releases) else {
        panic!("5 left")
    };
    assert_eq!((over.scope, over.remaining), (Scope::Analyst(name("ada")), epsilon(5)));
    let mut grace = request("c");
    grace.analyst = Some(name("grace"));
    let Err(Error::OverBudget(over)) = ledger.begin(costs(20), &grace, &releases) else { panic!("15 left") };
    assert_eq!((over.scope, over.remaining), (Scope::Purpose(name("recommendations")), epsilon(15)));
    ledger.amend(&Amendment::Purpose { name: name("recommendations"), ceiling: None }, now).unwrap();
    ledger.amend(&Amendment::Analyst { name: name("ada"), ceiling: Some(epsilon(10)) }, now).unwrap();
    let Err(Error::OverBudget(over)) = ledger.begin(costs(1), &request("d"), &releases) else {
        panic!("none left")
    };
    assert_eq!(over.remaining, epsilon(0));
    // No part adds to the ceiling.
    ledger.amend(&Amendment::Analyst { name: name("grace"), ceiling: Some(epsilon(1_000)) }, now).unwrap();
    let Err(Error::OverBudget(over)) = ledger.begin(costs(76), &grace, &releases) else { panic!("75 left") };
    assert_eq!((over.scope, over.remaining), (Scope::Ledger, epsilon(75)));
    fresh(ledger.begin(costs(75), &grace, &releases).unwrap());
    let rho = Loss::from_units(Accounting::Zcdp, 1, Delta::ZERO).unwrap();
    let error = ledger.amend(&Amendment::Analyst { name: name("ada"), ceiling: Some(rho) }, now).unwrap_err();
    assert!(matches!(error, Error::Amendment { .. }));
    ledger.verify().unwrap();
    let mut kinds = Vec::new();
    ledger.log(0, |entry| kinds.push(entry.kind)).unwrap();
    assert_eq!(kinds.iter().filter(|k| **k == Kind::Amend).count(), 5);
}

#[test]
fn another_data_set_about_the_same_people_shares_the_ledger_once_amended() {
    let place = Place::new(100);
    let books = flockwise_ledger::Binding { data: name("books"), ..binding(100) };
    let open = || LedgerFile::open(&place.ledger_path(), &books, Some(&place.id));
    assert!(matches!(open(), Err(Error::AnotherLedger { .. })));
    place.try_open().unwrap().amend(&Amendment::Data { name: name("books") }, SystemTime::now()).unwrap();
    open().unwrap();
}

#[test]
fn status_and_log_say_who_what_and_what_is_left() {
    let place = Place::new(100);
    let (mut ledger, releases) = place.open();
    fresh(ledger.begin(costs(10), &request("a"), &releases).unwrap());
    let mut other = request("b");
    (other.analyst, other.purpose) = (None, name("research"));
    let receipt = fresh(ledger.begin(costs(5), &other, &releases).unwrap());
    ledger.note(&name("check ran"), SystemTime::now()).unwrap();
    let status = ledger.status().unwrap();
    assert_eq!((status.entries, status.charges, status.retries), (4, 2, 0));
    let whole = &status.windows[0];
    assert_eq!((whole.spent, whole.left), (epsilon(15), epsilon(85)));
    assert_eq!(whole.by_analyst, [(None, epsilon(5)), (Some("ada".into()), epsilon(10))]);
    assert_eq!(whole.by_purpose, [("recommendations".into(), epsilon(10)), ("research".into(), epsilon(5))]);
    let mut entries = Vec::new();
    ledger.log(0, |entry| entries.push(entry)).unwrap();
    assert_eq!(entries[2], ledger.entry(2).unwrap());
    assert_eq!((entries[2].hash, entries[2].previous), (receipt.hash, receipt.previous));
    assert_eq!(entries[2].releases, [Name::new("popular").unwrap()]);
    assert_eq!(entries[3].note.as_deref(), Some("check ran"));
    let text = serde_json::to_string(&receipt).unwrap();
    assert_eq!(serde_json::from_str::<flockwise_ledger::Receipt>(&text).unwrap(), receipt);
}

#[test]
fn a_large_release_is_stored_in_parts_and_comes_back_whole() {
    let place = Place::new(100);
    let (mut ledger, mut releases) = place.open();
    let receipt = fresh(ledger.begin(costs(1), &request("a"), &releases).unwrap());
    let bytes: Vec<u8> = (0..70_u32 << 20).map(|i| (i >> 12) as u8).collect();
    ledger.answer(&mut releases, &request("a"), &receipt, costs(1).digest, &bytes).unwrap();
    assert!(releases.get(&request("a").id).unwrap().unwrap().bytes == bytes);
    rusqlite::Connection::open(place.releases_path())
        .unwrap()
        .execute("DELETE FROM part WHERE number = 1", [])
        .unwrap();
    assert!(matches!(releases.get(&request("a").id), Err(Error::Damaged { .. })));
}

#[test]
fn releases_of_another_ledger_are_refused() {
    let (one, two) = (Place::new(100), Place::new(100));
    let (mut ledger, _) = one.open();
    let (_, releases) = two.open();
    let error = ledger.begin(costs(1), &request("a"), &releases).unwrap_err();
    assert!(matches!(error, Error::AnotherLedger { .. }), "{error}");
    assert!(matches!(
        Releases::open_or_create(&two.releases_path(), one.id),
        Err(Error::AnotherLedger { .. })
    ));
    assert_eq!(one.spent(), 0);
}

#[test]
fn b10_a_lost_releases_file_is_not_a_second_draw() {
    let place = Place::new(100);
    let (mut ledger, mut releases) = place.open();
    let receipt = fresh(ledger.begin(costs(10), &request("job"), &releases).unwrap());
    ledger.answer(&mut releases, &request("job"), &receipt, costs(10).digest, b"draw").unwrap();
    drop(releases);
    std::fs::remove_file(place.releases_path()).unwrap();
    let (mut ledger, mut releases) = place.open();
    let error = ledger.begin(costs(10), &request("job"), &releases).unwrap_err();
    assert!(matches!(error, Error::ReleaseLost { .. }), "{error}");
    let error =
        ledger.answer(&mut releases, &request("job"), &receipt, costs(10).digest, b"other").unwrap_err();
    assert!(matches!(error, Error::Damaged { entry: Some(2), .. }), "{error}");
    assert_eq!(place.spent(), 10);
}

#[test]
fn b2_many_charges_of_the_smallest_unit_sum_exactly() {
    // A million by LEDGER_CHARGES=1000000.
    let count = std::env::var("LEDGER_CHARGES").map_or(Ok(1_000), |n| n.parse()).unwrap();
    let dir = crate::help::scratch();
    let (path, binding) = (dir.path().join("ledger"), binding(count));
    let id = LedgerFile::init(&path, &binding).unwrap();
    let mut ledger = LedgerFile::open(&path, &binding, Some(&id)).unwrap();
    let releases = Releases::open_or_create(&dir.path().join("releases"), id).unwrap();
    for n in 0..count {
        fresh(ledger.begin(costs(1), &request(&format!("r{n}")), &releases).unwrap());
    }
    assert_eq!(ledger.status().unwrap().windows[0].left, epsilon(0));
    assert!(matches!(ledger.begin(costs(1), &request("more"), &releases), Err(Error::OverBudget(_))));
    ledger.verify().unwrap();
}

#[cfg(unix)]
#[test]
fn a_file_that_is_replaced_while_it_is_open_is_refused() {
    let place = Place::new(100);
    let copy = std::fs::read(place.ledger_path()).unwrap();
    let (mut ledger, mut releases) = place.open();
    let receipt = fresh(ledger.begin(costs(1), &request("a"), &releases).unwrap());
    // Restored by renaming: this handle would write into a file that nobody else sees.
    let other = place.dir.path().join("restored");
    std::fs::write(&other, copy).unwrap();
    std::fs::rename(&other, place.ledger_path()).unwrap();
    let error = ledger.begin(costs(1), &request("b"), &releases).unwrap_err();
    assert!(error.to_string().contains("moved or replaced"), "{error}");
    std::fs::rename(place.releases_path(), place.dir.path().join("away")).unwrap();
    let error = ledger.answer(&mut releases, &request("a"), &receipt, costs(1).digest, b"draw").unwrap_err();
    assert!(error.to_string().contains("moved or replaced"), "{error}");
    assert_eq!(place.spent(), 0);
}
