//! The one path from a charged plan to noisy integers.

use flockwise_mechanisms::{
    Allowance, CalibrationError, Key, Noise, Overdrawn, Private, Release, Source, measure, select,
};

use super::choose::{Known, choose};
use crate::kernel::{Bound, Moment};
use crate::plan::{Bounding, KeyDomain, Measure, StageError, Stages};

/// Whoever computes bounded aggregates for a plan: the only code that sees people's rows.
///
/// Another engine takes Polars' place by implementing this one trait. Every method is a function of the data, the plan
/// and the keyed-hash secret, and yields integers that only a mechanism can read.
pub trait Backend {
    /// The keys that anybody has, with their weight under `bound`; weights are positive.
    ///
    /// # Errors
    /// [`Failed`] for reasons outside the data.
    fn candidates(&mut self, bound: Bound) -> Result<Private<Vec<(Key, i128)>>, Failed>;

    /// The activity histogram over `keys`: in which bucket of number of keys each person is.
    ///
    /// # Errors
    /// [`Failed`] for reasons outside the data.
    fn activity(&mut self, keys: &[Key], buckets: usize) -> Result<Private<Vec<i128>>, Failed>;

    /// For each moment one integer for each of `keys`, each person's vector restricted to `keys` and then bounded.
    ///
    /// # Errors
    /// [`Failed`] for reasons outside the data.
    fn moments(&mut self, keys: &[Key], bound: Bound, moments: &[Moment]) -> Result<Vec<Private<Vec<i128>>>, Failed>;
}

/// The execution failed after the charge: never for a reason that depends on anybody's data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failed {
    /// The source could not be read.
    #[error("the data source could not be read")]
    Source,
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
    let found = find_keys(stages, allowance, backend, source)?;
    let bound = buy_bound(stages, &found, allowance, backend, source)?;
    let measured: Vec<&Measure> = stages.measures.iter().filter(|measure| !stages.is_reused(measure.moment)).collect();
    let moments: Vec<Moment> = measured.iter().map(|measure| measure.moment).collect();
    let keys = found.keys();
    let exact = if moments.is_empty() { Vec::new() } else { backend.moments(&keys, bound, &moments)? };
    let mut noisy = Vec::new();
    for (wanted, exact) in measured.iter().zip(&exact) {
        let sensitivity = stages.sensitivity(wanted.moment, bound).map_err(StageError::from)?;
        let charge = allowance.take(wanted.loss)?;
        noisy.push(measure(charge, stages.family, sensitivity, exact, source)?);
    }
    let noises = stages.measures.iter().map(|wanted| stages.noise(wanted, bound)).collect::<Result<Vec<_>, _>>()?;
    let threshold = stages.threshold()?;
    let finish = |weights: Vec<i128>, noisy: Vec<Vec<i128>>| {
        let mut noisy = noisy.into_iter();
        let mut value = |measure: &Measure| match stages.is_reused(measure.moment) {
            true => weights.clone(),
            false => noisy.next().expect("one vector for each measure"),
        };
        let values = stages.measures.iter().map(&mut value).collect();
        Measured { keys, values, noises, bound, threshold }
    };
    let noisy = Release::collect(noisy);
    Ok(match found {
        Found::Declared(_) => noisy.map(|noisy| finish(Vec::new(), noisy)),
        Found::Selected(keys) | Found::Under(keys, _) => keys.zip(noisy).map(|(keys, noisy)| {
            finish(keys.into_iter().map(|(_, weight)| weight).collect(), noisy)
        }),
    })
}

/// The keys that are measured.
enum Found<'a> {
    /// Public by declaration.
    Declared(&'a [Key]),
    /// Let out by a selection, with their noisy weights.
    Selected(Release<Vec<(Key, i128)>>),
    /// Let out by a selection, and under each every declared key.
    Under(Release<Vec<(Key, i128)>>, &'a [Key]),
}

impl Found<'_> {
    fn keys(&self) -> Vec<Key> {
        match self {
            Self::Declared(keys) => keys.to_vec(),
            Self::Selected(keys) => keys.get().iter().map(|(key, _)| key.clone()).collect(),
            Self::Under(keys, declared) => {
                let whole = |(key, _): &(Key, i128)| declared.iter().map(|under| [&key[..], under].concat()).collect::<Vec<_>>();
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
        KeyDomain::Private(selection) | KeyDomain::Under(selection, _) => {
            let sensitivity = stages.sensitivity(Moment::People, selection.bound).map_err(StageError::from)?;
            let candidates = backend.candidates(selection.bound)?;
            let charge = allowance.take(selection.loss)?;
            let entry = selection.bound.entry();
            let found = select(charge, stages.family, sensitivity, &entry, &candidates, source)?;
            Ok(match &stages.keys {
                KeyDomain::Under(_, declared) => Found::Under(found, declared),
                KeyDomain::Public(_) | KeyDomain::Private(_) => Found::Selected(found),
            })
        }
    }
}

fn buy_bound(
    stages: &Stages,
    found: &Found<'_>,
    allowance: &mut Allowance,
    backend: &mut dyn Backend,
    source: &mut dyn Source,
) -> Result<Bound, Failed> {
    let (choice, loss) = match &stages.bounding {
        Bounding::Given(bound) => return Ok(*bound),
        Bounding::Bought { choice, loss } => (choice, *loss),
    };
    let exact = backend.activity(&found.keys(), choice.buckets)?;
    let sensitivity = stages.sensitivity(Moment::People, Bound::keep(1)).map_err(StageError::from)?;
    let activity_sd = Noise::calibrate(stages.family, loss, sensitivity).map_err(StageError::from)?.standard_deviation();
    let charge = allowance.take(loss)?;
    let activity = measure(charge, stages.family, sensitivity, &exact, source)?;
    let sd = stages.predicted_sd()?;
    let unit = stages.selection().map_or(1.0, |selection| f64::from(selection.bound.unit()));
    let weights: Vec<f64> = match found {
        Found::Declared(_) => Vec::new(),
        Found::Selected(keys) | Found::Under(keys, _) => {
            keys.get().iter().map(|(_, weight)| *weight as f64 / unit).collect()
        }
    };
    Ok(choose(choice, &Known { activity: activity.get(), activity_sd, weights: &weights, sd: &sd }))
}
