//! Quantiles from a noisy tree of counts: post-processing, free for any list of them.

use flockwise_mechanisms::Tree;
use hashbrown::HashMap;

use super::estimate::{Z, unit};
use crate::engine::Measured;
use crate::kernel::{Moment, Spread};
use crate::plan::{Bins, Formula, ReleasePlan};
use crate::table::Estimate;

/// A weight of one, where the tree's least squares are used to find a variance.
const ONE: f64 = (1_u64 << 40) as f64;

/// Reads quantiles from the nodes of one measure.
pub(super) struct Reader {
    tree: Tree,
    bins: Bins,
    nodes: usize,
    leaves: usize,
    /// Standard deviation of the noise of one node, in its integer units.
    sd: f64,
    /// For each quantile that is asked, the standard deviation of G at each bin.
    deviations: HashMap<u32, Vec<f64>>,
}

impl Reader {
    /// For a measure that is a tree.
    pub fn new(plan: &ReleasePlan, measured: &Measured, place: usize) -> Option<Self> {
        let Moment::Nodes { grid, spread: Spread::Tree { bins, branching }, .. } =
            plan.stages.measures[place].moment
        else {
            return None;
        };
        let bins_plan = plan.rows.value.as_ref()?.bins.get(grid)?;
        let tree = Tree::new(bins as usize, branching as usize).ok()?;
        debug_assert!(unit(plan, measured, place) >= 1.0, "nodes are counted in units of the bound");
        let mut reader = Self {
            tree,
            bins: *bins_plan,
            nodes: tree.nodes(),
            leaves: bins as usize,
            sd: measured.noises[place].standard_deviation(),
            deviations: HashMap::new(),
        };
        for output in &plan.outputs {
            if let Formula::Quantile { nodes, millionths } = output.formula
                && nodes == place
            {
                let deviations = reader.deviations(f64::from(millionths) / 1e6);
                reader.deviations.insert(millionths, deviations);
            }
        }
        Some(reader)
    }

    /// The quantile of one key.
    ///
    /// With F(x) the consistent count up to x and N that of all, G(x) = F(x) − q·N has mean 0 at the quantile and a known
    /// standard deviation s(x): the set of x with |G(x)| ≤ 1.96 s(x) covers the quantile with 95%, and the bars are the
    /// hull of the bins it meets: at least 95% whatever the values are, gaps and ties included, and 97% to 99.9% in simulations,
    /// since the hull joins what the tests of many bins leave. The value is the middle between the first and the last crossing of 0.
    pub fn quantile(&self, values: &[i128], at: usize, millionths: u32) -> Estimate {
        let leaves = self.tree.consistent(&values[at * self.nodes..(at + 1) * self.nodes]);
        let q = f64::from(millionths) / 1e6;
        let total: f64 = leaves.iter().sum();
        let mut running = 0.0;
        let above: Vec<f64> = leaves
            .iter()
            .map(|leaf| {
                running += leaf;
                running - q * total
            })
            .collect();
        let sds = &self.deviations[&millionths];
        let last = self.leaves - 1;
        let first = |reached: &dyn Fn(usize) -> bool| (0..last).find(|&bin| reached(bin)).unwrap_or(last);
        let behind =
            |short: &dyn Fn(usize) -> bool| (0..last).rev().find(|&bin| short(bin)).map_or(0, |bin| bin + 1);
        let low = first(&|bin| above[bin] + Z * sds[bin] >= 0.0);
        let high = behind(&|bin| above[bin] - Z * sds[bin] < 0.0);
        let (one, other) = (first(&|bin| above[bin] >= 0.0), behind(&|bin| above[bin] < 0.0));
        let before = |bin: usize| if bin == 0 { -q * total } else { above[bin - 1] };
        let inside = |bin: usize| self.inside(bin, before(bin), above[bin]);
        let value = f64::midpoint(inside(one), inside(other));
        let width = if self.bins.whole { 0.0 } else { self.bins.width };
        let ends = (self.bins.start(low.min(high) as u32), self.bins.start(high.max(low) as u32) + width);
        Estimate { value, low: ends.0.min(value), high: ends.1.max(value) }
    }

    /// Where in a bin the count passes 0, if values are even in it; a whole number is the bin itself.
    fn inside(&self, bin: usize, before: f64, after: f64) -> f64 {
        let start = self.bins.start(bin as u32);
        if self.bins.whole {
            return start;
        }
        let rise = after - before;
        let part = if rise > 0.0 { (-before / rise).clamp(0.0, 1.0) } else { 0.5 };
        part.mul_add(self.bins.width, start)
    }

    /// The standard deviation of G at the end of each bin: G = aᵀ·leaves, whose least-squares estimate has variance
    /// σ²·aᵀ(XᵀX)⁻¹a, X the matrix from leaves to nodes; (XᵀX)⁻¹a is what least squares make of nodes that are a at the
    /// leaves and 0 above.
    fn deviations(&self, q: f64) -> Vec<f64> {
        let width = self.nodes - self.inner();
        (0..self.leaves)
            .map(|bin| {
                let weight = |leaf: usize| if leaf <= bin { 1.0 - q } else { -q };
                let mut nodes = vec![0_i128; self.nodes];
                for leaf in 0..width.min(self.leaves) {
                    nodes[self.inner() + leaf] = (weight(leaf) * ONE) as i128;
                }
                let solved = self.tree.consistent(&nodes);
                let variance: f64 = solved.iter().enumerate().map(|(leaf, z)| z / ONE * weight(leaf)).sum();
                self.sd * variance.max(0.0).sqrt()
            })
            .collect()
    }

    /// Nodes above the leaves.
    fn inner(&self) -> usize {
        match self.bins.spread {
            Spread::Flat { .. } => 0,
            Spread::Tree { branching, .. } => {
                (0..self.tree.levels() - 1).map(|level| (branching as usize).pow(level)).sum()
            }
        }
    }
}
