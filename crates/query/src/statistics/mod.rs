//! The statistics: what each measures, and how its table is made from noisy measures.
//!
//! The key decision: a statistic has no bounding, no noise and no data of its own. It names the [`Moment`]s it needs and
//! the [`Output`]s it makes of them; the same stages run for all. Its sensitivity is that of its moments
//! ([`crate::kernel::Bound`]), so its privacy argument is that of the stages ([`crate::plan::Stages`]).
//!
//! A new statistic is one file here and one line in [`asked`].

mod popularity;
mod reach;
mod summary;
mod table;
mod top_k;

pub use table::table;

use crate::job::Statistic;
use crate::kernel::Moment;
use crate::plan::{Order, Output, PlanError};
use crate::resolve::ResolvedRelease;

/// What a statistic asks of the stages, and what it makes of the answers.
#[derive(Clone, PartialEq, Debug)]
pub struct Asked {
    /// What is measured, each once, in order.
    pub moments: Vec<Moment>,
    /// What is made of it.
    pub outputs: Vec<Output>,
    /// The order of the rows.
    pub order: Order,
    /// Whether a value column is read.
    pub reads_values: bool,
    /// Whether values are centred at the middle of their range: a count is measured to put the centre back.
    pub centred: bool,
    /// Whether squares are a second channel.
    pub squares: bool,
}

impl Asked {
    /// Nothing yet.
    const fn new(order: Order) -> Self {
        Self { moments: Vec::new(), outputs: Vec::new(), order, reads_values: false, centred: false, squares: false }
    }

    /// The place of a moment, which is measured once however many columns need it.
    fn moment(&mut self, moment: Moment) -> usize {
        if let Some(place) = self.moments.iter().position(|known| *known == moment) {
            return place;
        }
        self.moments.push(moment);
        self.moments.len() - 1
    }

    /// The count of rows, which is the count of people where one row of a person counts.
    fn rows(&mut self, limit: u32) -> usize {
        self.moment(if limit == 1 { Moment::People } else { Moment::Rows { limit } })
    }
}

/// What the statistic of a release asks.
///
/// # Errors
/// When this version does not have it.
pub fn asked(release: &ResolvedRelease) -> Result<Asked, PlanError> {
    let unsupported = |what: &str, instead| {
        Err(PlanError::Unsupported { release: release.name.clone(), what: what.to_owned(), instead })
    };
    match &release.statistic {
        Statistic::Popularity(popularity) => popularity::asked(popularity),
        Statistic::Summary(summary) => summary::asked(summary, release),
        Statistic::Reach(_) => Ok(reach::asked()),
        Statistic::TopK(top_k) => Ok(top_k::asked(top_k)),
        Statistic::CoOccurrence(_)
        | Statistic::Transitions(_)
        | Statistic::Affinity(_)
        | Statistic::Activity(_)
        | Statistic::Retention(_) => {
            unsupported(&format!("the statistic {}", release.statistic.name()), "popularity, top_k, summary and reach are")
        }
    }
}
