//! The bounding kernel by itself: rows of people and items with heavy tails, in memory already.
//!
//! `cargo bench -p flockwise-query --bench kernel`, with `FLOCKWISE_BENCH_ROWS` for another number of rows than 10^6, and
//! `FLOCKWISE_BENCH_MEMORY` (bytes) to have partitions spilled.

use std::sync::LazyLock;

use divan::Bencher;
use divan::counter::ItemsCount;
use flockwise_query::kernel::{Bound, Contributions, Gather, Layout, Link, Links, Moment, Rows, Settings};

fn main() {
    divan::main();
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// SplitMix64.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut x = *state;
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// One of `most`, the first ones more often: close to Zipf's law with exponent 1.1, by inversion of its continuous twin.
fn zipf(state: &mut u64, most: f64) -> u64 {
    let uniform = (next(state) >> 11) as f64 / (1_u64 << 53) as f64;
    let end = most.powf(-0.1);
    (((1.0 - uniform * (1.0 - end)).powf(-10.0) - 1.0).min(most - 1.0)) as u64
}

/// Chunks of rows: a tenth as many people, a hundredth as many items, and a rating in half steps from 0.5 to 5.
fn chunks() -> &'static [Rows] {
    static CHUNKS: LazyLock<Vec<Rows>> = LazyLock::new(|| {
        let rows = setting("FLOCKWISE_BENCH_ROWS").unwrap_or(1_000_000);
        let (people, items) = ((rows / 10).max(1), (rows / 100).clamp(1, 100_000));
        let mut state = 1;
        let mut made = Vec::new();
        let mut left = rows;
        while left > 0 {
            let size = left.min(1 << 20);
            let mut chunk = Rows { channels: vec![Vec::new()], ..Rows::default() };
            for _ in 0..size {
                // Half of the rows are of people with many, half of anybody.
                let person = if next(&mut state) & 1 == 0 {
                    zipf(&mut state, people as f64)
                } else {
                    next(&mut state) % people
                };
                chunk.people.push(person.wrapping_mul(7_919) % people);
                chunk.keys.push(zipf(&mut state, items as f64) as u32);
                chunk.channels[0].push((next(&mut state) % 10) as i32 * 6_553 - 29_489);
            }
            made.push(chunk);
            left -= size;
        }
        made
    });
    &CHUNKS
}

fn rows() -> ItemsCount {
    ItemsCount::new(chunks().iter().map(|chunk| chunk.people.len()).sum::<usize>())
}

fn items() -> usize {
    chunks().iter().flat_map(|chunk| &chunk.keys).max().map_or(0, |&key| key as usize + 1)
}

fn gather() -> Gather {
    let memory = setting("FLOCKWISE_BENCH_MEMORY");
    let gather = Gather::new(Layout::values(1), &Settings::new(memory.or(Some(u64::MAX)), None));
    chunks().iter().for_each(|chunk| gather.push(chunk).expect("rows are kept"));
    gather
}

fn finish(gather: Gather) -> Contributions {
    let hash = |code: u64| next(&mut { code });
    let keys = (0..items() as u64).map(|key| u128::from(hash(key))).collect();
    gather.finish(Box::new(hash), keys, Vec::new()).expect("rows are grouped")
}

fn contributions() -> &'static Contributions {
    static MADE: LazyLock<Contributions> = LazyLock::new(|| finish(gather()));
    &MADE
}

/// The `most` items that most people have, and where each item stands among them.
fn leading(most: usize) -> (Vec<u32>, usize) {
    let mut candidates = contributions().candidates(Bound::norm(1)).expect("candidates");
    candidates.sort_unstable_by_key(|&(key, weight)| (std::cmp::Reverse(weight), key));
    candidates.truncate(most);
    let mut kept = vec![u32::MAX; items()];
    (0..).zip(&candidates).for_each(|(place, &(key, _))| kept[key as usize] = place);
    (kept, candidates.len())
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn scatter(bencher: Bencher) {
    bencher.counter(rows()).bench(gather);
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn group(bencher: Bencher) {
    bencher.counter(rows()).with_inputs(gather).bench_values(finish);
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn candidates(bencher: Bencher) {
    bencher.counter(rows()).bench(|| contributions().candidates(Bound::norm(1).capped(64)));
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn activity(bencher: Bencher) {
    let (kept, _) = leading(5_000);
    bencher.counter(rows()).bench(|| contributions().activity(Some(&kept), 20));
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn moments(bencher: Bencher) {
    let (kept, places) = leading(5_000);
    let mean = [Moment::People, Moment::Value { channel: 0, limit: 1 }];
    bencher.counter(rows()).bench(|| contributions().moments(Bound::norm(8), &mean, Some(&kept), places));
}

#[divan::bench(args = [50, 200, 1_000], sample_count = 5, sample_size = 1)]
fn linked(bencher: Bencher, found: usize) {
    let (kept, places) = leading(found);
    let links = Links { link: Link::Pairs, kept: &kept, places };
    bencher.counter(rows()).bench(|| contributions().linked(Bound::norm(16), &links));
}
