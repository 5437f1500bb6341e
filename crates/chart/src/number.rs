//! Numbers as people read them.

/// A number with its 95% bars.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// Lower end of its bar.
    pub low: f64,
    /// Upper end of its bar.
    pub high: f64,
}

impl Estimate {
    /// A number that has no bar.
    #[must_use]
    pub const fn exact(value: f64) -> Self {
        Self { value, low: value, high: value }
    }

    /// Whether all three are numbers.
    #[must_use]
    pub const fn is_finite(&self) -> bool {
        self.value.is_finite() && self.low.is_finite() && self.high.is_finite()
    }
}

/// A number in three figures or so, with k, M and so on for thousands: for axes.
///
/// ```
/// use flockwise_chart::compact;
/// let written = [0.0, 0.05, 7.0, 950.0, 12_500.0, 3e6, 2e10].map(compact);
/// assert_eq!(written, ["0", "0.05", "7", "950", "12.5k", "3M", "20G"]);
/// ```
#[must_use]
pub fn compact(value: f64) -> String {
    const SCALES: [(f64, &str); 4] = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];
    if !value.is_finite() {
        return "?".to_owned();
    }
    let size = value.abs();
    let scale = SCALES.into_iter().find(|(scale, _)| size >= *scale * 0.999_999);
    // Fewer than five digits are as short as they can be.
    let (scale, unit) = scale.filter(|_| size >= 9_999.5).unwrap_or((1.0, ""));
    format!("{}{unit}", figures(value / scale, 3))
}

/// A number in so many figures, without zeros at its end.
///
/// ```
/// use flockwise_chart::figures;
/// assert_eq!(figures(0.012_345, 3), "0.0123");
/// assert_eq!(figures(123_456.0, 3), "123456");
/// assert_eq!(figures(1.5e-9, 2), "1.5e-9");
/// ```
#[must_use]
pub fn figures(value: f64, count: i32) -> String {
    if value == 0.0 || !value.is_finite() {
        return if value == 0.0 { "0".to_owned() } else { "?".to_owned() };
    }
    let exponent = value.abs().log10().floor() as i32;
    if exponent < -4 {
        let decimals = usize::try_from(count - 1).unwrap_or(0);
        let text = format!("{value:.decimals$e}");
        let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{power}", trimmed(mantissa));
    }
    let decimals = usize::try_from((count - 1 - exponent).max(0)).unwrap_or(0);
    trimmed(&format!("{value:.decimals$}")).to_owned()
}

/// Without zeros after the point.
fn trimmed(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}
