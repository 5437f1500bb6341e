//! What a ledger's chain adds up to: followed entry by entry, each checked against the one before it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use flockwise_mechanisms::{Digest, Loss};
use rusqlite::Row;
use rusqlite::types::ValueRef;

use crate::amend::Amendment;
use crate::binding::{Genesis, LedgerId};
use crate::entry::{self, COLUMNS, Kind};
use crate::error::{Error, OverBudget, Scope};
use crate::name::Name;

/// The losses in one renewal window, or in the whole ledger when it does not renew.
#[derive(Clone, Debug)]
pub(crate) struct Spent {
    pub total: Loss,
    pub by_analyst: BTreeMap<String, Loss>,
    pub by_purpose: BTreeMap<String, Loss>,
    /// The times of the first and the last charge, as recorded.
    pub span: (i64, i64),
}

/// The last entry that was followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Head {
    pub number: u64,
    pub hash: Digest,
    pub previous: Digest,
}

/// Everything that decides about the next charge.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub id: LedgerId,
    pub genesis: Genesis,
    pub head: Head,
    /// By window; the empty name is the whole ledger.
    pub spent: HashMap<String, Spent>,
    /// Data sets about the same people that an amendment added.
    pub data: BTreeSet<Name>,
    /// Parts of the ceiling.
    pub analysts: BTreeMap<Name, Loss>,
    /// Parts of the ceiling.
    pub purposes: BTreeMap<Name, Loss>,
    pub charges: u64,
    pub retries: u64,
    /// The times of the first and the last charge, as recorded.
    pub span: Option<(i64, i64)>,
}

impl State {
    /// Reads entry 0.
    pub fn start(row: &Row<'_>) -> Result<Self, Error> {
        let head = follow(row, None)?;
        let bad = |_| Error::damaged(0, "the binding cannot be read");
        let genesis: Genesis =
            serde_json::from_str(row.get_ref(15)?.as_str().unwrap_or_default()).map_err(bad)?;
        if kind(row, 0)? != Kind::Init || genesis.rectangle.accounting() != genesis.binding.ceiling.accounting
        {
            return Err(Error::damaged(0, "it is not the binding"));
        }
        Ok(Self {
            id: LedgerId::of(head.hash),
            genesis,
            head,
            spent: HashMap::new(),
            data: BTreeSet::new(),
            analysts: BTreeMap::new(),
            purposes: BTreeMap::new(),
            charges: 0,
            retries: 0,
            span: None,
        })
    }

    /// Follows one more entry.
    ///
    /// # Errors
    /// When it is not the one that was recorded there, or its totals are wrong.
    pub fn follow(&mut self, row: &Row<'_>) -> Result<(), Error> {
        let head = follow(row, Some(self.head))?;
        let number = head.number;
        let accounting = self.genesis.rectangle.accounting();
        let (loss, total) =
            (entry::loss(row, 11, accounting, number)?, entry::loss(row, 13, accounting, number)?);
        let text = |at: usize| -> Result<&str, Error> {
            let value = row.get_ref(at)?.as_str_or_null();
            Ok(value.map_err(|_| Error::damaged(number, "a text cannot be read"))?.unwrap_or_default())
        };
        let window = text(10)?;
        let mut spent = None;
        match kind(row, number)? {
            Kind::Init => return Err(Error::damaged(number, "a ledger is bound once, at entry 0")),
            Kind::Charge => {
                if window.is_empty() == self.genesis.binding.window.is_some() {
                    return Err(Error::damaged(number, "its window does not fit the binding"));
                }
                let at = row.get(2)?;
                spent = Some(self.add(number, window, (text(6)?, text(7)?), loss, at)?);
                self.span = Some((self.span.map_or(at, |(first, _)| first), at));
                self.charges += 1;
            }
            Kind::Retry => self.retries += 1,
            Kind::Amend => {
                let amendment = serde_json::from_str(text(15)?);
                let amendment: Amendment =
                    amendment.map_err(|_| Error::damaged(number, "the amendment cannot be read"))?;
                self.amend(amendment);
            }
            Kind::Answer | Kind::Note => (),
        }
        let spent = spent.unwrap_or_else(|| self.total(window));
        if total != spent || !spent.fits_in(self.genesis.rectangle) {
            return Err(Error::damaged(
                number,
                "its total is not the sum of the losses, or over the ceiling",
            ));
        }
        self.head = head;
        Ok(())
    }

