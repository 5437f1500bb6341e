//! Where a device's randomness comes from: the host hands it in.

use core::fmt;

use crate::chance::Chance;

/// A source of secret, uniformly random bytes: the operating system, `crypto.getRandomValues` in a browser, a hardware
/// generator. Never a seeded generator that two devices, or two runs of one device, could share.
pub trait Entropy {
    /// Fills all of `bytes`.
    ///
    /// # Errors
    /// [`NoEntropy`]; then nothing is reported.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoEntropy>;
}

impl<E: Entropy + ?Sized> Entropy for &mut E {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        (**self).fill(bytes)
    }
}

/// The host has no entropy to give.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoEntropy;

impl fmt::Display for NoEntropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the host gave no entropy; nothing was reported")
    }
}

impl core::error::Error for NoEntropy {}

/// The two draws that every randomizer is made of. A test that answers them can walk through every outcome of the real
/// code, with its exact probability.
pub trait Draws {
    /// True with exactly the given probability.
    ///
    /// # Errors
    /// [`NoEntropy`].
    fn coin(&mut self, chance: Chance) -> Result<bool, NoEntropy>;

    /// Exactly uniform over 0..bound, for a bound from 1 to 2^32.
    ///
    /// # Errors
    /// [`NoEntropy`].
    fn below(&mut self, bound: u64) -> Result<u32, NoEntropy>;
}

impl<D: Draws + ?Sized> Draws for &mut D {
    fn coin(&mut self, chance: Chance) -> Result<bool, NoEntropy> {
        (**self).coin(chance)
    }

    fn below(&mut self, bound: u64) -> Result<u32, NoEntropy> {
        (**self).below(bound)
    }
}

const BLOCK: usize = 1024;

/// Exact draws from host entropy, read in blocks that grow from 32 bytes to 1 KiB.
///
/// Unused bytes live and die with this value. Make one for one report, or for one batch on one thread: it must not be
/// kept, so that a process that forks never finds the same bytes on both sides.
#[derive(Debug)]
pub struct Random<E> {
    entropy: E,
    block: [u8; BLOCK],
    filled: usize,
    at: usize,
}

impl<E: Entropy> Random<E> {
    /// Draws from this entropy.
    pub fn new(entropy: E) -> Self {
        Self { entropy, block: [0; BLOCK], filled: 0, at: 0 }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], NoEntropy> {
        if self.filled - self.at < N {
            let size = (self.filled * 2).clamp(32, BLOCK);
            // Nothing counts as filled before the host has filled it.
            (self.filled, self.at) = (0, 0);
            self.entropy.fill(&mut self.block[..size])?;
            self.filled = size;
        }
        let mut bytes = [0; N];
        bytes.copy_from_slice(&self.block[self.at..self.at + N]);
        self.at += N;
        Ok(bytes)
    }
}

impl<E: Entropy> Draws for Random<E> {
    fn coin(&mut self, chance: Chance) -> Result<bool, NoEntropy> {
        Ok(u64::from_le_bytes(self.take()?) < chance.units())
    }

    /// Lemire 2019: a product of 32-bit words, with rejection of the few words that would make some results likelier.
    fn below(&mut self, bound: u64) -> Result<u32, NoEntropy> {
        assert!((1..=1 << 32).contains(&bound), "a bound is between 1 and 2^32");
        let reject_below = ((1_u64 << 32) % bound) as u32;
        loop {
            let product = u64::from(u32::from_le_bytes(self.take()?)) * bound;
            if product as u32 >= reject_below {
                return Ok((product >> 32) as u32);
            }
        }
    }
}
