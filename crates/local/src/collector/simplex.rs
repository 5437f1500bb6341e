//! From unbiased counts to counts that could be real.

use std::vec::Vec;

/// The nearest counts, in the Euclidean sense, that are not negative and add up to `total` (Duchi et al. 2008).
///
/// Post-processing: costs no privacy. It lowers the squared error, and biases small counts upward.
///
/// # Panics
/// When there are no values, or `total` is not positive.
#[must_use]
pub fn simplex(values: &[f64], total: f64) -> Vec<f64> {
    assert!(!values.is_empty() && total > 0.0, "there is something to share out, and someone to share it");
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    // The largest k such that the k largest stay positive after the same shift makes them add up.
    let mut sum = 0.0;
    let mut shift = f64::NEG_INFINITY;
    for (k, value) in (1..).zip(&sorted) {
        sum += value;
        let candidate = (sum - total) / f64::from(k);
        if *value <= candidate {
            break;
        }
        shift = candidate;
    }
    values.iter().map(|value| (value - shift).max(0.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_the_simplex_stays_and_the_rest_moves_to_it() {
        let near = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9);
        assert!(near(&simplex(&[2.0, 3.0, 5.0], 10.0), &[2.0, 3.0, 5.0]));
        assert!(near(&simplex(&[6.0, 6.0, -8.0], 10.0), &[5.0, 5.0, 0.0]));
        assert!(near(&simplex(&[-1.0, -1.0], 1.0), &[0.5, 0.5]));
        let projected = simplex(&[100.0, -3.0, 40.0, 2.0, -90.0], 75.0);
        assert!(
            (projected.iter().sum::<f64>() - 75.0).abs() < 1e-9
                && projected.iter().all(|value| *value >= 0.0)
        );
    }
}
