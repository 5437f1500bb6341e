//! What a trusted shuffler adds, and only then.
//!
//! When somebody trusted mixes the reports of n people before the collector sees them, in an order that tells nothing,
//! each report hides among the others: the collector's view is (ε, δ)-private with an ε far below the ε₀ of one report.
//! The bound holds **only** for exactly one report with fresh noise from each person: no remembered answers, no seed or
//! id that stays with a device, no time of arrival, no address.
//!
//! The bound is the numerical one of Feldman, McMillan and Talwar (2021, "Hiding among the clones"; 2023, "Stronger
//! privacy amplification by shuffling"). Let x₀ and x₁ be one person's two inputs, R the randomizer, a = R(x₀)(y) and
//! b = R(x₁)(y).
//!
//! - *Any randomizer* (2021): R(x₀) and R(x₁) are e^ε₀ : 1 and 1 : e^ε₀ mixtures of two distributions Q₀, Q₁ with
//!   Q₀ + Q₁ = R(x₀) + R(x₁) ≤ 2·e^ε₀·R(x) for every x: each other person draws from Q₀ or Q₁ with probability
//!   e^−ε₀/2 each.
//! - *A randomizer whose total variation t between the inputs is known*: with w = |a − b|/(e^ε₀ − 1) at each y, the rest
//!   min(a, b) − w is the same under both inputs and ≥ 0, and w ≤ e^−ε₀·max(a, b) ≤ R(x)(y). So with
//!   v = t/(e^ε₀ − 1), each other person draws from W₀ or W₁ with probability v each, and the person at hand tells
//!   anything only with probability v·(e^ε₀ + 1). This is the refinement of 2023, written out for a known t.
//!
//! Either way what is left is to compare (A + Δ, C − A + 1 − Δ) with (A + 1 − Δ, C − A + Δ) for C ~ Bin(n − 1, p),
//! A ~ Bin(C, ½), Δ ~ Bernoulli(e^ε₀/(e^ε₀ + 1)), which is a sum.

use crate::scheme::Scheme;
use std::vec;
use std::vec::Vec;

/// The most people counted: more would only lower the bound, and take longer.
const MOST_PEOPLE: u64 = 100_000_000;
/// How far out binomials are summed; the mass beyond is added to δ.
const DEVIATIONS: f64 = 10.0;
/// Twice the Chernoff bound e^(−z²/2·(1−…)) of either tail beyond [`DEVIATIONS`], generously.
const BEYOND: f64 = 1e-18;
/// Margin for rounding in the sums.
const MARGIN: f64 = 1.0 + 1e-6;
/// Pieces that the binomial of clones is cut into; within a piece the fewest clones count.
const PIECES: u64 = 96;

/// An upper bound of the ε of the shuffled reports of `people` people at this δ; never above the ε of one report.
///
/// `None` when δ is not between 1e-15 and 1, or there are fewer than two people.
#[must_use]
pub fn epsilon(scheme: &Scheme, people: u64, delta: f64) -> Option<f64> {
    if !(delta > 1e-15 && delta < 1.0) || people < 2 {
        return None;
    }
    let local = scheme.epsilon().to_f64();
    let others = people.min(MOST_PEOPLE) - 1;
    let any = bound(local, &[View { tells: 1.0, clones: (-local).exp() }], others, delta);
    let known = total_variations(scheme);
    if known.is_empty() {
        return Some(any);
    }
    let view = |t: f64| {
        let each = t / local.exp_m1();
        View { tells: (each * (local.exp() + 1.0)).min(1.0), clones: (2.0 * each).min(1.0) }
    };
    let views: Vec<View> = known.into_iter().map(view).collect();
    Some(any.min(bound(local, &views, others, delta)))
}

/// Every total variation that two inputs of the scheme can have, where it is known exactly.
fn total_variations(scheme: &Scheme) -> Vec<f64> {
    match scheme {
        // Two items share everything but the truth; no answer is uniform, and so a k-th closer to each.
        Scheme::Kary(scheme) => {
            let keep = scheme.keep().to_f64();
            vec![keep, keep * (1.0 - 1.0 / f64::from(scheme.items()))]
        }
        // Two items differ in two bits, no answer and an item in one: either way by ½ − q.
        Scheme::Unary(scheme) => vec![0.5 - scheme.noise().to_f64()],
        // Two rows of one block share half their good set, rows of two blocks nothing; no answer is uniform.
        Scheme::Hadamard(scheme) => {
            let keep = scheme.keep().to_f64();
            let nothing = keep * (1.0 - 0.5 / f64::from(scheme.blocks()));
            if scheme.blocks() == 1 { vec![keep / 2.0, nothing] } else { vec![keep, keep / 2.0, nothing] }
        }
        Scheme::LocalHashing(_) | Scheme::Sketch(_) | Scheme::HadamardSketch(_) | Scheme::OneBitMean(_) => {
            Vec::new()
        }
    }
}

