//! `flockwise ledger …` and `flockwise verify`.

use std::fs::File;
use std::io::{self, BufWriter, Read as _, Write};
use std::time::SystemTime;

use flockwise_ledger::{Amendment, Entry, Kind, LedgerFile, Name};
use flockwise_mechanisms::Loss;
use flockwise_query::Session;
use flockwise_query::release::Document;

use crate::args::{
    ExportFormat, Ledger, LedgerAmend, LedgerAnchor, LedgerAt, LedgerBackup, LedgerCommand, LedgerExport,
    LedgerVerify, PlanFormat, Verify,
};
use crate::failure::Failure;
use crate::say::{note, say};

pub(crate) fn ledger(args: &Ledger, quiet: bool) -> Result<(), Failure> {
    match &args.command {
        LedgerCommand::Log(at) => log(at),
        LedgerCommand::Verify(args) => verify(args),
        LedgerCommand::Export(args) => export(args),
        LedgerCommand::Backup(args) => backup(args, quiet),
        LedgerCommand::Amend(args) => amend(args),
        LedgerCommand::Anchor(args) => anchor(args),
        LedgerCommand::Upgrade(at) => upgrade(at),
    }
}

fn open(policy: &std::path::Path) -> Result<LedgerFile, Failure> {
    Ok(Session::open(policy)?.ledger()?)
}

fn verify(args: &LedgerVerify) -> Result<(), Failure> {
    let ledger = open(&args.at.policy)?;
    let head = ledger.verify()?;
    let anchored = args.anchor.as_ref().map(|path| ledger.check_anchor(path)).transpose()?;
    match args.at.format {
        PlanFormat::Table => {
            say!(
                "ledger {}: {} entries, the chain is whole; head {}",
                head.ledger_id,
                head.entry + 1,
                head.hash
            );
            if let Some(lines) = anchored {
                say!("the anchor proves {lines} of its heads, and all are there");
            }
        }
        PlanFormat::Json => {
            say!("{}", serde_json::json!({ "ok": true, "head": head, "anchored": anchored }));
        }
    }
    Ok(())
}

/// What cannot be written for a reader who went away is no failure.
fn written(result: io::Result<()>, to: &str) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Arguments(format!("cannot write {to}: {error}")))
        }
        _ => Ok(()),
    }
}

fn log(at: &LedgerAt) -> Result<(), Failure> {
    let ledger = open(&at.policy)?;
    let mut out = BufWriter::new(io::stdout().lock());
    let mut result = Ok(());
    ledger.log(0, |entry| {
        if result.is_ok() {
            result = match at.format {
                PlanFormat::Json => writeln!(out, "{}", serde_json::json!(entry)),
                PlanFormat::Table => writeln!(out, "{}", line(&entry)),
            };
        }
    })?;
    written(result.and_then(|()| out.flush()), "the log")
}

fn export(args: &LedgerExport) -> Result<(), Failure> {
    let ledger = open(&args.policy)?;
    let Some(path) = &args.out else {
        return export_to(&ledger, args.format, io::stdout().lock());
    };
    let cannot = |error: io::Error| Failure::Arguments(format!("cannot write {}: {error}", path.display()));
    let file = File::options().write(true).create_new(true).open(path).map_err(cannot)?;
    export_to(&ledger, args.format, &file)?;
    file.sync_all().map_err(cannot)
}

fn export_to(ledger: &LedgerFile, format: ExportFormat, to: impl Write) -> Result<(), Failure> {
    let mut to = BufWriter::new(to);
    let exported = match format {
        ExportFormat::Json => ledger.export_json(&mut to),
        ExportFormat::Csv => ledger.export_csv(&mut to),
    };
    match exported {
        Ok(()) => written(to.flush(), "the export"),
        Err(flockwise_ledger::Error::File { source, .. }) => written(Err(source), "the export"),
        Err(error) => Err(error.into()),
    }
}

fn backup(args: &LedgerBackup, quiet: bool) -> Result<(), Failure> {
    let receipt = match open(&args.policy)?.backup(&args.to) {
        Err(flockwise_ledger::Error::Exists { path }) => {
            let message = format!("{} exists already: a backup gets a file of its own", path.display());
            return Err(Failure::Arguments(message));
        }
        result => result?,
    };
    say!("{}", serde_json::json!(receipt));
    if !quiet {
        note!(
            "Copied up to entry {}. Never put it back once anything newer was released: it has forgotten those charges.",
            receipt.entry
        );
    }
    Ok(())
}

fn anchor(args: &LedgerAnchor) -> Result<(), Failure> {
    let receipt = open(&args.policy)?.anchor(&args.to)?;
    say!("{}", serde_json::json!(receipt));
    Ok(())
}

