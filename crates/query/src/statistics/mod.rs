//! The statistics: what each measures, and how its table is made from noisy measures.
//!
//! The key decision: a statistic has no bounding, no noise and no data of its own. It names the [`Moment`]s it needs and
//! the [`Output`]s it makes of them; the same stages run for all. Its sensitivity is that of its moments
//! ([`crate::kernel::Bound`]), so its privacy argument is that of the stages ([`crate::plan::Stages`]).
//!
//! A new statistic is one file here and one line in [`asked`].

mod activity;
mod affinity;
mod co_occurrence;
mod consistent;
mod estimate;
mod finish;
mod popularity;
mod predicted;
mod proportion;
mod quantile;
mod reach;
mod retention;
mod summary;
mod table;
mod top_k;
mod transitions;

pub(crate) use activity::buckets as activity_buckets;
pub(crate) use consistent::groups;
pub(crate) use finish::says;
pub(crate) use predicted::{Reach, predicted};
pub use table::table;
pub(crate) use table::{Row, columns, rows, segment};

use crate::job::{By, Per, Statistic};
use crate::kernel::{Link, Moment};
use crate::plan::{Bins, Formula, Grouping, Linked, Order, Output, Over, PlanError};
use crate::resolve::{ResolvedRelease, total_names};

/// What a statistic asks of the stages, and what it makes of the answers.
#[derive(Clone, PartialEq, Debug)]
pub struct Asked {
    /// What is measured, each once, in order.
    pub moments: Vec<Moment>,
    /// What is made of it.
    pub outputs: Vec<Output>,
    /// The order of the rows.
    pub order: Order,
    /// The value column, where one is read.
    pub values: Option<Values>,
    /// How rows are grouped into keys.
    pub grouping: Grouping,
    /// Whether links of the keys are measured.
    pub linked: Option<Linked>,
    /// What is measured beside the cells, each once, in order.
    pub margins: Vec<Over>,
    /// Whether an unordered pair has a row for each of its two directions.
    pub both_ways: bool,
}

/// What is read of a value column.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Values {
    /// Whether values are centred at the middle of their range: a count is measured to put the centre back.
    pub centred: bool,
    /// Whether squares are a second channel.
    pub squares: bool,
    /// Grids of bins.
    pub bins: Vec<Bins>,
    /// Whose values.
    pub per: Per,
}

impl Asked {
    /// Nothing yet.
    const fn new(order: Order) -> Self {
        Self {
            moments: Vec::new(),
            outputs: Vec::new(),
            order,
            values: None,
            grouping: Grouping::Rows,
            linked: None,
            margins: Vec::new(),
            both_ways: false,
        }
    }

    /// The place of a moment, which is measured once however many columns need it.
    fn moment(&mut self, moment: Moment) -> usize {
        place(&mut self.moments, moment)
    }

    /// The place of a margin.
    fn margin(&mut self, over: Over) -> usize {
        place(&mut self.margins, over)
    }

    /// Totals over every number of leading parts of the key, from all but the last to none.
    fn totals(&mut self, by: &[By]) {
        for (parts, name) in (0..by.len()).rev().zip(total_names(by)) {
            let margin = self.margin(Over::Totals(parts as u32));
            self.outputs.push(Output { name, formula: Formula::Total(margin) });
        }
    }

    /// The count of rows, which is the count of people where one row of a person counts.
    fn rows(&mut self, limit: u32) -> usize {
        self.moment(if limit == 1 { Moment::People } else { Moment::Rows { limit } })
    }

    /// Links of at most so many keys that there are at most [`MOST_LINKS`] of them.
    fn link(&mut self, link: Link) {
        let most = (0..).take_while(|&keys| link.cells(keys) <= MOST_LINKS).last().unwrap_or(0);
        self.linked = Some(Linked { link, most });
    }
}

/// At most so many links are measured: every one of them gets noise and a row.
const MOST_LINKS: usize = 50_000;

fn place<T: PartialEq>(all: &mut Vec<T>, one: T) -> usize {
    if let Some(place) = all.iter().position(|known| *known == one) {
        return place;
    }
    all.push(one);
    all.len() - 1
}

/// What the statistic of a release asks.
///
/// # Errors
/// When this version does not have it.
pub fn asked(release: &ResolvedRelease) -> Result<Asked, PlanError> {
    match &release.statistic {
        Statistic::Popularity(popularity) => popularity::asked(popularity),
        Statistic::Summary(summary) => summary::asked(summary, release),
        Statistic::Reach(reach) => Ok(reach::asked(reach)),
        Statistic::TopK(top_k) => Ok(top_k::asked(top_k)),
        Statistic::CoOccurrence(co_occurrence) => co_occurrence::asked(co_occurrence, release),
        Statistic::Transitions(_) => transitions::asked(release),
        Statistic::Affinity(_) => Ok(affinity::asked()),
        Statistic::Activity(_) => Ok(activity::asked()),
        Statistic::Retention(_) => Ok(retention::asked()),
    }
}