/// What is known of two inputs: how often the report tells them apart at all, and how often another person's report is a
/// clone of one of the two tell-tale parts.
#[derive(Clone, Copy, Debug)]
struct View {
    tells: f64,
    clones: f64,
}

/// The least ε, up to bisection from above, at which δ holds for all views.
fn bound(local: f64, views: &[View], others: u64, delta: f64) -> f64 {
    let holds = |epsilon: f64| views.iter().all(|view| delta_at(local, *view, others, epsilon) <= delta);
    let (mut low, mut high) = (0.0, local);
    for _ in 0..24 {
        let middle = f64::midpoint(low, high);
        if holds(middle) { high = middle } else { low = middle }
    }
    high
}

/// δ of the comparison at this ε, from above: the sum over C in pieces, each with its fewest clones, since a further
/// clone is post-processing and never raises δ.
fn delta_at(local: f64, view: View, others: u64, epsilon: f64) -> f64 {
    let n = others as f64;
    let sd = (n * view.clones * (1.0 - view.clones)).sqrt();
    let middle = (n * view.clones).floor();
    let low = (middle - DEVIATIONS * sd - 40.0).max(0.0) as u64;
    let high = (middle + DEVIATIONS * sd + 40.0).min(n) as u64;
    let odds = view.clones / (1.0 - view.clones).max(f64::MIN_POSITIVE);
    let ratio = |c: u64| (n - c as f64) / (c as f64 + 1.0) * odds;
    let weights = weights_around(middle as u64, low, high, ratio);
    let total: f64 = weights.iter().sum();
    let piece = ((high - low) / PIECES).max(1) as usize;
    let pieces = (low..).step_by(piece).zip(weights.chunks(piece));
    let inside: f64 = pieces.map(|(c, mass)| mass.iter().sum::<f64>() * delta_of(local, c, epsilon)).sum();
    view.tells * (inside / total * MARGIN + BEYOND)
}

/// δ for exactly `clones` clones: Σ (P − e^ε·Q)⁺ with P(a) = q·b(a−1) + (1−q)·b(a), b the pmf of Bin(clones, ½). The
/// likelihood ratio rises with a, so the sum is over a tail, and collapses to a point and a tail of b.
fn delta_of(local: f64, clones: u64, epsilon: f64) -> f64 {
    let q = 1.0 / (1.0 + (-local).exp());
    let e = epsilon.exp();
    let total = clones as f64 + 1.0;
    let start = (total * (e * q - (1.0 - q)) / ((2.0 * q - 1.0) * (1.0 + e))).floor() + 1.0;
    if start > total {
        return 0.0;
    }
    let c = clones as f64;
    let far = DEVIATIONS * c.sqrt() / 2.0 + 40.0;
    let (low, high) = ((c / 2.0 - far).max(0.0) as u64, (c / 2.0 + far).min(c) as u64);
    let ratio = |a: u64| (c - a as f64) / (a as f64 + 1.0);
    let weights = weights_around(clones / 2, low, high, ratio);
    let sum: f64 = weights.iter().sum();
    let from = start as u64;
    let index = |a: u64| usize::try_from(a.saturating_sub(low)).unwrap_or(usize::MAX);
    let point = if from > low { weights.get(index(from - 1)).copied().unwrap_or(0.0) / sum } else { 0.0 };
    let tail = weights.get(index(from)..).map_or(0.0, |tail| tail.iter().sum::<f64>() / sum);
    ((q - e * (1.0 - q)) * point - (e - 1.0) * tail).max(0.0) + BEYOND
}

/// Unnormalized pmf on low..=high from the ratio pmf(x + 1)/pmf(x), with 1 at `middle`.
fn weights_around(middle: u64, low: u64, high: u64, ratio: impl Fn(u64) -> f64) -> Vec<f64> {
    let middle = middle.clamp(low, high);
    let mut weights = vec![0.0; (high - low + 1) as usize];
    let at = |x: u64| (x - low) as usize;
    weights[at(middle)] = 1.0;
    for x in middle..high {
        weights[at(x + 1)] = weights[at(x)] * ratio(x);
    }
    for x in (low..middle).rev() {
        weights[at(x)] = weights[at(x + 1)] / ratio(x);
    }
    weights
}
