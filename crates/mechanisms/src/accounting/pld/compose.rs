//! Composition of tilted privacy losses by the fast Fourier transform, with every error bounded.
//!
//! The distribution of the sum is tilted by e^(λL) so that the losses near the wanted ε carry its bulk: the round-off
//! of the transform is then relative to δ and not to 1 (exponential tilting: Grübel and Hermesmeier 1999; at the saddle
//! point: Alghamdi et al. 2023). What is bounded and added: round-off of the transforms and of powers, mass that wraps
//! around the window (Chernoff), mass above it.

use realfft::RealFftPlanner;
use realfft::num_complex::Complex;

use super::tilt::{Part, log_gap};

const ULP: f64 = f64::EPSILON;
/// The longest window.
const LONGEST: usize = 1 << 23;
/// Mass that may lie outside the window, under the tilted distribution.
const OUTSIDE: f64 = 1e-11;

/// The tilted distribution of the sum of all losses, at (centre + low + i)·h.
#[derive(Debug)]
pub(super) struct Sum {
    side: Side,
    h: f64,
    lambda: f64,
    centre: f64,
    low: i64,
    mass: Vec<f64>,
    /// A bound on the error of any mass.
    error: f64,
    /// ln of what turns tilted masses at the centre into masses.
    log_factor: f64,
    /// Bounds on the tilted mass above and outside the window.
    above: f64,
    outside: f64,
    infinite: f64,
    /// ln of a bound on the relative error of everything.
    slack: f64,
    /// A bound on the error of the sum of losses.
    loss_error: f64,
}

/// Which way errors go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Side {
    Pessimistic,
    Optimistic,
}

/// The probability that any part's loss is infinite, rounded to the side.
pub(super) fn infinite(parts: &[Part], side: Side) -> f64 {
    let none: f64 = parts.iter().map(|part| part.count as f64 * (-part.infinite).ln_1p()).sum();
    let rounding = if side == Side::Pessimistic { 1.0 + 1e-12 } else { 1.0 - 1e-12 };
    -none.exp_m1() * rounding
}

impl Sum {
    /// Composes all parts, tilted by `lambda`.
    pub fn of(parts: &[Part], h: f64, lambda: f64, side: Side) -> Self {
        let rate = lambda * h;
        let centres: Vec<i64> = parts.iter().map(|part| part.centre(rate)).collect();
        let total = |index: &dyn Fn(usize) -> i64| -> i128 {
            (0..parts.len()).map(|at| i128::from(parts[at].count) * i128::from(index(at))).sum()
        };
        let centre = total(&|at| centres[at]);
        let narrow =
            |value: i128| i64::try_from(value).unwrap_or(if value > 0 { i64::MAX } else { i64::MIN });
        let low = narrow(total(&|at| parts[at].first) - centre);
        let high = narrow(total(&|at| parts[at].last()) - centre);
        let tails = Tails { parts, centres: &centres, rate };
        let window = tails.window(low, high);
        let weighted = |of: &dyn Fn(usize) -> f64| -> f64 {
            (0..parts.len()).map(|at| parts[at].count as f64 * of(at)).sum()
        };
        let logs: Vec<f64> = (0..parts.len()).map(|at| parts[at].log_moment(rate, centres[at])).collect();
        let log_factor = weighted(&|at| logs[at]);
        let reach = |at: usize| {
            let (first, last) = (parts[at].first - centres[at], parts[at].last() - centres[at]);
            rate * first.unsigned_abs().max(last.unsigned_abs()) as f64
        };
        let slack = weighted(&|at| parts[at].mass_error + 4.0 * ULP * (8.0 + reach(at) + logs[at].abs()))
            + 8.0 * ULP * (log_factor.abs() + window.length as f64);
        let (mass, error) = convolve(parts, &centres, &logs, rate, window);
        Self {
            side,
            h,
            lambda,
            centre: centre as f64,
            low: window.low,
            mass,
            error,
            log_factor,
            above: window.above,
            outside: window.above + window.below,
            infinite: infinite(parts, side),
            slack,
            loss_error: weighted(&|at| parts[at].loss_error),
        }
    }

