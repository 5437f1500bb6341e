//! The stages of one release.

use flockwise_mechanisms::{
    BadSensitivity, CalibrationError, Choice, Family, Key, L1, L2Squared, Loss, Noise, Sensitivity, threshold,
};
use serde::{Deserialize, Serialize};

use crate::engine::BoundChoice;
use crate::kernel::{Bound, Link, Moment, Rule};

/// Where the keys of a release come from.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyDomain {
    /// Declared in public: every one appears, also when nobody has it; rows with another are dropped before bounding.
    Public(Vec<Key>),
    /// Anything the data hold: a key appears only through partition selection.
    Private(Selection),
    /// Some parts from the data, the others declared: the former are selected, and every declared combination of the
    /// latter appears under each.
    Under(Selection, Vec<Key>),
    /// Declared in public, and only the leading ones of each row appear, chosen by their counts of people.
    Leading(Leading),
    /// Anything the data hold, and only the leading ones appear, chosen by their counts of people until an end mark.
    Top(Top),
}

/// How leading keys are chosen where none is declared, each person with any number of them
/// ([`flockwise_mechanisms::leading`]).
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Top {
    /// How many, and among how many of the most common.
    pub ask: flockwise_mechanisms::Leading,
    /// Its part of the loss, with all of the release's δ.
    pub loss: Loss,
}

/// How leading keys are chosen among declared ones.
///
/// A person moves all counts of a row the same way, each by at most one, whatever the number of keys: no bound is needed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Leading {
    /// The candidates of each segment.
    pub rows: Vec<Vec<Key>>,
    /// How many of each, and in how many segments a person may be.
    pub choice: Choice,
    /// Its part of the loss.
    pub loss: Loss,
}

/// The grid of a value column: public fixed point.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Channel {
    /// Values are clamped to at least this.
    pub low: f64,
    /// … and to at most this.
    pub high: f64,
    /// Subtracted before the grid: the middle of the clamp range halves the sensitivity.
    pub centre: f64,
    /// Grid steps per unit: a power of two.
    pub steps: f64,
    /// Largest absolute value on the grid, after centring.
    pub radius: i32,
}

impl Channel {
    /// A grid for the clamp range, centred at its middle, with at least 2^20 steps from the centre to the edge; of a range
    /// of whole numbers at least half steps, so that nothing but averages is rounded.
    #[must_use]
    pub fn new(low: f64, high: f64, whole: bool) -> Self {
        let centre = low / 2.0 + high / 2.0;
        let reach = (high - centre).max(centre - low);
        let fine = 21 - reach.log2().ceil() as i32;
        let exponent = if whole && reach < f64::from(1 << 22) { fine.max(1) } else { fine };
        let steps = 2.0_f64.powi(exponent);
        Self { low, high, centre, steps, radius: (reach * steps).ceil() as i32 }
    }

    /// A grid around zero, for a sum that no count goes with: the radius is the larger end of the clamp range.
    #[must_use]
    pub fn uncentred(low: f64, high: f64, whole: bool) -> Self {
        let reach = low.abs().max(high.abs());
        Self { low, high, ..Self::new(-reach, reach, whole) }
    }

    /// The value within the clamp range.
    #[must_use]
    pub const fn clamp(&self, value: f64) -> f64 {
        value.max(self.low).min(self.high)
    }

    /// The value on the grid: clamped, centred, rounded, and clamped again. A function of this value alone.
    #[must_use]
    pub fn grid(&self, value: f64) -> i32 {
        let on_grid = ((self.clamp(value) - self.centre) * self.steps).round();
        (on_grid as i32).clamp(-self.radius, self.radius)
    }

    /// The value that a point of the grid stands for.
    #[must_use]
    pub fn value(&self, on_grid: i32) -> f64 {
        f64::from(on_grid) / self.steps + self.centre
    }

    /// The centred square of a value on the grid, less half its largest: on a grid of `radius` steps for R²/2.
    ///
    /// For |x| ≤ r, x²/r − r/2 lies in −r/2..=r/2; twice that is in −r..=r, so the radius is the channel's own.
    #[must_use]
    pub fn square(&self, on_grid: i32) -> i32 {
        let (x, r) = (i64::from(on_grid), i64::from(self.radius));
        i32::try_from((2 * x * x / r - r).clamp(-r, r)).expect("clamped to an i32")
    }

    /// What a unit of the square channel stands for: (x² − R²/2) in units of the column, squared.
    #[must_use]
    pub fn square_unit(&self) -> f64 {
        f64::from(self.radius) / (2.0 * self.steps * self.steps)
    }
}

