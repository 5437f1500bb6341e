//! From numbers to places, and the ticks between.

use crate::number::compact;

/// How numbers become places from 0 to 1.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Scale {
    /// Equal steps are equal lengths.
    Linear {
        /// At 0.
        from: f64,
        /// At 1.
        to: f64,
    },
    /// Equal factors are equal lengths.
    Log {
        /// At 0: positive.
        from: f64,
        /// At 1: positive.
        to: f64,
    },
}

impl Scale {
    /// A linear scale that holds all the numbers, with nothing in it where `zero`, and else a little room at its ends.
    #[must_use]
    pub fn linear(numbers: impl IntoIterator<Item = f64>, zero: bool) -> Self {
        let (mut from, mut to) = span(numbers).unwrap_or((0.0, 1.0));
        if zero {
            (from, to) = (from.min(0.0), to.max(0.0));
        }
        if to - from <= 1e-12 * to.abs().max(from.abs()) {
            let room = if to == 0.0 { 1.0 } else { 0.05 * to.abs() };
            (from, to) = if zero && to > 0.0 { (0.0, to) } else { (from - room, to + room) };
        }
        let room = if zero { 0.0 } else { 0.04 * (to - from) };
        Self::Linear { from: from - room, to: to + room }
    }

    /// A logarithmic scale that holds all the positive numbers.
    #[must_use]
    pub fn log(numbers: impl IntoIterator<Item = f64>) -> Self {
        let positive = numbers.into_iter().filter(|number| *number > 0.0);
        let (from, to) = span(positive).unwrap_or((1.0, 10.0));
        let room = (to / from).powf(0.04).max(1.05);
        Self::Log { from: from / room, to: to * room }
    }

    /// Where a number is, from 0 to 1 within the scale.
    #[must_use]
    pub fn place(self, number: f64) -> f64 {
        let place = match self {
            Self::Linear { from, to } => (number - from) / (to - from),
            Self::Log { from, to } => (number.max(f64::MIN_POSITIVE) / from).ln() / (to / from).ln(),
        };
        if place.is_finite() { place } else { 0.0 }
    }

    /// Where a number is, held within the picture.
    #[must_use]
    pub fn within(self, number: f64) -> f64 {
        self.place(number).clamp(0.0, 1.0)
    }

    /// Round numbers within the scale: about five of them.
    #[must_use]
    pub fn ticks(self) -> Vec<Tick> {
        let numbers: Vec<f64> = match self {
            Self::Linear { from, to } => {
                let step = round_step((to - from) / 4.0);
                let first = (from / step - 1e-9).ceil();
                let whole = |at: u32| (first + f64::from(at)) * step;
                (0..12).map(whole).take_while(|number| *number <= to + 1e-9 * step).collect()
            }
            Self::Log { from, to } => log_ticks(from, to),
        };
        numbers.into_iter().map(|at| Tick { at, text: compact(clean(at)), minor: false }).collect()
    }
}

/// A mark on an axis.
#[derive(Clone, PartialEq, Debug)]
pub struct Tick {
    /// Where.
    pub at: f64,
    /// What stands there.
    pub text: String,
    /// Whether there is no room for it on a small screen.
    pub minor: bool,
}

/// A scale, with what stands on it and what it is of.
#[derive(Clone, PartialEq, Debug)]
pub struct Axis {
    /// The scale.
    pub scale: Scale,
    /// Its ticks.
    pub ticks: Vec<Tick>,
    /// What it is of.
    pub of: String,
}

impl Axis {
    /// An axis with round numbers on it.
    #[must_use]
    pub fn new(scale: Scale, of: &str) -> Self {
        Self { scale, ticks: scale.ticks(), of: of.to_owned() }
    }

    /// An axis with words on some of its places: about six where there is room, half as many where there is not.
    #[must_use]
    pub fn named(scale: Scale, of: &str, names: &[(f64, String)]) -> Self {
        let longest = names.iter().map(|(_, name)| name.chars().count()).max().unwrap_or(1);
        let most = (60 / longest.max(4)).clamp(2, 12);
        let every = names.len().div_ceil(most).max(1);
        let ticks = names.iter().step_by(every).enumerate().map(|(at, (place, name))| Tick {
            at: *place,
            text: name.clone(),
            minor: at % 2 == 1,
        });
        Self { scale, ticks: ticks.collect(), of: of.to_owned() }
    }
}

