//! Counts made to add up: cells, and the totals of each leading part of their keys, by least squares.
//!
//! Every level of the tree (everyone, the first part of the key, the first two, …, the cells) was measured with noise of its
//! own; in truth each number is the sum of those below it. The estimates of least variance among those that add up are
//! found in two passes (Hay, Rastogi, Miklau, Suciu 2010, with a variance for each level and any number of children):
//! upwards, a number's own measurement and the sum of its children are averaged by their variances, z = (Vy + vS)/(v + V);
//! downwards, children share what is missing to their parent in proportion to their variances, h = z + k(p − S),
//! k = var(z)/V.
//!
//! The variance of h is var(z)(1 − k) + k²·var(p): of the two parts of h, z − kS is uncorrelated with S, and all else that
//! p is made of is independent of both. So every bar is that of its own estimate.

use hashbrown::HashMap;

use super::estimate::{Noisy, Z, noisy};
use crate::engine::Measured;
use crate::key::prefix;
use crate::plan::{Over, ReleasePlan};
use crate::table::Estimate;

/// A number with a variance.
#[derive(Clone, Copy, Debug, Default)]
struct Node {
    value: f64,
    variance: f64,
}

/// The adjusted numbers of one release.
pub(super) struct Consistent {
    /// For each margin that is a level: where each cell's total stands in it, and the totals.
    levels: HashMap<usize, (Vec<usize>, Vec<Node>)>,
    cells: Vec<Node>,
    /// Half the length of a 95% bar in standard deviations.
    reach: f64,
}

/// For each key the place of its first `parts` parts among all such, in the order in which they first stand there; and how
/// many there are.
pub(crate) fn groups(keys: &[flockwise_mechanisms::Key], parts: usize) -> (Vec<usize>, usize) {
    let mut known: HashMap<&[u8], usize> = HashMap::new();
    let places = keys.iter().map(|key| {
        let next = known.len();
        *known.entry(prefix(key, parts)).or_insert(next)
    });
    let places = places.collect();
    (places, known.len())
}

impl Consistent {
    /// Of a release whose totals were measured; nothing for others.
    pub fn new(plan: &ReleasePlan, measured: &Measured) -> Option<Self> {
        let mut levels: Vec<(usize, usize)> = plan
            .stages
            .margins
            .iter()
            .enumerate()
            .filter_map(|(at, margin)| match margin.over {
                Over::Totals(parts) => Some((parts as usize, at)),
                Over::Keys | Over::Everyone | Over::FirstPart => None,
            })
            .collect();
        if levels.is_empty() {
            return None;
        }
        levels.sort_unstable();
        let node = |noisy: Noisy| Node { value: noisy.value, variance: noisy.sd * noisy.sd };
        let cells: Vec<Node> =
            (0..measured.keys.len()).map(|at| node(noisy(plan, measured, 0, at))).collect();
        let mut tree: Vec<Vec<Node>> = Vec::new();
        let mut places: Vec<Vec<usize>> = Vec::new();
        for &(parts, at) in &levels {
            let margin = &measured.margins[at];
            let unit = f64::from(margin.bound.unit());
            tree.push(
                margin.values.iter().map(|&value| node(Noisy::new(value, margin.noise, unit))).collect(),
            );
            places.push(groups(&measured.keys, parts).0);
        }
        tree.push(cells);
        places.push((0..measured.keys.len()).collect());
        adjust(&mut tree, &places);
        let cells = tree.pop()?;
        places.pop();
        let of = levels.into_iter().map(|(_, at)| at).zip(places.into_iter().zip(tree));
        let noise = measured.noises.first()?;
        // A sum of Laplace noises reaches at most as far as one of them, in standard deviations; Gaussian ones all alike.
        let reach = (noise.half_width(0.95) / noise.standard_deviation()).max(Z);
        Some(Self { levels: of.collect(), cells, reach })
    }

    pub fn cell(&self, at: usize) -> Estimate {
        self.estimate(self.cells[at])
    }

    /// The total that a cell is part of.
    pub fn total(&self, margin: usize, at: usize) -> Estimate {
        let (places, totals) = &self.levels[&margin];
        self.estimate(totals[places[at]])
    }

    fn estimate(&self, node: Node) -> Estimate {
        Estimate::new(node.value, self.reach * node.variance.max(0.0).sqrt())
    }
}

