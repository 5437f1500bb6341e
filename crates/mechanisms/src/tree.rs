//! A noisy hierarchy of counts: many range counts and quantiles from one measurement, made consistent afterwards.

use crate::noise::Family;
use crate::private::Private;
use crate::quantile::Rank;
use crate::sensitivity::{BadSensitivity, L1, L2Squared, Sensitivity};

/// A complete tree over counts: every node is the sum of its children, and the leaves are padded with zeros.
///
/// [`Tree::sums`] makes the exact nodes, [`measure`](crate::measure) adds noise calibrated to [`Tree::sensitivity`], and
/// [`Tree::consistent`] turns noisy nodes into leaves that agree with all of them as well as possible.
///
/// ```
/// use flockwise_mechanisms::Tree;
/// let tree = Tree::new(4, 2)?;
/// assert_eq!((tree.levels(), tree.nodes()), (3, 7));
/// // Root, two halves, four leaves; without noise, the leaves come back.
/// let leaves = tree.consistent(&[10, 3, 7, 1, 2, 3, 4]);
/// assert!(leaves.iter().zip([1.0, 2.0, 3.0, 4.0]).all(|(ours, exact)| (ours - exact).abs() < 1e-12));
/// # Ok::<(), flockwise_mechanisms::BadTree>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tree {
    leaves: usize,
    branching: usize,
    levels: u32,
}

/// A tree needs leaves and branches, and at most 2^24 leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a tree needs from 1 to 2^24 leaves and from 2 to 1024 branches at a node")]
pub struct BadTree;

impl Tree {
    /// Over so many leaves, with so many branches at each node: 16 is good for quantiles (Qardaji, Yang, Li 2013).
    ///
    /// # Errors
    /// When there are too few or too many of either.
    pub fn new(leaves: usize, branching: usize) -> Result<Self, BadTree> {
        if !(1..=1 << 24).contains(&leaves) || !(2..=1024).contains(&branching) {
            return Err(BadTree);
        }
        let (mut levels, mut width) = (1, 1);
        while width < leaves {
            (levels, width) = (levels + 1, width * branching);
        }
        Ok(Self { leaves, branching, levels })
    }

    /// Levels, root and leaves included: each person is counted once in each.
    #[must_use]
    pub const fn levels(self) -> u32 {
        self.levels
    }

    /// Number of nodes.
    #[must_use]
    pub fn nodes(self) -> usize {
        (0..self.levels).map(|level| self.width(level)).sum()
    }

    const fn width(self, level: u32) -> usize {
        self.branching.pow(level)
    }

    /// All nodes, level by level from the root, of the exact leaves. Missing leaves count nobody.
    ///
    /// # Panics
    /// When there are more leaves than the tree has.
    #[must_use]
    pub fn sums(self, leaves: &Private<Vec<i128>>) -> Private<Vec<i128>> {
        let exact = leaves.exact();
        assert!(exact.len() <= self.leaves, "the leaves are those the tree was made for");
        let mut level = exact.clone();
        level.resize(self.width(self.levels - 1), 0);
        let mut levels = Vec::new();
        loop {
            let above = level.chunks(self.branching).map(|children| children.iter().sum()).collect();
            let root = level.len() == 1;
            levels.push(std::mem::replace(&mut level, above));
            if root {
                break;
            }
        }
        Private::new(levels.into_iter().rev().flatten().collect())
    }

    /// How far a person moves the nodes who moves the leaves by at most `leaf` in all (the sum of absolute changes; for a
    /// person with one value, its weight): `levels · leaf`, or squared, `levels · leaf²`, since no level's L2 norm exceeds
    /// its L1 norm.
    ///
    /// # Errors
    /// When it is too large for exact arithmetic.
    pub fn sensitivity(self, family: Family, leaf: L1) -> Result<Sensitivity, BadSensitivity> {
        let (levels, leaf) = (u128::from(self.levels), leaf.units());
        match family {
            Family::DiscreteLaplace => L1::product(&[levels, leaf]).map(Sensitivity::L1),
            Family::DiscreteGaussian | Family::RoundedNormal => {
                L2Squared::product(&[levels, leaf, leaf]).map(Sensitivity::L2Squared)
            }
        }
    }

    /// The leaves whose sums are closest to the noisy nodes, in least squares: post-processing, so free (Hay, Rastogi,
    /// Miklau, Suciu 2010, theorem 3). They are the unbiased estimates of least variance from nodes of equal noise.
    ///
    /// # Panics
    /// Unless there is one noisy value for each node.
    #[must_use]
    pub fn consistent(self, noisy: &[i128]) -> Vec<f64> {
        assert_eq!(noisy.len(), self.nodes(), "one noisy value for each node");
        let branches = self.branching as f64;
        let start = |level: u32| -> usize { (0..level).map(|above| self.width(above)).sum() };
        let mut best: Vec<f64> = noisy.iter().map(|value| *value as f64).collect();
        // Upwards: a node's own value and the sum of its children's, weighted by their variances.
        for level in (0..self.levels - 1).rev() {
            let height = f64::from(self.levels - level);
            let (whole, part) = (branches.powf(height), branches.powf(height - 1.0));
            for at in 0..self.width(level) {
                let first = start(level + 1) + at * self.branching;
                let children: f64 = best[first..first + self.branching].iter().sum();
                let own = &mut best[start(level) + at];
                *own = ((whole - part) * *own + (part - 1.0) * children) / (whole - 1.0);
            }
        }
        // Downwards: what a node has over its children is shared among them.
        for level in 0..self.levels - 1 {
            for at in 0..self.width(level) {
                let first = start(level + 1) + at * self.branching;
                let children: f64 = best[first..first + self.branching].iter().sum();
                let share = (best[start(level) + at] - children) / branches;
                best[first..first + self.branching].iter_mut().for_each(|child| *child += share);
            }
        }
        let first = start(self.levels - 1);
        best[first..first + self.leaves].to_vec()
    }
}

