//! One trial: the stages run once, and what came out is compared with the truth.

use std::sync::Arc;

use flockwise_mechanisms::{Allowance, Os};

use super::exact::{Asked, Cells, Column, Numbers, unit};
use super::figures::{ColumnTrial, Error, figures};
use super::rank::is_ranked;
use super::seen::Seen;
use super::world::World;
use crate::engine::{Failed, Measured, execute};
use crate::plan::{Formula, KeyDomain, Order, ReleasePlan};
use crate::statistics::{Row, rows};

/// What one trial found.
pub(super) struct Trial {
    /// The bound that it had, as a release writes it.
    pub contribution: serde_json::Value,
    /// Standard deviation of the noise under it.
    pub noise_sd: serde_json::Value,
    /// Rows of the table.
    pub rows: usize,
    /// Keys (items, of links) that came out and somebody has.
    pub found: usize,
    /// The people under them.
    pub mass: f64,
    /// Keys that came out and nobody has.
    pub nobodys: usize,
    pub columns: Vec<ColumnTrial>,
}

/// Runs the stages with fresh noise, and compares.
///
/// # Errors
/// Those of the engine.
pub(super) fn trial(
    world: &World<'_>,
    plan: &ReleasePlan,
    mut allowance: Allowance,
) -> Result<Trial, Failed> {
    let mut noise = Os::new().map_err(|_| Failed::Entropy)?;
    let mut seen = Seen::new(world);
    let measured = execute(&plan.stages, &mut allowance, &mut seen, &mut noise)?.into_inner();
    let plan = &plan.on(&measured.channels);
    let rows = rows(plan, &measured);
    let truths = Truths::new(world, plan, &measured, &mut seen)?;
    let shown = Shown::new(world, plan, &measured, &seen, &rows);
    let mut columns = Vec::new();
    for (place, output) in plan.outputs.iter().enumerate() {
        let errors = rows.iter().filter_map(|row| truths.error(row, place, plan.both_ways, &shown));
        let errors: Vec<Error> = errors.collect();
        let whole = plan.stages.linked.is_none() && !matches!(plan.order, Order::Leading(_));
        let dropped = (whole && is_additive(output.formula))
            .then(|| shown.absent(world).filter_map(|key| world.unbounded[place][key]).collect::<Vec<f64>>());
        let affinity = matches!(output.formula, Formula::OverIndex(_));
        columns.push(figures(
            &world.ranks,
            place,
            (is_additive(output.formula), is_ranked(output.formula)),
            &errors,
            (dropped.as_deref(), affinity),
        ));
    }
    let bound = measured.bound;
    let sd = plan.stages.measures.iter().map(|measure| {
        (
            crate::plan::measure_name(measure),
            serde_json::Value::from(crate::plan::natural_sd(&plan.stages, measure, bound)),
        )
    });
    Ok(Trial {
        noise_sd: sd.collect::<serde_json::Map<_, _>>().into(),
        contribution: crate::plan::contribution_json(&plan.stages, bound),
        rows: rows.len(),
        found: shown.keys.iter().filter(|&&key| world.people[key] > 0.0).count(),
        mass: shown.keys.iter().map(|&key| world.people[key]).sum(),
        nobodys: shown.keys.iter().filter(|&&key| world.people[key] <= 0.0).count(),
        columns,
    })
}

/// Whether a key that does not come out can be read as zero.
pub(super) const fn is_additive(formula: Formula) -> bool {
    is_ranked(formula) || matches!(formula, Formula::Bar { .. })
}

/// The keys that stand in the table; of links, the items that were linked.
struct Shown {
    /// Their places, ascending.
    keys: Vec<usize>,
    /// The place of each measured cell's key; empty for links.
    places: Vec<Option<usize>>,
}

impl Shown {
    fn new(
        world: &World<'_>,
        plan: &ReleasePlan,
        measured: &Measured,
        seen: &Seen<'_, '_>,
        rows: &[Row],
    ) -> Self {
        let (places, mut keys): (Vec<Option<usize>>, Vec<usize>) = if plan.stages.linked.is_some() {
            (Vec::new(), seen.keys.iter().filter_map(|key| world.place(key)).collect())
        } else {
            let places: Vec<Option<usize>> = measured.keys.iter().map(|key| world.place(key)).collect();
            let keys = rows.iter().filter_map(|row| places[row.at]).collect();
            (places, keys)
        };
        keys.sort_unstable();
        keys.dedup();
        Self { keys, places }
    }

    /// The keys that somebody has and that do not stand in the table.
    fn absent<'w>(&'w self, world: &'w World<'_>) -> impl Iterator<Item = usize> + 'w {
        let missing = |key: &usize| world.people[*key] > 0.0 && self.keys.binary_search(key).is_err();
        (0..world.people.len()).filter(missing)
    }
}

