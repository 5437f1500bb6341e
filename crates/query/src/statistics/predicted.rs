//! How far noise moves a column's values, as far as that is known before there are data.

use flockwise_mechanisms::{Family, Noise};

use crate::job::Round;
use crate::kernel::{Bound, Moment, UNIT};
use crate::plan::{Formula, ReleasePlan, Stages};

/// How far the noise of a column reaches with some probability.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Reach {
    /// So far, whatever the key.
    Same(f64),
    /// The mean of a key: the less, the more it has.
    Mean {
        /// Half the width of the centred sum's noise, in units of the column.
        sum: f64,
        /// Half the width of the count's noise.
        count: f64,
        /// Largest absolute value of a centred mean.
        radius: f64,
        /// Whether the two widths are of normal noise, which adds up by squares.
        normal: bool,
    },
}

impl Reach {
    /// Whether the mean of a key of `size` is within `error` of the bounded one: for a sum S + a over a count n + b,
    /// |(S + a)/(n + b) − S/n| ≤ t where both a − (m ± t)b ≤ ±tn, with m = S/n and |m| ≤ R. Each fails with at most half of
    /// the probability that is left where |a − (R + t)b| reaches tn.
    pub fn holds(self, error: f64, size: f64) -> bool {
        match self {
            Self::Same(half) => half <= error,
            Self::Mean { .. } => self.at(error) <= error * size,
        }
    }

    /// What a mean's error times the size of its key may be.
    fn at(self, error: f64) -> f64 {
        match self {
            Self::Same(half) => half,
            Self::Mean { sum, count, radius, normal } => {
                let count = (radius + error) * count;
                if normal { sum.hypot(count) } else { sum + count }
            }
        }
    }

    /// The least size of a key whose value is within `error`; nothing hangs on it where the reach is the same for all.
    pub fn least_size(self, error: f64) -> f64 {
        self.at(error) / error
    }

    /// The error that a key of `size` keeps to; none where its count is too near its noise.
    pub fn error(self, size: f64) -> Option<f64> {
        let Self::Mean { sum, count, radius, normal } = self else {
            return Some(self.at(0.0));
        };
        // The least t with hypot(sum, (R + t) count) ≤ t size, or the sum of both for other noise.
        if size <= count {
            return None;
        }
        if !normal {
            return Some((sum + radius * count) / (size - count));
        }
        let (a, b) = (size * size - count * count, radius * count * count);
        let c = sum.mul_add(sum, (radius * count).powi(2));
        Some((b + (b * b + a * c).sqrt()) / a)
    }
}

/// How far noise moves a column with the given probability under a bound; `None` where that hangs on the data.
///
/// Of a sum that is centred, and of a mean, the noise is that of two measures: normal noises add up by their squares, and of
/// others each keeps within its half of the probability (the union bound), so that the answer is never too small.
pub(crate) fn predicted(
    plan: &ReleasePlan,
    formula: Formula,
    bound: Bound,
    probability: f64,
) -> Option<Reach> {
    let stages = &plan.stages;
    let normal = stages.family != Family::DiscreteLaplace;
    let part = if normal { probability } else { f64::midpoint(1.0, probability) };
    let reach = match formula {
        Formula::Count(place) | Formula::Bar { nodes: place, .. } => {
            Reach::Same(half(stages, place, bound, probability)?)
        }
        Formula::Total(margin) => {
            let margin = stages.margins.get(margin)?;
            let bound = Stages::margin_bound(margin.over, bound);
            let noise = stages.margin_noise(margin, bound).ok()?;
            Reach::Same(noise.half_width(probability) / f64::from(bound.unit()))
        }
        Formula::Sum { .. } | Formula::Mean { .. } if stages.range.is_some() => return None,
        Formula::Sum { value, count: None } => Reach::Same(half(stages, value, bound, probability)?),
        Formula::Sum { value, count: Some(count) } => {
            let centre = stages.channels.first()?.centre.abs();
            let (sum, count) =
                (half(stages, value, bound, part)?, centre * half(stages, count, bound, part)?);
            Reach::Same(if normal { sum.hypot(count) } else { sum + count })
        }
        Formula::Mean { value, count } => {
            let channel = stages.channels.first()?;
            Reach::Mean {
                sum: half(stages, value, bound, part)?,
                count: half(stages, count, bound, part)?,
                radius: f64::from(channel.radius) / channel.steps,
                normal,
            }
        }
        Formula::Variance { .. }
        | Formula::Deviation { .. }
        | Formula::Quantile { .. }
        | Formula::Lift(_)
        | Formula::Cosine(_)
        | Formula::Conditional(_)
        | Formula::OverIndex(_)
        | Formula::Retained { .. } => return None,
    };
    rounded(plan, formula, reach, (bound, probability))
}

