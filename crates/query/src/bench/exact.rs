//! The columns of a release from exact numbers: the same formulas as those of a table, without noise and bars.
//!
//! Written apart from [`crate::statistics`], so that what one does wrong the other shows.

use flockwise_mechanisms::Key;
use hashbrown::HashMap;

use crate::kernel::{Bound, Link, Moment, Spread, UNIT};
use crate::key::{decode, encode};
use crate::plan::{Channel, Formula, Over, PairOf, ReleasePlan};
use crate::statistics::{groups, segment};

/// What is summed, and how columns are made of it.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Asked {
    pub moments: Vec<Moment>,
    pub formulas: Vec<Formula>,
}

impl Asked {
    /// As the plan has it.
    pub fn planned(plan: &ReleasePlan) -> Self {
        Self {
            moments: plan.stages.measures.iter().map(|measure| measure.moment).collect(),
            formulas: plan.outputs.iter().map(|output| output.formula).collect(),
        }
    }

    /// The same of every row: where one row of a person counts, people stand for rows, and then all rows take their place.
    pub fn of_every_row(plan: &ReleasePlan) -> Self {
        let limit = u32::MAX;
        let mut asked = Self::planned(plan);
        for moment in &mut asked.moments {
            *moment = match *moment {
                Moment::People => Moment::People,
                Moment::Rows { .. } => Moment::Rows { limit },
                Moment::Value { channel, .. } => Moment::Value { channel, limit },
                Moment::Nodes { grid, spread, .. } => Moment::Nodes { grid, spread, limit },
            };
        }
        for (place, output) in plan.outputs.iter().enumerate() {
            let mut formula = asked.formulas[place];
            match &mut formula {
                Formula::Count(count) if output.name == "rows" => asked.rows(count),
                Formula::Sum { count: Some(count), .. }
                | Formula::Mean { count, .. }
                | Formula::Variance { count, .. }
                | Formula::Deviation { count, .. } => asked.rows(count),
                Formula::Count(_)
                | Formula::Total(_)
                | Formula::Sum { count: None, .. }
                | Formula::Quantile { .. }
                | Formula::Bar { .. }
                | Formula::Lift(_)
                | Formula::Cosine(_)
                | Formula::Conditional(_)
                | Formula::OverIndex(_)
                | Formula::Retained { .. } => {}
            }
            asked.formulas[place] = formula;
        }
        asked
    }

    /// Points a count of people that stands for rows to the rows.
    fn rows(&mut self, count: &mut usize) {
        if self.moments[*count] != Moment::People {
            return;
        }
        let rows = Moment::Rows { limit: u32::MAX };
        *count = self.moments.iter().position(|known| *known == rows).unwrap_or_else(|| {
            self.moments.push(rows);
            self.moments.len() - 1
        });
    }

    /// The most numbers that a key has.
    pub fn width(&self) -> usize {
        self.moments.iter().map(|moment| moment.width()).sum::<usize>().max(1)
    }
}

/// The cells of a table, and what their keys say of each other.
#[derive(Clone, Default)]
pub(super) struct Cells {
    pub keys: Vec<Key>,
    /// For each cell of links, the places of its two items.
    ends: Vec<(usize, usize)>,
    /// For each cell, the place of its first part among the values of the margin over it.
    firsts: Vec<Option<usize>>,
    /// For each margin that is a total, which of its totals each cell is part of.
    totals: HashMap<usize, Vec<usize>>,
    /// For each cell, its segment and its category.
    groups: Vec<(usize, usize)>,
    /// How many segments and categories there are.
    sizes: (usize, usize),
}

impl Cells {
    /// The cells of these keys.
    pub fn new(plan: &ReleasePlan, keys: Vec<Key>) -> Self {
        let mut cells = Self { keys, ..Self::default() };
        for output in &plan.outputs {
            match output.formula {
                Formula::Retained { margin, .. } => {
                    let known = &plan.stages.margins[margin].keys;
                    let first = |key: &Key| {
                        let mut bytes = Vec::new();
                        decode(key).first().into_iter().for_each(|part| encode(part, &mut bytes));
                        known.iter().position(|known| *known == bytes)
                    };
                    cells.firsts = cells.keys.iter().map(first).collect();
                }
                Formula::Total(margin) => {
                    if let Over::Totals(parts) = plan.stages.margins[margin].over {
                        cells.totals.insert(margin, groups(&cells.keys, parts as usize).0);
                    }
                }
                Formula::OverIndex(_) => cells.group(plan),
                Formula::Count(_)
                | Formula::Sum { .. }
                | Formula::Mean { .. }
                | Formula::Variance { .. }
                | Formula::Deviation { .. }
                | Formula::Quantile { .. }
                | Formula::Bar { .. }
                | Formula::Lift(_)
                | Formula::Cosine(_)
                | Formula::Conditional(_) => {}
            }
        }
        cells
    }

