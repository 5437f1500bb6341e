//! Popularity: how many people, and if asked how many rows, have each key.
//!
//! Sensitivity: a person of full weight adds at most 1 to the people of each of their keys, and at most
//! `max_rows_per_key` to its rows; the vector over keys is bounded by the kernel's [`Bound`](crate::kernel::Bound). The
//! largest first: an order that is a function of released counts.

use super::Asked;
use crate::job::{Aggregate, Popularity};
use crate::kernel::Moment;
use crate::plan::{Formula, Order, Output, PlanError};

pub(super) fn asked(popularity: &Popularity) -> Result<Asked, PlanError> {
    let mut asked = Asked::new(Order::Largest);
    for aggregate in &popularity.aggregates {
        let place = match aggregate {
            Aggregate::People => asked.moment(Moment::People),
            Aggregate::Rows => asked.rows(popularity.max_rows_per_key.get()),
            Aggregate::Sum
            | Aggregate::Mean
            | Aggregate::Variance
            | Aggregate::Deviation
            | Aggregate::Quantile(_)
            | Aggregate::Histogram(_) => {
                return Err(PlanError::Internal("popularity counts people and rows only"));
            }
        };
        asked.outputs.push(Output { name: aggregate.output(), formula: Formula::Count(place) });
    }
    if popularity.consistent {
        asked.totals(&popularity.by);
    }
    Ok(asked)
}
