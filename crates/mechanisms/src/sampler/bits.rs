//! Random words, asked for many at a time.

use rand_core::CryptoRng;
use zeroize::Zeroize as _;

const BYTES: usize = 1024;

/// Hands out words of a generator, which it asks for in blocks.
///
/// What is left of a block is wiped, never used: so nothing is shared with a forked child beyond what the generator
/// itself gives out.
pub(super) struct Bits<'a, R> {
    rng: &'a mut R,
    bytes: [u8; BYTES],
    at: usize,
    /// Bytes in a block.
    block: usize,
}

impl<'a, R: CryptoRng> Bits<'a, R> {
    /// For about this many words: what will not be needed is not asked for.
    pub(super) fn new(rng: &'a mut R, words: usize) -> Self {
        let block = 8 * words.clamp(2, BYTES / 8);
        Self { rng, bytes: [0; BYTES], at: block, block }
    }

    /// 64 independent fair bits.
    #[inline(always)]
    pub(super) fn word(&mut self) -> u64 {
        if self.at >= self.block {
            self.refill();
        }
        let bytes = self.bytes[self.at..self.at + 8].try_into().expect("eight bytes");
        self.at += 8;
        u64::from_le_bytes(bytes)
    }

    #[inline(never)]
    fn refill(&mut self) {
        self.rng.fill_bytes(&mut self.bytes[..self.block]);
        self.at = 0;
    }
}

impl<R> Drop for Bits<'_, R> {
    fn drop(&mut self) {
        self.bytes[..self.block].zeroize();
    }
}
