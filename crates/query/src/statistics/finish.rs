//! What is done to estimates before they are shown: post-processing of the release alone.

use crate::job::{Finish, Round};
use crate::plan::{Formula, ReleasePlan};
use crate::table::Estimate;

/// The estimate as it is shown.
///
/// A count that is clamped at 0 keeps the coverage of its bars: the set of what is not below 0 holds the truth. Rounded bars
/// are rounded outward, so they keep it too.
pub(super) fn finished(finish: &Finish, formula: Formula, estimate: Estimate) -> Estimate {
    let mut shown = estimate;
    if finish.non_negative && formula.is_count() {
        let Estimate { value, low, high } = shown;
        shown = Estimate { value: value.max(0.0), low: low.max(0.0), high: high.max(0.0) };
    }
    let step = match finish.round {
        Some(Round::Noise) => figure(estimate),
        Some(Round::Step(step)) if formula.is_count() => Some(f64::from(step.get())),
        Some(Round::Step(_)) | None => None,
    };
    match step {
        Some(step) => {
            // Dividing by a whole number, where there is one, leaves a decimal that prints as one.
            let (scale, whole) = if step < 1.0 { ((1.0 / step).round(), false) } else { (step, true) };
            let to = |x: f64, how: fn(f64) -> f64| {
                if whole { how(x / scale) * scale + 0.0 } else { how(x * scale) / scale + 0.0 }
            };
            Estimate {
                value: to(shown.value, f64::round),
                low: to(shown.low, f64::floor),
                high: to(shown.high, f64::ceil),
            }
        }
        None => shown,
    }
}

/// The last figure that noise leaves: the power of ten of which half the bar is 2 to 20.
fn figure(estimate: Estimate) -> Option<f64> {
    let half = (estimate.high - estimate.low) / 2.0;
    (half > 0.0 && half.is_finite()).then(|| 10.0_f64.powi((half / 2.0).log10().floor() as i32))
}

/// What a release says of it.
pub(crate) fn says(plan: &ReleasePlan) -> Vec<String> {
    let Finish { non_negative, minimum, round } = plan.finish;
    let mut says = Vec::new();
    if plan.is_consistent() {
        says.push(
            "Cells and totals were adjusted by least squares to add up; bars are those of the adjusted."
                .to_owned(),
        );
    }
    if non_negative {
        says.push(
            "Counts below 0 are shown as 0: small ones lean high, and sums of them more so.".to_owned(),
        );
    }
    if let Some(minimum) = minimum {
        says.push(format!(
            "Rows with fewer than {} noisy people are not shown: those just above lean high.",
            minimum.get()
        ));
    }
    match round {
        Some(Round::Noise) => {
            says.push("Numbers are rounded to what their noise leaves, bars outward.".to_owned())
        }
        Some(Round::Step(step)) => {
            says.push(format!("Counts are rounded to multiples of {}, their bars outward.", step.get()));
        }
        None => {}
    }
    says
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Limit;

    const COUNT: Formula = Formula::Count(0);

    #[test]
    fn clamped_counts_keep_bars_that_can_hold_the_truth() {
        let finish = Finish { non_negative: true, ..Finish::default() };
        let shown = finished(&finish, COUNT, Estimate { value: -12.0, low: -30.0, high: 6.0 });
        assert_eq!(shown, Estimate { value: 0.0, low: 0.0, high: 6.0 });
        let shown = finished(&finish, COUNT, Estimate { value: -40.0, low: -58.0, high: -22.0 });
        assert_eq!(shown, Estimate { value: 0.0, low: 0.0, high: 0.0 });
        let mean = Formula::Mean { value: 0, count: 1 };
        let below = Estimate { value: -12.0, low: -30.0, high: 6.0 };
        assert_eq!(finished(&finish, mean, below), below, "a mean may be below 0");
    }

    #[test]
    fn rounding_never_shortens_a_bar() {
        let step = Finish { round: Limit::new(10).ok().map(Round::Step), ..Finish::default() };
        let estimate = Estimate { value: 812.4, low: 766.2, high: 858.6 };
        assert_eq!(finished(&step, COUNT, estimate), Estimate { value: 810.0, low: 760.0, high: 860.0 });
        let noise = Finish { round: Some(Round::Noise), ..Finish::default() };
        assert_eq!(finished(&noise, COUNT, estimate), Estimate { value: 810.0, low: 760.0, high: 860.0 });
        let mean = Formula::Mean { value: 0, count: 1 };
        let estimate = Estimate { value: 7.4312, low: 7.3985, high: 7.4639 };
        assert_eq!(finished(&step, mean, estimate), estimate, "a step is one of counts");
        assert_eq!(finished(&noise, mean, estimate), Estimate { value: 7.43, low: 7.39, high: 7.47 });
        for half in [0.001, 0.02, 0.5, 3.0, 19.9, 20.1, 4444.0] {
            for value in [0.0, 1.5, -7.77, 123_456.789] {
                let shown = finished(&noise, COUNT, Estimate::new(value, half));
                assert!(shown.low <= value - half + 1e-9 && value + half <= shown.high + 1e-9, "{shown:?}");
                assert!((shown.value - value).abs() <= half / 4.0 + 1e-9, "{shown:?}");
            }
        }
    }
}
