//! A power cut at any moment: what a disk may hold is rebuilt from a trace of a job's writes and syncs.
//!
//! Only what was synced is sure to be there: a file's bytes by a sync of the file, its coming and going by a sync of its
//! directory. Of the rest, any part may have reached the disk, in any order. For every moment of a job and several such
//! disks, the ledger must open, and must hold what had been acknowledged by then.

use std::collections::BTreeMap;
use std::path::Path;

use flockwise_ledger::{LedgerFile, Releases, RequestId};

use crate::help::Place;
use crate::trace::{available, traced};

/// What a job did to the disk, in its order.
#[derive(Clone, Debug)]
enum Event {
    Create(String),
    Write(String, u64, Vec<u8>),
    Truncate(String, u64),
    Unlink(String),
    SyncFile(String),
    SyncFolder,
    Said(String),
}

/// Files by name.
type Disk = BTreeMap<String, Vec<u8>>;

fn apply(disk: &mut Disk, event: &Event) {
    match event {
        Event::Create(name) => {
            disk.entry(name.clone()).or_default();
        }
        Event::Write(name, at, bytes) => {
            let file = disk.entry(name.clone()).or_default();
            let (start, end) = (*at as usize, *at as usize + bytes.len());
            file.resize(file.len().max(end), 0);
            file[start..end].copy_from_slice(bytes);
        }
        Event::Truncate(name, length) => {
            disk.entry(name.clone()).or_default().resize(*length as usize, 0);
        }
        Event::Unlink(name) => {
            disk.remove(name);
        }
        Event::SyncFile(_) | Event::SyncFolder | Event::Said(_) => (),
    }
}

/// The events that are not sure to be on disk after the first `moment` of them; the others are.
fn pending(events: &[Event], moment: usize) -> Vec<usize> {
    let synced = |at: usize| {
        let later = &events[at + 1..moment];
        match &events[at] {
            Event::Create(_) | Event::Unlink(_) => later.iter().any(|e| matches!(e, Event::SyncFolder)),
            Event::Write(name, ..) | Event::Truncate(name, _) => {
                later.iter().any(|e| matches!(e, Event::SyncFile(synced) if synced == name))
            }
            Event::SyncFile(_) | Event::SyncFolder | Event::Said(_) => true,
        }
    };
    (0..moment).filter(|at| !synced(*at)).collect()
}

/// A disk after a power cut: of the pending events, those are missing for which `lost` says so.
fn after_cut(start: &Disk, events: &[Event], moment: usize, lost: impl Fn(usize) -> bool) -> Disk {
    let pending = pending(events, moment);
    let mut disk = start.clone();
    let mut never_made = Vec::new();
    for (at, event) in events[..moment].iter().enumerate() {
        let gone = pending.contains(&at) && lost(at);
        match event {
            // A file whose name did not reach the disk is not there, whatever was written into it.
            Event::Create(name) if gone => never_made.push(name.clone()),
            Event::Create(name) => {
                never_made.retain(|n| n != name);
                apply(&mut disk, event);
            }
            _ if gone => (),
            Event::Write(name, ..) | Event::Truncate(name, _) if never_made.contains(name) => (),
            Event::Write(..)
            | Event::Truncate(..)
            | Event::Unlink(_)
            | Event::SyncFile(_)
            | Event::SyncFolder
            | Event::Said(_) => apply(&mut disk, event),
        }
    }
    disk
}