/// The first leaf at which the running sum reaches a rank; `None` when the leaves sum to nothing.
#[must_use]
pub fn leaf_at(leaves: &[f64], rank: Rank) -> Option<usize> {
    let total: f64 = leaves.iter().sum();
    let wanted = total * rank.to_f64();
    let mut running = 0.0;
    let reached = leaves.iter().position(|leaf| {
        running += leaf;
        running >= wanted
    });
    reached.filter(|_| total > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{self, Mode, Recorder, Violation, grant};
    use crate::loss::Loss;
    use crate::measure;

    fn loss() -> Loss {
        Loss::zcdp("0.005".parse().unwrap(), crate::Delta::ZERO)
    }

    /// Measures the tree over some leaves.
    fn noisy(tree: Tree, leaves: Vec<i128>, source: &mut Recorder) -> Vec<i128> {
        let sensitivity = tree.sensitivity(Family::DiscreteGaussian, L1::new(1).unwrap()).unwrap();
        let nodes = tree.sums(&Private::new(leaves));
        measure(grant(loss()), Family::DiscreteGaussian, sensitivity, &nodes, source).unwrap().into_inner()
    }

    #[test]
    fn without_noise_the_leaves_come_back() {
        for (leaves, branching) in [(1, 2), (5, 2), (16, 4), (100, 16), (1000, 10)] {
            let tree = Tree::new(leaves, branching).unwrap();
            let exact: Vec<i128> = (0..leaves as i128).map(|at| at * at % 37).collect();
            let nodes = noisy(tree, exact.clone(), &mut Recorder::new(Mode::Exact));
            let back = tree.consistent(&nodes);
            assert!(back.iter().zip(&exact).all(|(ours, exact)| (ours - *exact as f64).abs() < 1e-6));
        }
    }

    /// Two leaves and their root, by the normal equations: x = a + (r − a − c)/3, y = c + (r − a − c)/3.
    #[test]
    fn golden_least_squares() {
        let tree = Tree::new(2, 2).unwrap();
        let leaves = tree.consistent(&[10, 2, 5]);
        assert!((leaves[0] - 3.0).abs() < 1e-12 && (leaves[1] - 6.0).abs() < 1e-12);
    }

    /// The residuals of least squares are orthogonal to every leaf's column: along each path to the root they sum to 0.
    #[test]
    fn residuals_are_orthogonal() {
        let tree = Tree::new(27, 3).unwrap();
        let noisy = noisy(tree, vec![10; 27], &mut Recorder::new(Mode::Drawn { seed: 9 }));
        let leaves = tree.consistent(&noisy);
        for leaf in 0..27 {
            let (mut first, mut residual) = (0, 0.0);
            for level in 0..tree.levels() {
                let size = 27 / 3_usize.pow(level);
                let node = leaf / size;
                let sum: f64 = leaves[node * size..(node + 1) * size].iter().sum();
                residual += noisy[first + node] as f64 - sum;
                first += tree.width(level);
            }
            assert!(residual.abs() < 1e-6, "leaf {leaf}: {residual}");
        }
    }

    /// A hundred people at each of 256 values, a noise of 18 on each of three levels: the median is off by few.
    #[test]
    fn quantiles_are_near() {
        let tree = Tree::new(256, 16).unwrap();
        let noisy = noisy(tree, vec![100; 256], &mut Recorder::new(Mode::Drawn { seed: 10 }));
        let leaves = tree.consistent(&noisy);
        for (rank, exact) in [((1, 2), 128_i64), ((1, 10), 26), ((99, 100), 253)] {
            let at = leaf_at(&leaves, Rank::new(rank.0, rank.1).unwrap()).unwrap() as i64;
            assert!((at - exact).abs() <= 3, "{at} for {exact}");
        }
        assert_eq!(leaf_at(&[0.0, -1.0], Rank::new(1, 2).unwrap()), None);
    }

    #[test]
    fn one_person_reaches_the_sensitivity_and_no_more() {
        let tree = Tree::new(9, 3).unwrap();
        let pair = |a: Vec<i128>, b: Vec<i128>| {
            let mode = Mode::Wild { seed: 8 };
            audit::check(mode, |s| noisy(tree, a, s), |s| noisy(tree, b, s)).map(|d| d.reaches_a_bound())
        };
        assert_eq!(pair(vec![4; 9], [vec![4; 8], vec![5]].concat()), Ok(true));
        let twice = pair(vec![4; 9], [vec![4; 7], vec![5, 5]].concat());
        assert_eq!(twice, Err(Violation::Sensitivity { call: 0, moved: 10, allowed: 3 }));
    }

    #[test]
    fn n6_bad_parameters_are_refused() {
        assert_eq!(Tree::new(0, 2), Err(BadTree));
        assert_eq!(Tree::new(2, 1), Err(BadTree));
        assert_eq!(Tree::new((1 << 24) + 1, 2), Err(BadTree));
        let tree = Tree::new(1 << 24, 2).unwrap();
        let huge = L1::new(1 << 99).unwrap();
        assert_eq!(tree.sensitivity(Family::RoundedNormal, huge), Err(BadSensitivity));
    }
}
