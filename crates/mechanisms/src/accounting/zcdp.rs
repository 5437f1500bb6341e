//! Zero-concentrated differential privacy: the tight conversion to (ε, δ).

/// The least ε that the tight conversion gives for ρ-zCDP at δ:
/// min over α > 1 of ρα + (ln(1/δ) + (α − 1) ln(1 − 1/α) − ln α)/(α − 1) (Canonne, Kamath, Steinke 2020, proposition 12).
#[must_use]
pub fn epsilon(rho: f64, delta: f64) -> f64 {
    if rho <= 0.0 {
        return 0.0;
    }
    let at = |log: f64| {
        let a = 1.0 + log.exp();
        rho * a + ((1.0 / delta).ln() + (a - 1.0) * (-1.0 / a).ln_1p() - a.ln()) / (a - 1.0)
    };
    // Unimodal in ln(α − 1): golden section.
    let (mut low, mut high) = (-20.0_f64, 40.0_f64);
    let golden = (5.0_f64.sqrt() - 1.0) / 2.0;
    for _ in 0..200 {
        let (left, right) = (high - golden * (high - low), low + golden * (high - low));
        if at(left) < at(right) { high = right } else { low = left }
    }
    at(f64::midpoint(low, high)).max(0.0) * (1.0 + 1e-12)
}

/// The largest ρ whose conversion at δ stays within ε.
#[must_use]
pub fn rho(target: f64, delta: f64) -> f64 {
    let (mut low, mut high) = (0.0, target.max(1.0) * 2.0);
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if epsilon(middle, delta) <= target { low = middle } else { high = middle }
    }
    low
}
