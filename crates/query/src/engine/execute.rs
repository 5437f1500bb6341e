//! The one path from a charged plan to noisy integers.

use flockwise_mechanisms::{
    Allowance, CalibrationError, Key, Noise, Overdrawn, Private, Rank, Release, Source, bounds,
    choose as pick, leading as lead, measure, select,
};

use super::choose::{ClipChoice, Known, choose};
use crate::kernel::{Bound, Link, Moment, SpillError};
use crate::plan::{
    BoughtRange, Bounding, Channel, KeyDomain, Leading, Linked, Measure, Over, Rough, StageError, Stages, Top,
};

/// Whoever computes bounded aggregates for a plan: the only code that sees people's rows.
///
/// Another engine takes Polars' place by implementing this one trait. Every method is a function of the data, the plan
/// and the keyed-hash secret, and yields integers that only a mechanism can read.
pub trait Backend {
    /// The least and the largest value of each person who has any, in so many integers a unit, within a range.
    ///
    /// # Errors
    /// [`Failed`] for reasons outside the data.
    fn extremes(&mut self, range: &BoughtRange) -> Result<Extremes, Failed>;

    /// Puts values on another grid from now on.
    ///
    /// # Errors
    /// [`Failed`] for reasons outside the data.
    fn regrid(&mut self, channel: Channel) -> Result<(), Failed>;

    /// The keys that anybody has, with their weight under `bound`; weights are positive.
    ///
    /// # Errors
    /// [`Failed`] for reasons outside the data.
    fn candidates(&mut self, bound: Bound) -> Result<Private<Vec<(Key, i128)>>, Failed>;

    /// For each key of each row how many people have it, each in full.
    ///
    /// # Errors
    /// [`Failed`] for reasons outside the data.
    fn scores(&mut self, rows: &[Vec<Key>]) -> Result<Private<Vec<Vec<i128>>>, Failed>;

    /// The activity histogram over `keys`: in which bucket of number of keys, or of their links, each person is.
    ///
    /// # Errors
    /// [`Failed`] for reasons outside the data.
    fn activity(
        &mut self,
        keys: &[Key],
        link: Option<Link>,
        buckets: usize,
    ) -> Result<Private<Vec<i128>>, Failed>;

    /// In which bucket the norm of each person's values over `keys` is.
    ///
    /// # Errors
    /// [`Failed`] for reasons outside the data.
    fn norms(&mut self, keys: &[Key], clip: ClipChoice, buckets: usize)
    -> Result<Private<Vec<i128>>, Failed>;

    /// People for each link of `keys`, each person's links restricted to `keys` and then bounded.
    ///
    /// # Errors
    /// [`Failed`] for reasons outside the data.
    fn linked(&mut self, keys: &[Key], link: Link, bound: Bound) -> Result<Private<Vec<i128>>, Failed>;

    /// People for each number of a margin.
    ///
    /// # Errors
    /// [`Failed`] for reasons outside the data.
    fn margin(&mut self, over: Over, keys: &[Key], bound: Bound) -> Result<Private<Vec<i128>>, Failed>;

    /// For each moment one integer for each of `keys` (for a distribution one for each node under each key), each person's
    /// vector restricted to `keys` and then bounded.
    ///
    /// # Errors
    /// [`Failed`] for reasons outside the data.
    fn moments(
        &mut self,
        keys: &[Key],
        bound: Bound,
        moments: &[Moment],
    ) -> Result<Vec<Private<Vec<i128>>>, Failed>;
}

/// One integer for each person who has a value.
#[derive(Debug)]
pub struct Extremes {
    /// The least values.
    pub least: Private<Vec<i64>>,
    /// The largest values.
    pub largest: Private<Vec<i64>>,
}

