//! What ε and δ mean for one person, as likelihoods in plain words.

/// The most that somebody's belief can rise from `before`, in words: never rounded down.
///
/// Under ε-differential privacy the odds of any two neighbouring worlds change by at most e^ε (Wasserman and Zhou 2010;
/// Kasiviswanathan and Smith 2014), so a belief p becomes at most e^ε p/(1 − p + e^ε p).
#[must_use]
pub fn guess(before: f64, epsilon: f64) -> String {
    let odds = before / (1.0 - before) * epsilon.exp();
    let after = if odds.is_finite() { odds / (1.0 + odds) } else { 1.0 };
    let (whole, part) = match after {
        after if after < 0.1 => (1_000.0, (after * 1_000.0).ceil()),
        after if after <= 0.99 => (100.0, (after * 100.0).ceil()),
        after if after <= 0.999 => (1_000.0, (after * 1_000.0).ceil()),
        after => (10_000.0, (after * 10_000.0).ceil()),
    };
    if part >= whole { "all but certain".to_owned() } else { format!("{part} in {whole}") }
}

/// A small chance in words: never rounded down.
#[must_use]
pub fn chance(delta: f64) -> String {
    if delta <= 0.0 {
        return "none".to_owned();
    }
    // A hair's breadth: 1/1e-6 is just below a million in binary.
    let one_in = (1.0 / delta * (1.0 + 1e-12)).floor();
    let scales = [(1e12, "trillion"), (1e9, "billion"), (1e6, "million"), (1e3, "thousand")];
    match scales.into_iter().find(|(scale, _)| one_in >= *scale) {
        Some((scale, name)) => format!("1 in {} {name}", (one_in / scale).floor()),
        None => format!("1 in {one_in}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worked_likelihood_is_never_too_small() {
        // e/(1 + e) = 0.7311, e^4/(1 + e^4) = 0.98201, e^10/(1 + e^10) = 0.9999546.
        assert_eq!(guess(0.5, 1.0), "74 in 100");
        assert_eq!(guess(0.5, 4.0), "99 in 100");
        assert_eq!(guess(0.5, 6.0), "998 in 1000");
        assert_eq!(guess(0.5, 10.0), "all but certain");
        assert_eq!(guess(0.5, 1e6), "all but certain");
        // 0.01e/(0.99 + 0.01e) = 0.02672.
        assert_eq!(guess(0.01, 1.0), "27 in 1000");
        assert_eq!(guess(0.01, 0.1), "12 in 1000");
    }

    #[test]
    fn a_small_chance_in_words() {
        assert_eq!(chance(1e-6), "1 in 1 million");
        assert_eq!(chance(2e-8), "1 in 50 million");
        assert_eq!(chance(3e-9), "1 in 333 million");
        assert_eq!(chance(1e-18), "1 in 1000000 trillion");
        assert_eq!(chance(0.05), "1 in 20");
    }
}