/// The unbounded truth.
enum Unbounded<'w> {
    /// Of all keys.
    Keys(&'w [Column]),
    /// Of the cells of links.
    Links(Arc<(Cells, Vec<Column>)>),
}

impl Unbounded<'_> {
    fn columns(&self) -> &[Column] {
        match self {
            Self::Keys(columns) => columns,
            Self::Links(truth) => &truth.1,
        }
    }
}

/// The four values of each cell, but for the released one.
struct Truths<'w> {
    unbounded: Unbounded<'w>,
    clamped: Option<Arc<Vec<Column>>>,
    /// Of the cells that were measured, in their order.
    bounded: Vec<Column>,
    /// Of the cells that were measured alone, unbounded: for affinities.
    among: Option<Vec<Column>>,
}

impl<'w> Truths<'w> {
    fn new(
        world: &'w World<'_>,
        plan: &ReleasePlan,
        measured: &Measured,
        seen: &mut Seen<'_, '_>,
    ) -> Result<Self, Failed> {
        let asked = Asked::planned(plan);
        let bounded =
            |cells: &Cells, seen: &mut Seen<'_, '_>| numbers(plan, &asked, measured, seen).columns(cells);
        if let Some(linked) = plan.stages.linked {
            let truth = world.links(linked.link, &seen.keys)?;
            let bounded = bounded(&truth.0, seen);
            return Ok(Self { unbounded: Unbounded::Links(truth), clamped: None, bounded, among: None });
        }
        let cells = Cells::new(plan, measured.keys.clone());
        let affine = plan.outputs.iter().any(|output| matches!(output.formula, Formula::OverIndex(_)));
        Ok(Self {
            unbounded: Unbounded::Keys(&world.unbounded),
            clamped: Some(world.clamped(measured.channels.first().copied())?),
            bounded: bounded(&cells, seen),
            among: affine.then(|| world.among(&cells)),
        })
    }

    /// What is wrong with a row's value of one column; nothing where the truth has no meaning.
    fn error(&self, row: &Row, column: usize, both_ways: bool, shown: &Shown) -> Option<Error> {
        let ways = if both_ways { 2 } else { 1 };
        let way = |at: usize| at * ways + usize::from(row.reversed);
        let key = shown.places.get(row.at).copied().flatten();
        let at = if self.clamped.is_some() { key? } else { way(row.at) };
        let truth = self.unbounded.columns()[column][at]?;
        let clamped = match &self.clamped {
            Some(clamped) => clamped[column][at].unwrap_or(truth),
            None => truth,
        };
        let among = self.among.as_ref().and_then(|among| among[column][row.at]);
        Some(Error {
            key,
            reversed: row.reversed,
            released: row.estimates[column],
            truth,
            clamped,
            among: among.unwrap_or(clamped),
            bounded: self.bounded[column][way(row.at)],
        })
    }
}

/// The bounded numbers that noise was added to, in the order of the plan's measures.
fn numbers<'a>(
    plan: &'a ReleasePlan,
    asked: &'a Asked,
    measured: &Measured,
    seen: &mut Seen<'_, '_>,
) -> Numbers<'a> {
    let mut moments = std::mem::take(&mut seen.moments).into_iter();
    let selection = plan.stages.selection();
    let (mut values, mut units) = (Vec::new(), Vec::new());
    let channel = measured.channels.first().copied();
    for measure in &plan.stages.measures {
        let reused = selection.filter(|_| plan.stages.is_reused(measure.moment));
        values.push(match (reused, &seen.candidates) {
            (Some(_), Some(candidates)) => {
                let weight = |key| {
                    let at = candidates.binary_search_by(|(known, _): &(Vec<u8>, i128)| known.cmp(key));
                    at.map_or(0, |at| candidates[at].1)
                };
                measured.keys.iter().map(weight).collect()
            }
            _ => moments.next().unwrap_or_default(),
        });
        let bound = reused.map_or(measured.bound, |selection| selection.bound);
        units.push(unit(measure.moment, bound, channel.as_ref()));
    }
    let margins = std::mem::take(&mut seen.margins).into_iter().zip(&measured.margins);
    let margins = margins.map(|(exact, margin)| {
        exact.into_iter().map(|people| people as f64 / f64::from(margin.bound.unit())).collect()
    });
    Numbers { plan, asked, values, units, channel, margins: margins.collect() }
}

/// Where a release's keys come from, in a word.
pub(super) const fn key_words(keys: &KeyDomain) -> &'static str {
    match keys {
        KeyDomain::Public(_) => "public",
        KeyDomain::Private(_) => "private",
        KeyDomain::Under(..) => "private and public",
        KeyDomain::Leading(_) | KeyDomain::Top(_) => "leading",
    }
}