/// One vector that is measured: a noisy integer for each key.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Measure {
    /// What is summed.
    pub moment: Moment,
    /// Its part of the loss; nothing where it comes from the selection, which has been paid for.
    pub loss: Loss,
}

/// How private keys are found.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Selection {
    /// The bound under which people's keys are weighed.
    pub bound: Bound,
    /// Its part of the loss, with all of the release's δ.
    pub loss: Loss,
    /// Whether the noisy weights that were compared with the threshold are also the count of people that is released.
    pub reused: bool,
}

/// Where the bound of the measurements comes from.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bounding {
    /// The job gave it.
    Given(Bound),
    /// It is bought with a part of the loss from a noisy activity histogram over the keys that are measured.
    Bought {
        /// The rule from the histogram to the bound.
        choice: BoundChoice,
        /// Its part of the loss.
        loss: Loss,
        /// Where keys are declared: a rough count of people for each, which selection gives where they are not.
        rough: Option<Rough>,
    },
}

impl Bounding {
    /// What the bound costs: the histogram, and the rough counts where there are any.
    #[must_use]
    pub fn price(&self) -> Option<Loss> {
        match self {
            Self::Given(_) => None,
            Self::Bought { loss, rough: None, .. } => Some(*loss),
            Self::Bought { loss, rough: Some(rough), .. } => loss.checked_add(rough.loss),
        }
    }
}

/// A vector of people over declared keys under a small bound, with much noise: how large keys are, to tell what a bound
/// costs them. One measurement more, with a charge of its own; what is released is measured apart from it.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Rough {
    /// The bound under which people are counted.
    pub bound: Bound,
    /// Its part of the loss.
    pub loss: Loss,
}

/// What is measured is not the keys that were found but their links: all of them, seen or unseen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Linked {
    /// Which links.
    pub link: Link,
    /// At most so many keys are linked: those of the largest noisy weight, ties by their bytes.
    pub most: usize,
}

/// A vector of people that is measured beside the cells of a release, to put them in proportion.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Margin {
    /// Over what.
    pub over: Over,
    /// The declared values of the first part, where it is over those.
    pub keys: Vec<Key>,
    /// Its part of the loss.
    pub loss: Loss,
}

/// What a margin counts people by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Over {
    /// Each key that was found: bounded as cells are.
    Keys,
    /// Nothing: one number, to which a person adds 1.
    Everyone,
    /// The first part of the key, where each person has one value of it: a person adds 1 to one number.
    FirstPart,
    /// So many leading parts of the key: the sum of the bounded counts of all cells that share them. A vector of L1 norm at
    /// most B stays one when its entries are added up in groups, so the sensitivity is that of the cells.
    Totals(u32),
}

/// A clamp range that is bought with a part of the loss.
///
/// Each person has one least and one largest value, so is in one bucket of each of two noisy histograms over powers of two:
/// sensitivity 1 each. The range is a function of their release, within what the policy declares.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct BoughtRange {
    /// The policy's range, where it declares one.
    pub within: Option<(f64, f64)>,
    /// Integers of the histograms per unit of the column: a power of two.
    pub steps: f64,
    /// Whether values are centred.
    pub centred: bool,
    /// The part of the loss of each of the two.
    pub loss: Loss,
}

impl BoughtRange {
    /// The grid for the range that was found: the least of what is likely, and the largest; where nobody was seen through
    /// the noise, the policy's range, or −1 to 1.
    #[must_use]
    pub fn channel(&self, low: Option<i64>, high: Option<i64>) -> Channel {
        let (least, most) = self.within.unwrap_or((f64::MIN / 4.0, f64::MAX / 4.0));
        let found = low.zip(high).map(|(low, high)| (low as f64 / self.steps, high as f64 / self.steps));
        let found = found.map(|(low, high)| (low.max(least).min(most), high.max(least).min(most)));
        let (low, high) = found.filter(|(low, high)| low < high).or(self.within).unwrap_or((-1.0, 1.0));
        if self.centred { Channel::new(low, high, false) } else { Channel::uncentred(low, high, false) }
    }
}

