//! The ledger file: made once, opened against its binding, followed to its head before every decision.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use flockwise_mechanisms::{Digest, Loss};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};

use crate::amend::Amendment;
use crate::binding::{Binding, Genesis, LedgerId};
use crate::entry::{self, Draft, Entry, Kind, Receipt, SELECT, seconds};
use crate::error::{Difference, Error};
use crate::state::State;
use crate::store::{Format, PATIENCE, patiently, random, refuse_moved};

/// The ledger's file format.
pub(crate) const FORMAT: Format = Format {
    kind: "a ledger",
    // "FLed"
    application: 0x464c_6564,
    version: 1,
    schema: &[
        (
            "entry",
            "CREATE TABLE entry (number INTEGER PRIMARY KEY, kind TEXT NOT NULL, at INTEGER NOT NULL, request TEXT, \
             plan BLOB, job BLOB, analyst TEXT, purpose TEXT, data TEXT, releases TEXT, window TEXT, \
             amount INTEGER NOT NULL, delta INTEGER NOT NULL, total_amount INTEGER NOT NULL, \
             total_delta INTEGER NOT NULL, note TEXT, previous BLOB NOT NULL, hash BLOB NOT NULL) STRICT",
        ),
        ("entry_by_request", "CREATE INDEX entry_by_request ON entry (request) WHERE request IS NOT NULL"),
        (
            "head",
            "CREATE TABLE head (id INTEGER PRIMARY KEY CHECK (id = 0), number INTEGER NOT NULL, hash BLOB NOT NULL) STRICT",
        ),
    ],
};

/// How many entries are followed under one shared lock, so that long checks do not keep writers waiting.
const CHUNK: i64 = 20_000;

/// An open ledger.
///
/// Opening follows the whole chain; each later decision follows what other processes have added since. A decision is
/// made and recorded inside one `BEGIN IMMEDIATE` transaction, so that no two processes decide at once.
#[derive(Debug)]
pub struct LedgerFile {
    pub(crate) conn: Connection,
    pub(crate) state: State,
    path: PathBuf,
    patience: Duration,
}

impl LedgerFile {
    /// Makes a ledger, bound for good. The file appears whole and durable, or not at all.
    ///
    /// # Errors
    /// [`Error::Exists`] when there is a file of that name (or a journal of one), [`Error::Network`] on a network file
    /// system, and those of the storage.
    pub fn init(path: &Path, binding: &Binding) -> Result<LedgerId, Error> {
        let rectangle = binding.ceiling.rectangle();
        let genesis = Genesis { binding: binding.clone(), rectangle, nonce: Digest(random()?) };
        let zero = Loss::zero(rectangle.accounting());
        let note = serde_json::to_string(&genesis).expect("a binding has a JSON form");
        let mut id = None;
        FORMAT.create(path, |tx| {
            let draft = Draft {
                kind: Kind::Init,
                at: seconds(SystemTime::now()),
                request: None,
                plan: None,
                window: None,
                loss: zero,
                total: zero,
                note: Some(note),
            };
            id = Some(LedgerId::of(draft.insert(tx, 0, Digest([0; 32]))?));
            Ok(())
        })?;
        Ok(id.expect("a file that was made holds entry 0"))
    }

    /// Opens a ledger, follows its whole chain, and checks that it is the one that is asked for.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::NotOurs`], [`Error::Damaged`] (with the entry and what is wrong with it),
    /// [`Error::AnotherLedger`] (with each difference), [`Error::Busy`], and those of the storage.
    pub fn open(path: &Path, binding: &Binding, pinned: Option<&LedgerId>) -> Result<Self, Error> {
        let ledger = Self::open_any(path)?;
        let bound = &ledger.state.genesis.binding;
        let mut differences = bound.differences(binding);
        if bound.data != binding.data && !ledger.state.data.contains(&binding.data) {
            let (ledger, asked) = (bound.data.to_string(), binding.data.to_string());
            differences.insert(0, Difference { what: "data set", ledger, asked });
        }
        if let Some(pinned) = pinned.filter(|id| **id != ledger.state.id) {
            let (ledger, asked) = (ledger.state.id.to_string(), pinned.to_string());
            differences.insert(0, Difference { what: "ledger id", ledger, asked });
        }
        if differences.is_empty() { Ok(ledger) } else { Err(Error::AnotherLedger { differences }) }
    }

