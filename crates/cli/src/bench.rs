//! `flockwise bench`: accuracy against budget, on data that may be looked at.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use flockwise_query::bench::{BadBench, Bench, Report, Sweep};
use flockwise_query::{Job, Session};

use crate::args::{self, Arguments, Format, Log};
use crate::failure::Failure;
use crate::plan::settings;
use crate::say::{note, say};

pub(crate) fn bench(args: &args::Bench, all: &Arguments) -> Result<(), Failure> {
    if args.format == Format::Parquet && args.out.is_none() {
        return Err(Failure::Arguments("this format writes a file: give --out FILE".to_owned()));
    }
    let mut asked = Bench::new(args.epsilon.iter().map(String::as_str), args.trials)?;
    for sweep in &args.sweep {
        asked = asked.sweep(Sweep::parse(sweep).map_err(BadBench::from)?)?;
    }
    let session = Session::open(&args.under.policy)?;
    let job = Job::open(&args.job)?;
    let set = settings(&args.set)?;
    let bar = Bar::new(all);
    let progress = |done, total| bar.show(done, total);
    let report = if args.mock {
        session.bench_mock(&asked, &job.value, &job.places, &set, &progress)
    } else {
        session.bench(&asked, &job.value, &job.places, &set, &progress)
    };
    bar.clear();
    let report = report?;
    match &args.out {
        Some(path) => write(&report, args.format, path).map_err(Failure::Figures)?,
        None => say!("{}", text(&report, args.format).map_err(Failure::Figures)?.trim_end()),
    }
    if !all.quiet && all.log == Log::Text {
        note!("took {} s; nothing was charged or released", report.seconds);
        args.out.iter().for_each(|path| note!("written to {}", path.display()));
    }
    Ok(())
}

fn text(report: &Report, format: Format) -> std::io::Result<String> {
    Ok(match format {
        Format::Table => report.to_text(),
        Format::Json => report.to_json()? + "\n",
        Format::Csv | Format::Parquet => report.to_csv(),
    })
}

/// A file that appears whole.
fn write(report: &Report, format: Format, path: &Path) -> std::io::Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = Path::new(&part);
    match format {
        Format::Parquet => report.write_parquet(part)?,
        Format::Table | Format::Json | Format::Csv => std::fs::write(part, text(report, format)?)?,
    }
    std::fs::rename(part, path)
}

/// A bar appears only for what takes longer than this.
const PATIENCE: Duration = Duration::from_secs(2);
/// … and changes at most so often.
const PACE: Duration = Duration::from_millis(200);
const WIDTH: u64 = 30;

/// A progress bar on standard error, where that is a terminal.
struct Bar {
    began: Instant,
    /// When it was drawn last.
    drawn: Option<Mutex<Option<Instant>>>,
}

impl Bar {
    fn new(all: &Arguments) -> Self {
        let shows = all.log == Log::Text && !all.quiet && std::io::stderr().is_terminal();
        Self { began: Instant::now(), drawn: shows.then(Mutex::default) }
    }

    fn show(&self, done: u64, total: u64) {
        // Whoever finds another drawing goes on.
        let Some(Ok(mut drawn)) = self.drawn.as_ref().map(Mutex::try_lock) else { return };
        let due = drawn.is_none_or(|last| last.elapsed() >= PACE);
        if self.began.elapsed() < PATIENCE || !due {
            return;
        }
        *drawn = Some(Instant::now());
        let full = (done * WIDTH / total.max(1)) as usize;
        let bar = format!("{}{}", "█".repeat(full), "░".repeat(WIDTH as usize - full));
        let _ = write!(std::io::stderr(), "\r\x1b[2K{bar} {done} of {total} trials");
    }

    fn clear(&self) {
        let drawn = self.drawn.as_ref().and_then(|drawn| drawn.try_lock().ok());
        if drawn.is_some_and(|drawn| drawn.is_some()) {
            let _ = write!(std::io::stderr(), "\r\x1b[2K");
        }
    }
}