    /// Walks down the window: at each loss x (as a float and as tilted log weight) the sums that make δ(x).
    fn walk(&self, mut visit: impl FnMut(i64, Privacy) -> bool) {
        let (decay, faster) = ((-self.lambda * self.h).exp(), (-(self.lambda + 1.0) * self.h).exp());
        let step = -(-self.h).exp_m1();
        let side = self.side;
        // The mass above the window weighs at most as much as if it were at its top, and is never taken back.
        let (mut gap, mut rest) = (if side == Side::Pessimistic { self.above } else { 0.0 }, 0.0);
        let lost = if side == Side::Optimistic { self.outside * log_gap(self.lambda).exp() } else { 0.0 };
        for (at, mass) in self.mass.iter().enumerate().rev() {
            let privacy = Privacy { gap: gap - lost, rest };
            if !visit(self.low + at as i64, privacy) {
                return;
            }
            let mass = match side {
                Side::Pessimistic => mass + self.error,
                Side::Optimistic => (mass - self.error).max(0.0),
            };
            gap = decay * (gap + step * (rest + mass));
            rest = faster * (rest + mass);
        }
        visit(self.low - 1, Privacy { gap: gap - lost, rest });
    }

    /// ln of the factor between tilted sums at a grid point and δ, errors included.
    fn log_factor(&self, at: i64) -> f64 {
        let slack = if self.side == Side::Pessimistic { self.slack } else { -self.slack };
        self.log_factor - self.lambda * (at as f64 * self.h) + slack
    }

    fn loss(&self, at: i64) -> f64 {
        (self.centre + at as f64) * self.h
    }

    /// A bound on ε(δ).
    pub fn epsilon(&self, delta: f64) -> f64 {
        let finite = delta - self.infinite;
        if finite <= 0.0 {
            return f64::INFINITY;
        }
        let mut found = None;
        let mut last = self.low;
        self.walk(|at, privacy| {
            last = at;
            // The target, in tilted units at this grid point.
            let log_target = finite.ln() - self.log_factor(at);
            if privacy.gap <= 0.0 || privacy.gap.ln() <= log_target {
                return true;
            }
            let within = ((privacy.gap - log_target.exp()) / privacy.rest.max(f64::MIN_POSITIVE)).ln_1p();
            found = Some(self.loss(at) + within.clamp(0.0, self.h));
            false
        });
        let error = self.loss_error + 4.0 * ULP * self.loss(last).abs();
        match self.side {
            Side::Pessimistic => (found.unwrap_or_else(|| self.loss(last)) + error).max(0.0),
            Side::Optimistic => found.map_or(0.0, |epsilon| (epsilon - error).max(0.0)),
        }
    }

    /// A bound on δ(ε).
    pub fn delta(&self, epsilon: f64) -> f64 {
        let side = self.side;
        let error = self.loss_error + 4.0 * ULP * epsilon;
        let epsilon = if side == Side::Pessimistic { epsilon - error } else { epsilon + error };
        let wanted = (epsilon / self.h - self.centre).floor();
        let top = self.low as f64 + self.mass.len() as f64 - 1.0;
        if wanted > top {
            // Above the window: what is there at most.
            let tail = (self.above.ln() + self.log_factor(top as i64)).exp();
            return if side == Side::Pessimistic { (self.infinite + tail).min(1.0) } else { self.infinite };
        }
        let mut found = if side == Side::Pessimistic { 1.0 } else { 0.0 };
        self.walk(|at, privacy| {
            if at as f64 > wanted {
                return true;
            }
            if at as f64 >= wanted {
                let within = (epsilon - self.loss(at)).clamp(0.0, self.h);
                let gap = (privacy.gap - within.exp_m1() * privacy.rest).max(0.0);
                found = (gap.ln() + self.log_factor(at)).exp();
            }
            false
        });
        (found + self.infinite).clamp(0.0, 1.0)
    }
}

/// At a grid point x, over the losses l above it: Σ m e^(−λ(l − x))(1 − e^(x − l)) and Σ m e^(−(λ + 1)(l − x)).
#[derive(Clone, Copy)]
struct Privacy {
    gap: f64,
    rest: f64,
}

/// Where the sum is looked at, relative to its centre, and bounds on what is outside.
#[derive(Clone, Copy)]
struct Window {
    low: i64,
    high: i64,
    length: usize,
    above: f64,
    below: f64,
}

struct Tails<'a> {
    parts: &'a [Part],
    centres: &'a [i64],
    rate: f64,
}