fn span(numbers: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    let finite = numbers.into_iter().filter(|number| number.is_finite());
    finite.fold(None, |span, number| {
        let (least, most) = span.unwrap_or((number, number));
        Some((f64::min(least, number), f64::max(most, number)))
    })
}

/// The least of 1, 2, 2.5 and 5 times a power of ten that is no less.
fn round_step(step: f64) -> f64 {
    if !(step.is_finite() && step > 0.0) {
        return 1.0;
    }
    let power = 10.0_f64.powi(step.log10().floor() as i32);
    let round = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().find(|round| round * power >= step * (1.0 - 1e-9));
    round.unwrap_or(10.0) * power
}

/// Powers of ten; where there are few, 1, 2 and 5 of each, or 1 and 3.
fn log_ticks(from: f64, to: f64) -> Vec<f64> {
    let decades = (to / from).log10();
    let of_each: &[f64] = match decades {
        decades if decades < 1.2 => &[1.0, 2.0, 3.0, 5.0, 7.0],
        decades if decades < 2.2 => &[1.0, 3.0],
        _ => &[1.0],
    };
    let (first, last) = (from.log10().floor() as i32, to.log10().ceil() as i32);
    // Six at most, or so: of very many decades only some.
    let every = (decades / 6.0) as usize + 1;
    let ticks = (first..=last)
        .step_by(every)
        .flat_map(|power| of_each.iter().map(move |of| of * 10.0_f64.powi(power)));
    ticks.filter(|tick| (from * (1.0 - 1e-9)..=to * (1.0 + 1e-9)).contains(tick)).collect()
}

/// Without the last digits that floating point adds to round numbers.
fn clean(number: f64) -> f64 {
    format!("{number:.9e}").parse().unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(scale: Scale) -> Vec<String> {
        scale.ticks().into_iter().map(|tick| tick.text).collect()
    }

    #[test]
    fn round_numbers_stand_on_a_linear_axis() {
        assert_eq!(texts(Scale::linear([12.0, 2617.0], true)), ["0", "1000", "2000"]);
        assert_eq!(texts(Scale::linear([-40.0, 90.0], true)), ["0", "50"]);
        assert_eq!(texts(Scale::linear([6.12, 6.93], false)), ["6.25", "6.5", "6.75"]);
        assert_eq!(texts(Scale::linear([0.1, 0.3], true)), ["0", "0.1", "0.2", "0.3"]);
    }

    #[test]
    fn any_numbers_give_a_scale_with_ticks() {
        let hostile = [
            vec![],
            vec![0.0],
            vec![5.0],
            vec![-7.0],
            vec![f64::NAN, f64::INFINITY],
            vec![1e300, -1e300],
            vec![1e-300],
            vec![1e15, 1e15 + 1.0],
        ];
        for numbers in hostile {
            for zero in [true, false] {
                for scale in [Scale::linear(numbers.clone(), zero), Scale::log(numbers.clone())] {
                    let ticks = scale.ticks();
                    assert!(ticks.len() <= 12, "{numbers:?}: {ticks:?}");
                    for number in &numbers {
                        assert!((0.0..=1.0).contains(&scale.within(*number)), "{scale:?} {number}");
                    }
                }
            }
        }
    }

    #[test]
    fn factors_stand_on_a_log_axis() {
        assert_eq!(texts(Scale::log([0.1, 3.0])), ["0.1", "0.3", "1", "3"]);
        assert_eq!(texts(Scale::log([1.0, 1e4])), ["1", "10", "100", "1000", "10k"]);
        assert_eq!(texts(Scale::log([20.0, 90.0])), ["20", "30", "50", "70"]);
    }

    #[test]
    fn names_leave_each_other_room() {
        let names: Vec<(f64, String)> = (0..60).map(|at| (f64::from(at), format!("2013-{at:02}"))).collect();
        let axis = Axis::named(Scale::linear([0.0, 59.0], false), "month", &names);
        assert!(axis.ticks.len() <= 9 && axis.ticks.iter().filter(|tick| !tick.minor).count() <= 5);
    }
}
