//! The k leading items, in each segment: a ranking of the noisy counts.
//!
//! Ranking a released histogram is post-processing and costs nothing; sensitivity and noise are those of popularity over
//! segments and items.

use super::Asked;
use crate::job::TopK;
use crate::kernel::Moment;
use crate::plan::{Formula, Order, Output};

pub(super) fn asked(top_k: &TopK) -> Asked {
    let mut asked = Asked::new(Order::Leading(top_k.k.get()));
    let place = asked.moment(Moment::People);
    asked.outputs.push(Output { name: "people".to_owned(), formula: Formula::Count(place) });
    asked
}
