//! The cryptographic generator behind every released number.

use std::convert::Infallible;

use chacha20::ChaCha12Rng;
use rand_core::{SeedableRng as _, TryCryptoRng, TryRng};

/// After this many bytes the generator takes a fresh seed: what an attacker who reads its state learns reaches no
/// further back than that.
const RESEED_AFTER: usize = 1 << 20;

/// The cryptographic generator behind every released number: ChaCha12, seeded by the operating system.
///
/// It takes a fresh seed after every 2^20 bytes, and whenever it finds itself in another process than the one that
/// seeded it: a forked child never repeats a draw of its parent, nor of its siblings. The process id is compared at
/// every call, before a buffered byte is handed out, so it costs a system call for each; [`fill`](super::fill) asks for
/// a kilobyte at a time.
///
/// No seed can be given to it. Its state and its buffer are wiped when it is dropped.
///
/// # Panics
/// A draw panics when a new seed is due and the operating system, which gave entropy before, gives none.
#[derive(Debug)]
pub struct Generator {
    stream: ChaCha12Rng,
    /// Bytes handed out since the last seed.
    used: usize,
    /// The process that the stream belongs to.
    process: u32,
}

/// The operating system gave no entropy.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the operating system gave no entropy")]
pub struct NoEntropy;

impl Generator {
    /// Seeded by the operating system.
    ///
    /// # Errors
    /// When it gives no entropy.
    pub fn new() -> Result<Self, NoEntropy> {
        Ok(Self { stream: seeded()?, used: 0, process: process() })
    }

    /// Makes sure that the next `bytes` bytes are this process's own and that their seed is fresh.
    fn prepare(&mut self, bytes: usize) {
        self.prepare_as(process(), bytes);
    }

    fn prepare_as(&mut self, process: u32, bytes: usize) {
        self.used = self.used.saturating_add(bytes);
        if process != self.process || self.used > RESEED_AFTER {
            self.stream = seeded().expect("the operating system gives entropy as it did before");
            self.used = bytes;
            self.process = process;
        }
    }
}

/// The process that this is, where processes can fork; elsewhere there is nothing to compare (and, on bare wasm32, no id).
fn process() -> u32 {
    if cfg!(unix) { std::process::id() } else { 0 }
}

fn seeded() -> Result<ChaCha12Rng, NoEntropy> {
    ChaCha12Rng::try_from_rng(&mut getrandom::SysRng).map_err(|_| NoEntropy)
}

impl TryRng for Generator {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.prepare(4);
        self.stream.try_next_u32()
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.prepare(8);
        self.stream.try_next_u64()
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.prepare(out.len());
        self.stream.try_fill_bytes(out)
    }
}

impl TryCryptoRng for Generator {}

#[cfg(test)]
mod tests {
    use rand_core::Rng as _;

    use super::*;

    /// The same stream at the same place, as a fork would leave it.
    fn copy(stream: &ChaCha12Rng) -> ChaCha12Rng {
        ChaCha12Rng::deserialize_state(&stream.serialize_state())
    }

    /// Draws as the process of that id would after a fork: the state, buffered bytes included, is the parent's.
    fn draws_of_a_child(parent: &Generator, process: u32) -> [u64; 4] {
        let mut child = Generator { stream: copy(&parent.stream), ..*parent };
        child.prepare_as(process, 32);
        child.process = self::process();
        std::array::from_fn(|_| child.next_u64())
    }

    #[test]
    fn n3_another_process_never_sees_the_buffered_bytes() {
        let mut parent = Generator::new().unwrap();
        parent.next_u64();
        let id = parent.process;
        assert_eq!(draws_of_a_child(&parent, id), draws_of_a_child(&parent, id), "the state is copied");
        let children = [1, 2, 3].map(|child| draws_of_a_child(&parent, id ^ child));
        let own: [u64; 4] = std::array::from_fn(|_| parent.next_u64());
        let mut all: Vec<u64> = children.iter().flatten().chain(&own).copied().collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 16, "a child repeats a draw");
    }

    #[test]
    fn the_seed_is_replaced_in_time() {
        let mut generator = Generator::new().unwrap();
        let mut bytes = vec![0; RESEED_AFTER];
        generator.fill_bytes(&mut bytes);
        let mut stale = copy(&generator.stream);
        assert_ne!(generator.next_u64(), stale.next_u64());
        assert_eq!(generator.used, 8);
    }
}
