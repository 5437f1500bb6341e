//! One entry of the chain: its columns, its canonical encoding, its hash.

use std::time::{Duration, SystemTime};

use flockwise_mechanisms::{Accounting, Delta, Digest, Loss};
use rusqlite::Row;
use rusqlite::types::{Value, ValueRef};
use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use crate::binding::LedgerId;
use crate::error::Error;
use crate::name::{Name, RequestId};

/// What an entry records.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Kind {
    /// The binding: entry 0.
    Init,
    /// A loss.
    Charge,
    /// Another try, free, of a request whose charge is recorded and whose release is not stored.
    Retry,
    /// That a request's release is stored, with the digest of its bytes: from here on it is never computed again.
    Answer,
    /// A change of what is not bound.
    Amend,
    /// That something happened which costs nothing and belongs into the trail.
    Note,
}

impl Kind {
    /// The name in the file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Charge => "charge",
            Self::Retry => "retry",
            Self::Answer => "answer",
            Self::Amend => "amend",
            Self::Note => "note",
        }
    }

    pub(crate) fn of(name: &str) -> Option<Self> {
        let all = [Self::Init, Self::Charge, Self::Retry, Self::Answer, Self::Amend, Self::Note];
        all.into_iter().find(|k| k.name() == name)
    }
}

/// Who asks for what, as the operator and the job say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// What makes it the same job when it is run again.
    pub id: RequestId,
    /// Who asks: the operator's to say.
    pub analyst: Option<Name>,
    /// The purpose that the job states.
    pub purpose: Name,
    /// Digest of the job.
    pub job: Digest,
    /// The data set's name.
    pub data: Name,
    /// The names of the releases.
    pub releases: Vec<Name>,
    /// The renewal windows that the plan spends in, each in full; none when the ledger does not renew.
    pub windows: Vec<Name>,
    /// When, by the clock of the machine. Only ever shown: no decision depends on it.
    pub when: SystemTime,
}

/// An entry as it was recorded.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Entry {
    /// Its place, from 0.
    pub number: u64,
    /// What it records.
    pub kind: Kind,
    /// When, in seconds since 1970 by the clock of the machine that recorded it.
    pub at: i64,
    /// Which request.
    pub request: Option<RequestId>,
    /// Digest of the plan.
    pub plan: Option<Digest>,
    /// Digest of the job.
    pub job: Option<Digest>,
    /// Who asked, as the operator said.
    pub analyst: Option<Name>,
    /// For what purpose.
    pub purpose: Option<Name>,
    /// Of which data set.
    pub data: Option<Name>,
    /// The names of the releases.
    pub releases: Vec<Name>,
    /// The renewal window that is charged.
    pub window: Option<Name>,
    /// The loss; zero unless it is a charge.
    pub loss: Loss,
    /// The sum of all losses up to here, in the same window.
    pub total: Loss,
    /// The binding or an amendment as JSON, the digest of a stored release, or what happened.
    pub note: Option<String>,
    /// The hash of the entry before it; zeros at entry 0.
    pub previous: Digest,
    /// SHA-256 of everything above.
    pub hash: Digest,
}

/// Proof of an entry: whoever holds it can tell whether a ledger has that entry, and so whether it is an older copy.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// Which ledger.
    pub ledger_id: LedgerId,
    /// The entry's place.
    pub entry: u64,
    /// Its hash, which covers everything before it.
    pub hash: Digest,
    /// The hash of the entry before it.
    pub previous: Digest,
}

/// Seconds since 1970, negative before.
pub(crate) fn seconds(when: SystemTime) -> i64 {
    let signed = |d: Duration| i64::try_from(d.as_secs()).unwrap_or(i64::MAX);
    match when.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => signed(after),
        Err(before) => -signed(before.duration()),
    }
}

/// The columns, in the order in which they are hashed; `hash` follows them.
pub(crate) const COLUMNS: usize = 17;

/// The columns of an entry, as they are selected.
pub(crate) const SELECT: &str = "SELECT number, kind, at, request, plan, job, analyst, purpose, data, releases, \
    window, amount, delta, total_amount, total_delta, note, previous, hash FROM entry";

/// An entry that is yet to be written.
pub(crate) struct Draft<'a> {
    pub kind: Kind,
    pub at: i64,
    pub request: Option<&'a Request>,
    pub plan: Option<Digest>,
    pub window: Option<&'a Name>,
    pub loss: Loss,
    pub total: Loss,
    pub note: Option<String>,
}