/// What is done for one release, in order: select, bound, measure.
///
/// Privacy, by adaptive composition: each stage is a mechanism of [`flockwise_mechanisms`] with its own part of the
/// loss, for any outcome of the earlier ones; the bound, scale and threshold of a stage depend on earlier noisy outputs
/// only. The parts add up to at most the release's loss (checked when the plan is made, and again by the allowance).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Stages {
    /// Where keys come from.
    pub keys: KeyDomain,
    /// How measured contributions are bounded.
    pub bounding: Bounding,
    /// The noise of every stage.
    pub family: Family,
    /// Grids of the value columns.
    pub channels: Vec<Channel>,
    /// What is measured.
    pub measures: Vec<Measure>,
    /// Whether links of the keys are measured in place of the keys.
    pub linked: Option<Linked>,
    /// What is measured beside the cells.
    pub margins: Vec<Margin>,
    /// The clamp range, where it is bought: then the channels stand for any it may become.
    pub range: Option<BoughtRange>,
}

impl Stages {
    /// The sensitivity of one measured vector under a bound.
    ///
    /// # Errors
    /// When the bounds multiply to more than exact arithmetic holds.
    pub fn sensitivity(&self, moment: Moment, bound: Bound) -> Result<Sensitivity, BadSensitivity> {
        let (radius, in_units, levels) = match moment {
            Moment::People => (1, true, 1),
            Moment::Rows { limit } => (u128::from(limit), true, 1),
            Moment::Value { channel, limit } => {
                let radius = u128::from(self.channels[channel].radius.unsigned_abs());
                (u128::from(limit).checked_mul(radius).ok_or(BadSensitivity)?, false, 1)
            }
            Moment::Nodes { spread, limit, .. } => {
                (u128::from(limit) * u128::from(bound.shares()), true, u128::from(spread.levels()))
            }
        };
        let one_level = match self.family {
            Family::DiscreteLaplace => bound.l1(radius, in_units)?,
            Family::DiscreteGaussian | Family::RoundedNormal => bound.l2_squared(radius, in_units)?,
        };
        Ok(match one_level {
            Sensitivity::L1(l1) => Sensitivity::L1(L1::product(&[l1.units(), levels])?),
            Sensitivity::L2Squared(l2) => Sensitivity::L2Squared(L2Squared::product(&[l2.units(), levels])?),
        })
    }

    /// Whether the noisy weights of the selection are also the release's count of people.
    #[must_use]
    pub fn is_reused(&self, moment: Moment) -> bool {
        moment == Moment::People && self.selection().is_some_and(|selection| selection.reused)
    }

    /// How private keys are found.
    #[must_use]
    pub const fn selection(&self) -> Option<&Selection> {
        match &self.keys {
            KeyDomain::Public(_) | KeyDomain::Leading(_) | KeyDomain::Top(_) => None,
            KeyDomain::Private(selection) | KeyDomain::Under(selection, _) => Some(selection),
        }
    }

    /// The noise of one measure under a bound.
    ///
    /// # Errors
    /// When the sensitivity or the scale is out of range.
    pub fn noise(&self, measure: &Measure, bound: Bound) -> Result<Noise, StageError> {
        let loss = self
            .selection()
            .filter(|_| self.is_reused(measure.moment))
            .map_or(measure.loss, |reused| reused.loss);
        self.noise_of(measure.moment, loss, bound)
    }

    fn noise_of(&self, moment: Moment, loss: Loss, bound: Bound) -> Result<Noise, StageError> {
        Ok(Noise::calibrate(self.family, loss, self.sensitivity(moment, bound)?)?)
    }

    /// The bound of a margin, where cells have another.
    #[must_use]
    pub const fn margin_bound(over: Over, bound: Bound) -> Bound {
        match over {
            Over::Keys | Over::Totals(_) => bound,
            Over::Everyone | Over::FirstPart => Bound::keep(1),
        }
    }

    /// The noise of a margin under its bound.
    ///
    /// # Errors
    /// When the sensitivity or the scale is out of range.
    pub fn margin_noise(&self, margin: &Margin, bound: Bound) -> Result<Noise, StageError> {
        self.noise_of(Moment::People, margin.loss, bound)
    }

    /// The noise of the selection.
    ///
    /// # Errors
    /// When the sensitivity or the scale is out of range.
    pub fn selection_noise(&self, selection: &Selection) -> Result<Noise, StageError> {
        self.noise_of(Moment::People, selection.loss, selection.bound)
    }

    /// The threshold of the selection, in units of its bound: a function of the plan alone.
    ///
    /// # Errors
    /// When the sensitivity or the scale is out of range.
    pub fn threshold(&self) -> Result<Option<i128>, StageError> {
        let Some(selection) = self.selection() else { return Ok(None) };
        let noise = self.selection_noise(selection)?;
        Ok(Some(threshold(noise, &selection.bound.entry(), selection.loss.delta())?))
    }

