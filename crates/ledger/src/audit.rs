//! For those who do not take a ledger's word: anchors, exports, backups, and whether a release is what was charged.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use flockwise_mechanisms::Digest;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use serde::Serialize;

use crate::entry::{Entry, Kind, Receipt};
use crate::error::Error;
use crate::ledger::{FORMAT, LedgerFile, of_request};
use crate::store::{beside, connect, hex, random};

/// An entry as it is exported: with its time as text.
#[derive(Serialize)]
struct Exported {
    time: String,
    #[serde(flatten)]
    entry: Entry,
}

/// The columns of an export as CSV.
const CSV: &str = "number,kind,time,request,plan,job,analyst,purpose,data,releases,window,accounting,amount,delta,\
                   total_amount,total_delta,note,previous,hash";

impl Entry {
    /// When it was recorded, by the clock of that machine, as `2026-11-24T11:05:00Z`.
    #[must_use]
    pub fn time(&self) -> String {
        let (days, second) = (self.at.div_euclid(86_400), self.at.rem_euclid(86_400));
        let (year, month, day) = civil(days);
        format!(
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
            second / 3600,
            second / 60 % 60,
            second % 60
        )
    }
}

/// The date of a day since 1970 in the proleptic Gregorian calendar, by eras of 400 years that start in March, so that
/// the leap day is the last of its year (Hinnant 2013, "chrono-compatible low-level date algorithms").
const fn civil(days: i64) -> (i64, i64, i64) {
    let days = days.saturating_add(719_468);
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year + 400 * era + (month <= 2) as i64, month, day)
}