impl Tails<'_> {
    /// The shortest window that holds nearly all tilted mass, or all there is from `low` to `high`.
    fn window(&self, low: i64, high: i64) -> Window {
        let variance: f64 = self.parts.iter().map(|part| part.count as f64 * part.variance(self.rate)).sum();
        let deviation = variance.sqrt().max(1e-3);
        let wanted = (14.4 * deviation).clamp(1024.0, LONGEST as f64) as usize;
        let mut length = wanted.next_power_of_two();
        loop {
            let half = (length / 2) as i64;
            let (from, to) = (low.max(-half), high.min(half - 1));
            let above = if to < high { self.beyond(to as f64, deviation, 1.0) } else { 0.0 };
            let below = if from > low { self.beyond(from as f64, deviation, -1.0) } else { 0.0 };
            if above + below <= OUTSIDE || length >= LONGEST {
                return Window { low: from, high: to, length, above, below };
            }
            length *= 2;
        }
    }

    /// Chernoff's bound on the tilted mass beyond `at`, upward or downward.
    fn beyond(&self, at: f64, deviation: f64, direction: f64) -> f64 {
        let base = self.log_moment(self.rate);
        let mut least = 0.0_f64;
        for step in [0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 14.0, 20.0] {
            let turn = direction * step / deviation;
            least = least.min(self.log_moment(self.rate + turn) - base - turn * at);
        }
        (least + 1e-6).exp()
    }

    fn log_moment(&self, rate: f64) -> f64 {
        self.parts
            .iter()
            .zip(self.centres)
            .map(|(part, centre)| part.count as f64 * part.log_moment(rate, *centre))
            .sum()
    }
}

/// The masses of the sum in the window, and a bound on the error of each.
///
/// Each output of a transform is a sum of inputs times products of about log₂ N rounded factors, so its error is at most
/// a small multiple of log₂ N units in the last place of Σ|x| (Higham 2002, section 24.1); here Σ|x| = 1.
fn convolve(parts: &[Part], centres: &[i64], logs: &[f64], rate: f64, window: Window) -> (Vec<f64>, f64) {
    let length = window.length;
    let stages = 4.0 * (f64::from(length.trailing_zeros()) + 4.0) * ULP;
    let mut planner = RealFftPlanner::<f64>::new();
    let (forward, inverse) = (planner.plan_fft_forward(length), planner.plan_fft_inverse(length));
    let mut product = vec![Complex::new(1.0, 0.0); length / 2 + 1];
    // ln of a bound on |product|, and on its relative error.
    let mut bounds = vec![(0.0_f64, 0.0_f64); length / 2 + 1];
    let mut input = forward.make_input_vec();
    let mut output = forward.make_output_vec();
    for ((part, centre), log) in parts.iter().zip(centres).zip(logs) {
        input.fill(0.0);
        for (at, mass_log) in part.logs.iter().enumerate() {
            let index = part.first + at as i64 - centre;
            let mass = (mass_log + rate * index as f64 - log).exp();
            input[index.rem_euclid(length as i64) as usize] += mass;
        }
        forward.process(&mut input, &mut output).expect("the buffers are the planner's own");
        let count = part.count as f64;
        for ((value, product), (bound, relative)) in output.iter().zip(&mut product).zip(&mut bounds) {
            let size = value.norm() + 2.0 * stages;
            *bound += count * size.ln();
            *relative += count * (2.0 * stages / size + 8.0 * ULP);
            // A factor that underflows keeps its bound and loses its value.
            *product =
                if *bound < -500.0 { Complex::new(0.0, 0.0) } else { *product * power(*value, part.count) };
        }
    }
    let (mut size, mut error) = (0.0, 0.0);
    for (bound, relative) in bounds {
        let bound = bound.exp();
        size += 2.0 * bound;
        error += 2.0 * bound * if bound < 1e-200 { 1.0 } else { relative.min(1.0) };
    }
    // Real input: the first and the last are real, whatever rounding says.
    product[0].im = 0.0;
    product[length / 2].im = 0.0;
    inverse.process(&mut product, &mut input).expect("the buffers are the planner's own");
    let scale = 1.0 / length as f64;
    let mass = (window.low..=window.high)
        .map(|index| (input[index.rem_euclid(length as i64) as usize] * scale).max(0.0))
        .collect();
    (mass, (error + stages * size) * scale)
}

/// z to the power of n, by squaring.
fn power(mut base: Complex<f64>, mut exponent: u64) -> Complex<f64> {
    let mut result = Complex::new(1.0, 0.0);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result *= base;
        }
        exponent >>= 1;
        if exponent > 0 {
            base *= base;
        }
    }
    result
}
