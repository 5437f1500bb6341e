//! Gaussian differential privacy: the exact conversion to (ε, δ) and back.
//!
//! A μ-GDP mechanism (Dong, Roth, Su 2019) is (ε, δ)-differentially private exactly for
//! δ(ε) = Φ(μ/2 − ε/μ) − e^ε Φ(−μ/2 − ε/μ) (Balle and Wang 2018, theorem 8; Dong, Roth, Su 2019, corollary 2.13),
//! whatever the dimension, and compositions add μ². Bounds are rounded as their names say.

const ULP: f64 = f64::EPSILON;

/// Both bounds on δ(ε): (at most the truth, at least the truth).
#[must_use]
pub fn delta_bounds(mu: f64, epsilon: f64) -> (f64, f64) {
    if mu <= 0.0 {
        return (0.0, 0.0);
    }
    let (a, b) = (epsilon / mu - mu / 2.0, epsilon / mu + mu / 2.0);
    let near = upper_tail(a);
    // e^ε φ(b) = φ(a), because b² − a² = 2ε: so e^ε Q(b) = φ(a) · Q(b)/φ(b), which does not overflow.
    let far = (-a * a / 2.0).exp() * mills(b);
    // Rounding the arguments moves a tail by about (1 + |x|) times the move; a few more roundings on top.
    let slack = 8.0 * ULP * (2.0 + (1.0 + a.abs() + b.abs()) * (1.0 + a.abs() + b.abs()));
    let low = near * (1.0 - slack) - far * (1.0 + slack);
    let high = near * (1.0 + slack) - far * (1.0 - slack);
    (low.clamp(0.0, 1.0), high.clamp(0.0, 1.0))
}

/// An upper bound on δ(ε), within rounding of it.
///
/// ```
/// use flockwise_mechanisms::accounting::gdp;
/// assert!((gdp::delta(1.0, 1.0) - 0.126_936_737).abs() < 1e-8);
/// ```
#[must_use]
pub fn delta(mu: f64, epsilon: f64) -> f64 {
    delta_bounds(mu, epsilon).1
}

/// Both bounds on the ε of μ-GDP at δ: (at most the truth, at least the truth).
#[must_use]
pub fn epsilon_bounds(mu: f64, delta: f64) -> (f64, f64) {
    if mu <= 0.0 || delta >= 1.0 {
        return (0.0, 0.0);
    }
    if delta <= 0.0 {
        return (f64::INFINITY, f64::INFINITY);
    }
    // δ(ε) ≤ Q(ε/μ − μ/2) < e^(−t²/2) at ε = μ(t + μ/2).
    let top = mu * ((-2.0 * delta.ln()).sqrt() + 1.0 + mu / 2.0);
    let search = |within: &dyn Fn(f64) -> bool| {
        let (mut low, mut high) = (0.0, top);
        if within(0.0) {
            return (0.0, 0.0);
        }
        for _ in 0..100 {
            let middle = f64::midpoint(low, high);
            if within(middle) { high = middle } else { low = middle }
        }
        (low, high)
    };
    let (low, _) = search(&|epsilon| delta_bounds(mu, epsilon).0 <= delta);
    let (_, high) = search(&|epsilon| delta_bounds(mu, epsilon).1 <= delta);
    (low, high)
}

/// An upper bound on the ε of μ-GDP at δ, within rounding of it.
#[must_use]
pub fn epsilon(mu: f64, delta: f64) -> f64 {
    epsilon_bounds(mu, delta).1
}

/// The largest μ found that is (ε, δ)-differentially private.
#[must_use]
pub fn mu(epsilon: f64, target: f64) -> f64 {
    // At μ = 2√(2ε) + 20 already δ > ½ for every ε.
    let (mut low, mut high) = (0.0, 2.0 * (2.0 * epsilon).sqrt() + 20.0);
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if delta(middle, epsilon) <= target { low = middle } else { high = middle }
    }
    low
}

/// Pr[Z ≥ z].
pub(super) fn upper_tail(z: f64) -> f64 {
    0.5 * libm::erfc(z * std::f64::consts::FRAC_1_SQRT_2)
}

/// Q(x)/(√(2π) φ(x)), that is Q(x) e^(x²/2).
fn mills(x: f64) -> f64 {
    if x < 12.0 {
        return upper_tail(x) * (x * x / 2.0).exp();
    }
    // Laplace's continued fraction, alternately above and below; its 60 terms are exact to rounding here.
    let mut tail = x;
    for n in (1..=60).rev() {
        tail = x + f64::from(n) / tail;
    }
    1.0 / (tail * std::f64::consts::TAU.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_is_the_published_one() {
        // 1,000 Gaussians at noise multiplier 50: μ² = 0.4.
        let epsilon = epsilon(0.4_f64.sqrt(), 1e-6);
        assert!((epsilon - 2.9216).abs() < 1e-4, "{epsilon}");
    }

    #[test]
    fn bounds_enclose_and_agree_from_tiny_to_huge() {
        for target in [1e-4, 1e-2, 0.5, 4.0, 100.0, 1e5] {
            for exponent in [5, 6, 9, 12, 18] {
                let at = 10_f64.powi(-exponent);
                let mu = mu(target, at);
                assert!(mu > 0.0 && delta(mu, target) <= at);
                let (low, high) = epsilon_bounds(mu, at);
                assert!(low <= high && high <= target * (1.0 + 1e-9), "{target} {at}: {high}");
                assert!(low >= target * (1.0 - 1e-6), "{target} {at}: {low}");
            }
        }
    }

    #[test]
    fn both_forms_of_the_tail_ratio_agree() {
        for x in [8.0, 10.0, 11.9, 12.0, 12.1, 20.0, 30.0] {
            let direct = upper_tail(x) * (x * x / 2.0).exp();
            assert!((mills(x) / direct - 1.0).abs() < 1e-12, "{x}");
        }
    }
}
