//! What is spent and what is left.

use flockwise_mechanisms::Loss;
use serde::Serialize;

use crate::binding::{Binding, LedgerId};
use crate::entry::Receipt;
use crate::error::Error;
use crate::ledger::LedgerFile;
use crate::state::left;

/// What was spent in one renewal window, or in the whole ledger when it does not renew.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct WindowStatus {
    /// The window; `None` for the whole ledger.
    pub window: Option<String>,
    /// The sum of its charges.
    pub spent: Loss,
    /// What may still be charged.
    pub left: Loss,
    /// By analyst, in the order of names; `None` where the operator named nobody.
    pub by_analyst: Vec<(Option<String>, Loss)>,
    /// By purpose, in the order of names.
    pub by_purpose: Vec<(String, Loss)>,
    /// The times of its first and last charge, in seconds since 1970 as they were recorded: for the pace.
    pub span: Option<(i64, i64)>,
}

/// The state of a ledger.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Status {
    /// Its identity.
    pub id: LedgerId,
    /// What it is bound to.
    pub binding: Binding,
    /// What is enforced.
    pub rectangle: Loss,
    /// One for the whole ledger, or one for each window that was charged, in the order of names.
    pub windows: Vec<WindowStatus>,
    /// How many entries there are, entry 0 included.
    pub entries: u64,
    /// How many of them are charges.
    pub charges: u64,
    /// How many of them are free retries.
    pub retries: u64,
    /// The times of the first and the last charge, in seconds since 1970 as they were recorded: for the pace.
    pub span: Option<(i64, i64)>,
    /// The parts of analysts.
    pub analyst_ceilings: Vec<(String, Loss)>,
    /// The parts of purposes.
    pub purpose_ceilings: Vec<(String, Loss)>,
    /// The last entry.
    pub head: Receipt,
}

impl LedgerFile {
    /// What is spent and left, of the whole chain up to now.
    ///
    /// # Errors
    /// As [`LedgerFile::verify`].
    pub fn status(&mut self) -> Result<Status, Error> {
        let head = self.head()?;
        let state = &self.state;
        let mut windows: Vec<_> = state
            .spent
            .iter()
            .map(|(window, spent)| WindowStatus {
                window: (!window.is_empty()).then(|| window.clone()),
                spent: spent.total,
                left: left(state.genesis.rectangle, spent.total),
                by_analyst: spent
                    .by_analyst
                    .iter()
                    .map(|(n, l)| ((!n.is_empty()).then(|| n.clone()), *l))
                    .collect(),
                by_purpose: spent.by_purpose.iter().map(|(n, l)| (n.clone(), *l)).collect(),
                span: Some(spent.span),
            })
            .collect();
        windows.sort_by(|a, b| a.window.cmp(&b.window));
        if windows.is_empty() && state.genesis.binding.window.is_none() {
            windows.push(WindowStatus {
                window: None,
                spent: state.total(""),
                left: state.genesis.rectangle,
                by_analyst: Vec::new(),
                by_purpose: Vec::new(),
                span: None,
            });
        }
        let parts = |map: &std::collections::BTreeMap<crate::Name, Loss>| {
            map.iter().map(|(name, loss)| (name.to_string(), *loss)).collect()
        };
        Ok(Status {
            id: state.id,
            binding: state.genesis.binding.clone(),
            rectangle: state.genesis.rectangle,
            windows,
            entries: state.head.number + 1,
            charges: state.charges,
            retries: state.retries,
            span: state.span,
            analyst_ceilings: parts(&state.analysts),
            purpose_ceilings: parts(&state.purposes),
            head,
        })
    }
}