    /// Opens whatever ledger is there, for audit: its chain is followed, its binding is not compared with anything.
    ///
    /// # Errors
    /// As [`LedgerFile::open`], except for [`Error::AnotherLedger`].
    pub fn open_any(path: &Path) -> Result<Self, Error> {
        let conn = FORMAT.open(path)?;
        let first = conn
            .prepare(&format!("{SELECT} ORDER BY number LIMIT 1"))?
            .query_row([], |row| Ok(State::start(row)));
        let state = first.optional()?.ok_or_else(|| Error::damaged(0, "it is missing"))??;
        let mut ledger = Self { conn, state, path: path.to_owned(), patience: PATIENCE };
        ledger.catch_up()?;
        Ok(ledger)
    }

    /// How long to wait for another process before [`Error::Busy`]; 20 seconds unless told.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn set_patience(&mut self, patience: Duration) -> Result<(), Error> {
        self.patience = patience.min(Duration::from_secs(1_000_000));
        Ok(self.conn.busy_timeout(self.patience)?)
    }

    /// The ledger's identity.
    #[must_use]
    pub const fn id(&self) -> LedgerId {
        self.state.id
    }

    /// What it is bound to.
    #[must_use]
    pub const fn binding(&self) -> &Binding {
        &self.state.genesis.binding
    }

    /// What is enforced: the most that all charges, or those of one window, may add up to.
    #[must_use]
    pub const fn rectangle(&self) -> Loss {
        self.state.genesis.rectangle
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The last entry.
    ///
    /// # Errors
    /// As [`LedgerFile::verify`].
    pub fn head(&mut self) -> Result<Receipt, Error> {
        self.catch_up()?;
        let head = self.state.head;
        Ok(Receipt { ledger_id: self.state.id, entry: head.number, hash: head.hash, previous: head.previous })
    }

    /// Opens a ledger for audit and checks everything: the file's structure and indexes, and the whole chain from entry
    /// 0, that is hashes, links, totals, binding and ceiling.
    ///
    /// # Errors
    /// [`Error::Damaged`], which names the first entry that is wrong and what is wrong with it.
    pub fn audit(path: &Path) -> Result<Self, Error> {
        // The two checks share nothing but the file, so each has a connection and a thread.
        let structure = || -> Result<bool, Error> {
            let conn = FORMAT.open(path)?;
            Ok(conn.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0))? == "ok")
        };
        let (ledger, sound) = std::thread::scope(|scope| {
            let structure = scope.spawn(structure);
            (Self::open_any(path), structure.join())
        });
        let ledger = ledger?;
        match sound {
            Ok(Ok(true)) => Ok(ledger),
            Ok(Ok(false)) => Err(Error::damaged(None, "its index does not fit its entries")),
            Ok(Err(error)) => Err(error),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    /// Checks everything anew, as [`LedgerFile::audit`], and that what this handle has seen is still there.
    ///
    /// # Errors
    /// As [`LedgerFile::audit`].
    pub fn verify(&self) -> Result<Receipt, Error> {
        let mut fresh = Self::audit(&self.path)?;
        if fresh.state.id != self.state.id {
            return Err(Error::damaged(0, "the file was replaced by another ledger while it was open"));
        }
        fresh.holds(self.state.head.number, self.state.head.hash, "this process")?;
        fresh.head()
    }

    /// Whether the ledger holds the entry of a receipt: if not, an older copy was restored, or it is another ledger.
    ///
    /// # Errors
    /// [`Error::Older`] or [`Error::AnotherLedger`].
    pub fn proves(&self, receipt: &Receipt) -> Result<(), Error> {
        if receipt.ledger_id != self.state.id {
            let (ledger, asked) = (self.state.id.to_string(), receipt.ledger_id.to_string());
            return Err(Error::AnotherLedger {
                differences: vec![Difference { what: "ledger id", ledger, asked }],
            });
        }
        self.holds(receipt.entry, receipt.hash, "a receipt")
    }

    pub(crate) fn holds(&self, entry: u64, hash: Digest, witness: &'static str) -> Result<(), Error> {
        let mut statement = self.conn.prepare_cached("SELECT hash FROM entry WHERE number = ?1")?;
        let found: Option<Vec<u8>> = statement.query_row([entry], |row| row.get(0)).optional()?;
        if found.is_some_and(|found| found == hash.0) { Ok(()) } else { Err(Error::Older { entry, witness }) }
    }

    /// Hands each entry to `each`, from `from` on, in order.
    ///
    /// # Errors
    /// Those of the storage; an entry that cannot be read is [`Error::Damaged`].
    pub fn log(&self, from: u64, mut each: impl FnMut(Entry)) -> Result<(), Error> {
        let accounting = self.rectangle().accounting();
        let mut next = from;
        loop {
            let mut statement =
                self.conn.prepare_cached(&format!("{SELECT} WHERE number >= ?1 ORDER BY number LIMIT ?2"))?;
            let mut rows = statement.query((next, CHUNK))?;
            let start = next;
            while let Some(row) = rows.next()? {
                let entry = Entry::read(row, accounting)?;
                next = entry.number + 1;
                each(entry);
            }
            if next == start {
                return Ok(());
            }
        }
    }

    /// Reads one entry.
    ///
    /// # Errors
    /// [`Error::Damaged`] when there is none of that number.
    pub fn entry(&self, number: u64) -> Result<Entry, Error> {
        let mut statement = self.conn.prepare_cached(&format!("{SELECT} WHERE number = ?1"))?;
        let accounting = self.rectangle().accounting();
        let found = statement.query_row([number], |row| Ok(Entry::read(row, accounting))).optional()?;
        found.ok_or_else(|| Error::damaged(number, "it is missing"))?
    }

    /// Records an amendment.
    ///
    /// # Errors
    /// [`Error::Amendment`] for a part in another accounting; else as for a charge.
    pub fn amend(&mut self, amendment: &Amendment, when: SystemTime) -> Result<Receipt, Error> {
        let ceiling = match amendment {
            Amendment::Data { .. } => None,
            Amendment::Analyst { ceiling, .. } | Amendment::Purpose { ceiling, .. } => *ceiling,
        };
        if ceiling.is_some_and(|c| c.accounting() != self.rectangle().accounting()) {
            return Err(Error::Amendment { why: "its part is counted in another way than the ledger" });
        }
        let note = serde_json::to_string(amendment).expect("an amendment has a JSON form");
        self.trail(Kind::Amend, note, when)
    }

    /// Records that something happened which costs nothing. The text is the caller's own and never comes from data.
    ///
    /// # Errors
    /// As for a charge.
    pub fn note(&mut self, what: &crate::Name, when: SystemTime) -> Result<Receipt, Error> {
        self.trail(Kind::Note, what.to_string(), when)
    }

    fn trail(&mut self, kind: Kind, note: String, when: SystemTime) -> Result<Receipt, Error> {
        self.decide(|tx, state| {
            let zero = Loss::zero(state.genesis.rectangle.accounting());
            let draft = Draft {
                kind,
                at: seconds(when),
                request: None,
                plan: None,
                window: None,
                loss: zero,
                total: state.total(""),
                note: Some(note),
            };
            append(tx, state, vec![draft])
        })
    }

    /// Decides and records in one transaction, on the whole chain, with every other process locked out. When it
    /// returns `Ok`, what was recorded is on disk.
    pub(crate) fn decide<T>(
        &mut self,
        decision: impl FnOnce(&Transaction<'_>, &State) -> Result<T, Error>,
    ) -> Result<T, Error> {
        // Most of what others have added is followed before the lock is taken.
        self.catch_up()?;
        if self.conn.is_readonly("main")? {
            return Err(Error::ReadOnly);
        }
        let tx = patiently(&self.conn, self.patience, || {
            Transaction::new_unchecked(&self.conn, TransactionBehavior::Immediate).map_err(cannot_write)
        })?;
        refuse_moved(&tx)?;
        while follow_some(&tx, &mut self.state)? {}
        let decided = decision(&tx, &self.state)?;
        tx.commit().map_err(cannot_write)?;
        Ok(decided)
    }

    /// Follows what was added since the last time.
    pub(crate) fn catch_up(&mut self) -> Result<(), Error> {
        loop {
            let more = patiently(&self.conn, self.patience, || {
                let tx = Transaction::new_unchecked(&self.conn, TransactionBehavior::Deferred)?;
                follow_some(&tx, &mut self.state)
            })?;
            if !more {
                return Ok(());
            }
        }
    }
}

/// A journal that cannot be made is a directory that cannot be written.
pub(crate) fn cannot_write(error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::CannotOpen | rusqlite::ErrorCode::PermissionDenied) => Error::ReadOnly,
        _ => error.into(),
    }
}

