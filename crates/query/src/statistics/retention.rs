//! Retention: how many of a cohort are seen in each period.
//!
//! A person belongs to one cohort: the first of those that the person's own rows name. Rows then count for (that cohort,
//! their period), on a public grid.
//!
//! Sensitivity: a person is in at most as many cells as there are periods, weighted to norm √B as anywhere; and in one
//! cohort, whose size is a margin of sensitivity 1. The retained share is post-processing.

use super::Asked;
use crate::kernel::Moment;
use crate::plan::{Formula, Grouping, Order, Output, Over};

pub(super) fn asked() -> Asked {
    let mut asked = Asked::new(Order::Key);
    asked.grouping = Grouping::FirstOfPerson;
    let count = asked.moment(Moment::People);
    let margin = asked.margin(Over::FirstPart);
    asked.outputs.push(Output { name: "people".to_owned(), formula: Formula::Count(count) });
    asked.outputs.push(Output { name: "retained".to_owned(), formula: Formula::Retained { count, margin } });
    asked
}