    /// The cells of all links of so many items.
    pub fn of_links(link: Link, items: usize) -> Self {
        let mut ends = vec![(0, 0); link.cells(items)];
        for one in 0..items {
            for other in (0..items).filter(|&other| other != one) {
                let (first, second) = match link {
                    Link::Pairs => (one.min(other), one.max(other)),
                    Link::Steps => (one, other),
                };
                ends[link.cell(items, one, other)] = (first, second);
            }
        }
        Self { ends, ..Self::default() }
    }

    fn group(&mut self, plan: &ReleasePlan) {
        let (mut segments, mut categories) = (HashMap::new(), HashMap::new());
        self.groups = self
            .keys
            .iter()
            .map(|key| {
                let parts = decode(key);
                let named: Vec<_> = plan.keys.iter().map(|(place, _)| parts[*place].clone()).collect();
                let mut category = Vec::new();
                named.last().into_iter().for_each(|part| encode(part, &mut category));
                let (next, after) = (segments.len(), categories.len());
                let one = *segments.entry(segment(plan, &named)).or_insert(next);
                (one, *categories.entry(category).or_insert(after))
            })
            .collect();
        self.sizes = (segments.len(), categories.len());
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.keys.len().max(self.ends.len())
    }
}

/// Exact numbers of cells.
pub(super) struct Numbers<'a> {
    pub plan: &'a ReleasePlan,
    pub asked: &'a Asked,
    /// For each moment, its numbers for each cell.
    pub values: Vec<Vec<i128>>,
    /// How many integer units make a natural one, for each moment.
    pub units: Vec<f64>,
    /// The grid that values are on.
    pub channel: Option<Channel>,
    /// For each margin its numbers, in people.
    pub margins: Vec<Vec<f64>>,
}

/// How many integers of a moment make a natural unit.
pub(super) fn unit(moment: Moment, bound: Bound, channel: Option<&Channel>) -> f64 {
    match moment {
        Moment::People | Moment::Rows { .. } => f64::from(bound.unit()),
        Moment::Nodes { .. } => f64::from(UNIT),
        Moment::Value { channel: 0, .. } => channel.map_or(1.0, |channel| channel.steps),
        Moment::Value { .. } => channel.map_or(1.0, |channel| 1.0 / channel.square_unit()),
    }
}

/// The values of a column: for each cell, and where pairs are read both ways for each way; none where it has no meaning.
pub(super) type Column = Vec<Option<f64>>;

