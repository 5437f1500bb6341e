//! From noisy numbers to estimates with 95% bars.

use flockwise_mechanisms::Noise;

use crate::engine::Measured;
use crate::kernel::{Moment, UNIT};
use crate::plan::{Channel, ReleasePlan};
use crate::table::Estimate;

/// 95% of a normal lie within so many standard deviations.
pub(super) const Z: f64 = 1.959_963_984_540_054;

/// A count is far from zero from so many standard deviations on: ratios of it are then close to their expansion.
const FAR: f64 = 10.0;

/// A noisy number in its natural unit, with the standard deviation of its noise.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noisy {
    pub value: f64,
    pub sd: f64,
    /// Half the length of its 95% bars.
    pub half: f64,
}

impl Noisy {
    /// An integer of a mechanism in units of so many to the natural one.
    pub fn new(integer: i128, noise: Noise, unit: f64) -> Self {
        Self {
            value: integer as f64 / unit,
            sd: noise.standard_deviation() / unit,
            half: noise.half_width(0.95) / unit,
        }
    }

    /// A number with approximately normal noise.
    pub fn normal(value: f64, sd: f64) -> Self {
        Self { value, sd, half: Z * sd }
    }

    pub fn estimate(self) -> Estimate {
        Estimate::new(self.value, self.half)
    }
}

/// One number of a measure.
pub(super) fn noisy(plan: &ReleasePlan, measured: &Measured, place: usize, at: usize) -> Noisy {
    Noisy::new(measured.values[place][at], measured.noises[place], unit(plan, measured, place))
}

/// How many integer units of a measure make a natural one.
pub(super) fn unit(plan: &ReleasePlan, measured: &Measured, place: usize) -> f64 {
    let moment = plan.stages.measures[place].moment;
    let bound = match plan.stages.selection() {
        Some(selection) if plan.stages.is_reused(moment) => selection.bound,
        _ => measured.bound,
    };
    match moment {
        Moment::People | Moment::Rows { .. } => f64::from(bound.unit()),
        Moment::Nodes { .. } => f64::from(UNIT),
        Moment::Value { channel: 0, .. } => plan.stages.channels[0].steps,
        Moment::Value { .. } => 1.0 / plan.stages.channels[0].square_unit(),
    }
}

/// A ratio of two noisy numbers and its 95% set by Fieller's theorem (1954): all r for which S − rN is within 1.96 of its
/// standard deviations of 0. Where N is too noisy that set has no end, and the range that is known holds it.
pub(super) fn ratio(sum: &Noisy, count: &Noisy, range: (f64, f64)) -> Estimate {
    let clamp = |x: f64| x.max(range.0).min(range.1);
    let middle = f64::midpoint(range.0, range.1);
    let value = if count.value > 0.0 { clamp(sum.value / count.value) } else { clamp(middle) };
    let z2 = Z * Z;
    let a = count.value.mul_add(count.value, -z2 * count.sd * count.sd);
    let b = sum.value * count.value;
    let c = sum.value.mul_add(sum.value, -z2 * sum.sd * sum.sd);
    let root = b.mul_add(b, -a * c);
    if a <= 0.0 || root < 0.0 || count.value <= 0.0 {
        return Estimate { value, low: range.0, high: range.1 };
    }
    let (low, high) = ((b - root.sqrt()) / a, (b + root.sqrt()) / a);
    Estimate { value, low: clamp(low).min(value), high: clamp(high).max(value) }
}

pub(super) fn mean(sum: &Noisy, count: &Noisy, channel: &Channel) -> Estimate {
    let reach = f64::from(channel.radius) / channel.steps;
    let range = ((channel.low - channel.centre).max(-reach), (channel.high - channel.centre).min(reach));
    let centred = ratio(sum, count, range);
    Estimate {
        value: centred.value + channel.centre,
        low: centred.low + channel.centre,
        high: centred.high + channel.centre,
    }
}

/// E(v − c)² − (E(v − c))², each a ratio, at most R².
///
/// With q = Q/N and m = S/N the bars are q + R²/2 − m² ± 1.96 s, where s² holds the first order of the expansion in the
/// three independent noises, (s_Q² + 4m²s_S² + (2m² − q)²s_N²)/N², and the variance of the second: on values of any mean and
/// spread they hold 94.7% to 96.7% of the time from N = 10 s_N on. Below that they add the ends of the two ratios' own sets: at
/// least 90% by the union bound, and about 98%.
pub(super) fn variance(sum: &Noisy, square: &Noisy, count: &Noisy, channel: &Channel) -> Estimate {
    let reach = f64::from(channel.radius) / channel.steps;
    let half = reach * reach / 2.0;
    let clamp = |x: f64| x.max(0.0).min(reach * reach);
    if count.value >= FAR * count.sd.max(sum.sd / reach) && count.value > 0.0 {
        let (q, m) = (square.value / count.value, sum.value / count.value);
        let [of_count, of_sum, of_square] =
            [count, sum, square].map(|noisy| (noisy.sd / count.value).powi(2));
        let first = of_square + 4.0 * m * m * of_sum + (2.0 * m * m - q).powi(2) * of_count;
        let second = 2.0 * of_sum.powi(2)
            + 16.0 * m * m * of_sum * of_count
            + of_square * of_count
            + 2.0 * (q - 3.0 * m * m).powi(2) * of_count.powi(2);
        let (middle, width) = (q + half - m * m, Z * (first + second).sqrt());
        return Estimate { value: clamp(middle), low: clamp(middle - width), high: clamp(middle + width) };
    }
    let second = ratio(square, count, (-half, half));
    let first = ratio(sum, count, (-reach, reach));
    let squares = [first.low * first.low, first.high * first.high];
    let least = if first.low <= 0.0 && first.high >= 0.0 { 0.0 } else { squares[0].min(squares[1]) };
    let value = clamp(second.value + half - first.value * first.value);
    let (low, high) =
        (clamp(second.low + half - squares[0].max(squares[1])), clamp(second.high + half - least));
    Estimate { value, low: low.min(value), high: high.max(value) }
}

/// The square root of the variance, with its bars.
pub(super) fn deviation(variance: Estimate) -> Estimate {
    Estimate { value: variance.value.sqrt(), low: variance.low.sqrt(), high: variance.high.sqrt() }
}
