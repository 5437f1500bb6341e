//! Made-up ratings of any size, the same for the same seed, written row group by row group: memory for one of them.

use std::error::Error;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use flockwise::polars::prelude::{
    DataFrame, IntoColumn as _, NamedFrom as _, ParquetCompression, ParquetWriter, Series,
};

/// Rows that are drawn from one stream of random numbers.
const BLOCK: u64 = 1 << 16;
/// Rows of a row group.
const GROUP: u64 = 1 << 20;

/// Ratings: who (`user`), what (`item`), and how much from 0 to 10 (`rating`).
pub struct MadeUp {
    /// How many.
    pub rows: u64,
    /// How many people there are; a few may have no row.
    pub people: u64,
    /// How many items there are.
    pub items: u64,
    /// Exponent of Zipf's law for people: the n-th most active has rows in proportion to n^-activity.
    pub activity: f64,
    /// Exponent of Zipf's law for items.
    pub popularity: f64,
    /// The same seed, the same ratings.
    pub seed: u64,
}

impl Default for MadeUp {
    fn default() -> Self {
        Self { rows: 1_000_000, people: 1, items: 1, activity: 0.7, popularity: 1.1, seed: 1 }
    }
}

#[derive(Default)]
struct Columns {
    users: Vec<i64>,
    items: Vec<i64>,
    ratings: Vec<f64>,
}

impl MadeUp {
    /// Writes all rows to a Parquet file (Snappy, as most writers have it), which appears only when it is whole.
    pub fn write(&self, file: &Path) -> Result<(), Box<dyn Error>> {
        let unfinished = file.with_extension("unfinished");
        let options = ParquetWriter::new(BufWriter::with_capacity(1 << 20, File::create(&unfinished)?))
            .with_compression(ParquetCompression::Snappy)
            .with_row_group_size(Some(GROUP as usize));
        let mut writer = options.batched(self.group(0, 0)?.schema())?;
        let mut from = 0;
        while from < self.rows {
            let until = self.rows.min(from + GROUP);
            writer.write_batch(&self.group(from, until)?)?;
            from = until;
        }
        writer.finish()?;
        drop(writer);
        Ok(std::fs::rename(unfinished, file)?)
    }

    /// Rows `from..until`, block by block on all cores: which stream a row is drawn from does not depend on their number.
    fn group(&self, from: u64, until: u64) -> Result<DataFrame, Box<dyn Error>> {
        let starts: Vec<u64> = (from..until).step_by(BLOCK as usize).collect();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let share = starts.len().div_ceil(cores).max(1);
        let parts = std::thread::scope(|scope| {
            let draw = |starts: &[u64]| {
                let mut columns = Columns::default();
                starts.iter().for_each(|&start| self.block(start, until.min(start + BLOCK), &mut columns));
                columns
            };
            let threads: Vec<_> =
                starts.chunks(share).map(|starts| scope.spawn(move || draw(starts))).collect();
            threads.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Result<Vec<_>, _>>()
        });
        let mut all = Columns::default();
        for part in parts.map_err(|_| "a thread that draws rows ended early")? {
            all.users.extend(part.users);
            all.items.extend(part.items);
            all.ratings.extend(part.ratings);
        }
        let height = all.users.len();
        let columns = vec![
            Series::new("user".into(), all.users).into_column(),
            Series::new("item".into(), all.items).into_column(),
            Series::new("rating".into(), all.ratings).into_column(),
        ];
        Ok(DataFrame::new(height, columns)?)
    }

    fn block(&self, start: u64, until: u64, columns: &mut Columns) {
        let mut draws = Draws::new(self.seed, start);
        let who = Zipf::new(self.people, self.activity);
        let what = Zipf::new(self.items, self.popularity);
        let (users, items) = (Ids::new(self.people), Ids::new(self.items));
        for _ in start..until {
            let user = users.of(who.rank(draws.unit()));
            let item = items.of(what.rank(draws.unit()));
            // Items are good or bad, and tastes differ; in half points.
            let quality = 4.0 + 4.0 * Draws::new(self.seed, item).unit();
            let taste = 2.0 * (draws.unit() + draws.unit() + draws.unit()) - 3.0;
            let rating = ((quality + taste).clamp(0.0, 10.0) * 2.0).round() / 2.0;
            // Below 2^63 by far.
            columns.users.push(user as i64);
            columns.items.push(item as i64);
            columns.ratings.push(rating);
        }
    }
}

/// Zipf's law on the ranks 0..n, by inversion of its continuous form.
struct Zipf {
    power: f64,
    reach: f64,
    last: u64,
}

impl Zipf {
    fn new(n: u64, exponent: f64) -> Self {
        // An exponent of 1 is a logarithm; a little beside it is as good.
        let power = if (1.0 - exponent).abs() < 1e-6 { 1e-6 } else { 1.0 - exponent };
        Self { power, reach: (n as f64 + 1.0).powf(power) - 1.0, last: n - 1 }
    }

    fn rank(&self, unit: f64) -> u64 {
        let x = unit.mul_add(self.reach, 1.0).powf(self.power.recip());
        (x as u64).saturating_sub(1).min(self.last)
    }
}

/// Ids of ranks: all different, and in no order.
struct Ids {
    n: u64,
    step: u64,
}

impl Ids {
    fn new(n: u64) -> Self {
        let gcd = |mut a: u64, mut b: u64| {
            while b > 0 {
                (a, b) = (b, a % b);
            }
            a
        };
        let step = (2_654_435_761..).find(|&step| gcd(step, n) == 1).unwrap_or(1);
        Self { n, step }
    }

    fn of(&self, rank: u64) -> u64 {
        (u128::from(rank) * u128::from(self.step) % u128::from(self.n)) as u64
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): for made-up data, never for noise.
struct Draws(u64);

impl Draws {
    fn new(seed: u64, stream: u64) -> Self {
        let mut draws = Self(seed);
        let start = draws.next() ^ stream.wrapping_mul(0xd6e8_feb8_6659_fd93);
        Self(start)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// In [0, 1).
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}