impl Numbers<'_> {
    /// All columns over some cells.
    pub fn columns(&self, cells: &Cells) -> Vec<Column> {
        let ways = if self.plan.both_ways { &[false, true][..] } else { &[false] };
        let column = |formula: &Formula| {
            let totals = self.totals(*formula, cells);
            let all = (0..cells.len()).flat_map(|at| ways.iter().map(move |&way| (at, way)));
            all.map(|(at, way)| self.value(*formula, cells, totals.as_ref(), (at, way))).collect()
        };
        self.asked.formulas.iter().map(column).collect()
    }

    fn number(&self, place: usize, at: usize) -> f64 {
        self.values[place][at] as f64 / self.units[place]
    }

    fn value(
        &self,
        formula: Formula,
        cells: &Cells,
        totals: Option<&Totals>,
        (at, reversed): (usize, bool),
    ) -> Option<f64> {
        let number = |place| self.number(place, at);
        let share = |part: f64, whole: f64| (whole > 0.0).then(|| (part / whole).clamp(0.0, 1.0));
        let centre = self.channel.map_or(0.0, |channel| channel.centre);
        match formula {
            Formula::Count(place) => Some(number(place)),
            Formula::Total(margin) => {
                let place = *cells.totals.get(&margin)?.get(at)?;
                self.margins.get(margin)?.get(place).copied()
            }
            Formula::Sum { value, count: None } => Some(number(value)),
            Formula::Sum { value, count: Some(count) } => Some(centre.mul_add(number(count), number(value))),
            Formula::Mean { value, count } => {
                (number(count) > 0.0).then(|| number(value) / number(count) + centre)
            }
            Formula::Variance { value, square, count } => self.variance((value, square, count), at),
            Formula::Deviation { value, square, count } => {
                self.variance((value, square, count), at).map(f64::sqrt)
            }
            Formula::Quantile { nodes, millionths } => self.quantile(nodes, at, millionths),
            Formula::Bar { nodes, bar } => {
                let bars = self.asked.moments[nodes].width();
                Some(self.number(nodes, at * bars + bar as usize))
            }
            Formula::Lift(pair) => {
                let (both, a, b) = self.pair(cells, pair, (at, reversed));
                let everyone = pair.everyone.map_or(0.0, |place| self.margins[place][0]);
                (a > 0.0 && b > 0.0).then(|| (both * everyone / (a * b)).min(everyone.max(1.0)))
            }
            Formula::Cosine(pair) => {
                let (both, a, b) = self.pair(cells, pair, (at, reversed));
                share(both, (a * b).sqrt())
            }
            Formula::Conditional(pair) => {
                let (both, a, _) = self.pair(cells, pair, (at, reversed));
                share(both, a)
            }
            Formula::OverIndex(place) => {
                let (segment, category) = cells.groups[at];
                let totals = totals?;
                let whole = totals.segments[segment] * totals.categories[category];
                (whole > 0.0).then(|| number(place) * totals.all / whole)
            }
            Formula::Retained { count, margin } => {
                cells.firsts[at].and_then(|first| share(number(count), self.margins[margin][first]))
            }
        }
    }

    fn pair(&self, cells: &Cells, pair: PairOf, (at, reversed): (usize, bool)) -> (f64, f64, f64) {
        let (a, b) = cells.ends[at];
        let (a, b) = if reversed { (b, a) } else { (a, b) };
        (self.number(pair.both, at), self.margins[pair.each][a], self.margins[pair.each][b])
    }

    /// E(v − c)² − (E(v − c))², within what values in the range can have.
    fn variance(&self, (value, square, count): (usize, usize, usize), at: usize) -> Option<f64> {
        let (count, channel) = (self.number(count, at), self.channel?);
        let reach = f64::from(channel.radius) / channel.steps;
        let squares = self.number(square, at) / count + reach * reach / 2.0;
        let mean = self.number(value, at) / count;
        (count > 0.0).then(|| mean.mul_add(-mean, squares).clamp(0.0, reach * reach))
    }

    /// Where the count up to x passes the q-th part of all; a whole number is the bin itself.
    fn quantile(&self, nodes: usize, at: usize, millionths: u32) -> Option<f64> {
        let Moment::Nodes { grid, spread: Spread::Tree { bins, branching }, .. } = self.asked.moments[nodes]
        else {
            return None;
        };
        let spread = Spread::Tree { bins, branching };
        let place = self.plan.rows.value.as_ref()?.bins.get(grid)?;
        let first = (at + 1) * spread.nodes() - (branching as usize).pow(spread.levels() - 1);
        let leaves = &self.values[nodes][first..first + bins as usize];
        let total: i128 = leaves.iter().sum();
        let wanted = i128::from(millionths) * total;
        let mut below = 0;
        for (bin, leaf) in (0..bins).zip(leaves) {
            if (below + leaf) * 1_000_000 >= wanted && total > 0 && (*leaf > 0 || bin + 1 == bins) {
                let part = (wanted as f64 / 1e6 - below as f64) / (*leaf).max(1) as f64;
                let start = place.start(bin);
                return Some(if place.whole {
                    start
                } else {
                    part.clamp(0.0, 1.0).mul_add(place.width, start)
                });
            }
            below += leaf;
        }
        None
    }

    fn totals(&self, formula: Formula, cells: &Cells) -> Option<Totals> {
        let Formula::OverIndex(place) = formula else { return None };
        let (segments, categories) = cells.sizes;
        let mut totals =
            Totals { segments: vec![0.0; segments], categories: vec![0.0; categories], all: 0.0 };
        for (at, &(segment, category)) in cells.groups.iter().enumerate() {
            let number = self.number(place, at);
            totals.segments[segment] += number;
            totals.categories[category] += number;
            totals.all += number;
        }
        Some(totals)
    }
}

/// What segments, categories and everything add up to.
struct Totals {
    segments: Vec<f64>,
    categories: Vec<f64>,
    all: f64,
}