/// The execution failed after the charge: never for a reason that depends on anybody's data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failed {
    /// The source could not be read.
    #[error("the data source could not be read")]
    Source,
    /// What did not fit into memory could not be kept in the temporary folder.
    #[error(transparent)]
    Spill(#[from] SpillError),
    /// A bug.
    #[error("a bug in flockwise stopped the computation")]
    Bug,
    /// The operating system gave no entropy.
    #[error("the operating system gave no entropy for the noise")]
    Entropy,
    /// A stage asked for more than was charged: a bug.
    #[error(transparent)]
    Overdrawn(#[from] Overdrawn),
    /// A stage could not be calibrated: a bug, since the plan tries every bound.
    #[error(transparent)]
    Stage(#[from] StageError),
}

impl From<CalibrationError> for Failed {
    fn from(error: CalibrationError) -> Self {
        Self::Stage(error.into())
    }
}

/// What the stages of one release let out.
#[derive(Clone, PartialEq, Debug)]
pub struct Measured {
    /// The keys, in order of their bytes (public keys: as declared, sorted).
    pub keys: Vec<Key>,
    /// For each measure of the plan, a noisy integer for each key.
    pub values: Vec<Vec<i128>>,
    /// The noise of each measure.
    pub noises: Vec<Noise>,
    /// The bound that the measurements had.
    pub bound: Bound,
    /// The threshold of the selection, in units of its bound.
    pub threshold: Option<i128>,
    /// What was measured beside the cells, in the order of the plan.
    pub margins: Vec<Marginal>,
    /// The grids that values were on: those of the plan, unless the range was bought.
    pub channels: Vec<Channel>,
}

/// One margin as measured.
#[derive(Clone, PartialEq, Debug)]
pub struct Marginal {
    /// A noisy number for each key that was linked, for each value of the first part, or for everyone.
    pub values: Vec<i128>,
    /// The noise.
    pub noise: Noise,
    /// The bound it had.
    pub bound: Bound,
}

/// Runs the stages of one release.
///
/// Every number that a later stage depends on is a [`Release`] of an earlier one, so the whole is an adaptive
/// composition of charged mechanisms.
///
/// # Errors
/// [`Failed`], for reasons outside the data.
pub fn execute(
    stages: &Stages,
    allowance: &mut Allowance,
    backend: &mut dyn Backend,
    source: &mut dyn Source,
) -> Result<Release<Measured>, Failed> {
    let ranged = buy_range(stages, allowance, backend, source)?;
    let stages = ranged.as_ref().unwrap_or(stages);
    let found = find_keys(stages, allowance, backend, source)?;
    let bought = buy_bounds(stages, &found, allowance, backend, source)?;
    let keys = found.keys();
    let noisy = measure_cells(stages, &keys, bought.cells, allowance, backend, source)?;
    let margins = measure_margins(stages, &keys, &bought, allowance, backend, source)?;
    let bound = bought.cells;
    let noises =
        stages.measures.iter().map(|wanted| stages.noise(wanted, bound)).collect::<Result<Vec<_>, _>>()?;
    let margin_noises = stages
        .margins
        .iter()
        .zip(&bought.margins)
        .map(|(margin, bound)| stages.margin_noise(margin, *bound))
        .collect::<Result<Vec<_>, _>>()?;
    let threshold = stages.threshold()?;
    let cells = stages.linked.map_or_else(|| keys.clone(), |linked| linked_cells(&keys, linked.link));
    let finish = |weights: Vec<i128>, noisy: Vec<Vec<i128>>, margins: Vec<Vec<i128>>| {
        let mut noisy = noisy.into_iter();
        let mut value = |measure: &Measure| match stages.is_reused(measure.moment) {
            true => weights.clone(),
            false => noisy.next().expect("one vector for each measure"),
        };
        let values = stages.measures.iter().map(&mut value).collect();
        let margins = margins.into_iter().zip(margin_noises).zip(bought.margins);
        let margins = margins.map(|((values, noise), bound)| Marginal { values, noise, bound }).collect();
        Measured { keys: cells, values, noises, bound, threshold, margins, channels: stages.channels.clone() }
    };
    let noisy = Release::collect(noisy).zip(Release::collect(margins));
    Ok(match found {
        Found::Declared(_) | Found::Chosen(_) => {
            noisy.map(|(noisy, margins)| finish(Vec::new(), noisy, margins))
        }
        Found::Selected(keys) | Found::Under(keys, _) => keys.zip(noisy).map(|(keys, (noisy, margins))| {
            finish(keys.into_iter().map(|(_, weight)| weight).collect(), noisy, margins)
        }),
    })
}

/// The stages on the grid of the range that was bought; nothing where it was declared.
fn buy_range(
    stages: &Stages,
    allowance: &mut Allowance,
    backend: &mut dyn Backend,
    source: &mut dyn Source,
) -> Result<Option<Stages>, Failed> {
    let Some(range) = &stages.range else { return Ok(None) };
    let extremes = backend.extremes(range)?;
    let beyond = Rank::new(1, 100).expect("a hundredth is a rank");
    let mut buy = |values: &Private<Vec<i64>>| -> Result<Option<(i64, i64)>, Failed> {
        let charge = allowance.take(range.loss)?;
        Ok(bounds(charge, stages.family, beyond, values, source)?.into_inner())
    };
    let (low, high) = (buy(&extremes.least)?, buy(&extremes.largest)?);
    let channel = range.channel(low.map(|(low, _)| low), high.map(|(_, high)| high));
    backend.regrid(channel)?;
    let channels = stages.channels.iter().map(|_| channel).collect();
    Ok(Some(Stages { channels, ..stages.clone() }))
}

/// The vectors over the cells that are yet to be measured.
fn measure_cells(
    stages: &Stages,
    keys: &[Key],
    bound: Bound,
    allowance: &mut Allowance,
    backend: &mut dyn Backend,
    source: &mut dyn Source,
) -> Result<Vec<Release<Vec<i128>>>, Failed> {
    let measured: Vec<&Measure> =
        stages.measures.iter().filter(|measure| !stages.is_reused(measure.moment)).collect();
    let moments: Vec<Moment> = measured.iter().map(|measure| measure.moment).collect();
    let exact = match stages.linked {
        Some(Linked { link, .. }) => vec![backend.linked(keys, link, bound)?],
        None if moments.is_empty() => Vec::new(),
        None => backend.moments(keys, bound, &moments)?,
    };
    let mut noisy = Vec::new();
    for (wanted, exact) in measured.iter().zip(&exact) {
        let sensitivity = stages.sensitivity(wanted.moment, bound).map_err(StageError::from)?;
        let charge = allowance.take(wanted.loss)?;
        noisy.push(measure(charge, stages.family, sensitivity, exact, source)?);
    }
    Ok(noisy)
}

fn measure_margins(
    stages: &Stages,
    keys: &[Key],
    bounds: &Bounds,
    allowance: &mut Allowance,
    backend: &mut dyn Backend,
    source: &mut dyn Source,
) -> Result<Vec<Release<Vec<i128>>>, Failed> {
    let mut noisy = Vec::new();
    for (margin, &bound) in stages.margins.iter().zip(&bounds.margins) {
        let keys = match margin.over {
            Over::Keys | Over::Totals(_) => keys,
            Over::Everyone | Over::FirstPart => &margin.keys,
        };
        let exact = backend.margin(margin.over, keys, bound)?;
        let sensitivity = stages.sensitivity(Moment::People, bound).map_err(StageError::from)?;
        let charge = allowance.take(margin.loss)?;
        noisy.push(measure(charge, stages.family, sensitivity, &exact, source)?);
    }
    Ok(noisy)
}

/// The keys of all cells: one key behind the other, in the order of [`Link::cell`].
fn linked_cells(keys: &[Key], link: Link) -> Vec<Key> {
    let mut cells = Vec::with_capacity(link.cells(keys.len()));
    for (at, one) in keys.iter().enumerate() {
        let others = keys.iter().enumerate().filter(|&(other, _)| match link {
            Link::Pairs => other > at,
            Link::Steps => other != at,
        });
        cells.extend(others.map(|(_, other)| [&one[..], other].concat()));
    }
    cells
}

/// The keys that are measured.
enum Found<'a> {
    /// Public by declaration.
    Declared(&'a [Key]),
    /// The leading ones of what is declared.
    Chosen(Release<Vec<Key>>),
    /// Let out by a selection, with their noisy weights.
    Selected(Release<Vec<(Key, i128)>>),
    /// Let out by a selection, and under each every declared key.
    Under(Release<Vec<(Key, i128)>>, &'a [Key]),
}

impl Found<'_> {
    fn keys(&self) -> Vec<Key> {
        match self {
            Self::Declared(keys) => keys.to_vec(),
            Self::Chosen(keys) => keys.get().clone(),
            Self::Selected(keys) => keys.get().iter().map(|(key, _)| key.clone()).collect(),
            Self::Under(keys, declared) => {
                let whole = |(key, _): &(Key, i128)| {
                    declared.iter().map(|under| [&key[..], under].concat()).collect::<Vec<_>>()
                };
                keys.get().iter().flat_map(whole).collect()
            }
        }
    }
}

fn find_keys<'a>(
    stages: &'a Stages,
    allowance: &mut Allowance,
    backend: &mut dyn Backend,
    source: &mut dyn Source,
) -> Result<Found<'a>, Failed> {
    match &stages.keys {
        KeyDomain::Public(keys) => Ok(Found::Declared(keys)),
        KeyDomain::Leading(leading) => choose_keys(leading, allowance, backend, source),
        KeyDomain::Top(top) => top_keys(*top, allowance, backend, source),
        KeyDomain::Private(selection) | KeyDomain::Under(selection, _) => {
            let sensitivity =
                stages.sensitivity(Moment::People, selection.bound).map_err(StageError::from)?;
            let candidates = backend.candidates(selection.bound)?;
            let charge = allowance.take(selection.loss)?;
            let entry = selection.bound.entry();
            let found = select(charge, stages.family, sensitivity, &entry, &candidates, source)?;
            let found = match stages.linked {
                Some(linked) => found.map(|keys| leading(keys, linked.most)),
                None => found,
            };
            Ok(match &stages.keys {
                KeyDomain::Under(_, declared) => Found::Under(found, declared),
                KeyDomain::Public(_) | KeyDomain::Private(_) | KeyDomain::Leading(_) | KeyDomain::Top(_) => {
                    Found::Selected(found)
                }
            })
        }
    }
}