/// Reads a trace by strace, with all strings in hexadecimal. A sync that strace made up did not happen.
fn parse(trace: &str, dir: &Path) -> Vec<Event> {
    let mut open: BTreeMap<u64, String> = BTreeMap::new();
    let mut events = Vec::new();
    for line in trace.lines() {
        let Some((call, rest)) = line
            .split_whitespace()
            .nth(1)
            .zip(line.split_once('('))
            .map(|(_, (head, rest))| (head.rsplit(' ').next().unwrap_or_default(), rest))
        else {
            continue;
        };
        let Some((arguments, result)) = rest.rsplit_once(" = ") else { continue };
        let arguments = arguments.trim_end().trim_end_matches(')');
        let (failed, made_up) = (result.starts_with('-'), result.contains("INJECTED"));
        if failed || made_up {
            continue;
        }
        let texts: Vec<Vec<u8>> = arguments.split('"').skip(1).step_by(2).map(unhex).collect();
        let number = |at: usize| arguments.split(", ").nth(at).and_then(|n| n.parse::<u64>().ok());
        let name = |text: &[u8]| {
            let text = String::from_utf8_lossy(text).into_owned();
            Path::new(&text).strip_prefix(dir).ok().map(|rest| rest.display().to_string())
        };
        let file = number(0).and_then(|fd| open.get(&fd)).filter(|name| name.starts_with("films"));
        match call {
            "openat" => {
                let fd = result.split_whitespace().next().and_then(|n| n.parse().ok()).expect("a descriptor");
                let Some(name) = name(&texts[0]) else {
                    open.remove(&fd);
                    continue;
                };
                if arguments.contains("O_CREAT") && name.starts_with("films") {
                    events.push(Event::Create(name.clone()));
                }
                open.insert(fd, name);
            }
            "pwrite64" => {
                let at = arguments.rsplit(", ").next().and_then(|n| n.parse().ok()).expect("an offset");
                events.extend(file.map(|name| Event::Write(name.clone(), at, texts[0].clone())));
            }
            "ftruncate" => {
                events.extend(file.map(|name| Event::Truncate(name.clone(), number(1).expect("a length"))));
            }
            "unlink" => events.extend(name(&texts[0]).map(Event::Unlink)),
            "fsync" | "fdatasync" => {
                match number(0).or_else(|| arguments.parse().ok()).and_then(|fd| open.get(&fd)) {
                    Some(name) if name.is_empty() => events.push(Event::SyncFolder),
                    Some(name) => events.push(Event::SyncFile(name.clone())),
                    None => (),
                }
            }
            "write" if number(0) == Some(1) => {
                events.push(Event::Said(String::from_utf8_lossy(&texts[0]).into_owned()));
            }
            _ => (),
        }
    }
    events
}

/// `\x66\x69` as bytes.
fn unhex(text: &str) -> Vec<u8> {
    text.split("\\x")
        .skip(1)
        .map(|pair| u8::from_str_radix(pair, 16).expect("strace writes hexadecimal"))
        .collect()
}

