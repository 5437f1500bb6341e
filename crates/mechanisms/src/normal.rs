//! The standard normal distribution function, in floats, for thresholds and predictions.

/// Pr[Z ≥ z], with a relative error below 1e-12.
#[must_use]
pub fn upper_tail(z: f64) -> f64 {
    0.5 * libm::erfc(z / std::f64::consts::SQRT_2)
}

/// The z with Pr[Z ≤ z] = p, by bisection to the last digits.
///
/// # Panics
/// When p is not strictly between 0 and 1.
#[must_use]
pub fn quantile(p: f64) -> f64 {
    assert!(p > 0.0 && p < 1.0, "a quantile is asked at a probability");
    if p < 0.5 {
        return -upper_quantile(p);
    }
    upper_quantile(1.0 - p)
}

/// The z with Pr[Z ≥ z] = p, for small p too.
///
/// # Panics
/// When p is not strictly between 0 and 1.
#[must_use]
pub fn upper_quantile(p: f64) -> f64 {
    assert!(p > 0.0 && p < 1.0, "a quantile is asked at a probability");
    let (mut low, mut high) = (-40.0, 40.0);
    for _ in 0..120 {
        let middle = f64::midpoint(low, high);
        if upper_tail(middle) > p { low = middle } else { high = middle }
    }
    high
}
