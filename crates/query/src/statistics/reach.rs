//! Reach: how many distinct people, in all or per key.
//!
//! Sensitivity: that of a count of people; without keys a person adds 1 to the one cell.

use super::Asked;
use crate::job::Reach;
use crate::kernel::Moment;
use crate::plan::{Formula, Order, Output};

pub(super) fn asked(reach: &Reach) -> Asked {
    let mut asked = Asked::new(Order::Key);
    let place = asked.moment(Moment::People);
    asked.outputs.push(Output { name: "people".to_owned(), formula: Formula::Count(place) });
    if reach.consistent {
        asked.totals(&reach.by);
    }
    asked
}
