//! What was asked of a noise source, and what it answered.

use crate::choose::Chooser;
use crate::entry::Entry;
use crate::loss::Loss;
use crate::noise::Noise;
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
}

impl Question {
    /// The mechanism's name.
    #[must_use]
    pub const fn mechanism(&self) -> &'static str {
        match self {
            Self::Add { .. } => "add",
            Self::Select { .. } => "select",
            Self::Choose { .. } => "choose",
        }
    }

    /// What it was charged.
    #[must_use]
    pub const fn loss(&self) -> Loss {
        match self {
            Self::Add { loss, .. } | Self::Select { loss, .. } | Self::Choose { loss, .. } => *loss,
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
