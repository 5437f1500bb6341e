//! Affinity: which segment over-indexes on which category.
//!
//! Sensitivity: that of people per (segment, category). The affinity is post-processing of the released cells: the share of
//! a category among its segment's, over its share among all; 1 where the segment is like everybody. A person who has
//! several categories counts in each, so shares are shares of interest, not of people.

use super::Asked;
use crate::kernel::Moment;
use crate::plan::{Formula, Order, Output};

pub(super) fn asked() -> Asked {
    let mut asked = Asked::new(Order::Key);
    let place = asked.moment(Moment::People);
    asked.outputs.push(Output { name: "people".to_owned(), formula: Formula::Count(place) });
    asked.outputs.push(Output { name: "affinity".to_owned(), formula: Formula::OverIndex(place) });
    asked
}
