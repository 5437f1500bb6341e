//! What was released, kept so that a request is answered once: stored, then shown.

use std::path::Path;
use std::time::{Duration, SystemTime};

use flockwise_mechanisms::Digest;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use crate::binding::LedgerId;
use crate::entry::{Receipt, seconds};
use crate::error::{Difference, Error};
use crate::ledger::{LedgerFile, cannot_write};
use crate::name::RequestId;
use crate::store::{Format, refuse_moved};

const FORMAT: Format = Format {
    kind: "a releases file",
    // "FRel"
    application: 0x4652_656c,
    version: 1,
    schema: &[
        ("ledger", "CREATE TABLE ledger (id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID"),
        (
            "part",
            "CREATE TABLE part (request TEXT NOT NULL, number INTEGER NOT NULL, bytes BLOB NOT NULL, \
             PRIMARY KEY (request, number)) STRICT",
        ),
        (
            "release",
            "CREATE TABLE release (request TEXT PRIMARY KEY, entry INTEGER NOT NULL, hash BLOB NOT NULL, \
             previous BLOB NOT NULL, plan BLOB NOT NULL, at INTEGER NOT NULL, digest BLOB NOT NULL) STRICT",
        ),
    ],
};

/// Releases are kept in parts, because SQLite bounds one value; no release is refused for its size.
const PART: usize = 64 << 20;

/// A release as it was stored: these bytes, and no others, answer the request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredRelease {
    /// The request.
    pub request: RequestId,
    /// The charge that paid for it.
    pub receipt: Receipt,
    /// Digest of the plan.
    pub plan: Digest,
    /// What is shown.
    pub bytes: Vec<u8>,
}

/// The store of releases beside a ledger.
///
/// Two processes may execute one request; each stores its draw here before it shows anything, and both show what was
/// stored first. So one charge never shows two draws.
#[derive(Debug)]
pub struct Releases {
    conn: Connection,
    id: LedgerId,
}

impl Releases {
    /// Opens the store of a ledger's releases, or makes it.
    ///
    /// # Errors
    /// [`Error::AnotherLedger`] when it belongs to another ledger; else as [`LedgerFile::open`].
    pub fn open_or_create(path: &Path, id: LedgerId) -> Result<Self, Error> {
        if !path.exists() {
            let made = FORMAT.create(path, |tx| {
                tx.execute("INSERT INTO ledger VALUES (?1)", [id.to_string()])?;
                Ok(())
            });
            match made {
                // Another process was faster: its file will do.
                Ok(()) | Err(Error::Exists { .. }) => (),
                Err(error) => return Err(error),
            }
        }
        let conn = FORMAT.open(path)?;
        let found: Option<String> =
            conn.query_row("SELECT id FROM ledger", [], |row| row.get(0)).optional()?;
        let found = found.ok_or_else(|| damaged("it names no ledger"))?;
        if found != id.to_string() {
            let difference =
                Difference { what: "ledger id of the releases file", ledger: id.to_string(), asked: found };
            return Err(Error::AnotherLedger { differences: vec![difference] });
        }
        Ok(Self { conn, id })
    }