/// Adjusts a tree of levels from the root down; `places` says for each cell where its node of each level stands.
fn adjust(tree: &mut [Vec<Node>], places: &[Vec<usize>]) {
    let parents: Vec<Vec<usize>> = (1..tree.len())
        .map(|level| {
            let mut parents = vec![0; tree[level].len()];
            places[level].iter().zip(&places[level - 1]).for_each(|(&node, &parent)| parents[node] = parent);
            parents
        })
        .collect();
    let mut below: Vec<Vec<Node>> = Vec::new();
    for level in (1..tree.len()).rev() {
        let mut sums = vec![Node::default(); tree[level - 1].len()];
        for (node, &parent) in tree[level].iter().zip(&parents[level - 1]) {
            sums[parent].value += node.value;
            sums[parent].variance += node.variance;
        }
        for (own, sum) in tree[level - 1].iter_mut().zip(&sums) {
            let both = own.variance + sum.variance;
            if both > 0.0 {
                let value = (sum.variance * own.value + own.variance * sum.value) / both;
                *own = Node { value, variance: own.variance * sum.variance / both };
            }
        }
        below.push(sums);
    }
    below.reverse();
    for level in 1..tree.len() {
        let (above, here) = tree.split_at_mut(level);
        for (node, &parent) in here[0].iter_mut().zip(&parents[level - 1]) {
            let (whole, sum) = (above[level - 1][parent], below[level - 1][parent]);
            let part = if sum.variance > 0.0 { node.variance / sum.variance } else { 0.0 };
            node.value += part * (whole.value - sum.value);
            node.variance = node.variance * (1.0 - part) + part * part * whole.variance;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Least squares by solving the normal equations of the cells, with no use of the tree's shape.
    fn plain(tree: &[Vec<Node>], places: &[Vec<usize>]) -> (Vec<f64>, Vec<Vec<f64>>) {
        let cells = places.last().unwrap().len();
        let (mut matrix, mut right) = (vec![vec![0.0; cells]; cells], vec![0.0; cells]);
        for (level, places) in tree.iter().zip(places) {
            for (at, node) in level.iter().enumerate() {
                let members: Vec<usize> = (0..cells).filter(|&cell| places[cell] == at).collect();
                for &one in &members {
                    right[one] += node.value / node.variance;
                    members.iter().for_each(|&other| matrix[one][other] += 1.0 / node.variance);
                }
            }
        }
        // Gauss and Jordan, on the matrix beside the unit matrix.
        let mut whole: Vec<Vec<f64>> = (0..cells)
            .map(|at| matrix[at].iter().copied().chain((0..cells).map(|c| f64::from(c == at))).collect())
            .collect();
        for pivot in 0..cells {
            let scale = whole[pivot][pivot];
            whole[pivot].iter_mut().for_each(|x| *x /= scale);
            let row = whole[pivot].clone();
            for (_, other) in whole.iter_mut().enumerate().filter(|(at, _)| *at != pivot) {
                let factor = other[pivot];
                other.iter_mut().zip(&row).for_each(|(x, y)| *x -= factor * y);
            }
        }
        let inverse: Vec<Vec<f64>> = whole.into_iter().map(|row| row[cells..].to_vec()).collect();
        let solved = inverse.iter().map(|row| row.iter().zip(&right).map(|(a, b)| a * b).sum()).collect();
        (solved, inverse)
    }

    #[test]
    fn estimates_and_bars_are_those_of_generalized_least_squares() {
        // Uneven: a parent of one child, one of two, one of four; three levels of different noise.
        let places = [vec![0; 7], vec![0, 1, 1, 2, 2, 2, 2], (0..7).collect()];
        let variances = [4.0, 9.0, 2.5];
        let mut tree: Vec<Vec<Node>> = places
            .iter()
            .zip(variances)
            .enumerate()
            .map(|(level, (places, variance))| {
                let count = places.iter().max().unwrap() + 1;
                let value = |at: usize| ((at * 37 + level * 101) % 53) as f64 - 11.0;
                (0..count).map(|at| Node { value: value(at), variance }).collect()
            })
            .collect();
        let (solved, covariance) = plain(&tree, &places);
        adjust(&mut tree, &places);
        for (level, places) in tree.iter().zip(&places) {
            for (at, node) in level.iter().enumerate() {
                let members: Vec<usize> = (0..7).filter(|&cell| places[cell] == at).collect();
                let value: f64 = members.iter().map(|&cell| solved[cell]).sum();
                let variance: f64 = members
                    .iter()
                    .flat_map(|&one| members.iter().map(move |&other| (one, other)))
                    .map(|(one, other)| covariance[one][other])
                    .sum();
                assert!((node.value - value).abs() < 1e-9, "{} {value}", node.value);
                assert!((node.variance - variance).abs() < 1e-9, "{} {variance}", node.variance);
            }
        }
    }
}
