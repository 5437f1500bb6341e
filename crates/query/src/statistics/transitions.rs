//! Transitions: how many people went from a to b next.
//!
//! A person's rows are put in order of a column; rows of one moment by the bytes of their keys, never by their place in a
//! file; a run of rows with one key is one visit. Each different step of a person counts once.
//!
//! Sensitivity: a person with n different steps between found keys gives each the weight min(1, √(B/n)): L2 sensitivity √B.
//! With `contribution = { keep = t }` at most t steps count in full, chosen by keyed hash. Every ordered pair of found keys
//! is measured.

use super::Asked;
use super::co_occurrence::two_stages;
use crate::kernel::{Link, Moment};
use crate::plan::{Formula, Grouping, Order, Output, PlanError};
use crate::resolve::ResolvedRelease;

pub(super) fn asked(release: &ResolvedRelease) -> Result<Asked, PlanError> {
    two_stages(release)?;
    let Some((column, _)) = &release.order_by else {
        return Err(PlanError::Internal("transitions have an order"));
    };
    let mut asked = Asked::new(Order::Largest);
    asked.grouping = Grouping::InOrder(column.clone());
    asked.link(Link::Steps);
    let place = asked.moment(Moment::People);
    asked.outputs.push(Output { name: "people".to_owned(), formula: Formula::Count(place) });
    Ok(asked)
}
