//! N3: a process that draws, forks three children and draws on: no two of the four share a draw.
//!
//! A program of its own, with one thread, because a child of a process with several may only do very little.

#[cfg(unix)]
fn main() {
    use flockwise_mechanisms::sampler::Generator;
    use rand_core::SeedableRng as _;

    let naive = chacha20::ChaCha12Rng::try_from_rng(&mut getrandom::SysRng).expect("entropy");
    assert_eq!(unix::distinct(naive), unix::DRAWS, "the control: four processes draw the same");
    let ours = Generator::new().expect("entropy");
    assert_eq!(unix::distinct(ours), 4 * unix::DRAWS, "every process draws its own");
    println!("n3: four processes drew {} different values", 4 * unix::DRAWS);
}

#[cfg(not(unix))]
fn main() {}

#[cfg(unix)]
mod unix {
    use std::collections::BTreeSet;
    use std::io::{Read as _, Write as _};

    use flockwise_mechanisms::{Noise, Ratio, sampler};
    use rand_core::CryptoRng;

    /// Of each process.
    pub(super) const DRAWS: usize = 8;

    /// Four words and four draws of very wide noise: by chance, two are equal less often than once in 2^50.
    fn draw<R: CryptoRng>(rng: &mut R) -> [i128; DRAWS] {
        let mut draws = [0; DRAWS];
        draws[..4].fill_with(|| i128::from(rng.next_u64()));
        let scale = Ratio::new(1 << 70, 1).expect("positive");
        sampler::fill(rng, Noise::DiscreteLaplace { scale }, &mut draws[4..]);
        draws
    }

    /// How many different values the parent and three children draw once the parent has filled its buffers.
    pub(super) fn distinct<R: CryptoRng>(mut rng: R) -> usize {
        draw(&mut rng);
        let mut seen = BTreeSet::new();
        for _ in 0..3 {
            let (mut from_child, mut to_parent) = std::io::pipe().expect("a pipe");
            match fork::fork().expect("a child") {
                fork::Fork::Child => {
                    let bytes: Vec<u8> = draw(&mut rng).iter().flat_map(|draw| draw.to_le_bytes()).collect();
                    to_parent.write_all(&bytes).expect("the parent reads");
                    std::process::exit(0);
                }
                fork::Fork::Parent(child) => {
                    drop(to_parent);
                    let mut bytes = Vec::new();
                    from_child.read_to_end(&mut bytes).expect("the child writes");
                    fork::waitpid(child).expect("the child ends");
                    assert_eq!(bytes.len(), 16 * DRAWS);
                    seen.extend(
                        bytes.chunks(16).map(|draw| i128::from_le_bytes(draw.try_into().expect("16 bytes"))),
                    );
                }
            }
        }
        seen.extend(draw(&mut rng));
        seen.len()
    }
}