impl LedgerFile {
    /// Appends the head to an anchor: a file elsewhere, which nobody who can write the ledger should be able to rewrite.
    /// One JSON receipt a line; one file may serve several ledgers.
    ///
    /// # Errors
    /// Those of the ledger and of the file.
    pub fn anchor(&mut self, path: &Path) -> Result<Receipt, Error> {
        let head = self.head()?;
        let failed = |error| Error::file(path, error);
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(failed)?;
        let mut line = serde_json::to_string(&head).expect("a receipt has a JSON form");
        line.push('\n');
        if torn(&mut file).map_err(failed)? {
            // A line that a crash cut short ends here, and is passed over.
            line.insert(0, '\n');
        }
        // One write: lines of several processes do not mix.
        file.write_all(line.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        Ok(head)
    }

    /// Checks that the ledger holds every entry that an anchor proves. The number of its lines about this ledger.
    ///
    /// # Errors
    /// [`Error::Older`] when an entry is not there: an older copy was restored, or history was rewritten.
    pub fn check_anchor(&self, path: &Path) -> Result<u64, Error> {
        let file = File::open(path).map_err(|e| Error::file(path, e))?;
        let mut lines = 0;
        for line in BufReader::new(file).lines() {
            let line = line.map_err(|e| Error::file(path, e))?;
            // A line that was cut short proves nothing; all others still do.
            let Ok(receipt) = serde_json::from_str::<Receipt>(&line) else { continue };
            if receipt.ledger_id == self.id() {
                self.holds(receipt.entry, receipt.hash, "the anchor")?;
                lines += 1;
            }
        }
        Ok(lines)
    }

    /// Whether these bytes are the release that a receipt's charge paid for; the entry of the charge.
    ///
    /// # Errors
    /// [`Error::Older`] and [`Error::AnotherLedger`] as [`LedgerFile::proves`]; [`Error::AnotherRelease`] when the charge
    /// was answered with other bytes, or not at all.
    pub fn confirms(&self, receipt: &Receipt, bytes: &[u8]) -> Result<Entry, Error> {
        self.proves(receipt)?;
        let charge = self.entry(receipt.entry)?;
        let another = || Error::AnotherRelease { entry: receipt.entry };
        let request = charge.request.as_ref().filter(|_| charge.kind == Kind::Charge).ok_or_else(another)?;
        let digest = Digest::of(bytes).to_string();
        let entries = of_request(&self.conn, request, &self.state)?;
        let answered = entries.iter().any(|e| e.kind == Kind::Answer && e.note.as_ref() == Some(&digest));
        if answered { Ok(charge) } else { Err(another()) }
    }

    /// Writes all entries as JSON, one object a line.
    ///
    /// # Errors
    /// Those of the storage; those of the writer as [`Error::File`], with an empty path.
    pub fn export_json(&self, mut to: impl Write) -> Result<(), Error> {
        self.export(|entry| {
            serde_json::to_writer(&mut to, &Exported { time: entry.time(), entry })?;
            to.write_all(b"\n")
        })
    }

    /// Writes all entries as CSV (RFC 4180), with a header.
    ///
    /// # Errors
    /// As [`LedgerFile::export_json`].
    pub fn export_csv(&self, mut to: impl Write) -> Result<(), Error> {
        writeln!(to, "{CSV}").map_err(|e| Error::file(Path::new(""), e))?;
        self.export(|entry| writeln!(to, "{}", csv(&entry)))
    }

    fn export(&self, mut write: impl FnMut(Entry) -> std::io::Result<()>) -> Result<(), Error> {
        let mut failed = None;
        self.log(0, |entry| {
            if failed.is_none() {
                failed = write(entry).err();
            }
        })?;
        failed.map_or(Ok(()), |error| Err(Error::file(Path::new(""), error)))
    }

    /// Copies the ledger, as it is between two charges, to a file that must not exist; checked and durable when it
    /// appears. A backup that is older than the last release must not be restored: it has forgotten charges.
    ///
    /// # Errors
    /// [`Error::Exists`], and those of the storage.
    pub fn backup(&mut self, to: &Path) -> Result<Receipt, Error> {
        if to.symlink_metadata().is_ok() {
            return Err(Error::Exists { path: to.to_owned() });
        }
        let temporary = beside(to, &format!(".new-{}", hex(&random::<8>()?)));
        let copied = self.copy(&temporary).and_then(|receipt| {
            crate::place::publish(&temporary, to)?;
            Ok(receipt)
        });
        if copied.is_err() {
            std::fs::remove_file(&temporary).ok();
        }
        copied
    }

    fn copy(&self, to: &Path) -> Result<Receipt, Error> {
        let mut copy: Connection = connect(to, OpenFlags::SQLITE_OPEN_CREATE)?;
        {
            let backup = Backup::new(&self.conn, &mut copy)?;
            // All pages in one step, under one lock: a state between two charges.
            crate::store::patiently(&self.conn, crate::store::PATIENCE, || match backup.step(-1)? {
                StepResult::Done => Ok(()),
                StepResult::Busy | StepResult::Locked | StepResult::More => Err(Error::Busy),
                _ => Err(Error::Busy),
            })?;
        }
        copy.close().map_err(|(_, error)| Error::from(error))?;
        let mut copy = Self::audit(to)?;
        copy.head()
    }

    /// Brings a ledger to the newest format, after checking all of it; the format it had. This version knows one format.
    ///
    /// # Errors
    /// As [`LedgerFile::audit`]; [`Error::Newer`] for a format that only a later version knows.
    pub fn upgrade(path: &Path) -> Result<u32, Error> {
        let ledger = Self::audit(path)?;
        let found = ledger.conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
        debug_assert_eq!(found, FORMAT.version, "another format is not opened");
        Ok(found)
    }
}

/// Whether a file's last line has no end.
fn torn(file: &mut File) -> std::io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

fn csv(entry: &Entry) -> String {
    let text = |text: Option<String>| quoted(&text.unwrap_or_default());
    let name = |name: &Option<crate::Name>| text(name.as_ref().map(ToString::to_string));
    let releases: Vec<_> = entry.releases.iter().map(ToString::to_string).collect();
    [
        entry.number.to_string(),
        entry.kind.name().to_owned(),
        entry.time(),
        text(entry.request.as_ref().map(ToString::to_string)),
        text(entry.plan.map(|d| d.to_string())),
        text(entry.job.map(|d| d.to_string())),
        name(&entry.analyst),
        name(&entry.purpose),
        name(&entry.data),
        quoted(&releases.join(" ")),
        name(&entry.window),
        entry.loss.accounting().to_string(),
        entry.loss.amount_text(),
        entry.loss.delta().to_string(),
        entry.total.amount_text(),
        entry.total.delta().to_string(),
        text(entry.note.clone()),
        entry.previous.to_string(),
        entry.hash.to_string(),
    ]
    .join(",")
}

/// A cell that a reader of CSV takes apart again. A spreadsheet takes a cell that starts with `=`, `+`, `-` or `@` for a
/// formula, and names are the analyst's: such a cell gets an apostrophe in front.
fn quoted(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::civil;

    #[test]
    fn days_become_dates() {
        for (days, date) in [
            (0, (1970, 1, 1)),
            (-1, (1969, 12, 31)),
            (19_782, (2024, 2, 29)),
            (20_781, (2026, 11, 24)),
            (11_016, (2000, 2, 29)),
            (47_541, (2100, 3, 1)),
        ] {
            assert_eq!(civil(days), date);
        }
    }
}
