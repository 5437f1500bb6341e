//! B8 with an anchor, exports, backups, and releases that are checked against the ledger.

use flockwise_ledger::{Error, LedgerFile};

use crate::help::{Place, costs, fresh, name, request};

#[test]
fn b8_an_anchor_tells_an_older_copy_and_a_rewritten_history() {
    let place = Place::new(100);
    let anchor = place.dir.path().join("anchor");
    let (mut ledger, releases) = place.open();
    ledger.anchor(&anchor).unwrap();
    fresh(ledger.begin(costs(1), &request("a"), &releases).unwrap());
    let copy = std::fs::read(place.ledger_path()).unwrap();
    fresh(ledger.begin(costs(2), &request("b"), &releases).unwrap());
    ledger.anchor(&anchor).unwrap();
    assert_eq!(ledger.check_anchor(&anchor).unwrap(), 2);
    drop(ledger);
    std::fs::write(place.ledger_path(), copy).unwrap();
    let (mut ledger, releases) = place.open();
    assert!(matches!(ledger.check_anchor(&anchor), Err(Error::Older { entry: 2, witness: "the anchor" })));
    // As many entries again, but others: told by the hash.
    fresh(ledger.begin(costs(1), &request("c"), &releases).unwrap());
    assert!(matches!(ledger.check_anchor(&anchor), Err(Error::Older { entry: 2, .. })));
}

#[test]
fn an_anchor_survives_a_line_that_was_cut_short_and_serves_several_ledgers() {
    let (place, other) = (Place::new(100), Place::new(100));
    let anchor = place.dir.path().join("anchor");
    place.try_open().unwrap().anchor(&anchor).unwrap();
    other.try_open().unwrap().anchor(&anchor).unwrap();
    let whole = std::fs::read(&anchor).unwrap();
    std::fs::write(&anchor, &whole[..whole.len() - 20]).unwrap();
    place.try_open().unwrap().anchor(&anchor).unwrap();
    assert_eq!(place.try_open().unwrap().check_anchor(&anchor).unwrap(), 2);
    assert_eq!(other.try_open().unwrap().check_anchor(&anchor).unwrap(), 0);
}

#[test]
fn a_release_is_confirmed_only_as_it_was_answered() {
    let place = Place::new(100);
    let (mut ledger, mut releases) = place.open();
    let receipt = fresh(ledger.begin(costs(1), &request("a"), &releases).unwrap());
    let another = |result| matches!(result, Err(Error::AnotherRelease { entry: 1 }));
    assert!(another(ledger.confirms(&receipt, b"draw")));
    ledger
        .answer(
            &mut releases,
            &request("a"),
            &receipt,
            flockwise_mechanisms::Plan::digest(&costs(1)),
            b"draw",
        )
        .unwrap();
    assert_eq!(ledger.confirms(&receipt, b"draw").unwrap().number, 1);
    assert!(another(ledger.confirms(&receipt, b"drawn")));
    let head = ledger.head().unwrap();
    assert!(matches!(ledger.confirms(&head, b"draw"), Err(Error::AnotherRelease { entry: 2 })));
}

#[test]
fn a_release_is_answered_only_for_its_own_charge() {
    let place = Place::new(100);
    let (mut ledger, mut releases) = place.open();
    let one = fresh(ledger.begin(costs(1), &request("a"), &releases).unwrap());
    fresh(ledger.begin(costs(2), &request("b"), &releases).unwrap());
    let digest = costs(2).digest;
    let error = ledger.answer(&mut releases, &request("b"), &one, digest, b"draw").unwrap_err();
    assert!(matches!(error, Error::RequestIdReused { .. }), "{error}");
    assert!(releases.get(&request("b").id).unwrap().is_none());
}