/// The leading keys of each row, in order of their bytes: a choice by exact counts, in which every key of a person counts in
/// full.
fn choose_keys<'a>(
    ask: &Leading,
    allowance: &mut Allowance,
    backend: &mut dyn Backend,
    source: &mut dyn Source,
) -> Result<Found<'a>, Failed> {
    let counts = backend.scores(&ask.rows)?;
    let charge = allowance.take(ask.loss)?;
    let chosen = pick(charge, ask.choice, &counts, source)?;
    let keys = chosen.map(|rows| {
        let named = rows.into_iter().zip(&ask.rows);
        let mut keys: Vec<Key> =
            named.flat_map(|(picks, row)| picks.into_iter().map(|at| row[at].clone())).collect();
        keys.sort();
        keys
    });
    Ok(Found::Chosen(keys))
}

/// The leading keys of all that anybody has, in order of their bytes: by exact counts, in which every key of a person counts
/// in full.
fn top_keys<'a>(
    top: Top,
    allowance: &mut Allowance,
    backend: &mut dyn Backend,
    source: &mut dyn Source,
) -> Result<Found<'a>, Failed> {
    let counts = backend.candidates(Bound::keep(u32::MAX))?;
    let charge = allowance.take(top.loss)?;
    let keys = lead(charge, top.ask, &counts, source)?;
    let sorted = keys.map(|mut keys| {
        keys.sort();
        keys
    });
    Ok(Found::Chosen(sorted))
}

