//! How fast the ledger is: charges a second, fair progress of many processes, and audit of a long ledger.
//!
//! `cargo bench -p flockwise-ledger`; the ledgers lie in the directory given by `LEDGER_BENCH_DIR`, or in `target`, so that the
//! disk is the one that is measured.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use flockwise_ledger::{Begun, Binding, LedgerFile, Name, Neighbours, Releases, Request, RequestId, Window};
use flockwise_mechanisms::{Accounting, Ceiling, Delta, Digest, Epsilon, Loss, Plan};

/// A plan of one unit, executed in so many windows.
struct Nano(usize);

impl Plan for Nano {
    fn loss(&self) -> Loss {
        Loss::from_units(Accounting::Pure, 1, Delta::ZERO).expect("one unit is a loss")
    }

    fn digest(&self) -> Digest {
        Digest::of(b"one unit")
    }

    fn windows(&self) -> usize {
        self.0
    }
}

fn name(text: impl Into<String>) -> Name {
    Name::new(text).expect("a plain name")
}

fn binding(window: bool) -> Binding {
    let epsilon = Epsilon::from_units(1_000_000_000_000).expect("one");
    Binding {
        data: name("films"),
        privacy_unit: name("user_id"),
        neighbours: Neighbours::AddOrRemove,
        ceiling: Ceiling { accounting: Accounting::Pure, epsilon, delta: Delta::ZERO },
        window: window.then(|| Window { every: name("1d"), time: name("timestamp"), tz: name("UTC") }),
    }
}

fn request(id: String, windows: Vec<Name>) -> Request {
    Request {
        id: RequestId::new(id).expect("a plain id"),
        analyst: Some(name("ada")),
        purpose: name("recommendations"),
        job: Digest::of(b"job"),
        data: name("films"),
        releases: vec![name("popular")],
        windows,
        when: SystemTime::now(),
    }
}

fn charge(ledger: &mut LedgerFile, releases: &Releases, request: &Request) {
    match ledger.begin(Nano(request.windows.len().max(1)), request, releases).expect("it fits") {
        Begun::Fresh(charged, _) => drop(charged.open()),
        Begun::Retry(..) | Begun::Stored(_) => panic!("every request is new"),
    }
}

fn open(dir: &Path, window: bool) -> (LedgerFile, Releases) {
    let ledger = LedgerFile::open(&dir.join("ledger"), &binding(window), None).expect("the bench made it");
    let releases = Releases::open_or_create(&dir.join("releases"), ledger.id()).expect("the bench made it");
    (ledger, releases)
}

fn one_process(dir: &Path) {
    LedgerFile::init(&dir.join("ledger"), &binding(false)).expect("a new directory");
    let (mut ledger, releases) = open(dir, false);
    let start = Instant::now();
    let count = 2_000;
    for n in 0..count {
        charge(&mut ledger, &releases, &request(format!("one-{n}"), Vec::new()));
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("one process: {:.0} charges/s", f64::from(count) / seconds);
}

fn many_processes(dir: &Path, count: usize, seconds: u64) {
    let me = std::env::current_exe().expect("this program");
    let spawn = |n: usize| {
        let mut child = Command::new(&me);
        child
            .env("LEDGER_BENCH_CHILD", format!("{n} {seconds}"))
            .env("LEDGER_BENCH_DIR", dir)
            .stdout(Stdio::piped());
        child.spawn().expect("this program runs")
    };
    let children: Vec<_> = (0..count).map(spawn).collect();
    let figures = |child: std::process::Child| {
        let output = child.wait_with_output().expect("it ends");
        String::from_utf8(output.stdout).expect("a number").trim().parse::<u64>().expect("a number")
    };
    let mut done: Vec<_> = children.into_iter().map(figures).collect();
    done.sort_unstable();
    let total: u64 = done.iter().sum();
    println!("{count} processes: {} charges/s in all; each in {seconds} s: {done:?}", total / seconds);
}

fn child(task: &str, dir: &Path) {
    let (n, seconds) = task.split_once(' ').expect("two numbers");
    let until = Instant::now() + Duration::from_secs(seconds.parse().expect("a number"));
    let (mut ledger, releases) = open(dir, false);
    let mut count = 0_u64;
    while Instant::now() < until {
        charge(&mut ledger, &releases, &request(format!("many-{n}-{count}"), Vec::new()));
        count += 1;
    }
    println!("{count}");
}

fn long(dir: &Path, entries: u32) {
    LedgerFile::init(&dir.join("ledger"), &binding(true)).expect("a new directory");
    let (mut ledger, releases) = open(dir, true);
    let days = 1_000;
    let windows: Vec<_> = (0..days).map(|n| name(format!("day-{n}"))).collect();
    for n in 0..entries / days {
        charge(&mut ledger, &releases, &request(format!("long-{n}"), windows.clone()));
    }
    drop(ledger);
    let time = |what: &str, task: &mut dyn FnMut()| {
        let (start, used) = (Instant::now(), processor());
        task();
        let used = processor()
            .zip(used)
            .map_or_else(String::new, |(now, before)| format!(", {:.2} s of processor", now - before));
        println!("{what}: {:.2} s{used}", start.elapsed().as_secs_f64());
    };
    println!("{entries} entries, {} MB", dir.join("ledger").metadata().expect("it is there").len() >> 20);
    time("open and status", &mut || {
        let (mut ledger, _) = open(dir, true);
        assert_eq!(ledger.status().expect("it is sound").entries, u64::from(entries) + 1);
    });
    time("open for audit and verify", &mut || {
        LedgerFile::audit(&dir.join("ledger")).expect("it is sound");
    });
    let (mut ledger, releases) = open(dir, true);
    time("100 charges", &mut || {
        for n in 0..100 {
            charge(&mut ledger, &releases, &request(format!("last-{n}"), vec![name("day-1")]));
        }
    });
}

/// Processor time of this process in seconds, where Linux tells: on a busy machine the better figure.
fn processor() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks: Vec<f64> = fields.split_whitespace().skip(11).take(2).filter_map(|n| n.parse().ok()).collect();
    // In hundredths of a second, on every Linux that we know of (USER_HZ).
    Some(ticks.iter().sum::<f64>() / 100.0)
}

fn main() {
    let base = std::env::var_os("LEDGER_BENCH_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    if let Ok(task) = std::env::var("LEDGER_BENCH_CHILD") {
        return child(&task, &base);
    }
    let long_only = std::env::var_os("LEDGER_BENCH_LONG").is_some();
    let fresh = || tempfile::tempdir_in(&base).expect("a directory for the bench");
    if !long_only {
        let dir = fresh();
        one_process(dir.path());
        many_processes(dir.path(), 16, 5);
    }
    let dir = fresh();
    long(dir.path(), 1_000_000);
}
