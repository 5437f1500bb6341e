//! Faults at system calls, by strace: which calls a charge makes, and what becomes of it when one of them goes wrong.

use std::path::Path;
use std::process::{Command, Stdio};

use flockwise_ledger::{Kind, LedgerFile, Releases, RequestId};

use crate::help::Place;

/// Whether strace is there and may trace. Where it is not, the tests that need it say so and end.
pub fn available() -> bool {
    let tried =
        Command::new("strace").args(["-f", "true"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let there = tried.is_ok_and(|status| status.success());
    if !there {
        eprintln!("SKIPPED: strace is not installed, or may not trace");
    }
    there
}

/// A system call of a job: its name, and the how manieth of that name it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct At {
    pub call: String,
    pub nth: usize,
}

/// What one child did and said.
#[derive(Debug)]
pub struct Ran {
    pub request: String,
    pub said: String,
    pub code: Option<i32>,
}

/// Runs the child under strace with further arguments for strace.
pub fn traced(place: &Place, strace: &[String], request: &str, options: &[&str]) -> Ran {
    let output = Command::new("strace")
        .args(["-f", "-qq"])
        .args(strace)
        .arg(env!("CARGO_BIN_EXE_flockwise-ledger-child"))
        .arg(place.dir.path())
        .args([request, "1"])
        .args(options)
        // Set by cargo: the loader's search would be half of what is traced.
        .env_remove("LD_LIBRARY_PATH")
        .env("PATIENCE", "50")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    Ran { request: request.to_owned(), said, code: output.status.code() }
}

/// The calls that a job makes from the moment it opens the ledger, in their order.
pub fn calls(place: &Place, options: &[&str]) -> Vec<At> {
    let log = place.dir.path().join("strace.log");
    let ran = traced(place, &["-o".into(), log.display().to_string()], "baseline", options);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let mut counts = std::collections::BTreeMap::new();
    let mut opened = false;
    let mut calls = Vec::new();
    for line in std::fs::read_to_string(&log).unwrap().lines() {
        let Some(call) = line.split_whitespace().nth(1).and_then(|rest| rest.split_once('(')).map(|(c, _)| c)
        else {
            continue;
        };
        let nth = counts.entry(call.to_owned()).and_modify(|n| *n += 1).or_insert(1_usize);
        opened |= line.contains("films.ledger");
        if opened && call != "exit_group" {
            calls.push(At { call: call.to_owned(), nth: *nth });
        }
    }
    calls
}

/// What is wrong after a job, whatever became of it; `None` when the promises hold.
///
/// The promises: what was acknowledged is recorded, nothing was read or released without a recorded charge, what was
/// released is what is stored, the ledger is sound, and its sum is within its ceiling.
pub fn broken(place: &Place, ran: &Ran) -> Option<String> {
    let ledger = match LedgerFile::audit(&place.ledger_path()) {
        Ok(ledger) => ledger,
        Err(error) => return Some(format!("the ledger is not sound: {error}")),
    };
    let mut charges = 0;
    let mut spent = 0;
    let log = ledger.log(0, |entry| {
        let ours = entry.request.as_ref().is_some_and(|id| id.as_str() == ran.request);
        charges += u64::from(ours && entry.kind == Kind::Charge);
        spent += entry.loss.amount_units();
    });
    if let Err(error) = log {
        return Some(error.to_string());
    }
    let read = place.dir.path().join(format!("read-{}", ran.request)).exists();
    if charges == 0 && (read || !ran.said.is_empty()) {
        return Some("something was acknowledged, read or released, and no charge is recorded".into());
    }
    if charges > 1 {
        return Some("one request was charged twice".into());
    }
    if spent > place.binding.ceiling.epsilon.units() {
        return Some("more is recorded than the ceiling allows".into());
    }
    released(place, ran)
}

fn released(place: &Place, ran: &Ran) -> Option<String> {
    let shown = ran.said.lines().find_map(|line| line.strip_prefix("released "))?;
    let releases = Releases::open_or_create(&place.releases_path(), place.id).ok()?;
    let stored = releases.get(&RequestId::new(ran.request.clone()).unwrap());
    let same = stored.is_ok_and(|stored| stored.is_some_and(|stored| stored.bytes == shown.as_bytes()));
    (!same).then(|| "what was released is not what is stored".into())
}

/// After a fault: the promises hold, and the same request, tried again without a fault, is answered for the one charge.
pub fn recovers(place: &Place, ran: &Ran) -> Option<String> {
    if let Some(wrong) = broken(place, ran) {
        return Some(wrong);
    }
    let output = crate::process::child(place.dir.path(), &ran.request, 1).output().unwrap();
    let again = Ran {
        request: ran.request.clone(),
        said: String::from_utf8(output.stdout).unwrap(),
        code: output.status.code(),
    };
    if again.code != Some(0) {
        return Some(format!("trying again failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let shown = |ran: &Ran| ran.said.lines().find(|line| line.starts_with("released")).map(str::to_owned);
    if shown(ran).is_some_and(|first| shown(&again) != Some(first)) {
        return Some("two draws were shown".into());
    }
    broken(place, &again)
}

/// The path of a file that strace may write.
pub fn log_path(dir: &Path) -> String {
    dir.join("strace.log").display().to_string()
}
