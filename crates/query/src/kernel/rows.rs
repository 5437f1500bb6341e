//! Rows on their way into the kernel.

use super::spread::Spread;

/// What every chunk of rows of one grouping has, so that chunks fit each other.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Layout {
    /// Number of channels of values.
    pub channels: usize,
    /// The grids on which values have bins.
    pub spreads: Vec<Spread>,
    /// Whether rows have moments, for the order in which a person met the keys.
    pub ordered: bool,
    /// Whether a person's rows stand together for one key in place of their own: the power of two that their number
    /// reaches, the last of so many. Rows then have any key, no values and no moments.
    pub activity: Option<u32>,
}

impl Layout {
    /// Rows with a person and a key, and values on so many channels.
    #[must_use]
    pub const fn values(channels: usize) -> Self {
        Self { channels, spreads: Vec::new(), ordered: false, activity: None }
    }
}

/// A chunk of rows: person, key and one fixed-point value per channel.
///
/// A row that fans out to several keys stands here once for each.
#[derive(Clone, Default)]
pub struct Rows {
    /// Who the row is of: equal for the rows of one person in all chunks, and different for different people.
    pub people: Vec<u64>,
    /// Code of the key: the same in all chunks, counted from 0.
    pub keys: Vec<u32>,
    /// Values on the grid, one vector per channel, each at most the channel's radius in absolute value.
    pub channels: Vec<Vec<i32>>,
    /// Bins of the values, one vector per grid of the layout, each less than the grid's number of bins.
    pub bins: Vec<Vec<u32>>,
    /// When the row was, where the layout is ordered; else empty.
    pub moments: Vec<i64>,
}

impl Rows {
    /// Whether a chunk fits a layout: as many columns, all of one length.
    #[must_use]
    pub fn fits(&self, layout: &Layout) -> bool {
        let rows = self.people.len();
        let moments = if layout.ordered { rows } else { 0 };
        self.keys.len() == rows
            && self.channels.len() == layout.channels
            && self.channels.iter().all(|values| values.len() == rows)
            && self.bins.len() == layout.spreads.len()
            && self.bins.iter().all(|bins| bins.len() == rows)
            && self.moments.len() == moments
    }
}

impl Rows {
    /// Appends some rows of another chunk.
    pub(super) fn append(&mut self, other: &Self) {
        self.people.extend_from_slice(&other.people);
        self.keys.extend_from_slice(&other.keys);
        self.moments.extend_from_slice(&other.moments);
        self.channels.resize_with(other.channels.len(), Vec::new);
        let values = self.channels.iter_mut().zip(&other.channels);
        values.for_each(|(all, values)| all.extend_from_slice(values));
        self.bins.resize_with(other.bins.len(), Vec::new);
        let bins = self.bins.iter_mut().zip(&other.bins);
        bins.for_each(|(all, bins)| all.extend_from_slice(bins));
    }

    /// Takes all rows out, and leaves the room they had.
    pub(super) fn clear(&mut self) {
        self.people.clear();
        self.keys.clear();
        self.moments.clear();
        self.channels.iter_mut().for_each(Vec::clear);
        self.bins.iter_mut().for_each(Vec::clear);
    }
}
