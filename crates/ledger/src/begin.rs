//! The one way to a charge: fresh, retried, or already answered.

use std::collections::BTreeSet;

use flockwise_mechanisms::{Charged, Digest, Ledger, Loss, Plan};
use rusqlite::Transaction;

use crate::entry::{Draft, Entry, Kind, Receipt, Request, seconds};
use crate::error::Error;
use crate::ledger::{LedgerFile, append, of_request};
use crate::releases::{Releases, StoredRelease};
use crate::state::State;

/// How often a request may be tried again free of charge when its release was never stored.
pub const FREE_RETRIES: usize = 3;

/// The most releases, and the most windows, of one request.
const MOST: usize = 10_000;

/// What a request gets.
#[derive(Debug)]
#[must_use = "the loss has been charged: execute the plan"]
pub enum Begun<P> {
    /// The loss was recorded now.
    Fresh(Charged<P>, Receipt),
    /// The loss was recorded by an earlier try, of which no release was stored. Free, at most [`FREE_RETRIES`] times
    /// for a request id; the receipt is that of the charge.
    Retry(Charged<P>, Receipt),
    /// The release is stored already: show it and nothing else.
    Stored(StoredRelease),
}

impl LedgerFile {
    /// Charges a plan for a request, or hands out what the request was answered with before.
    ///
    /// The loss is on disk before this returns `Fresh` or `Retry`; until then nothing may be read. What the executed
    /// plan yields goes through [`LedgerFile::answer`] before any of it is shown.
    ///
    /// # Errors
    /// [`Error::OverBudget`] with the three figures, [`Error::RequestIdReused`], [`Error::ReleaseLost`],
    /// [`Error::Accounting`], [`Error::Windows`], [`Error::Busy`], [`Error::ReadOnly`], [`Error::Older`] when a stored release proves entries
    /// that the ledger lacks, [`Error::Damaged`], [`Error::Storage`]. After each of them nothing may be read: the
    /// charge was refused, or was not acknowledged (a later try with the same request id finds out which).
    pub fn begin<P: Plan>(
        &mut self,
        plan: P,
        request: &Request,
        releases: &Releases,
    ) -> Result<Begun<P>, Error> {
        let windows = plan.windows();
        match flockwise_mechanisms::charge(&mut Charging { ledger: self, releases, windows }, plan, request) {
            Ok((charged, Recorded { receipt, fresh: true })) => Ok(Begun::Fresh(charged, receipt)),
            Ok((charged, Recorded { receipt, fresh: false })) => Ok(Begun::Retry(charged, receipt)),
            Err(Stop::Stored(release)) => Ok(Begun::Stored(*release)),
            Err(Stop::Failed(error)) => Err(error),
        }
    }

    /// Stores what a charged plan yielded and records that it is stored, both durably, before any of it is shown. When
    /// the request is answered already (another process was faster), that answer stands.
    ///
    /// **Show the bytes of what this returns, never those that were handed in.** The record in the chain keeps a lost or
    /// replaced releases file from becoming a second draw for one charge.
    ///
    /// # Errors
    /// [`Error::RequestIdReused`] when the request was answered with another plan's release; those of the storage: then
    /// nothing may be shown, and the request may be tried again.
    pub fn answer(
        &mut self,
        releases: &mut Releases,
        request: &Request,
        receipt: &Receipt,
        plan: Digest,
        bytes: &[u8],
    ) -> Result<StoredRelease, Error> {
        self.proves(receipt)?;
        let charge = self.entry(receipt.entry)?;
        if charge.kind != Kind::Charge
            || charge.request.as_ref() != Some(&request.id)
            || charge.plan != Some(plan)
        {
            return Err(Error::RequestIdReused { request: request.id.clone() });
        }
        let stored = releases.store(&request.id, receipt, plan, bytes)?;
        self.record_answer(&stored, request)?;
        Ok(stored)
    }

    /// Records that a release is stored, unless that is recorded.
    fn record_answer(&mut self, stored: &StoredRelease, request: &Request) -> Result<(), Error> {
        let digest = Digest::of(&stored.bytes).to_string();
        let recorded = |entries: &[Entry]| -> Result<bool, Error> {
            let answers = entries.iter().find(|entry| entry.kind == Kind::Answer);
            let Some(answer) = answers else { return Ok(false) };
            let same = answer.note.as_ref() == Some(&digest);
            let differs = || Error::damaged(answer.number, "it records another release than is stored");
            same.then_some(true).ok_or_else(differs)
        };
        if recorded(&of_request(&self.conn, &request.id, &self.state)?)? {
            return Ok(());
        }
        self.decide(|tx, state| {
            if !recorded(&of_request(tx, &request.id, state)?)? {
                let zero = Loss::zero(state.genesis.rectangle.accounting());
                let mut answer = draft(state, Kind::Answer, stored.plan, request, None, zero);
                answer.note = Some(digest.clone());
                append(tx, state, vec![answer])?;
            }
            Ok(())
        })
    }
}

/// A ledger with the store of its releases: only together can they tell a retry from an answer. Not public, so that
/// nobody gets a [`Charged`] for a request that was answered.
struct Charging<'a> {
    ledger: &'a mut LedgerFile,
    releases: &'a Releases,
    /// In how many windows the plan is executed: as many are charged, and not one less.
    windows: usize,
}