    /// Adds a charge; the window's new total.
    fn add(
        &mut self,
        number: u64,
        window: &str,
        by: (&str, &str),
        loss: Loss,
        at: i64,
    ) -> Result<Loss, Error> {
        let sum = |a: Loss| {
            a.checked_add(loss).ok_or_else(|| Error::damaged(number, "the losses are out of range"))
        };
        let Some(spent) = self.spent.get_mut(window) else {
            let part = |name: &str| BTreeMap::from([(name.to_owned(), loss)]);
            let spent = Spent { total: loss, by_analyst: part(by.0), by_purpose: part(by.1), span: (at, at) };
            self.spent.insert(window.to_owned(), spent);
            return Ok(loss);
        };
        spent.total = sum(spent.total)?;
        spent.span.1 = at;
        for (map, name) in [(&mut spent.by_analyst, by.0), (&mut spent.by_purpose, by.1)] {
            match map.get_mut(name) {
                Some(part) => *part = sum(*part)?,
                None => {
                    map.insert(name.to_owned(), loss);
                }
            }
        }
        Ok(spent.total)
    }

    /// Applies an amendment that was checked when it was recorded.
    pub fn amend(&mut self, amendment: Amendment) {
        let set = |map: &mut BTreeMap<Name, Loss>, name, ceiling: Option<Loss>| match ceiling {
            Some(ceiling) => map.insert(name, ceiling),
            None => map.remove(&name),
        };
        match amendment {
            Amendment::Data { name } => {
                self.data.insert(name);
            }
            Amendment::Analyst { name, ceiling } => {
                set(&mut self.analysts, name, ceiling);
            }
            Amendment::Purpose { name, ceiling } => {
                set(&mut self.purposes, name, ceiling);
            }
        }
    }

    /// What a window has spent (the empty name is the whole ledger).
    pub fn total(&self, window: &str) -> Loss {
        let zero = Loss::zero(self.genesis.rectangle.accounting());
        self.spent.get(window).map_or(zero, |spent| spent.total)
    }

    /// Whether a loss fits everywhere it counts.
    ///
    /// # Errors
    /// The first budget that it does not fit in.
    pub fn allow(
        &self,
        loss: Loss,
        window: Option<&Name>,
        analyst: Option<&Name>,
        purpose: &Name,
    ) -> Result<(), Error> {
        let zero = Loss::zero(loss.accounting());
        let key = window.map_or("", Name::as_str);
        let spent = self.spent.get(key);
        let scope = window.map_or(Scope::Ledger, |w| Scope::Window(w.clone()));
        fits(loss, self.total(key), self.genesis.rectangle, scope)?;
        if let Some((name, ceiling)) = analyst.and_then(|name| self.analysts.get_key_value(name)) {
            let part = spent.and_then(|s| s.by_analyst.get(name.as_str())).copied();
            fits(loss, part.unwrap_or(zero), *ceiling, Scope::Analyst(name.clone()))?;
        }
        if let Some((name, ceiling)) = self.purposes.get_key_value(purpose) {
            let part = spent.and_then(|s| s.by_purpose.get(name.as_str())).copied();
            fits(loss, part.unwrap_or(zero), *ceiling, Scope::Purpose(name.clone()))?;
        }
        Ok(())
    }
}

