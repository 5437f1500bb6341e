//! −ln U from the first 63 bits of a uniform U, as an interval of 64-bit fixed-point numbers.
//!
//! This is the fast path of every sampler: the interval is about 2^-55 wide, and whatever it does not decide is decided
//! from more bits in [`super::exponential`]. So it need not be sharp, but it must never be wrong. All of it is integer
//! arithmetic. Below, u stands for the unit 2^-58 of the result.
//!
//! U is 2^-(k+1)·m with 1 ≤ m < 2, k its leading zeros. With c from a table, 1 ≤ c·m < 1 + 2^-8.97, and
//!
//! −ln U = (k+1)·ln 2 − (−ln c) − ln(c·m).
//!
//! - (k+1)·ln 2 and −ln c are stored rounded down: each is at most 2u below the truth ([`twice_atanh`]).
//! - z = c·m − 1 is exact in 79 binary places and is cut to 72; ln(1 + z) is its series up to z⁶/6 (Horner, each product
//!   cut). The first omitted term is below 2^-65, cutting z costs 2^-72, the outer two products cost 2^-72 each, and the
//!   inner ones, each below 2^-62, come multiplied by z² < 2^-17.9: together below 2^-64 < 0.02u. Then it is cut to 58
//!   places: it is between 1.02u below and 0.02u above the truth.
//!
//! So the truth is between 3.02u below and 2.02u above the computed difference at the lower end of what the bits say of
//! U; at the upper end, m is larger by 2^(k−62), and the logarithm by at most that: 2^(k−4)·u.

/// Binary places of the results.
pub(super) const FRACTION: u32 = 58;

/// Places in which the table is computed.
const WIDE: u32 = 88;

const ENTRIES: usize = 512;

/// 1/m rounded up to 16 binary places, for m at the lower end of its 512th part of [1, 2), and −ln of that.
#[derive(Clone, Copy)]
struct Entry {
    reciprocal: u64,
    minus_log: u64,
}

const TABLE: [Entry; ENTRIES] = {
    let mut table = [Entry { reciprocal: 0, minus_log: 0 }; ENTRIES];
    let mut i = 0;
    while i < ENTRIES {
        let reciprocal = (1_u64 << 25).div_ceil(512 + i as u64);
        // −ln(c/2^16) = ln(2^16/c) = 2 atanh((2^16 − c)/(2^16 + c)).
        let minus_log = twice_atanh((1 << 16) - reciprocal, (1 << 16) + reciprocal) >> (WIDE - FRACTION);
        table[i] = Entry { reciprocal, minus_log: minus_log as u64 };
        i += 1;
    }
    table
};

/// (k+1)·ln 2.
const LOG_2: [u64; 64] = {
    let log_2 = twice_atanh(1, 3);
    let mut multiples = [0; 64];
    let mut k = 0;
    while k < 64 {
        multiples[k] = (((k as u128 + 1) * log_2) >> (WIDE - FRACTION)) as u64;
        k += 1;
    }
    multiples
};

/// 2·atanh(a/b) for a/b ≤ 1/3 and b < 2^17, in 88 binary places: at most 2^-80 below the truth, never above.
///
/// atanh x = Σ x^(2j+1)/(2j+1). Every division rounds down; the power of x is at most 9/8 units below its true value,
/// its quotient at most 1 more, and there are fewer than 30 terms before the power is zero. The rest is below 2 units.
/// So Σ is at most 65 units low, and its double, in units of 2^-88, at most 130 < 2^8. A multiple of ln 2 up to 64 times
/// is then at most 2^-74 low, and 1u more by the cut to 58 places: within the 2u above.
const fn twice_atanh(a: u64, b: u64) -> u128 {
    let (a, b) = (a as u128, b as u128);
    let mut power = (a << WIDE) / b;
    let (mut sum, mut n) = (0, 1);
    while power > 0 {
        sum += power / n;
        power = power * (a * a) / (b * b);
        n += 2;
    }
    2 * sum
}

/// The upper half of a product.
#[inline(always)]
const fn high(a: u64, b: u64) -> u64 {
    ((a as u128 * b as u128) >> 64) as u64
}

/// Bounds (lower, upper) of −ln U in units of 2^-58, for all U whose first 63 binary digits are the last 63 bits of the
/// word; `None` when they are all zero, for U has then no positive lower bound.
#[inline(always)]
pub(super) fn minus_log(word: u64) -> Option<(u64, u64)> {
    const INVERSES: [u64; 7] = {
        let mut inverses = [0; 7];
        let mut n = 2;
        while n < 7 {
            inverses[n] = ((1_u128 << 64) / n as u128) as u64;
            n += 1;
        }
        inverses
    };
    let digits = word << 1;
    if digits == 0 {
        return None;
    }
    let zeros = digits.leading_zeros();
    let m = digits << zeros;
    let entry = TABLE[(m >> 54) as usize & (ENTRIES - 1)];
    let product = u128::from(m) * u128::from(entry.reciprocal);
    // c·m − 1 in 72 places: below 2^-8.97, so it fits 64 bits.
    let z = ((product - (1 << 79)) >> 7) as u64;
    let mut h = INVERSES[5] - (high(z, INVERSES[6]) >> 8);
    h = INVERSES[4] - (high(z, h) >> 8);
    h = INVERSES[3] - (high(z, h) >> 8);
    h = INVERSES[2] - (high(z, h) >> 8);
    let log = z - (high(z, high(z, h)) >> 8);
    let computed = LOG_2[zeros as usize].saturating_sub(entry.minus_log + (log >> (72 - FRACTION)));
    let spread = (1_u64 << zeros) >> 4;
    Some((computed.saturating_sub(5 + spread), computed + 3))
}

#[cfg(test)]
mod tests {
    use num_bigint::BigUint;

    use super::*;
    use crate::sampler::exponential::Exponential;
    use crate::sampler::goodness::telling_words;

    #[test]
    fn the_interval_holds_the_logarithm_and_is_narrow() {
        for word in telling_words() {
            let (lower, upper) = minus_log(word).unwrap();
            let exact = Exponential::of(word).bounds().unwrap();
            let widen = |bound: u64| BigUint::from(bound) << (exact.places - u64::from(FRACTION));
            assert!(widen(lower) <= exact.lower, "{word:#x} from below");
            assert!(widen(upper) >= exact.upper, "{word:#x} from above");
            let zeros = (word << 1).leading_zeros();
            assert!(upper - lower <= 8 + ((1 << zeros) >> 4), "{word:#x} is {} wide", upper - lower);
        }
        assert_eq!(minus_log(0), None);
        assert_eq!(minus_log(1 << 63), None, "the first bit is the sign's");
    }
}