struct Recorded {
    receipt: Receipt,
    fresh: bool,
}

enum Stop {
    Stored(Box<StoredRelease>),
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Ledger for Charging<'_> {
    type Error = Stop;
    type Request = Request;
    type Receipt = Recorded;

    fn record(&mut self, loss: Loss, plan: Digest, request: &Request) -> Result<Recorded, Stop> {
        check(&self.ledger.state, loss, request, self.windows)?;
        self.ledger.catch_up()?;
        self.releases.belong_to(self.ledger)?;
        self.stored(plan, request)?;
        match self.ledger.decide(|tx, state| record(tx, state, loss, plan, request)) {
            Ok(recorded) => Ok(recorded),
            Err(error @ Error::ReleaseLost { .. }) => {
                // Another process may have stored it since we looked.
                self.stored(plan, request)?;
                Err(error.into())
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl Charging<'_> {
    /// Stops when the release is stored. It is handed out only for the very plan, and only if the ledger has its charge.
    fn stored(&mut self, plan: Digest, request: &Request) -> Result<(), Stop> {
        let Some(release) = self.releases.get(&request.id)? else { return Ok(()) };
        if release.plan != plan {
            return Err(Error::RequestIdReused { request: request.id.clone() }.into());
        }
        self.ledger.holds(release.receipt.entry, release.receipt.hash, "a stored release")?;
        self.ledger.record_answer(&release, request)?;
        Err(Stop::Stored(Box::new(release)))
    }
}

fn check(state: &State, loss: Loss, request: &Request, executed: usize) -> Result<(), Error> {
    let (plan, ledger) = (loss.accounting(), state.genesis.rectangle.accounting());
    if plan != ledger {
        return Err(Error::Accounting { plan, ledger });
    }
    for (count, what) in [(request.releases.len(), "releases"), (request.windows.len(), "windows")] {
        if count > MOST {
            return Err(Error::TooMany { most: MOST, what });
        }
    }
    let renewal = state.genesis.binding.window.is_some();
    let distinct = request.windows.iter().collect::<BTreeSet<_>>().len();
    let fits = if renewal { distinct == executed } else { executed == 1 };
    if renewal == request.windows.is_empty() || distinct != request.windows.len() || !fits {
        return Err(Error::Windows { renewal });
    }
    Ok(())
}

/// Inside the transaction: a retry of what is recorded, or a new charge if it fits.
fn record(
    tx: &Transaction<'_>,
    state: &State,
    loss: Loss,
    plan: Digest,
    request: &Request,
) -> Result<Recorded, Error> {
    let earlier = of_request(tx, &request.id, state)?;
    if earlier.iter().any(|entry| entry.plan != Some(plan)) {
        return Err(Error::RequestIdReused { request: request.id.clone() });
    }
    // What was paid for one set of windows must not be retried on another, whatever the plan's digest says.
    let charged = earlier.iter().filter(|entry| entry.kind == Kind::Charge);
    let paid: BTreeSet<_> = charged.filter_map(|entry| entry.window.as_ref()).collect();
    if !earlier.is_empty() && paid != request.windows.iter().collect() {
        return Err(Error::RequestIdReused { request: request.id.clone() });
    }
    if earlier.iter().any(|entry| entry.kind == Kind::Answer) {
        // Stored, and yet not found a moment ago: it is not to be drawn again.
        return Err(Error::ReleaseLost { request: request.id.clone() });
    }
    let charge = earlier.iter().rev().find(|entry| entry.kind == Kind::Charge);
    let retries = earlier.iter().filter(|entry| entry.kind == Kind::Retry).count();
    if let Some(charge) = charge.filter(|_| retries < FREE_RETRIES) {
        // One digest, two losses: not the same plan, whatever it says.
        if charge.loss != loss {
            return Err(Error::RequestIdReused { request: request.id.clone() });
        }
        append(
            tx,
            state,
            vec![draft(state, Kind::Retry, plan, request, None, Loss::zero(loss.accounting()))],
        )?;
        return Ok(Recorded { receipt: receipt(state, charge), fresh: false });
    }
    let windows: Vec<_> =
        if request.windows.is_empty() { vec![None] } else { request.windows.iter().map(Some).collect() };
    for window in &windows {
        state.allow(loss, *window, request.analyst.as_ref(), &request.purpose)?;
    }
    let drafts =
        windows.into_iter().map(|window| draft(state, Kind::Charge, plan, request, window, loss)).collect();
    Ok(Recorded { receipt: append(tx, state, drafts)?, fresh: true })
}

fn receipt(state: &State, entry: &Entry) -> Receipt {
    Receipt { ledger_id: state.id, entry: entry.number, hash: entry.hash, previous: entry.previous }
}

fn draft<'a>(
    state: &State,
    kind: Kind,
    plan: Digest,
    request: &'a Request,
    window: Option<&'a crate::Name>,
    loss: Loss,
) -> Draft<'a> {
    let spent = state.total(window.map_or("", crate::Name::as_str));
    Draft {
        kind,
        at: seconds(request.when),
        request: Some(request),
        plan: Some(plan),
        window,
        loss,
        total: spent.checked_add(loss).expect("a loss that fits keeps the total below the ceiling"),
        note: None,
    }
}