    /// For each bound that may be chosen, the standard deviation of the noise of the first measure relative to what one
    /// person of full weight can add: the noise of a count of people, in people.
    ///
    /// # Errors
    /// When the sensitivity or the scale is out of range.
    pub fn predicted_sd(&self) -> Result<Vec<f64>, StageError> {
        let Some(first) = self.measures.first() else { return Ok(vec![1.0; self.possible_bounds().len()]) };
        self.predicted_sd_at(first.loss)
    }

    /// The same for a vector of people that is measured with this loss.
    ///
    /// # Errors
    /// When the sensitivity or the scale is out of range.
    pub fn predicted_sd_at(&self, loss: Loss) -> Result<Vec<f64>, StageError> {
        let sd = |bound: &Bound| {
            // A clipped vector of values is measured alone, and in its own unit.
            let value = self.measures.first().map(|first| first.moment);
            let moment = value.filter(|_| matches!(bound.rule, Rule::Clip(_))).unwrap_or(Moment::People);
            let noise = self.noise_of(moment, loss, *bound)?;
            Ok(noise.standard_deviation() / f64::from(bound.unit()))
        };
        self.possible_bounds().iter().map(sd).collect()
    }

    /// Checks that every stage can be calibrated for every bound that may be chosen, and that the parts stay within the
    /// whole: what could fail on some data fails here, on all data.
    ///
    /// # Errors
    /// The first stage that cannot be run.
    pub fn check(&self, whole: Loss) -> Result<(), StageError> {
        self.threshold()?;
        if let KeyDomain::Leading(leading) = &self.keys {
            leading.choice.chooser(leading.loss)?;
        }
        if let KeyDomain::Top(top) = &self.keys {
            top.ask.leader(top.loss)?;
        }
        for &bound in self.possible_bounds() {
            for measure in &self.measures {
                self.noise(measure, bound)?;
            }
            for margin in &self.margins {
                self.margin_noise(margin, Self::margin_bound(margin.over, bound))?;
            }
        }
        if let Bounding::Bought { loss, rough, .. } = &self.bounding {
            self.noise_of(Moment::People, *loss, Bound::keep(1))?;
            if let Some(rough) = rough {
                self.noise_of(Moment::People, rough.loss, rough.bound)?;
            }
        }
        if let Some(range) = &self.range {
            self.noise_of(Moment::People, range.loss, Bound::keep(1))?;
        }
        if self.spent().is_some_and(|spent| spent.fits_in(whole)) {
            Ok(())
        } else {
            Err(StageError::Overspent)
        }
    }

    /// The sum of the parts.
    #[must_use]
    pub fn spent(&self) -> Option<Loss> {
        let first = self.measures.first().map(|measure| measure.loss).or(self.selection().map(|s| s.loss))?;
        let bound = self.bounding.price();
        let measured = self
            .measures
            .iter()
            .filter(|measure| !self.is_reused(measure.moment))
            .map(|measure| measure.loss);
        let margins = self.margins.iter().map(|margin| margin.loss);
        let parts =
            measured.chain(margins).chain(bound).chain(self.selection().map(|selection| selection.loss));
        let ranges = self.range.iter().flat_map(|range| [range.loss; 2]);
        let chosen = match &self.keys {
            KeyDomain::Leading(leading) => Some(leading.loss),
            KeyDomain::Top(top) => Some(top.loss),
            KeyDomain::Public(_) | KeyDomain::Private(_) | KeyDomain::Under(..) => None,
        };
        let parts = parts.chain(ranges).chain(chosen);
        parts.into_iter().try_fold(Loss::zero(first.accounting()), |sum, part| sum.checked_add(part))
    }

    /// The bounds that the measurements may have.
    #[must_use]
    pub fn possible_bounds(&self) -> &[Bound] {
        match &self.bounding {
            Bounding::Given(bound) => std::slice::from_ref(bound),
            Bounding::Bought { choice, .. } => &choice.candidates,
        }
    }
}

/// A stage cannot be run at all: found at plan time, for every bound that may be chosen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StageError {
    /// The bounds multiply to too much.
    #[error(transparent)]
    Sensitivity(#[from] BadSensitivity),
    /// The noise is out of range.
    #[error(transparent)]
    Calibration(#[from] CalibrationError),
    /// The parts are more than the whole: a bug.
    #[error("the stages spend more than the release has")]
    Overspent,
}
