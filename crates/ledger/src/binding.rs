//! What `init` binds into a ledger, for good.

use std::fmt;
use std::str::FromStr;

use flockwise_mechanisms::{Ceiling, Digest, Loss};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::Difference;
use crate::name::Name;

/// What neighbouring data sets differ in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Neighbours {
    /// All rows of one value of the privacy-unit column, there or not.
    #[serde(rename = "add or remove")]
    AddOrRemove,
}

impl fmt::Display for Neighbours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::AddOrRemove => "add or remove",
        })
    }
}

/// A renewal window: the privacy unit is then one person in one window of the data's time column.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// How long: `month`, `1w`.
    pub every: Name,
    /// The time column.
    pub time: Name,
    /// The time zone in which windows start.
    pub tz: Name,
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "every {} of {} in {}", self.every, self.time, self.tz)
    }
}

/// What a ledger is bound to when it is made. None of it can change afterwards: the guarantee is a statement about
/// exactly these.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// The data set's name in the policy.
    pub data: Name,
    /// The column that says whose row it is.
    pub privacy_unit: Name,
    /// What neighbouring data sets differ in.
    pub neighbours: Neighbours,
    /// The accounting and the (ε, δ) over the life of the ledger, or of each window.
    pub ceiling: Ceiling,
    /// Renewal, if any.
    pub window: Option<Window>,
}

impl Binding {
    /// What differs between what a ledger is bound to (`self`) and what is asked of it, apart from the data set's name.
    pub(crate) fn differences(&self, asked: &Self) -> Vec<Difference> {
        let window = |w: &Option<Window>| w.as_ref().map_or_else(|| "none".into(), ToString::to_string);
        let pairs = [
            ("privacy unit", self.privacy_unit.to_string(), asked.privacy_unit.to_string()),
            ("neighbours", self.neighbours.to_string(), asked.neighbours.to_string()),
            ("accounting", self.ceiling.accounting.to_string(), asked.ceiling.accounting.to_string()),
            ("epsilon", self.ceiling.epsilon.to_string(), asked.ceiling.epsilon.to_string()),
            ("delta", self.ceiling.delta.to_string(), asked.ceiling.delta.to_string()),
            ("renewal window", window(&self.window), window(&asked.window)),
        ];
        let differ = |(what, ledger, asked): (&'static str, String, String)| {
            (ledger != asked).then_some(Difference { what, ledger, asked })
        };
        pairs.into_iter().filter_map(differ).collect()
    }
}

/// Entry 0 of a ledger: the binding, the rectangle that its ceiling was turned into once, and a nonce.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Genesis {
    pub binding: Binding,
    /// Enforced as it stands here, whatever a later version of the conversion would compute.
    pub rectangle: Loss,
    /// 256 random bits, so that no two ledgers share an id.
    pub nonce: Digest,
}

/// The identity of a ledger: 128 bits, in hexadecimal.
///
/// It is the head of the hash of entry 0, which holds the binding and 256 random bits. So a pinned id pins what the
/// ledger is bound to: nobody can change the ceiling in a ledger file and keep its id.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LedgerId([u8; 16]);

impl LedgerId {
    /// The id of the ledger whose entry 0 has this hash.
    pub(crate) fn of(genesis: Digest) -> Self {
        let mut id = [0; 16];
        id.copy_from_slice(&genesis.0[..16]);
        Self(id)
    }
}

impl fmt::Display for LedgerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for LedgerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The text is not 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a ledger id is 32 hexadecimal digits, as `flockwise init` printed them")]
pub struct NotALedgerId;

impl FromStr for LedgerId {
    type Err = NotALedgerId;

    fn from_str(text: &str) -> Result<Self, NotALedgerId> {
        if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(NotALedgerId);
        }
        let bits = u128::from_str_radix(text, 16).map_err(|_| NotALedgerId)?;
        Ok(Self(bits.to_be_bytes()))
    }
}

impl Serialize for LedgerId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LedgerId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
