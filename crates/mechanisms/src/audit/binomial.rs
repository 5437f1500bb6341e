//! Confidence bounds on a probability from independent trials.

/// The exact two-sided bounds of Clopper and Pearson 1934: each side fails with probability at most `alpha`, so that the
/// true probability lies between them but for a chance of 2 `alpha`.
///
/// # Panics
/// When there are no trials, more successes than trials, or `alpha` is not strictly between 0 and 1.
///
/// ```
/// use flockwise_mechanisms::audit::clopper_pearson;
/// let (low, high) = clopper_pearson(0, 100, 0.025);
/// assert!(low == 0.0 && (high - 0.036217).abs() < 1e-6);
/// ```
#[must_use]
pub fn clopper_pearson(successes: u64, trials: u64, alpha: f64) -> (f64, f64) {
    assert!(trials > 0 && successes <= trials, "successes are a part of the trials");
    assert!(alpha > 0.0 && alpha < 1.0, "a level is a probability");
    let (k, n) = (successes as f64, trials as f64);
    // Pr[Bin(n, p) ≥ k] = I_p(k, n − k + 1) rises with p.
    let lower = if successes == 0 { 0.0 } else { bisect(|p| incomplete_beta(k, n - k + 1.0, p) < alpha).0 };
    // Pr[Bin(n, p) ≤ k] = 1 − I_p(k + 1, n − k) = I_{1−p}(n − k, k + 1) falls with p.
    let upper = if successes == trials {
        1.0
    } else {
        bisect(|p| incomplete_beta(n - k, k + 1.0, 1.0 - p) >= alpha).1
    };
    (lower, upper)
}

/// Draws `runs` times and checks how often each outcome came against its probability, at a level of `alpha` for each
/// side of each outcome; outcomes without a probability must not come at all.
///
/// # Errors
/// With the first outcome that came too often or too rarely.
pub fn frequencies<T: Ord>(
    pmf: impl IntoIterator<Item = (T, f64)>,
    runs: u64,
    alpha: f64,
    mut draw: impl FnMut() -> T,
) -> Result<(), T> {
    let mut counts = std::collections::BTreeMap::<T, u64>::new();
    (0..runs).for_each(|_| *counts.entry(draw()).or_default() += 1);
    for (outcome, probability) in pmf {
        let (low, high) = clopper_pearson(counts.remove(&outcome).unwrap_or(0), runs, alpha);
        if probability < low || high < probability {
            return Err(outcome);
        }
    }
    counts.into_keys().next().map_or(Ok(()), Err)
}

/// Where a predicate turns from true to false, from both sides.
fn bisect(holds: impl Fn(f64) -> bool) -> (f64, f64) {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if holds(middle) { low = middle } else { high = middle }
    }
    (low, high)
}

/// The regularized incomplete beta function I_x(a, b), by Lentz's evaluation of its continued fraction (Press, Teukolsky,
/// Vetterling, Flannery 1992, section 6.4); relative error around 1e-10 for parameters up to 10^7.
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(b, a, 1.0 - x);
    }
    let log_front = libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b) + a * x.ln() + b * (-x).ln_1p();
    let kept = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / kept(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for step in 1..100_000 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / kept(1.0 + even * d);
        c = kept(1.0 + even / c);
        fraction *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / kept(1.0 + odd * d);
        c = kept(1.0 + odd / c);
        fraction *= d * c;
        if (d * c - 1.0).abs() < 1e-14 {
            break;
        }
    }
    log_front.exp() * fraction / a
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy.stats.beta.ppf, scipy 1.17.1.
    #[test]
    fn agrees_with_scipy() {
        for (k, n, alpha, low, high) in SCIPY {
            let (ours_low, ours_high) = clopper_pearson(k, n, alpha);
            assert!((ours_low - low).abs() <= 1e-8 * low, "{k} of {n}: {ours_low} for {low}");
            assert!((ours_high - high).abs() <= 1e-8 * high, "{k} of {n}: {ours_high} for {high}");
        }
    }

    const SCIPY: [(u64, u64, f64, f64, f64); 8] = [
        (0, 100, 0.025, 0.0, 0.03621669264517642),
        (1, 100, 0.025, 0.00025314603297742064, 0.05445938539208066),
        (50, 100, 0.025, 0.39832112950330095, 0.6016788704966991),
        (100, 100, 0.025, 0.9637833073548235, 1.0),
        (3, 1000000, 1e-08, 3.918708357613835e-09, 2.6584425607441666e-05),
        (50000, 1000000, 1e-08, 0.048785987231131846, 0.05123322077839565),
        (999999, 1000000, 1e-06, 0.9999833117101159, 0.999999999999),
        (123456, 200000, 1e-09, 0.6107448548624612, 0.6237866130265496),
    ];
}
