//! The operating system's entropy.

use crate::draw::{Entropy, NoEntropy};

/// The operating system's cryptographic generator, asked anew each time: nothing is kept that a fork could repeat.
#[derive(Clone, Copy, Default, Debug)]
pub struct Os;

impl Entropy for Os {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        getrandom::fill(bytes).map_err(|_| NoEntropy)
    }
}
