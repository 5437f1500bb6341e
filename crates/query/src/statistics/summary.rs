//! Summary: people, rows, sum, mean, variance, standard deviation, quantiles and a histogram of a column, per key.
//!
//! Values are clamped to [a, b], centred at c = (a + b)/2 with R = (b − a)/2, and put on a grid. A person's rows in a key
//! are averaged and count `min(rows, limit)` times. Under a bound of squared norm B the L2 sensitivities are √B for people,
//! L√B for rows, LR√B for Σ(v − c) and LR²/2·√B for Σ[(v − c)² − R²/2]; count and sums share one weight, so a mean is a
//! weighted mean. A sum alone is not centred: no count is paid for to put the centre back, and its sensitivity is
//! L·max(|a|, |b|)·√B; where the bound is bought under Gaussian noise, each person's own vector of values is clipped to L2
//! norm C instead, which is then the sensitivity ([`crate::kernel::Clipped`]).
//!
//! Quantiles are read from a tree of counts over a public grid of the clamp range, a histogram from its bars: a person's
//! rows in a key share min(rows, L) among the bins they lie in, so one level has L2 sensitivity L√B and a tree of h levels
//! L√(hB). Any list of quantiles of one release reads the one tree.

use super::{Asked, Values};
use crate::job::{Aggregate, Per, Summary};
use crate::kernel::Moment;
use crate::plan::{Bins, Formula, Order, Output, PlanError};
use crate::resolve::{ResolvedRelease, ValueBounds};
use crate::value::{Bounds, ColumnType};

/// A table has at most so many bars in one row.
const MOST_BARS: u32 = 100;

pub(super) fn asked(summary: &Summary, release: &ResolvedRelease) -> Result<Asked, PlanError> {
    let limit = summary.max_rows_per_key.get();
    let mut asked = Asked::new(Order::Key);
    let centring = |aggregate: &Aggregate| {
        matches!(aggregate, Aggregate::Mean | Aggregate::Variance | Aggregate::Deviation)
    };
    let centred = summary.aggregates.iter().any(centring);
    let mut values = Values { centred, per: summary.per, ..Values::default() };
    for aggregate in &summary.aggregates {
        let name = aggregate.output();
        let formula = match aggregate {
            Aggregate::People => Formula::Count(asked.moment(Moment::People)),
            Aggregate::Rows => Formula::Count(asked.rows(limit)),
            Aggregate::Sum => {
                let count = values.centred.then(|| asked.rows(limit));
                Formula::Sum { value: asked.moment(Moment::Value { channel: 0, limit }), count }
            }
            Aggregate::Mean => {
                let count = asked.rows(limit);
                Formula::Mean { value: asked.moment(Moment::Value { channel: 0, limit }), count }
            }
            Aggregate::Variance | Aggregate::Deviation => {
                values.squares = true;
                let count = asked.rows(limit);
                let value = asked.moment(Moment::Value { channel: 0, limit });
                let square = asked.moment(Moment::Value { channel: 1, limit });
                if *aggregate == Aggregate::Variance {
                    Formula::Variance { value, square, count }
                } else {
                    Formula::Deviation { value, square, count }
                }
            }
            Aggregate::Quantile(quantile) => {
                let bins = quantile_bins(release, summary.per)?;
                let nodes = nodes(&mut asked, &mut values, bins, limit);
                // Strictly between 0 and 1, as the job's reader sees to.
                Formula::Quantile { nodes, millionths: (quantile.q * 1e6).round() as u32 }
            }
            Aggregate::Histogram(histogram) => {
                let (bounds, _) = bounds(release)?;
                let grid = Bins::for_bars(bounds, histogram.width);
                bars(&mut asked, &mut values, (&name, grid), limit, release)?;
                continue;
            }
        };
        asked.outputs.push(Output { name, formula });
    }
    asked.values = Some(values);
    Ok(asked)
}

/// The grid for quantiles: of the declared range, or of the one that is bought. Averages are no whole numbers.
fn quantile_bins(release: &ResolvedRelease, per: Per) -> Result<Bins, PlanError> {
    let range = release.value.as_ref().and_then(|value| value.bounds);
    let declared = match range {
        Some(ValueBounds::Bought(None)) => None,
        Some(ValueBounds::Bought(Some(_)) | ValueBounds::Declared(_)) | None => Some(bounds(release)?),
    };
    let bins = declared.map(|(bounds, whole)| Bins::for_quantiles(bounds, whole && per == Per::Row));
    let bought = matches!(range, Some(ValueBounds::Bought(_)));
    // A bin for each whole number is as fine as a grid can be: no narrower range makes it finer.
    Ok(bins.filter(|bins| bins.whole || !bought).unwrap_or_else(Bins::for_bought_quantiles))
}

/// The declared range, and whether the column holds whole numbers.
fn bounds(release: &ResolvedRelease) -> Result<(Bounds, bool), PlanError> {
    let value = release.value.as_ref().ok_or(PlanError::Internal("a summary has a column"))?;
    let whole = value.column_type == ColumnType::Int;
    match value.bounds {
        Some(ValueBounds::Declared(bounds) | ValueBounds::Bought(Some(bounds))) => {
            Ok((bounds, whole && bounds.low().fract() == 0.0 && bounds.high().fract() == 0.0))
        }
        Some(ValueBounds::Bought(None)) | None => Err(PlanError::Unsupported {
            release: release.name.clone(),
            what: "a histogram of a column without declared bounds".to_owned(),
            instead: "declare `bounds` for the column in the policy; or ask for quantiles, whose grid may be bought",
        }),
    }
}

/// The place of what is counted on a grid.
fn nodes(asked: &mut Asked, values: &mut Values, bins: Bins, limit: u32) -> usize {
    let grid = super::place(&mut values.bins, bins);
    asked.moment(Moment::Nodes { grid, spread: bins.spread, limit })
}

/// A column for each bar, named by its lower end.
fn bars(
    asked: &mut Asked,
    values: &mut Values,
    (name, grid): (&str, Bins),
    limit: u32,
    release: &ResolvedRelease,
) -> Result<(), PlanError> {
    if grid.spread.bins() > MOST_BARS {
        return Err(PlanError::Unsupported {
            release: release.name.clone(),
            what: format!("a histogram of more than {MOST_BARS} bars beside its key"),
            instead: "make width larger; or count people by bins: popularity with by = [{ column, width }]",
        });
    }
    let place = nodes(asked, values, grid, limit);
    for bar in 0..grid.spread.bins() {
        let start = grid.start(bar).to_string().replace('.', "_").replace('-', "minus_");
        let name = format!("{name}_from_{start}");
        let taken = |known: &str| known == name || release.keys.iter().any(|key| key.name.as_str() == name);
        if release.outputs.iter().any(|output| taken(output)) {
            return Err(PlanError::Unsupported {
                release: release.name.clone(),
                what: format!("two columns called {name}"),
                instead: "name the histogram with as = \"...\"",
            });
        }
        asked.outputs.push(Output { name, formula: Formula::Bar { nodes: place, bar } });
    }
    Ok(())
}
