//! `flockwise ledger log|verify` and `flockwise verify`.

use flockwise_ledger::{Entry, LedgerFile};
use flockwise_query::Session;
use flockwise_query::release::Document;

use crate::args::{Ledger, LedgerAt, LedgerCommand, PlanFormat, Verify};
use crate::failure::Failure;

pub(crate) fn ledger(args: &Ledger) -> Result<(), Failure> {
    match &args.command {
        LedgerCommand::Log(at) => log(at),
        LedgerCommand::Verify(at) => {
            let head = open(at)?.verify()?;
            match at.format {
                PlanFormat::Table => println!(
                    "ledger {}: {} entries, the chain is whole; head {}",
                    head.ledger_id,
                    head.entry + 1,
                    head.hash
                ),
                PlanFormat::Json => println!("{}", serde_json::json!({ "ok": true, "head": head })),
            }
            Ok(())
        }
    }
}

fn open(at: &LedgerAt) -> Result<LedgerFile, Failure> {
    Ok(Session::open(&at.policy)?.ledger()?)
}

fn log(at: &LedgerAt) -> Result<(), Failure> {
    let ledger = open(at)?;
    ledger.log(0, |entry| match at.format {
        PlanFormat::Json => println!("{}", serde_json::json!(entry)),
        PlanFormat::Table => println!("{}", line(&entry)),
    })?;
    Ok(())
}

fn line(entry: &Entry) -> String {
    let text = |name: Option<String>| name.unwrap_or_else(|| "-".to_owned());
    let releases = entry.releases.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    format!(
        "{:>6}  {}  {:<7} {}  by {}  for {}  {}  {}",
        entry.number,
        flockwise_query::value::datetime_text(entry.at.saturating_mul(1_000_000)),
        entry.kind.name(),
        text(entry.request.as_ref().map(ToString::to_string)),
        text(entry.analyst.as_ref().map(ToString::to_string)),
        text(entry.purpose.as_ref().map(ToString::to_string)),
        releases,
        entry.loss,
    )
}

/// A release is what was charged: its ledger has the entry, and the store has the very document.
pub(crate) fn verify_release(args: &Verify) -> Result<(), Failure> {
    let text = std::fs::read(&args.release)
        .map_err(|error| Failure::Arguments(format!("cannot read {}: {error}", args.release.display())))?;
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
    println!(
        "{}: charged as entry {} of ledger {}, and unchanged",
        document.release, receipt.entry, receipt.ledger_id
    );
    Ok(())
}
