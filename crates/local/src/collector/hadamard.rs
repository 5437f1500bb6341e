//! The fast Walsh–Hadamard transform.

/// Transforms in place: entry y becomes Σ_x (−1)^popcount(x & y) · values[x]. The length is a power of two; sums stay
/// below 2^63 as long as the values' absolute sum does.
pub(super) fn transform(values: &mut [i64]) {
    debug_assert!(values.len().is_power_of_two(), "rows of a Hadamard matrix are a power of two long");
    let mut half = 1;
    while half < values.len() {
        for pair in values.chunks_exact_mut(2 * half) {
            let (low, high) = pair.split_at_mut(half);
            for (a, b) in low.iter_mut().zip(high) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        half *= 2;
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_transform_is_the_sum_it_says() {
        let values = [3, -1, 4, 1, -5, 9, 2, 6];
        let mut fast = values;
        super::transform(&mut fast);
        for (y, fast) in fast.iter().enumerate() {
            let sign = |x: usize| if (x & y).count_ones() % 2 == 0 { 1 } else { -1 };
            let slow: i64 = values.iter().enumerate().map(|(x, value)| sign(x) * value).sum();
            assert_eq!(*fast, slow);
        }
    }
}
