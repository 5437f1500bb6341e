//! One job against a ledger, as a process of its own: for tests that kill it, break its disk, and let it race.
//!
//! `flockwise-ledger-child DIR REQUEST UNITS [read-first] [wait FILE]` charges UNITS (of 1e-12 ε) for REQUEST against the
//! ledger in DIR, then "reads the data" by making the file `read-REQUEST`, then answers. What it says on stdout is what
//! an analyst would see: `charged ENTRY`, `released BYTES`.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use flockwise_ledger::{Begun, Error, LedgerFile, Name, Releases, Request, RequestId};
use flockwise_mechanisms::{Accounting, Charged, Delta, Digest, Loss, Plan};

struct Job(u64);

impl Plan for Job {
    fn loss(&self) -> Loss {
        Loss::from_units(Accounting::Pure, self.0, Delta::ZERO).expect("the test asks for little")
    }

    fn digest(&self) -> Digest {
        Digest::of(&self.0.to_le_bytes())
    }
}

struct Task {
    dir: PathBuf,
    request: String,
    units: u64,
    read_first: bool,
    wait: Option<PathBuf>,
}

fn task() -> Task {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().expect("the test passes three arguments");
    let (dir, request, units) = (PathBuf::from(next()), next(), next().parse().expect("a number"));
    let mut task = Task { dir, request, units, read_first: false, wait: None };
    while let Some(option) = arguments.next() {
        match option.as_str() {
            "read-first" => task.read_first = true,
            "wait" => task.wait = arguments.next().map(PathBuf::from),
            _ => panic!("no such option"),
        }
    }
    task
}

fn request(id: &str) -> Request {
    let name = |text: &str| Name::new(text).expect("a plain name");
    Request {
        id: RequestId::new(id).expect("a plain id"),
        analyst: Some(name("ada")),
        purpose: name("recommendations"),
        job: Digest::of(b"job"),
        data: name("films"),
        releases: vec![name("popular")],
        windows: Vec::new(),
        when: SystemTime::now(),
    }
}

/// Says something that no fault can take back.
fn say(text: &str) {
    let mut out = std::io::stdout();
    if writeln!(out, "{text}").and_then(|()| out.flush()).is_err() {
        std::process::exit(1);
    }
}

fn read(dir: &Path, request: &str) {
    // A failure to make the mark is the test's loss, not the ledger's.
    File::create(dir.join(format!("read-{request}"))).ok();
}

fn run(task: &Task) -> Result<(), Error> {
    let patience =
        Duration::from_millis(std::env::var("PATIENCE").map_or(Ok(20_000), |t| t.parse()).unwrap_or(0));
    let mut ledger = LedgerFile::open_any(&task.dir.join("films.ledger"))?;
    let mut releases = Releases::open_or_create(&task.dir.join("films.releases"), ledger.id())?;
    ledger.set_patience(patience)?;
    releases.set_patience(patience)?;
    if let Some(start) = &task.wait {
        while !start.exists() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    if task.read_first {
        read(&task.dir, &task.request);
    }
    let request = request(&task.request);
    match ledger.begin(Job(task.units), &request, &releases)? {
        Begun::Fresh(charged, receipt) | Begun::Retry(charged, receipt) => {
            say(&format!("charged {}", receipt.entry));
            read(&task.dir, &task.request);
            let draw = draw(charged);
            let stored = ledger.answer(
                &mut releases,
                &request,
                &receipt,
                Job(task.units).digest(),
                draw.as_bytes(),
            )?;
            say(&format!("released {}", String::from_utf8_lossy(&stored.bytes)));
        }
        Begun::Stored(stored) => say(&format!("released {}", String::from_utf8_lossy(&stored.bytes))),
    }
    Ok(())
}

/// A draw that no other process makes.
fn draw(charged: Charged<Job>) -> String {
    let (Job(units), _) = charged.open();
    format!("{units}-by-{}", std::process::id())
}

fn main() -> ExitCode {
    match run(&task()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            let (refused, busy) = (matches!(error, Error::OverBudget(_)), matches!(error, Error::Busy));
            ExitCode::from(if refused {
                3
            } else if busy {
                75
            } else {
                4
            })
        }
    }
}