/// With what rounding adds: at most half a step.
fn rounded(plan: &ReleasePlan, formula: Formula, reach: Reach, at: (Bound, f64)) -> Option<Reach> {
    match (plan.finish.round, reach) {
        (Some(Round::Step(step)), Reach::Same(half)) if formula.is_count() => {
            Some(Reach::Same(half + f64::from(step.get()) / 2.0))
        }
        (None | Some(Round::Step(_)), reach) => Some(reach),
        // The step is a power of ten of at most half of half the 95% bar, where the bar is that of the noise.
        (Some(Round::Noise), Reach::Same(half)) => {
            let bar = bar(plan, formula, at.0)?;
            Some(Reach::Same(half + bar / 4.0))
        }
        (Some(Round::Noise), Reach::Mean { .. }) => None,
    }
}

/// Half of a 95% bar that is the same for every key.
fn bar(plan: &ReleasePlan, formula: Formula, bound: Bound) -> Option<f64> {
    let plain = ReleasePlan { finish: crate::job::Finish::default(), ..plan.clone() };
    match predicted(&plain, formula, bound, 0.95)? {
        Reach::Same(half) => Some(half),
        Reach::Mean { .. } => None,
    }
}

/// Half the width of a measure's noise in its natural unit.
fn half(stages: &Stages, place: usize, bound: Bound, probability: f64) -> Option<f64> {
    let (noise, unit) = noise(stages, place, bound)?;
    Some(noise.half_width(probability) / unit)
}

/// The noise of a measure, and how many of its integers make a natural unit.
fn noise(stages: &Stages, place: usize, bound: Bound) -> Option<(Noise, f64)> {
    let measure = stages.measures.get(place)?;
    let bound = match stages.selection() {
        Some(selection) if stages.is_reused(measure.moment) => selection.bound,
        _ => bound,
    };
    let unit = match measure.moment {
        Moment::People | Moment::Rows { .. } => f64::from(bound.unit()),
        Moment::Nodes { .. } => f64::from(UNIT),
        Moment::Value { channel: 0, .. } => stages.channels.first()?.steps,
        Moment::Value { .. } => 1.0 / stages.channels.first()?.square_unit(),
    };
    Some((stages.noise(measure, bound).ok()?, unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_means_error_is_where_it_begins_to_hold() {
        for normal in [false, true] {
            let reach = Reach::Mean { sum: 120.0, count: 9.0, radius: 5.0, normal };
            let error = reach.error(400.0).expect("many people");
            assert!(reach.holds(error * 1.000_001, 400.0) && !reach.holds(error * 0.999_999, 400.0));
            let size = reach.least_size(error);
            assert!((size - 400.0).abs() < 1e-6, "{size}");
            assert_eq!(reach.error(9.0), None);
        }
    }

    #[test]
    fn other_noise_is_never_taken_for_less() {
        let [normal, other] =
            [true, false].map(|normal| Reach::Mean { sum: 120.0, count: 9.0, radius: 5.0, normal });
        assert!(normal.error(400.0) < other.error(400.0));
        assert_eq!(Reach::Same(3.0).error(1.0), Some(3.0));
        assert!(Reach::Same(3.0).holds(3.0, 0.0) && !Reach::Same(3.0).holds(2.9, 1e9));
    }
}
