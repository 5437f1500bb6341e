//! Where a person's values in a key lie: counts by bin, and the vectors of distributions.

use serde::{Deserialize, Serialize};

use super::bound::Bound;
use super::contributions::{Chosen, Contributions};
use super::memory::SpillError;
use super::part::{Needs, Part};
use super::sums::{Weights, Word, fits_word, merge};

/// The numbers that stand for one distribution.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spread {
    /// One number for each bin.
    Flat {
        /// Number of bins.
        bins: u32,
    },
    /// Every node of a complete tree over the bins, from the root down, level by level: each level counts a value once.
    Tree {
        /// Number of bins.
        bins: u32,
        /// Branches at each node.
        branching: u32,
    },
}

impl Spread {
    /// How often each value is counted.
    #[must_use]
    pub const fn levels(self) -> u32 {
        match self {
            Self::Flat { .. } => 1,
            Self::Tree { bins, branching } => {
                let (mut levels, mut width) = (1, 1_u64);
                while width < bins as u64 {
                    levels += 1;
                    width *= branching as u64;
                }
                levels
            }
        }
    }

    /// How many numbers there are.
    #[must_use]
    pub const fn nodes(self) -> usize {
        match self {
            Self::Flat { bins } => bins as usize,
            Self::Tree { branching, .. } => {
                let (mut nodes, mut width, mut level) = (0, 1, 0);
                while level < self.levels() {
                    nodes += width;
                    width *= branching as usize;
                    level += 1;
                }
                nodes
            }
        }
    }

    /// Number of bins.
    #[must_use]
    pub const fn bins(self) -> u32 {
        match self {
            Self::Flat { bins } | Self::Tree { bins, .. } => bins,
        }
    }

    /// Adds a number to a bin, on every level.
    fn add<W: Word>(self, nodes: &mut [W], bin: u32, number: W) {
        match self {
            Self::Flat { .. } => nodes[bin as usize] += number,
            Self::Tree { branching, .. } => {
                let (mut start, mut width) = (0, 1);
                let mut below = (branching as usize).pow(self.levels() - 1);
                for _ in 0..self.levels() {
                    nodes[start + bin as usize / below] += number;
                    start += width;
                    width *= branching as usize;
                    below = (below / branching as usize).max(1);
                }
            }
        }
    }
}

impl Contributions {
    /// For each kept key the nodes of its distribution. A person's rows in a key are averaged: together they count
    /// w·min(rows, limit), shared among the bins as the rows are, each share rounded down: in units of
    /// 1/[`UNIT`](super::UNIT) under every bound, or the shares of whoever has several rows would all be rounded to nothing.
    ///
    /// On one level the parts of a person in one key add up to at most w·limit, so their L1 and L2 norms are at most that;
    /// with the bound over keys the L2² over all nodes is at most levels·limit²·B, and L1 at most levels·limit·B.
    ///
    /// # Errors
    /// When what was spilled cannot be read.
    pub fn distributions(
        &self,
        bound: Bound,
        (grid, limit): (usize, u32),
        kept: &[u32],
        places: usize,
    ) -> Result<Vec<i128>, SpillError> {
        if fits_word(self.people(), limit) {
            self.nodes::<i64>(bound, (grid, limit), kept, places)
        } else {
            self.nodes::<i128>(bound, (grid, limit), kept, places)
        }
    }

    fn nodes<W: Word>(
        &self,
        bound: Bound,
        (grid, limit): (usize, u32),
        kept: &[u32],
        places: usize,
    ) -> Result<Vec<i128>, SpillError> {
        let (spread, weights) = (self.layout.spreads[grid], Weights::new(bound));
        let nodes = spread.nodes();
        let zero = || (vec![W::default(); places * nodes], Chosen::default());
        let add = |(sums, chosen): &mut (Vec<W>, Chosen), part: &Part| {
            let binned = &part.binned[grid];
            for person in 0..part.people.len() {
                self.choose(part, person, Some(kept), bound.cap, chosen);
                let weight = u64::from(weights.of(chosen.pairs.len())) * u64::from(bound.shares());
                for &(pair, place) in &chosen.pairs {
                    let rows = part.rows[pair];
                    let whole = weight * u64::from(rows.min(limit));
                    let first = place as usize * nodes;
                    let cells = &mut sums[first..first + nodes];
                    let of_pair = binned.starts[pair]..binned.starts[pair + 1];
                    for (&bin, &count) in binned.bins[of_pair.clone()].iter().zip(&binned.counts[of_pair]) {
                        spread.add(cells, bin, W::share(whole, count, rows));
                    }
                }
            }
        };
        let needs = Needs { grid: Some(grid), ..Needs::default() };
        let sums = self.pass(needs, zero, add)?.into_iter().map(|(sums, _)| sums);
        Ok(merge(sums, places * nodes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_has_the_nodes_of_the_mechanism_that_makes_it_consistent() {
        for (bins, branching) in [(1, 2), (5, 2), (11, 16), (16, 16), (17, 16), (256, 16)] {
            let ours = Spread::Tree { bins, branching };
            let tree = flockwise_mechanisms::Tree::new(bins as usize, branching as usize).unwrap();
            assert_eq!((ours.nodes(), ours.levels()), (tree.nodes(), tree.levels()));
            let mut nodes = vec![0_i128; ours.nodes()];
            (0..bins).for_each(|bin| ours.add(&mut nodes, bin, i128::from(bin + 1)));
            let leaves = tree.consistent(&nodes);
            assert!(leaves.iter().zip(1..).all(|(leaf, exact)| (leaf - f64::from(exact)).abs() < 1e-6));
        }
    }
}