/// Traces one job from a ledger with one charge; the disk before it and what it did.
fn job(place: &Place, more: &[&str]) -> (Disk, Vec<Event>) {
    let first = crate::process::child(place.dir.path(), "first", 1).output().unwrap();
    assert!(first.status.success());
    let mut start = Disk::new();
    for name in ["films.ledger", "films.releases"] {
        start.insert(name.into(), std::fs::read(place.dir.path().join(name)).unwrap());
    }
    let log = crate::trace::log_path(place.dir.path());
    let calls = "trace=openat,pwrite64,write,ftruncate,unlink,fsync,fdatasync";
    let mut strace: Vec<String> = ["-xx", "-s", "1000000", "-e", calls, "-o", &log].map(String::from).into();
    strace.extend(more.iter().map(|s| (*s).to_owned()));
    let ran = traced(place, &strace, "job", &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    (start, parse(&std::fs::read_to_string(&log).unwrap(), place.dir.path()))
}

/// What is wrong on a disk after a cut.
fn wrong(place: &Place, disk: &Disk, said: &str) -> Option<String> {
    let dir = crate::help::scratch();
    for (name, bytes) in disk {
        std::fs::write(dir.path().join(name), bytes).unwrap();
    }
    let ledger = LedgerFile::open(&dir.path().join("films.ledger"), &place.binding, Some(&place.id));
    let ledger = match ledger {
        Ok(ledger) => ledger,
        Err(error) => return Some(error.to_string()),
    };
    let mut recorded = false;
    ledger.log(0, |entry| recorded |= entry.request.is_some_and(|id| id.as_str() == "job")).unwrap();
    if said.contains("charged") && !recorded {
        return Some("the charge was acknowledged and is gone".into());
    }
    let releases = match Releases::open_or_create(&dir.path().join("films.releases"), place.id) {
        Ok(releases) => releases,
        Err(error) => return Some(error.to_string()),
    };
    let stored = match releases.get(&RequestId::new("job").unwrap()) {
        Ok(stored) => stored,
        Err(error) => return Some(error.to_string()),
    };
    if said.contains("released") && stored.is_none() {
        return Some("the release was shown and is gone".into());
    }
    (stored.is_some() && !recorded).then(|| "a release without a charge".into())
}

/// All that is wrong, over every moment and several disks each.
fn cuts(place: &Place, start: &Disk, events: &[Event]) -> Vec<String> {
    let mut found = Vec::new();
    let mut said = String::new();
    for moment in 1..=events.len() {
        if let Event::Said(text) = &events[moment - 1] {
            said.push_str(text);
        }
        let pending = pending(events, moment);
        let mut disks =
            vec![after_cut(start, events, moment, |_| true), after_cut(start, events, moment, |_| false)];
        // The youngest of them: what is older and still pending was so at earlier moments.
        for odd in pending.iter().rev().take(3) {
            // One event lost of all, or one kept of all.
            disks.push(after_cut(start, events, moment, |at| at == *odd));
            disks.push(after_cut(start, events, moment, |at| at != *odd));
        }
        disks.dedup();
        for disk in disks {
            found.extend(wrong(place, &disk, &said).map(|what| format!("cut after {moment} events: {what}")));
        }
    }
    found
}

#[test]
fn b5_a_power_cut_at_any_moment_keeps_what_was_acknowledged() {
    if !available() {
        return;
    }
    let place = Place::new(1_000);
    let (start, events) = job(&place, &[]);
    let writes = events.iter().filter(|e| matches!(e, Event::Write(..))).count();
    let syncs = events.iter().filter(|e| matches!(e, Event::SyncFile(_) | Event::SyncFolder)).count();
    assert!(writes > 10 && syncs > 10, "the trace was not understood: {writes} writes, {syncs} syncs");
    // The model itself: with nothing lost it gives the disk as it is.
    let end = after_cut(&start, &events, events.len(), |_| false);
    assert!(end["films.ledger"] == std::fs::read(place.ledger_path()).unwrap());
    assert_eq!(cuts(&place, &start, &events), Vec::<String>::new());
}

#[test]
fn control_a_disk_that_does_not_sync_is_caught() {
    if !available() {
        return;
    }
    let place = Place::new(1_000);
    let (start, events) = job(&place, &["-e", "inject=fsync,fdatasync:retval=0"]);
    assert!(!events.iter().any(|e| matches!(e, Event::SyncFile(_) | Event::SyncFolder)));
    let found = cuts(&place, &start, &events);
    assert!(found.iter().any(|what| what.contains("acknowledged")), "{found:?}");
}

#[test]
fn control_a_directory_that_is_not_synced_is_caught() {
    if !available() {
        return;
    }
    let place = Place::new(1_000);
    let (start, mut events) = job(&place, &[]);
    // As `synchronous = FULL` would do: the journal's going is not made sure, so it may come back and undo the charge.
    events.retain(|e| !matches!(e, Event::SyncFolder));
    let found = cuts(&place, &start, &events);
    assert!(!found.is_empty(), "a journal that comes back was not caught");
}

#[test]
fn control_locks_that_hold_nothing_are_caught() {
    if !available() {
        return;
    }
    // On a busy machine the sleeper may come to its decision late: then it is given longer.
    assert!((1..=6).any(two_decisions_at_once), "two decisions at once were not caught");
}

/// The last unit, for a process that holds no lock (each call for one is made to succeed) and sleeps between its decision
/// and its first write, and for another that charges meanwhile. Whether more was acknowledged than there was.
fn two_decisions_at_once(seconds: u64) -> bool {
    let place = Place::new(2);
    drop(place.open());
    let log = crate::trace::log_path(place.dir.path());
    let strace = ["-e", "trace=openat", "-o", &log].map(String::from);
    assert_eq!(traced(&place, &strace, "baseline", &[]).code, Some(0));
    let trace = std::fs::read_to_string(&log).unwrap();
    let journal = trace.lines().position(|line| line.contains("films.ledger-journal")).unwrap() + 1;
    let mut lockless = std::process::Command::new("strace");
    lockless.env_remove("LD_LIBRARY_PATH").args([
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        "inject=fcntl:retval=0",
    ]);
    let sleep = format!("inject=openat:delay_enter={}:when={journal}", seconds * 2_000_000);
    lockless.args(["-e", &sleep, env!("CARGO_BIN_EXE_flockwise-ledger-child")]).arg(place.dir.path());
    let sleeper = lockless.args(["sleeper", "1"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_secs(seconds));
    let other = crate::process::child(place.dir.path(), "other", 1).output().unwrap();
    let sleeper = sleeper.wait_with_output().unwrap();
    let winners = [&other.stdout, &sleeper.stdout].iter().filter(|said| said.starts_with(b"charged")).count();
    winners > 1 || LedgerFile::audit(&place.ledger_path()).is_err()
}
