//! Zero-concentrated differential privacy: the tight conversion to (ε, δ) and back.
//!
//! ρ-zCDP bounds the Rényi divergence of every order α > 1 by ρα (Bun and Steinke 2016). For every α,
//! δ(ε) ≤ exp((α − 1)(ρα − ε)) · (α − 1)^(α − 1) / α^α
//! (Canonne, Kamath, Steinke 2020, proposition 12; Asoodeh et al. 2020). Every α gives a valid bound, so the search for
//! the best one needs no proof: only the evaluation at the α that was found does, and it is rounded up.

/// One unit in the last place of 1.
const ULP: f64 = f64::EPSILON;

/// An upper bound on the least ε that the tight conversion gives for ρ-zCDP at δ.
///
/// ```
/// use flockwise_mechanisms::accounting::zcdp;
/// assert!((zcdp::epsilon(0.0062248, 5e-7) - 0.5).abs() < 1e-4);
/// ```
#[must_use]
pub fn epsilon(rho: f64, delta: f64) -> f64 {
    if rho <= 0.0 {
        return 0.0;
    }
    if delta <= 0.0 {
        return f64::INFINITY;
    }
    // ε(α) ≤ e exactly where the log of δ(α), convex in α, is at most ln δ: so ε(α) has one valley.
    let (_, least) = valley((-20.0, 45.0), 90, |log| epsilon_at(rho, delta, log.exp()));
    least.max(0.0)
}

/// The bound on ε at order α = 1 + `excess`, rounded up: eight roundings of terms of the stated magnitude.
fn epsilon_at(rho: f64, delta: f64, excess: f64) -> f64 {
    let alpha = 1.0 + excess;
    let terms = [
        rho * alpha,
        -delta.ln() / excess,
        // (α − 1)/α as a log, exact for large and small α alike.
        -(1.0 / excess).ln_1p(),
        -excess.ln_1p() / excess,
    ];
    let magnitude: f64 = terms.iter().map(|term| term.abs()).sum();
    terms.iter().sum::<f64>() + 8.0 * ULP * magnitude
}

/// An upper bound on the δ of ρ-zCDP at ε.
#[must_use]
pub fn delta(rho: f64, epsilon: f64) -> f64 {
    if rho <= 0.0 {
        return 0.0;
    }
    let (_, least) = valley((-20.0, 45.0), 90, |log| {
        let excess = log.exp();
        let alpha = 1.0 + excess;
        let terms =
            [excess * rho * alpha, -excess * epsilon, -excess * (1.0 / excess).ln_1p(), -excess.ln_1p()];
        let magnitude: f64 = terms.iter().map(|term| term.abs()).sum();
        terms.iter().sum::<f64>() + 16.0 * ULP * magnitude
    });
    (least.exp() * (1.0 + 4.0 * ULP)).min(1.0)
}

/// The largest ρ found whose conversion at δ is within ε.
#[must_use]
pub fn rho(target: f64, delta: f64) -> f64 {
    let (mut low, mut high) = (0.0, target.max(1.0) * 2.0);
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if epsilon(middle, delta) <= target { low = middle } else { high = middle }
    }
    low
}

/// The lowest point found of a function with one valley, by golden section: (where, how low).
pub(super) fn valley(range: (f64, f64), steps: u32, at: impl Fn(f64) -> f64) -> (f64, f64) {
    let (mut low, mut high) = range;
    let golden = (5.0_f64.sqrt() - 1.0) / 2.0;
    let (mut left, mut right) = (high - golden * (high - low), low + golden * (high - low));
    let (mut at_left, mut at_right) = (at(left), at(right));
    for _ in 0..steps {
        if at_left < at_right {
            (high, right, at_right) = (right, left, at_left);
            left = high - golden * (high - low);
            at_left = at(left);
        } else {
            (low, left, at_left) = (left, right, at_right);
            right = low + golden * (high - low);
            at_right = at(right);
        }
    }
    if at_left < at_right { (left, at_left) } else { (right, at_right) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_conversion_is_the_published_one() {
        // 1,000 Gaussians at σ = 50 are ρ = 0.2, 10,000 Laplaces at ε = 0.01 are ρ = 0.5.
        assert!((epsilon(0.2, 1e-6) - 3.131).abs() < 5e-4);
        assert!((epsilon(0.5, 1e-6) - 5.222).abs() < 5e-4);
        assert!((epsilon(0.7, 1e-6) - 6.323).abs() < 5e-4);
    }

    #[test]
    fn both_directions_agree_from_tiny_to_huge() {
        for target in [1e-4, 1e-2, 0.5, 4.0, 100.0] {
            for exponent in [5, 6, 9, 12, 18] {
                let at = 10_f64.powi(-exponent);
                let rho = rho(target, at);
                assert!(rho > 0.0);
                let back = epsilon(rho, at);
                assert!(back <= target && back > target * (1.0 - 1e-9), "{target} {at}: {back}");
                let delta = delta(rho, target);
                assert!((delta / at - 1.0).abs() < 1e-6, "{target} {at}: {delta}");
            }
        }
    }
}