#[test]
fn exports_hold_every_entry_and_quote_what_must_be_quoted() {
    let place = Place::new(100);
    let (mut ledger, releases) = place.open();
    let mut awkward = request("a");
    awkward.analyst = Some(name("=1+1, \"Ada\""));
    fresh(ledger.begin(costs(500_000_000_000 / 10_000_000_000), &awkward, &releases).unwrap());
    let (mut json, mut csv) = (Vec::new(), Vec::new());
    ledger.export_json(&mut json).unwrap();
    ledger.export_csv(&mut csv).unwrap();
    let lines: Vec<serde_json::Value> =
        String::from_utf8(json).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1]["analyst"], "=1+1, \"Ada\"");
    assert_eq!(lines[1]["loss"]["amount"], "5e-11");
    assert_eq!(lines[1]["time"], "1970-01-12T13:46:40Z");
    let csv = String::from_utf8(csv).unwrap();
    let rows: Vec<_> = csv.lines().collect();
    assert_eq!(rows.len(), 3);
    assert!(
        rows[2].contains(",\"'=1+1, \"\"Ada\"\"\",recommendations,films,popular,,pure,5e-11,0,5e-11,0,"),
        "{csv}"
    );
}

#[test]
fn a_backup_is_the_whole_ledger_and_never_overwrites() {
    let place = Place::new(100);
    let (mut ledger, releases) = place.open();
    fresh(ledger.begin(costs(1), &request("a"), &releases).unwrap());
    let to = place.dir.path().join("backup");
    let receipt = ledger.backup(&to).unwrap();
    assert_eq!(receipt, ledger.head().unwrap());
    assert!(matches!(ledger.backup(&to), Err(Error::Exists { .. })));
    let mut copy = LedgerFile::open(&to, &place.binding, Some(&place.id)).unwrap();
    assert_eq!(copy.head().unwrap(), receipt);
    // The original goes on; its backup is then an older copy, and a receipt tells.
    let later = fresh(ledger.begin(costs(1), &request("b"), &releases).unwrap());
    assert!(matches!(copy.proves(&later), Err(Error::Older { .. })));
    assert_eq!(LedgerFile::upgrade(&to).unwrap(), 1);
}

#[test]
fn p7_the_ledger_holds_no_byte_of_a_release() {
    let place = Place::new(100);
    let (mut ledger, mut releases) = place.open();
    let receipt = fresh(ledger.begin(costs(1), &request("a"), &releases).unwrap());
    ledger.answer(&mut releases, &request("a"), &receipt, costs(1).digest, b"canary-4711").unwrap();
    let holds = |bytes: &[u8]| bytes.windows(11).any(|w| w == b"canary-4711");
    assert!(holds(&std::fs::read(place.releases_path()).unwrap()));
    assert!(!holds(&std::fs::read(place.ledger_path()).unwrap()));
}

/// A ledger that a version before this one wrote, every kind of entry but a retry in it: read, followed and upgraded as it is.
#[test]
fn a_ledger_of_format_1_is_read_as_it_was_written() {
    let written =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/written/format-1.ledger");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shop.ledger");
    std::fs::copy(written, &path).unwrap();
    assert_eq!(LedgerFile::upgrade(&path).unwrap(), 1);
    let ledger = LedgerFile::audit(&path).unwrap();
    let head = ledger.verify().unwrap();
    assert_eq!((head.ledger_id.to_string(), head.entry), ("5067fd3cd1258f1919421de62ea057db".to_owned(), 8));
    assert_eq!(head.hash.to_string(), "65780f3772c56bf95a36b950535476eff4d5b8f02a45da385c78b2ba46aba43e");
    let window = ledger.binding().window.clone().unwrap();
    assert_eq!(window.to_string(), "every month of at in UTC");
    let mut kinds = Vec::new();
    ledger.log(0, |entry| kinds.push(entry.kind.name())).unwrap();
    assert_eq!(kinds, ["init", "charge", "charge", "answer", "amend", "amend", "charge", "answer", "note"]);
    let binding = ledger.binding().clone();
    drop(ledger);
    let mut ledger = LedgerFile::open(&path, &binding, Some(&head.ledger_id)).unwrap();
    let status = ledger.status().unwrap();
    let spent: Vec<_> = status
        .windows
        .iter()
        .map(|known| (known.window.as_deref().unwrap(), known.spent.amount_units()))
        .collect();
    assert_eq!(spent, [("2026-01", 14_348_344_057), ("2026-02", 14_348_344_057), ("2026-03", 697_387_947)]);
    // It goes on: what is charged next follows what was written then.
    let receipt = ledger.note(&name("read again"), std::time::SystemTime::now());
    assert_eq!(receipt.unwrap().entry, 9);
    ledger.verify().unwrap();
}