/// Checks the chain: number, link and hash.
fn follow(row: &Row<'_>, after: Option<Head>) -> Result<Head, Error> {
    let expected = after.map_or(0, |head| head.number + 1);
    let number: i64 = row.get(0)?;
    if u64::try_from(number) != Ok(expected) {
        return Err(Error::damaged(expected, "it is missing"));
    }
    let previous = entry::digest(row.get_ref(16)?, expected)?;
    let hash = entry::digest(row.get_ref(17)?, expected)?;
    let mut values = [ValueRef::Null; COLUMNS];
    for (at, value) in values.iter_mut().enumerate() {
        *value = row.get_ref(at)?;
    }
    if entry::hash(values.into_iter()) != hash {
        return Err(Error::damaged(expected, "it is not what was recorded: its hash differs"));
    }
    if previous != after.map_or(Digest([0; 32]), |head| head.hash) {
        return Err(Error::damaged(expected, "it does not follow the entry before it"));
    }
    Ok(Head { number: expected, hash, previous })
}

fn kind(row: &Row<'_>, number: u64) -> Result<Kind, Error> {
    let kind = row.get_ref(1)?.as_str().ok().and_then(Kind::of);
    kind.ok_or_else(|| Error::damaged(number, "its kind is unknown"))
}

/// A ceiling less what is spent; nothing when an amendment has set a part below what it has spent.
pub(crate) fn left(ceiling: Loss, spent: Loss) -> Loss {
    let less = |a: u64, b: u64| a.saturating_sub(b);
    let delta = ceiling.delta().checked_sub(spent.delta()).unwrap_or(flockwise_mechanisms::Delta::ZERO);
    Loss::from_units(ceiling.accounting(), less(ceiling.amount_units(), spent.amount_units()), delta)
        .expect("a part of a loss is below the limit")
}

fn fits(requested: Loss, spent: Loss, ceiling: Loss, scope: Scope) -> Result<(), Error> {
    let remaining = left(ceiling, spent);
    if requested.fits_in(remaining) {
        return Ok(());
    }
    let fits = largest_share(requested, remaining);
    Err(Error::OverBudget(Box::new(OverBudget { scope, requested, remaining, fits })))
}

/// The largest share of `requested` that fits in `remaining`, both parts rounded down.
fn largest_share(requested: Loss, remaining: Loss) -> Loss {
    let (amount, delta) = (requested.amount_units(), requested.delta().units());
    let (amount_left, delta_left) = (remaining.amount_units(), remaining.delta().units());
    // left/asked of the part that binds first, compared by cross products: the one with the smaller ratio.
    let by_amount =
        u128::from(amount_left) * u128::from(delta) <= u128::from(delta_left) * u128::from(amount);
    let (part, whole) =
        if (by_amount && amount > 0) || delta == 0 { (amount_left, amount) } else { (delta_left, delta) };
    requested.share(part.min(whole), whole)
}

#[cfg(test)]
mod tests {
    use flockwise_mechanisms::{Accounting, Delta};

    use super::*;

    fn loss(amount: u64, delta: u64) -> Loss {
        Loss::from_units(Accounting::Zcdp, amount, Delta::from_units(delta).unwrap()).unwrap()
    }

    proptest::proptest! {
        #[test]
        fn what_would_fit_fits_and_no_larger_share_does(
            amount in 0_u64..1_000, delta in 0_u64..1_000, amount_left in 0_u64..1_000, delta_left in 0_u64..1_000,
        ) {
            let (requested, remaining) = (loss(amount, delta), loss(amount_left, delta_left));
            proptest::prop_assume!(!requested.fits_in(remaining));
            let fits = largest_share(requested, remaining);
            proptest::prop_assert!(fits.fits_in(remaining) && fits.fits_in(requested));
            // One part is exhausted: a share larger by one unit of it would not fit.
            proptest::prop_assert!(fits.amount_units() == amount_left || fits.delta().units() == delta_left);
        }
    }
}