/// Follows a chunk of entries; whether there may be more. At the end of the chain, the head on file must be the last
/// entry: so a row that was deleted at the end is missed too.
fn follow_some(tx: &Transaction<'_>, state: &mut State) -> Result<bool, Error> {
    let last = state.head.number;
    let mut head = tx.prepare_cached(
        "SELECT head.number, head.hash, entry.hash FROM head LEFT JOIN entry ON entry.number = ?1",
    )?;
    let found = head.query_row([last], |row| {
        Ok((row.get::<_, u64>(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, Option<Vec<u8>>>(2)?))
    });
    let (number, hash, known) =
        found.optional()?.ok_or_else(|| Error::damaged(None, "its head is missing"))?;
    if known.is_none_or(|known| known != state.head.hash.0) {
        return Err(Error::damaged(
            last,
            "it changed while the ledger was open, or an older copy was restored",
        ));
    }
    let mut statement = tx.prepare_cached(&format!("{SELECT} WHERE number > ?1 ORDER BY number LIMIT ?2"))?;
    let mut rows = statement.query((last, CHUNK))?;
    while let Some(row) = rows.next()? {
        state.follow(row)?;
    }
    let followed = state.head.number - last;
    if followed == CHUNK as u64 {
        return Ok(true);
    }
    if number > state.head.number {
        return Err(Error::damaged(state.head.number + 1, "it is missing"));
    }
    if number != state.head.number || hash != state.head.hash.0 {
        return Err(Error::damaged(state.head.number, "it is not the last one that was recorded"));
    }
    Ok(false)
}

/// Appends entries behind the head; the receipt is the last one's.
pub(crate) fn append(tx: &Transaction<'_>, state: &State, drafts: Vec<Draft<'_>>) -> Result<Receipt, Error> {
    let mut receipt = Receipt {
        ledger_id: state.id,
        entry: state.head.number,
        hash: state.head.hash,
        previous: state.head.previous,
    };
    for draft in drafts {
        let (entry, previous) = (receipt.entry + 1, receipt.hash);
        let hash = draft.insert(tx, entry, previous).map_err(cannot_write)?;
        receipt = Receipt { entry, hash, previous, ..receipt };
    }
    Ok(receipt)
}

/// Reads the entries of a request, oldest first.
pub(crate) fn of_request(
    tx: &Connection,
    request: &crate::RequestId,
    state: &State,
) -> Result<Vec<Entry>, Error> {
    let mut statement = tx.prepare_cached(&format!("{SELECT} WHERE request = ?1 ORDER BY number"))?;
    let mut rows = statement.query([request.as_str()])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        entries.push(entry::Entry::read(row, state.genesis.rectangle.accounting())?);
    }
    Ok(entries)
}
