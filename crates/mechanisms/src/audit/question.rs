//! What was asked of a noise source, and what it answered.

use crate::above::Searcher;
use crate::appear::Truncated;
use crate::choose::Chooser;
use crate::entry::Entry;
use crate::leading::Leader;
use crate::loss::Loss;
use crate::noise::Noise;
use crate::quantile::{Drawer, WeightedValue};
use crate::sensitivity::Sensitivity;
use crate::source::{Answer, Call, Key};

use super::recorder::{Mode, Recorder};

/// The owned twin of a [`Call`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the fields are those of Call")]
#[non_exhaustive]
pub enum Question {
    /// [`Call::Add`].
    Add { loss: Loss, noise: Noise, sensitivity: Sensitivity, exact: Vec<i128> },
    /// [`Call::Select`].
    Select {
        loss: Loss,
        noise: Noise,
        sensitivity: Sensitivity,
        entry: Entry,
        threshold: i128,
        candidates: Vec<(Key, i128)>,
    },
    /// [`Call::Choose`].
    Choose { loss: Loss, chooser: Chooser, scores: Vec<Vec<i128>> },
    /// [`Call::Appear`].
    Appear { loss: Loss, noise: Truncated, candidates: Vec<(Key, i128)> },
    /// [`Call::Above`].
    Above { loss: Loss, searcher: Searcher, queries: Vec<i128> },
    /// [`Call::Quantiles`].
    Quantiles { loss: Loss, drawer: Drawer, rows: Vec<Vec<WeightedValue>> },
    /// [`Call::Leading`].
    Leading { loss: Loss, leader: Leader, counts: Vec<(Key, i128)> },
}

impl Question {
    /// The mechanism's name.
    #[must_use]
    pub const fn mechanism(&self) -> &'static str {
        match self {
            Self::Add { .. } => "add",
            Self::Select { .. } => "select",
            Self::Choose { .. } => "choose",
            Self::Appear { .. } => "appear",
            Self::Above { .. } => "above",
            Self::Quantiles { .. } => "quantiles",
            Self::Leading { .. } => "leading",
        }
    }

    /// What it was charged.
    #[must_use]
    pub const fn loss(&self) -> Loss {
        match self {
            Self::Add { loss, .. }
            | Self::Select { loss, .. }
            | Self::Choose { loss, .. }
            | Self::Appear { loss, .. }
            | Self::Above { loss, .. }
            | Self::Quantiles { loss, .. }
            | Self::Leading { loss, .. } => *loss,
        }
    }
}

impl From<&Call<'_>> for Question {
    fn from(call: &Call<'_>) -> Self {
        match *call {
            Call::Add { loss, noise, sensitivity, exact } => {
                Self::Add { loss, noise, sensitivity, exact: exact.to_vec() }
            }
            Call::Select { loss, noise, sensitivity, entry, threshold, candidates } => Self::Select {
                loss,
                noise,
                sensitivity,
                entry: entry.clone(),
                threshold,
                candidates: candidates.to_vec(),
            },
            Call::Choose { loss, chooser, scores } => Self::Choose { loss, chooser, scores: scores.to_vec() },
            Call::Appear { loss, noise, candidates } => {
                Self::Appear { loss, noise, candidates: candidates.to_vec() }
            }
            Call::Above { loss, searcher, queries } => {
                Self::Above { loss, searcher, queries: queries.to_vec() }
            }
            Call::Quantiles { loss, drawer, rows } => {
                Self::Quantiles { loss, drawer: drawer.clone(), rows: rows.to_vec() }
            }
            Call::Leading { loss, leader, counts } => Self::Leading { loss, leader, counts: counts.to_vec() },
        }
    }
}

/// Everything that passed between a computation and its noise source, in order.
#[derive(Clone, PartialEq, Debug)]
pub struct Trace {
    pub(super) mode: Mode,
    pub(super) events: Vec<(Question, Answer)>,
}

impl Trace {
    /// What was asked and answered, in order.
    #[must_use]
    pub fn events(&self) -> &[(Question, Answer)] {
        &self.events
    }

    /// The sum of what the calls were charged; `None` when there were none or their accountings differ.
    ///
    /// A plan's loss must be at least this.
    #[must_use]
    pub fn loss(&self) -> Option<Loss> {
        let mut losses = self.events.iter().map(|(question, _)| question.loss());
        let first = losses.next()?;
        losses.try_fold(first, Loss::checked_add)
    }

    /// A source that gives these answers again, in order: for the neighbour.
    #[must_use]
    pub fn replay(&self) -> Recorder {
        Recorder::replaying(self)
    }
}
