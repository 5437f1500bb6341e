//! Columns of integers, no wider than they need to be.

/// Integers as differences from the least one, each in the fewest bytes that hold the largest difference: a column in which
/// all are equal takes none.
#[derive(Clone, Default, Debug)]
pub(super) struct Ints {
    base: i64,
    width: usize,
    len: usize,
    bytes: Vec<u8>,
}

/// Runs `$body` with `$width` as a constant: the loops over bytes then have a fixed stride.
macro_rules! at_width {
    ($value:expr, $width:ident => $body:expr) => {
        match $value {
            1 => {
                const $width: usize = 1;
                $body
            }
            2 => {
                const $width: usize = 2;
                $body
            }
            3 => {
                const $width: usize = 3;
                $body
            }
            4 => {
                const $width: usize = 4;
                $body
            }
            5 => {
                const $width: usize = 5;
                $body
            }
            6 => {
                const $width: usize = 6;
                $body
            }
            7 => {
                const $width: usize = 7;
                $body
            }
            _ => {
                const $width: usize = 8;
                $body
            }
        }
    };
}

impl Ints {
    /// The integers of a column.
    pub fn of<T: Copy>(values: &[T], wide: impl Fn(T) -> i64) -> Self {
        Self::packed(values, values.iter().copied(), wide)
    }

    /// The integers of a column in another order.
    pub fn gathered<T: Copy>(values: &[T], order: &[u32], wide: impl Fn(T) -> i64) -> Self {
        Self::packed(values, order.iter().map(|&at| values[at as usize]), wide)
    }

    fn packed<T: Copy>(
        values: &[T],
        ordered: impl ExactSizeIterator<Item = T>,
        wide: impl Fn(T) -> i64,
    ) -> Self {
        let (mut low, mut high) = (i64::MAX, i64::MIN);
        for &value in values {
            low = low.min(wide(value));
            high = high.max(wide(value));
        }
        if values.is_empty() {
            (low, high) = (0, 0);
        }
        // The difference of the ends fits, whatever they are.
        let spread = high.wrapping_sub(low) as u64;
        let width = (u64::BITS - spread.leading_zeros()).div_ceil(8) as usize;
        let mut bytes = vec![0; width * values.len()];
        if width > 0 {
            at_width!(width, WIDTH => {
                for (into, value) in bytes.chunks_exact_mut(WIDTH).zip(ordered) {
                    let offset = wide(value).wrapping_sub(low) as u64;
                    into.copy_from_slice(&offset.to_le_bytes()[..WIDTH]);
                }
            });
        }
        Self { base: low, width, len: values.len(), bytes }
    }

    /// Number of integers.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Bytes in memory.
    pub const fn size(&self) -> usize {
        self.bytes.len() + size_of::<Self>()
    }

    /// Appends some of the integers to `into`.
    pub fn unpack<T>(&self, range: std::ops::Range<usize>, into: &mut Vec<T>, narrow: impl Fn(i64) -> T) {
        let base = self.base;
        if self.width == 0 {
            into.extend(range.map(|_| narrow(base)));
            return;
        }
        let bytes = &self.bytes[range.start * self.width..range.end * self.width];
        at_width!(self.width, WIDTH => {
            into.extend(bytes.chunks_exact(WIDTH).map(|bytes| {
                let mut offset = [0; 8];
                offset[..WIDTH].copy_from_slice(bytes);
                narrow(base.wrapping_add(u64::from_le_bytes(offset) as i64))
            }));
        });
    }

    /// Fills `into` with all integers.
    pub fn fill<T>(&self, into: &mut Vec<T>, narrow: impl Fn(i64) -> T) {
        into.clear();
        self.unpack(0..self.len, into, narrow);
    }

    /// Writes the column behind what is in `bytes`.
    pub fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.base.to_le_bytes());
        bytes.extend((self.len as u64).to_le_bytes());
        bytes.push(self.width as u8);
        bytes.extend(&self.bytes);
    }

    /// Reads a column that [`Ints::write`] wrote, from the front of `bytes`.
    pub fn read(bytes: &mut &[u8]) -> Option<Self> {
        let base = i64::from_le_bytes(take(bytes)?);
        let len = usize::try_from(u64::from_le_bytes(take(bytes)?)).ok()?;
        let width = usize::from(take::<1>(bytes)?[0]);
        let held = bytes.split_off(..width.checked_mul(len)?)?;
        Some(Self { base, width, len, bytes: held.to_vec() })
    }
}

fn take<const SIZE: usize>(bytes: &mut &[u8]) -> Option<[u8; SIZE]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_holds_its_ends() {
        for bits in 0..64 {
            let high = (1_u64 << bits) - 1;
            for base in [0, 1, -1, i64::MIN, i64::MAX.wrapping_sub(high as i64)] {
                let values = [base, base.wrapping_add(high as i64), base];
                let ints = Ints::of(&values, |value| value);
                assert_eq!(ints.bytes.len(), 3 * (bits as usize).div_ceil(8), "{bits} bits");
                let (mut bytes, mut found) = (Vec::new(), Vec::new());
                ints.write(&mut bytes);
                Ints::read(&mut &bytes[..]).unwrap().fill(&mut found, |value| value);
                assert_eq!(found, values);
                assert!(Ints::read(&mut &bytes[..bytes.len() - 1]).is_none(), "cut short");
            }
        }
        let whole = Ints::of(&[u64::MAX, 0, 1 << 63], |value| value as i64);
        let mut found = Vec::new();
        whole.unpack(1..3, &mut found, |value| value as u64);
        assert_eq!((whole.len(), found), (3, vec![0, 1 << 63]));
    }

    #[test]
    fn a_column_in_another_order() {
        let mut found = Vec::new();
        Ints::gathered(&[30_u32, 10, 20], &[2, 0, 1], i64::from).fill(&mut found, |value| value);
        assert_eq!(found, [20, 30, 10]);
    }
}