/// The keys of the largest noisy weight, ties by their bytes; in order of their bytes. Post-processing of a selection.
fn leading(mut keys: Vec<(Key, i128)>, most: usize) -> Vec<(Key, i128)> {
    keys.sort_by(|(one, more), (other, less)| less.cmp(more).then_with(|| one.cmp(other)));
    keys.truncate(most);
    keys.sort();
    keys
}

/// The bounds of what is measured.
struct Bounds {
    cells: Bound,
    margins: Vec<Bound>,
}

/// About how many people each declared key has under a small bound, from a measurement of its own; what drowns in the noise
/// has the mean of all such, so that the sum is right.
fn rough_weights(
    stages: &Stages,
    keys: &[Key],
    rough: Rough,
    allowance: &mut Allowance,
    backend: &mut dyn Backend,
    source: &mut dyn Source,
) -> Result<Vec<f64>, Failed> {
    let exact = backend.moments(keys, rough.bound, &[Moment::People])?.swap_remove(0);
    let sensitivity = stages.sensitivity(Moment::People, rough.bound).map_err(StageError::from)?;
    let noise = Noise::calibrate(stages.family, rough.loss, sensitivity).map_err(StageError::from)?;
    let charge = allowance.take(rough.loss)?;
    let noisy = measure(charge, stages.family, sensitivity, &exact, source)?;
    let unit = f64::from(rough.bound.unit());
    let sd = noise.standard_deviation() / unit;
    let weights: Vec<f64> = noisy.get().iter().map(|weight| *weight as f64 / unit).collect();
    let (drowned, count) = weights
        .iter()
        .filter(|weight| **weight < 2.0 * sd)
        .fold((0.0, 0.0_f64), |(sum, count), weight| (sum + weight, count + 1.0));
    let mean = (drowned / count.max(1.0)).max(sd / 100.0);
    Ok(weights.into_iter().map(|weight| if weight < 2.0 * sd { mean } else { weight }).collect())
}

