//! Summary: people, rows, sum, mean and variance of a column, per key.
//!
//! Values are clamped to [a, b], centred at c = (a + b)/2 with R = (b − a)/2, and put on a grid. A person's rows in a key
//! are averaged and count `min(rows, limit)` times. Under a bound of squared norm B the L2 sensitivities are √B for people,
//! L√B for rows, LR√B for Σ(v − c) and LR²/2·√B for Σ[(v − c)² − R²/2]; count and sums share one weight, so a mean is a
//! weighted mean. A sum alone is not centred: no count is paid for to put the centre back, and its sensitivity is
//! L·max(|a|, |b|)·√B.

use super::Asked;
use crate::job::{Aggregate, Summary};
use crate::kernel::Moment;
use crate::plan::{Formula, Order, Output, PlanError};
use crate::resolve::ResolvedRelease;

pub(super) fn asked(summary: &Summary, release: &ResolvedRelease) -> Result<Asked, PlanError> {
    let limit = summary.max_rows_per_key.get();
    let mut asked = Asked::new(Order::Key);
    asked.reads_values = true;
    asked.centred = summary.aggregates.iter().any(|aggregate| matches!(aggregate, Aggregate::Mean | Aggregate::Variance));
    for aggregate in &summary.aggregates {
        let formula = match aggregate {
            Aggregate::People => Formula::Count(asked.moment(Moment::People)),
            Aggregate::Rows => Formula::Count(asked.rows(limit)),
            Aggregate::Sum => {
                let count = asked.centred.then(|| asked.rows(limit));
                Formula::Sum { value: asked.moment(Moment::Value { channel: 0, limit }), count }
            }
            Aggregate::Mean => {
                let count = asked.rows(limit);
                Formula::Mean { value: asked.moment(Moment::Value { channel: 0, limit }), count }
            }
            Aggregate::Variance => {
                asked.squares = true;
                let count = asked.rows(limit);
                let value = asked.moment(Moment::Value { channel: 0, limit });
                Formula::Variance { value, square: asked.moment(Moment::Value { channel: 1, limit }), count }
            }
            Aggregate::Quantile(_) | Aggregate::Histogram(_) => {
                let what = format!("the aggregate {}", aggregate.output());
                let instead = "people, rows, sum, mean and variance are";
                return Err(PlanError::Unsupported { release: release.name.clone(), what, instead });
            }
        };
        asked.outputs.push(Output { name: aggregate.output(), formula });
    }
    Ok(asked)
}
