//! The fault matrix: a job is killed before each of its system calls, and each call that touches the disk is made to
//! fail in each way it can. `LEDGER_FAULTS=all` tries every place; otherwise an evenly spread sample is tried.

use crate::help::Place;
use crate::trace::{At, Ran, available, broken, calls, recovers, traced};

/// Every place when asked for, else about `count` of them, spread evenly, and all at which a promise is made: what is
/// said (`write`) and the journal's going, which is the commit (`unlink`).
fn sample(places: &[At], count: usize) -> Vec<At> {
    let all = std::env::var("LEDGER_FAULTS").is_ok_and(|v| v == "all");
    let step = if all { 1 } else { places.len().div_ceil(count).max(1) };
    let promise = |at: &At| at.call == "write" || at.call == "unlink";
    let chosen = places.iter().enumerate().filter(|(n, at)| n % step == 0 || promise(at));
    chosen.map(|(_, at)| at.clone()).collect()
}

fn killed(place: &Place, at: &At, request: &str, options: &[&str]) -> Ran {
    let inject = format!("inject={}:signal=SIGKILL:when={}", at.call, at.nth);
    let log = crate::trace::log_path(place.dir.path());
    traced(place, &["-o".into(), log, "-e".into(), inject], request, options)
}

#[test]
fn b1_b5_killed_before_any_system_call_the_charge_is_recorded_or_nothing_was_released() {
    if !available() {
        return;
    }
    let place = Place::new(1_000_000);
    let places = calls(&place, &[]);
    assert!(places.len() > 100, "a job makes more calls than {}", places.len());
    let mut deaths = 0;
    for (n, at) in sample(&places, 40).iter().enumerate() {
        let ran = killed(&place, at, &format!("kill-{n}"), &[]);
        deaths += usize::from(ran.code != Some(0));
        assert_eq!(recovers(&place, &ran), None, "killed before {at:?}: {ran:?}");
    }
    println!("{} calls, {deaths} deaths", places.len());
    assert!(deaths > 20, "only {deaths} died");
}

#[test]
fn control_data_read_before_the_charge_is_caught() {
    if !available() {
        return;
    }
    let place = Place::new(1_000_000);
    let places = calls(&place, &["read-first"]);
    let writes: Vec<_> = places.into_iter().filter(|at| at.call == "pwrite64").collect();
    let ran = killed(&place, &writes[0], "early", &["read-first"]);
    assert!(broken(&place, &ran).is_some(), "reading before the charge was not caught: {ran:?}");
}

/// Makes each call of the given names fail once, and from there on, in the given way.
fn failing(fault: &str, names: &[&str], count: usize) {
    if !available() {
        return;
    }
    let place = Place::new(1_000_000);
    let mut places = calls(&place, &[]);
    places.retain(|at| names.contains(&at.call.as_str()));
    assert!(!places.is_empty(), "a job makes none of {names:?}");
    let log = crate::trace::log_path(place.dir.path());
    let mut failures = 0;
    for (n, at) in sample(&places, count).iter().enumerate() {
        for (from_there_on, plus) in [("once", ""), ("on", "+")] {
            let inject = format!("inject={}:{fault}:when={}{plus}", at.call, at.nth);
            let request = format!("fail-{n}-{from_there_on}");
            let ran = traced(&place, &["-o".into(), log.clone(), "-e".into(), inject], &request, &[]);
            failures += usize::from(ran.code != Some(0));
            assert_eq!(recovers(&place, &ran), None, "{fault} {from_there_on} at {at:?}: {ran:?}");
        }
    }
    assert!(failures > 0, "{fault} at {names:?} made nothing fail: the test tests nothing");
}

#[test]
fn b6_a_full_disk() {
    failing("error=ENOSPC", &["pwrite64", "openat", "ftruncate"], 8);
}

#[test]
fn b6_an_io_error_of_write() {
    failing("error=EIO", &["pwrite64", "unlink", "ftruncate"], 8);
}

#[test]
fn b6_an_io_error_of_read() {
    failing("error=EIO", &["pread64", "fstat", "newfstatat"], 8);
}

#[test]
fn b6_a_write_that_writes_nothing() {
    failing("retval=0", &["pwrite64"], 6);
}

#[test]
fn b6_fsync_that_fails() {
    failing("error=EIO", &["fsync", "fdatasync"], 10);
}

#[test]
fn b6_a_read_only_file_system() {
    failing("error=EROFS", &["openat", "pwrite64", "unlink"], 8);
}

#[test]
fn b6_a_directory_that_may_not_be_written() {
    failing("error=EACCES", &["openat", "unlink"], 8);
}

#[test]
fn b6_locks_that_cannot_be_had() {
    failing("error=EIO", &["fcntl"], 6);
}

/// Compiles the library that shortens writes; `None`, said aloud, where there is no C compiler.
#[cfg(target_os = "linux")]
fn shortener(dir: &std::path::Path) -> Option<std::path::PathBuf> {
    let (source, library) = (dir.join("short_write.c"), dir.join("short_write.so"));
    std::fs::write(&source, include_str!("short_write.c")).unwrap();
    let mut cc = std::process::Command::new("cc");
    let made = cc.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source).arg("-ldl").status();
    let made = made.is_ok_and(|status| status.success());
    if !made {
        eprintln!("SKIPPED: no C compiler to build the library that shortens writes");
    }
    made.then_some(library)
}

#[cfg(target_os = "linux")]
#[test]
fn b6_a_write_that_writes_half() {
    let place = Place::new(1_000_000);
    drop(place.open());
    let Some(library) = shortener(place.dir.path()) else { return };
    let (mut refused, mut went_on) = (0, 0);
    for nth in 1..=40 {
        for full in [false, true] {
            let request = format!("short-{nth}-{full}");
            let mut child = crate::process::child(place.dir.path(), &request, 1);
            child.env("LD_PRELOAD", &library).env("SHORT_AT", nth.to_string());
            if full {
                child.env("SHORT_FULL", "1");
            }
            let output = child.output().unwrap();
            let ran =
                Ran { request, said: String::from_utf8(output.stdout).unwrap(), code: output.status.code() };
            if ran.code == Some(0) {
                went_on += 1
            } else {
                refused += 1
            }
            assert_eq!(recovers(&place, &ran), None, "half of write {nth}, full after it: {full}: {ran:?}");
        }
    }
    assert!(
        refused > 10 && went_on > 10,
        "{refused} refused, {went_on} went on: the writes were not shortened"
    );
}
