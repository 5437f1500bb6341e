//! Where a person's values in a key lie: counts by bin, and the vectors of distributions.

use serde::{Deserialize, Serialize};

use super::bound::Bound;
use super::contributions::Contributions;

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
    fn add(self, nodes: &mut [i128], bin: u32, number: i128) {
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

/// For each pair of person and key, how many rows lie in which bin.
#[derive(Clone, Default)]
pub(super) struct Binned {
    /// Where each pair's bins start; one more entry than pairs.
    pub starts: Vec<usize>,
    /// Bin and number of rows, by bin.
    pub counts: Vec<(u32, u32)>,
}

impl Binned {
    /// Closes a pair, given the bins of its rows.
    pub fn close(&mut self, bins: &mut Vec<u32>) {
        bins.sort_unstable();
        for run in bins.chunk_by(|one, other| one == other) {
            self.counts.push((run[0], run.len() as u32));
        }
        bins.clear();
        self.starts.push(self.counts.len());
    }
}

impl Contributions {
    /// For each kept key the nodes of its distribution. A person's rows in a key are averaged: together they count
    /// w·min(rows, limit), shared among the bins as the rows are, each share rounded down: in units of 1/[`UNIT`](super::UNIT) under every
    /// bound, or the shares of whoever has several rows would all be rounded to nothing.
    ///
    /// On one level the parts of a person in one key add up to at most w·limit, so their L1 and L2 norms are at most that;
    /// with the bound over keys the L2² over all nodes is at most levels·limit²·B, and L1 at most levels·limit·B.
    #[must_use]
    pub fn distributions(
        &self,
        bound: Bound,
        (grid, limit): (usize, u32),
        kept: &[u32],
        places: usize,
    ) -> Vec<i128> {
        let (spread, binned) = (self.spreads[grid], &self.binned[grid]);
        let nodes = spread.nodes();
        let mut sums = vec![0_i128; places * nodes];
        let mut pairs = Vec::new();
        for person in 0..self.people() {
            let part = self.part(person, Some(kept), bound.cap, &mut pairs);
            let weight = i128::from(bound.weight(part.len() as u32)) * i128::from(bound.shares());
            for &pair in part {
                let place = kept[self.keys[pair] as usize] as usize;
                let rows = self.rows[pair];
                let whole = weight * i128::from(rows.min(limit));
                let cells = &mut sums[place * nodes..(place + 1) * nodes];
                for &(bin, count) in &binned.counts[binned.starts[pair]..binned.starts[pair + 1]] {
                    spread.add(cells, bin, whole * i128::from(count) / i128::from(rows));
                }
            }
        }
        sums
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
            let mut nodes = vec![0; ours.nodes()];
            (0..bins).for_each(|bin| ours.add(&mut nodes, bin, i128::from(bin + 1)));
            let leaves = tree.consistent(&nodes);
            assert!(leaves.iter().zip(1..).all(|(leaf, exact)| (leaf - f64::from(exact)).abs() < 1e-6));
        }
    }
}