impl Draft<'_> {
    /// Inserts it behind the entry `previous` and returns its hash.
    pub fn insert(
        self,
        conn: &rusqlite::Connection,
        number: u64,
        previous: Digest,
    ) -> Result<Digest, rusqlite::Error> {
        let mut values = self.values(number, previous);
        let hash = hash(values.iter().map(ValueRef::from));
        values.push(Value::Blob(hash.0.to_vec()));
        let mut insert = conn.prepare_cached(
            "INSERT INTO entry VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
        )?;
        insert.execute(rusqlite::params_from_iter(values))?;
        let mut head = conn.prepare_cached("REPLACE INTO head VALUES (0, ?1, ?2)")?;
        head.execute((integer(number), &hash.0[..]))?;
        Ok(hash)
    }

    fn values(self, number: u64, previous: Digest) -> Vec<Value> {
        let text = |text: Option<&str>| text.map_or(Value::Null, |t| Value::Text(t.to_owned()));
        let blob = |digest: Option<Digest>| digest.map_or(Value::Null, |d| Value::Blob(d.0.to_vec()));
        let request = self.request;
        let releases =
            request.map(|r| serde_json::to_string(&r.releases).expect("a list of strings has a JSON form"));
        vec![
            Value::Integer(integer(number)),
            text(Some(self.kind.name())),
            Value::Integer(self.at),
            text(request.map(|r| r.id.as_str())),
            blob(self.plan),
            blob(request.map(|r| r.job)),
            text(request.and_then(|r| r.analyst.as_ref()).map(Name::as_str)),
            text(request.map(|r| r.purpose.as_str())),
            text(request.map(|r| r.data.as_str())),
            text(releases.as_deref()),
            text(self.window.map(Name::as_str)),
            Value::Integer(integer(self.loss.amount_units())),
            Value::Integer(integer(self.loss.delta().units())),
            Value::Integer(integer(self.total.amount_units())),
            Value::Integer(integer(self.total.delta().units())),
            text(self.note.as_deref()),
            blob(Some(previous)),
        ]
    }
}

/// Losses and entry numbers stay below 1e18, which an `i64` holds.
fn integer(units: u64) -> i64 {
    i64::try_from(units).expect("units and entry numbers are below 2^63")
}

/// SHA-256 over a tag and all columns in their order. Each value is its type's tag, its length in eight bytes and its
/// bytes, so that no two different rows have one encoding.
pub(crate) fn hash<'a>(values: impl Iterator<Item = ValueRef<'a>>) -> Digest {
    // Hashed in one go: the hasher's own buffering of seventeen small pieces costs more than this one.
    let mut encoded = Vec::with_capacity(512);
    encoded.extend_from_slice(b"flockwise ledger entry 1");
    for value in values {
        let (tag, number);
        let bytes: &[u8] = match value {
            ValueRef::Null => {
                tag = 0;
                &[]
            }
            ValueRef::Integer(i) => {
                tag = 1;
                number = i.to_le_bytes();
                &number
            }
            // The tables are STRICT and have no REAL column: this tag is never written, and so never matches.
            ValueRef::Real(f) => {
                tag = 2;
                number = f.to_le_bytes();
                &number
            }
            ValueRef::Text(t) => {
                tag = 3;
                t
            }
            ValueRef::Blob(b) => {
                tag = 4;
                b
            }
        };
        encoded.push(tag);
        encoded.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        encoded.extend_from_slice(bytes);
    }
    Digest(sha2::Sha256::digest(&encoded).into())
}

/// A column that holds a digest.
pub(crate) fn digest(value: ValueRef<'_>, number: u64) -> Result<Digest, Error> {
    let bytes = value.as_blob().ok().and_then(|b| b.try_into().ok());
    bytes.map(Digest).ok_or_else(|| Error::damaged(number, "a digest does not have 32 bytes"))
}

/// Two columns that hold a loss.
pub(crate) fn loss(row: &Row<'_>, at: usize, accounting: Accounting, number: u64) -> Result<Loss, Error> {
    let units =
        |i: usize| row.get_ref(i).ok().and_then(|v| v.as_i64().ok()).and_then(|i| u64::try_from(i).ok());
    let loss = || {
        let delta = Delta::from_units(units(at + 1)?).ok()?;
        Loss::from_units(accounting, units(at)?, delta).ok()
    };
    loss().ok_or_else(|| Error::damaged(number, "a loss is out of range"))
}

impl Entry {
    /// Reads a row that [`SELECT`] gave.
    pub(crate) fn read(row: &Row<'_>, accounting: Accounting) -> Result<Self, Error> {
        let number = row.get(0)?;
        let unreadable = |what: &str| Error::damaged(number, format!("its {what} cannot be read"));
        let name = |at: usize, what: &str| -> Result<Option<Name>, Error> {
            row.get::<_, Option<String>>(at)?.map(Name::new).transpose().map_err(|_| unreadable(what))
        };
        let digest_at = |at: usize| -> Result<Option<Digest>, Error> {
            let value = row.get_ref(at)?;
            if value == ValueRef::Null { Ok(None) } else { digest(value, number).map(Some) }
        };
        let kind =
            Kind::of(row.get_ref(1)?.as_str().unwrap_or_default()).ok_or_else(|| unreadable("kind"))?;
        let request = row.get::<_, Option<String>>(3)?.map(RequestId::new).transpose();
        let releases = row.get::<_, Option<String>>(9)?.map(|t| serde_json::from_str(&t)).transpose();
        Ok(Self {
            number,
            kind,
            at: row.get(2)?,
            request: request.map_err(|_| unreadable("request id"))?,
            plan: digest_at(4)?,
            job: digest_at(5)?,
            analyst: name(6, "analyst")?,
            purpose: name(7, "purpose")?,
            data: name(8, "data set")?,
            releases: releases.map_err(|_| unreadable("list of releases"))?.unwrap_or_default(),
            window: name(10, "window")?,
            loss: loss(row, 11, accounting, number)?,
            total: loss(row, 13, accounting, number)?,
            note: row.get(15)?,
            previous: digest(row.get_ref(16)?, number)?,
            hash: digest(row.get_ref(17)?, number)?,
        })
    }
}