fn upgrade(at: &LedgerAt) -> Result<(), Failure> {
    let path = open(&at.policy)?.path().to_owned();
    let format = LedgerFile::upgrade(&path)?;
    match at.format {
        PlanFormat::Table => say!("the ledger has format {format}, the newest; all of it was checked"),
        PlanFormat::Json => say!("{}", serde_json::json!({ "format": format })),
    }
    Ok(())
}

fn amend(args: &LedgerAmend) -> Result<(), Failure> {
    let mut ledger = open(&args.policy)?;
    let name = |text: &str| Name::new(text).map_err(Failure::from);
    let amendment = match (&args.analyst, &args.purpose, &args.data) {
        (Some(analyst), _, _) => {
            Amendment::Analyst { name: name(analyst)?, ceiling: part(args, ledger.rectangle())? }
        }
        (_, Some(purpose), _) => {
            Amendment::Purpose { name: name(purpose)?, ceiling: part(args, ledger.rectangle())? }
        }
        (_, _, Some(data)) => Amendment::Data { name: name(data)? },
        (None, None, None) => return Err(Failure::Arguments("nothing to amend".to_owned())),
    };
    let receipt = ledger.amend(&amendment, SystemTime::now())?;
    say!("{}", serde_json::json!(receipt));
    Ok(())
}

/// A part of the whole, rounded down; none where the limit is lifted.
fn part(args: &LedgerAmend, whole: Loss) -> Result<Option<Loss>, Failure> {
    if args.no_limit {
        return Ok(None);
    }
    let wrong = || {
        Failure::Arguments(
            "give --part as a percentage above 0 and up to 100, such as 25%; or --no-limit".to_owned(),
        )
    };
    let text = args.part.as_deref().ok_or_else(wrong)?;
    let percent: f64 = text.strip_suffix('%').unwrap_or(text).trim().parse().map_err(|_| wrong())?;
    // In thousandths of a percent, so that the part is one of integers.
    let part = (percent * 1000.0).round();
    if !(1.0..=100_000.0).contains(&part) {
        return Err(wrong());
    }
    Ok(Some(whole.share(part as u64, 100_000)))
}

fn line(entry: &Entry) -> String {
    let text = |name: Option<String>| name.unwrap_or_else(|| "-".to_owned());
    let releases = entry.releases.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let loss = if entry.kind == Kind::Charge { entry.loss.to_string() } else { String::new() };
    let what = entry.note.as_deref().filter(|_| entry.kind == Kind::Note).unwrap_or(&releases);
    let window = entry.window.as_ref().map_or_else(String::new, |window| format!("in {window}  "));
    format!(
        "{:>6}  {}  {:<7} {}  by {}  for {}  {}  {window}{}",
        entry.number,
        flockwise_query::value::datetime_text(entry.at.saturating_mul(1_000_000)),
        entry.kind.name(),
        text(entry.request.as_ref().map(ToString::to_string)),
        text(entry.analyst.as_ref().map(ToString::to_string)),
        text(entry.purpose.as_ref().map(ToString::to_string)),
        what,
        loss,
    )
    .trim_end()
    .to_owned()
}

/// What is read of a file that says it is a release.
const LARGEST_RELEASE: u64 = 1 << 30;

/// A release is what was charged: its ledger has the entry, and the store has the very document.
pub(crate) fn verify_release(args: &Verify) -> Result<(), Failure> {
    let cannot =
        |error: io::Error| Failure::Arguments(format!("cannot read {}: {error}", args.release.display()));
    let mut text = Vec::new();
    let file = File::open(&args.release).map_err(cannot)?;
    file.take(LARGEST_RELEASE + 1).read_to_end(&mut text).map_err(cannot)?;
    if text.len() as u64 > LARGEST_RELEASE {
        return Err(cannot(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than any release")));
    }
    let not_a_release =
        |_| Failure::Arguments(format!("{} is no release of flockwise", args.release.display()));
    let document: Document = serde_json::from_slice(&text).map_err(not_a_release)?;
    let receipt = document.receipt.ok_or_else(|| Failure::NotCharged("it has no receipt".to_owned()))?;
    let session = Session::open(&args.under.policy)?;
    let ledger = session.ledger()?;
    ledger.verify()?;
    ledger.proves(&receipt)?;
    let entry = ledger.entry(receipt.entry)?;
    let request = entry.request.ok_or_else(|| Failure::NotCharged("its entry is no charge".to_owned()))?;
    let stored = session.stored(&request)?;
    let same = |known: &&Document| {
        let rows = if document.rows.is_none() { None } else { known.rows.clone() };
        Document { rows, ..(*known).clone() } == document
    };
    if stored.iter().find(same).is_none() {
        return Err(Failure::NotCharged(
            "it differs from the release that was stored for this request".to_owned(),
        ));
    }
    say!(
        "{}: charged as entry {} of ledger {}, and unchanged",
        document.file_name(),
        receipt.entry,
        receipt.ledger_id
    );
    Ok(())
}