/// One noisy histogram buys the bound of the cells, and that of a margin over the keys: post-processing of the same release.
fn buy_bounds(
    stages: &Stages,
    found: &Found<'_>,
    allowance: &mut Allowance,
    backend: &mut dyn Backend,
    source: &mut dyn Source,
) -> Result<Bounds, Failed> {
    let (choice, loss, rough) = match &stages.bounding {
        Bounding::Given(bound) => {
            let margins = stages.margins.iter().map(|margin| Stages::margin_bound(margin.over, *bound));
            return Ok(Bounds { cells: *bound, margins: margins.collect() });
        }
        Bounding::Bought { choice, loss, rough } => (choice, *loss, *rough),
    };
    let link = stages.linked.map(|linked| linked.link);
    // The number of keys tells the number of pairs, and serves a margin over the keys as well.
    let counted = link.filter(|link| *link == Link::Steps);
    let keys = found.keys();
    let exact = match choice.clip {
        Some(clip) => backend.norms(&keys, clip, choice.buckets)?,
        None => backend.activity(&keys, counted, choice.buckets)?,
    };
    let sensitivity = stages.sensitivity(Moment::People, Bound::keep(1)).map_err(StageError::from)?;
    let activity_sd =
        Noise::calibrate(stages.family, loss, sensitivity).map_err(StageError::from)?.standard_deviation();
    let charge = allowance.take(loss)?;
    let activity = measure(charge, stages.family, sensitivity, &exact, source)?;
    let selected = stages.selection().map(|selection| selection.bound);
    let weighed = selected.or(rough.map(|rough| rough.bound)).unwrap_or(Bound::keep(1));
    let unit = f64::from(weighed.unit());
    let weights: Vec<f64> = match found {
        Found::Declared(_) | Found::Chosen(_) => match rough {
            Some(rough) => rough_weights(stages, &keys, rough, allowance, backend, source)?,
            None => Vec::new(),
        },
        Found::Selected(keys) | Found::Under(keys, _) => {
            keys.get().iter().map(|(_, weight)| *weight as f64 / unit).collect()
        }
    };
    let most = match (choice.clip, counted) {
        // Of so many buckets all count.
        (Some(_), _) => 1 << choice.buckets.min(62),
        (None, Some(link)) => link.cells(keys.len()),
        (None, None) => keys.len(),
    };
    let known = |sd: &[f64], link| {
        let (activity, weights, counts_keys) = (activity.get(), &weights[..], counted.is_none());
        let clip = choice.clip;
        choose(choice, &Known { activity, most, activity_sd, weights, sd, link, counts_keys, clip, weighed })
    };
    let cells = known(&stages.predicted_sd()?, link);
    let mut margins = Vec::new();
    for margin in &stages.margins {
        margins.push(match margin.over {
            // The totals are of the cells as they were bounded.
            Over::Totals(_) => cells,
            Over::Keys | Over::Everyone | Over::FirstPart => {
                let of_keys = known(&stages.predicted_sd_at(margin.loss)?, None);
                Stages::margin_bound(margin.over, of_keys)
            }
        });
    }
    Ok(Bounds { cells, margins })
}
