//! From a plan to the right to add noise: `Plan` → [`Charged`] → [`Allowance`] → [`Charge`].
//!
//! Nothing is read before the loss is on disk. The types say so: data can only be aggregated for a `Charged<P>`, which
//! only [`charge`] makes, once a [`Ledger`] has recorded the loss of that very plan; and noise can only be calibrated
//! from a `Charge`, which is a piece of what was recorded.

use serde::{Deserialize, Serialize};

use crate::accounting::Ceiling;
use crate::loss::{Accounting, Loss};

/// A SHA-256 digest, written in hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(bytes).into())
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

impl std::str::FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return Err(NotADigest);
        }
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| NotADigest)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| NotADigest)?;
        }
        Ok(Self(bytes))
    }
}

/// The text is not 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a digest is 64 hexadecimal digits")]
pub struct NotADigest;

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What can be charged: something that knows its whole loss and its identity before any data are read.
pub trait Plan {
    /// The whole loss of executing it once.
    fn loss(&self) -> Loss;

    /// Digest of everything that decides what executing it does: statistic, bounds, stages, data set name, policy.
    fn digest(&self) -> Digest;

    /// In how many renewal windows it is executed, in each by itself on the rows of that window alone. The whole loss is
    /// recorded for each of them. One where the budget does not renew.
    fn windows(&self) -> usize {
        1
    }
}

/// Where losses are recorded for good. Implementing it is the curator's act: an implementation that returns `Ok` before
/// the loss is durable breaks the promise of everything built on it.
pub trait Ledger {
    /// Why a charge was not recorded.
    type Error;
    /// What the ledger wants to know about a charge beside its loss.
    type Request;
    /// Proof of the entry.
    type Receipt;

    /// Records the loss durably, or refuses and changes nothing. For a plan of several windows it is recorded for each: an
    /// implementation knows them from the request, and holds their number to [`Plan::windows`] before it is asked.
    ///
    /// # Errors
    /// When the loss does not fit in what is left, or could not be made durable.
    fn record(
        &mut self,
        loss: Loss,
        plan: Digest,
        request: &Self::Request,
    ) -> Result<Self::Receipt, Self::Error>;
}

/// Charges a plan: the only way to a [`Charged`].
///
/// # Errors
/// Those of the ledger; nothing has been read then.
pub fn charge<P: Plan, L: Ledger>(
    ledger: &mut L,
    plan: P,
    request: &L::Request,
) -> Result<(Charged<P>, L::Receipt), L::Error> {
    let loss = plan.loss();
    let receipt = ledger.record(loss, plan.digest(), request)?;
    Ok((Charged { plan, allowance: Allowance { left: loss } }, receipt))
}

/// A plan whose loss a ledger has recorded: the permission to execute it, once.
///
/// It is not `Clone`, so a charge cannot be used twice, and it holds the very plan that was charged, so that a cheap
/// plan's charge cannot pay for a dear one.
///
/// ```
/// # use flockwise_mechanisms::*;
/// fn execute<P: Plan>(charged: Charged<P>) -> P { charged.open().0 }
/// ```
/// ```compile_fail,E0382
/// # use flockwise_mechanisms::*;
/// fn execute<P: Plan>(charged: Charged<P>) -> (P, P) { (charged.open().0, charged.open().0) }
/// ```
/// ```compile_fail,E0451
/// # use flockwise_mechanisms::*;
/// fn forge<P: Plan>(plan: P, allowance: Allowance) -> Charged<P> { Charged { plan, allowance } }
/// ```
#[must_use = "the loss has been charged: execute the plan"]
#[derive(Debug)]
pub struct Charged<P> {
    plan: P,
    allowance: Allowance,
}

impl<P: Plan> Charged<P> {
    /// The plan that was charged.
    pub const fn plan(&self) -> &P {
        &self.plan
    }

    /// Takes the permission apart for execution.
    #[must_use]
    pub fn open(self) -> (P, Allowance) {
        (self.plan, self.allowance)
    }

    /// Takes it apart for a plan that is executed in each of its windows: the whole loss was recorded for each, so there is
    /// an allowance for each. What one window's mechanisms spend is of no other window's.
    #[must_use]
    pub fn open_windows(self) -> (P, Vec<Allowance>) {
        let allowance = || Allowance { left: self.allowance.left };
        let allowances = (0..self.plan.windows()).map(|_| allowance()).collect();
        (self.plan, allowances)
    }
}

/// What a charged plan may still spend on mechanisms.
///
/// ```compile_fail,E0451
/// # use flockwise_mechanisms::*;
/// fn forge(left: Loss) -> Allowance { Allowance { left } }
/// ```
#[derive(Debug)]
pub struct Allowance {
    left: Loss,
}

/// A mechanism asked for more than its plan was charged: a bug in the plan, which is found before noise is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the plan spends more than it was charged: {asked} of {left}")]
pub struct Overdrawn {
    /// What the mechanism asked for.
    pub asked: Loss,
    /// What was left.
    pub left: Loss,
}

impl Allowance {
    /// Takes a piece for one mechanism.
    ///
    /// # Errors
    /// When less than that is left.
    pub fn take(&mut self, loss: Loss) -> Result<Charge, Overdrawn> {
        self.left = self.left.checked_sub(loss).ok_or(Overdrawn { asked: loss, left: self.left })?;
        Ok(Charge(loss))
    }

    /// An (ε, δ) allowance, to be spent as the rectangle of μ² and δ that stays within it.
    ///
    /// A job is then one (ε, δ) mechanism whose stages compose as Gaussian DP: Σμ² within the rectangle is (ε, δ/2)-DP,
    /// chosen adaptively or not (Smith and Thakurta 2022), and what is left of δ pays for selections; see
    /// [`Ceiling::rectangle`](crate::Ceiling::rectangle). Other allowances stay as they are.
    #[must_use]
    pub fn as_gaussian(self) -> Self {
        let left = match (self.left.accounting(), self.left.epsilon()) {
            (Accounting::Approx, Some(epsilon)) => {
                Ceiling { accounting: Accounting::Gdp, epsilon, delta: self.left.delta() }.rectangle()
            }
            _ => self.left,
        };
        Self { left }
    }
}

/// A recorded loss that one mechanism may spend: the noise is calibrated from it and from nothing else.
///
/// ```compile_fail,E0423
/// # use flockwise_mechanisms::*;
/// fn forge(loss: Loss) -> Charge { Charge(loss) }
/// ```
#[must_use = "a charge that no mechanism spends is lost"]
#[derive(Debug)]
pub struct Charge(Loss);

impl Charge {
    /// The loss.
    #[must_use]
    pub const fn loss(&self) -> Loss {
        self.0
    }
}