    /// How long to wait for another process before [`Error::Busy`]; 20 seconds unless told.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn set_patience(&mut self, patience: Duration) -> Result<(), Error> {
        Ok(self.conn.busy_timeout(patience.min(Duration::from_secs(1_000_000)))?)
    }

    /// What a request was answered with.
    ///
    /// # Errors
    /// [`Error::Damaged`] when the bytes are not those that were stored.
    pub fn get(&self, request: &RequestId) -> Result<Option<StoredRelease>, Error> {
        read(&self.conn, self.id, request)
    }

    /// Stores what a charged plan yielded, durably, unless the request is answered already; either way, the answer.
    pub(crate) fn store(
        &mut self,
        request: &RequestId,
        receipt: &Receipt,
        plan: Digest,
        bytes: &[u8],
    ) -> Result<StoredRelease, Error> {
        if receipt.ledger_id != self.id {
            let (ledger, asked) = (self.id.to_string(), receipt.ledger_id.to_string());
            return Err(Error::AnotherLedger {
                differences: vec![Difference { what: "ledger id", ledger, asked }],
            });
        }
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(cannot_write)?;
        refuse_moved(&tx)?;
        let stored = if let Some(stored) = read(&tx, self.id, request)? {
            stored
        } else {
            insert(&tx, request, receipt, plan, bytes).map_err(cannot_write)?;
            tx.commit().map_err(cannot_write)?;
            StoredRelease { request: request.clone(), receipt: *receipt, plan, bytes: bytes.to_vec() }
        };
        if stored.plan == plan {
            Ok(stored)
        } else {
            Err(Error::RequestIdReused { request: request.clone() })
        }
    }

    /// Whether these releases are the ledger's, and the ledger is not an older copy than they prove.
    pub(crate) fn belong_to(&self, ledger: &LedgerFile) -> Result<(), Error> {
        if self.id != ledger.id() {
            let (ledger, asked) = (ledger.id().to_string(), self.id.to_string());
            return Err(Error::AnotherLedger {
                differences: vec![Difference { what: "ledger id", ledger, asked }],
            });
        }
        let newest = "SELECT entry, hash FROM release ORDER BY rowid DESC LIMIT 1";
        let newest = self.conn.prepare_cached(newest)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)));
        match newest.optional()? {
            Some((entry, hash)) => ledger.holds(entry, Digest(hash), "a stored release"),
            None => Ok(()),
        }
    }
}

fn insert(
    tx: &Connection,
    request: &RequestId,
    receipt: &Receipt,
    plan: Digest,
    bytes: &[u8],
) -> Result<(), rusqlite::Error> {
    let mut part = tx.prepare_cached("INSERT INTO part VALUES (?1, ?2, ?3)")?;
    for (number, bytes) in bytes.chunks(PART).enumerate() {
        part.execute((request.as_str(), number as u64, bytes))?;
    }
    let digest = Digest::of(bytes);
    let (hash, previous) = (&receipt.hash.0[..], &receipt.previous.0[..]);
    tx.prepare_cached("INSERT INTO release VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?.execute((
        request.as_str(),
        receipt.entry,
        hash,
        previous,
        &plan.0[..],
        seconds(SystemTime::now()),
        &digest.0[..],
    ))?;
    Ok(())
}

fn read(conn: &Connection, id: LedgerId, request: &RequestId) -> Result<Option<StoredRelease>, Error> {
    let select = "SELECT entry, hash, previous, plan, digest FROM release WHERE request = ?1";
    let found = conn.prepare_cached(select)?.query_row([request.as_str()], |row| {
        let receipt = Receipt {
            ledger_id: id,
            entry: row.get(0)?,
            hash: Digest(row.get(1)?),
            previous: Digest(row.get(2)?),
        };
        Ok((receipt, Digest(row.get(3)?), Digest(row.get(4)?)))
    });
    let Some((receipt, plan, digest)) = found.optional()? else { return Ok(None) };
    let mut statement = conn.prepare_cached("SELECT bytes FROM part WHERE request = ?1 ORDER BY number")?;
    let mut rows = statement.query([request.as_str()])?;
    let mut bytes = Vec::new();
    while let Some(row) = rows.next()? {
        bytes.extend_from_slice(row.get_ref(0)?.as_blob().map_err(|_| damaged("a part cannot be read"))?);
    }
    if Digest::of(&bytes) != digest {
        return Err(damaged("a release is not what was stored"));
    }
    Ok(Some(StoredRelease { request: request.clone(), receipt, plan, bytes }))
}

fn damaged(what: &str) -> Error {
    Error::damaged(None, format!("the releases file: {what}"))
}
