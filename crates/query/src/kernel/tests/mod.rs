//! The kernel against the reference, on shapes that are hard on it: whatever the chunks, the threads and the memory.

mod reference;

use proptest::prelude::*;
use reference::Reference;

use super::contributions::mix;
use super::{Bound, Clipped, Contributions, Gather, Layout, Link, Links, Moment, Rows, Settings, Spread};

const KEYS: u32 = 24;
const SPREADS: [Spread; 2] = [Spread::Flat { bins: 5 }, Spread::Tree { bins: 7, branching: 2 }];

fn person_hash(person: u64) -> u64 {
    mix(person, 17)
}

/// Hashes of which every other two agree in their lower halves.
fn key_hashes() -> Vec<u128> {
    let half = |key: u32, of: u64| u128::from(mix(u64::from(key), of));
    (0..KEYS).map(|key| half(key / 2, 99) | half(key, 7) << 64).collect()
}

/// Ranks in another order than codes.
fn key_ranks() -> Vec<u32> {
    (0..KEYS).map(|key| (key * 7 + 3) % KEYS).collect()
}

/// How rows come, and what there is to work with.
#[derive(Clone, Debug)]
struct Way {
    chunks: Vec<usize>,
    threads: usize,
    memory: Option<u64>,
}

fn part(rows: &Rows, range: std::ops::Range<usize>) -> Rows {
    Rows {
        people: rows.people[range.clone()].to_vec(),
        keys: rows.keys[range.clone()].to_vec(),
        channels: rows.channels.iter().map(|values| values[range.clone()].to_vec()).collect(),
        bins: rows.bins.iter().map(|bins| bins[range.clone()].to_vec()).collect(),
        moments: rows.moments.get(range).unwrap_or_default().to_vec(),
    }
}

/// Gathers rows in a way, and does something with them among its threads.
fn gathered<T: Send>(
    rows: &Rows,
    layout: &Layout,
    way: &Way,
    then: impl FnOnce(&Contributions) -> T + Send,
) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(way.threads).build().unwrap();
    pool.install(|| {
        let gather = Gather::new(layout.clone(), &Settings::new(way.memory, None));
        let mut first = 0;
        for &chunk in way.chunks.iter().cycle() {
            let last = rows.people.len().min(first + chunk);
            gather.push(&part(rows, first..last)).unwrap();
            first = last;
            if first == rows.people.len() {
                break;
            }
        }
        then(&gather.finish(Box::new(person_hash), key_hashes(), key_ranks()).unwrap())
    })
}

/// Everything the kernel gives, in one list.
fn outcome(contributions: &Contributions, places: &[u32], channels: usize) -> Vec<Vec<i128>> {
    let mut kept = vec![u32::MAX; KEYS as usize];
    (0..).zip(places).for_each(|(place, &key)| kept[key as usize] = place);
    let (kept, all) = (&kept[..], places.len());
    let mut found = vec![vec![contributions.everyone().unwrap()]];
    for bound in bounds() {
        let candidates = contributions.candidates(bound).unwrap();
        found.extend(candidates.into_iter().map(|(key, weight)| vec![key.into(), weight]));
        found.extend(contributions.moments(bound, &moments(channels), Some(kept), all).unwrap());
        for grid in 0..contributions.layout.spreads.len() {
            found.push(contributions.distributions(bound, (grid, 2), kept, all).unwrap());
        }
        for link in [Link::Pairs, Link::Steps] {
            let links = Links { link, kept, places: all };
            found.push(contributions.linked(bound, &links).unwrap());
            found.push(contributions.link_activity(&links, 4).unwrap());
        }
    }
    found.push(contributions.activity(Some(kept), 3).unwrap());
    for channel in 0..channels {
        let of = Clipped { channel, limit: 2, kept, places: all };
        found.push(contributions.clipped(9, &of).unwrap());
        found.push(contributions.norms(4, 8, &of).unwrap());
    }
    found
}

/// The same of the reference.
fn expected(reference: &Reference, places: &[u32], channels: usize, spreads: &[Spread]) -> Vec<Vec<i128>> {
    let mut found = vec![vec![reference.people.len() as i128]];
    for bound in bounds() {
        let candidates = reference.candidates(bound);
        found.extend(candidates.into_iter().map(|(key, weight)| vec![key.into(), weight]));
        found.extend(moments(channels).into_iter().map(|moment| reference.moment(bound, moment, places)));
        for (grid, &spread) in spreads.iter().enumerate() {
            found.push(reference.distributions(bound, spread, grid, 2, places));
        }
        for link in [Link::Pairs, Link::Steps] {
            found.push(reference.linked(bound, link, places));
            found.push(reference.link_activity(link, places, 4));
        }
    }
    found.push(reference.activity(places, 3));
    for channel in 0..channels {
        found.push(reference.clipped(9, channel, 2, places));
        found.push(reference.norms(4, 8, channel, 2, places));
    }
    found
}

fn bounds() -> [Bound; 4] {
    [Bound::keep(2), Bound::norm(1).capped(3), Bound::norm(4), Bound::mass(2)]
}

fn moments(channels: usize) -> Vec<Moment> {
    let mut moments = vec![Moment::People, Moment::Rows { limit: 1 }, Moment::Rows { limit: 3 }];
    for channel in 0..channels {
        // A limit beyond what 64 bits are known to hold.
        let limits = [1, 3, u32::MAX];
        moments.extend(limits.map(|limit| Moment::Value { channel, limit }));
    }
    moments
}

/// A row of a test: person, key, value, moment.
type Made = (u8, u32, i32, i8);

fn rows(made: &[Made], channels: usize, spreads: usize) -> Rows {
    // Far apart, next to each other, and at the ends of whole numbers.
    let identity = |person: u8| match person {
        0 => 0,
        1 => u64::MAX,
        2 => 1 << 63,
        other => u64::from(other) << 3,
    };
    let value = |&(_, _, value, _): &Made, channel: usize| if channel == 0 { value } else { value / 3 };
    Rows {
        people: made.iter().map(|row| identity(row.0)).collect(),
        keys: made.iter().map(|row| row.1 % KEYS).collect(),
        channels: (0..channels).map(|channel| made.iter().map(|row| value(row, channel)).collect()).collect(),
        bins: SPREADS[..spreads]
            .iter()
            .map(|spread| made.iter().map(|row| row.2.unsigned_abs() % spread.bins()).collect())
            .collect(),
        moments: made.iter().map(|row| row.3.into()).collect(),
    }
}

fn agrees(made: &[Made], channels: usize, spreads: usize, way: &Way) {
    let rows = rows(made, channels, spreads);
    let spreads = &SPREADS[..spreads];
    let layout = Layout { channels, spreads: spreads.to_vec(), ordered: true, activity: None };
    let places: Vec<u32> = (0..KEYS).rev().filter(|key| key % 5 != 2).collect();
    let reference = Reference::new(&rows, person_hash, key_hashes(), key_ranks());
    let found = gathered(&rows, &layout, way, |contributions| outcome(contributions, &places, channels));
    assert_eq!(found, expected(&reference, &places, channels, spreads));
    let counting = Layout { activity: Some(4), ..Layout::default() };
    let bare = Rows { people: rows.people, keys: rows.keys, ..Rows::default() };
    let whole = Bound::norm(1);
    let found = gathered(&bare, &counting, way, |contributions| {
        contributions.moments(whole, &[Moment::People], None, 4).unwrap().swap_remove(0)
    });
    assert_eq!(found, reference.reached(4));
}

fn a_way() -> impl Strategy<Value = Way> {
    let chunks = prop::collection::vec(prop_oneof![Just(1), 1..40_usize, Just(1_000)], 1..4);
    let memory = prop_oneof![Just(None), Just(Some(0)), (1_000..300_000_u64).prop_map(Some)];
    (chunks, 1..=8_usize, memory).prop_map(|(chunks, threads, memory)| Way { chunks, threads, memory })
}

fn some_rows() -> impl Strategy<Value = Vec<Made>> {
    let value = prop_oneof![4 => -9..9, 1 => Just(i32::MAX), 1 => Just(i32::MIN)];
    let row = (prop_oneof![0..6_u8, 0..250_u8], 0..KEYS, value, -3..3_i8);
    prop::collection::vec(row, 0..300)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_integers_are_those_of_the_reference(
        made in some_rows(),
        channels in 0..3_usize,
        spreads in 0..3_usize,
        way in a_way(),
    ) {
        agrees(&made, channels, spreads, &way);
    }
}

#[test]
fn hard_shapes() {
    let shapes: [(&str, Vec<Made>); 6] = [
        ("nothing", Vec::new()),
        ("one person has all rows", (0..900).map(|at| (7, at % 20, at as i32, (at % 5) as i8)).collect()),
        ("one key", (0..900).map(|at| ((at % 200) as u8, 3, at, 0)).collect()),
        ("one pair", (0..900).map(|at| (9, 3, at % 7, 0)).collect()),
        ("all distinct", (0..240).map(|at| (at as u8, at % KEYS, at as i32, 0)).collect()),
        ("from the end", (0..900).rev().map(|at| ((at / 9) as u8, at % KEYS, 1, (at % 3) as i8)).collect()),
    ];
    for (name, made) in shapes {
        println!("{name}");
        for threads in [1, 2, 8] {
            for memory in [None, Some(0)] {
                for chunks in [vec![1], vec![7, 0, 64], vec![1_000]] {
                    agrees(&made, 1, 0, &Way { chunks, threads, memory });
                }
                agrees(&made, 2, 2, &Way { chunks: vec![100], threads, memory });
            }
        }
    }
}

#[test]
fn what_is_spilled_comes_back_and_the_folder_shows_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::new(Some(0), Some(folder.path().to_owned()));
    let gather = Gather::new(Layout::values(1), &settings);
    let made: Vec<Made> = (0..2_000).map(|at| ((at % 251) as u8, at as u32 % KEYS, at, 0)).collect();
    let all = Rows { moments: Vec::new(), ..rows(&made, 1, 0) };
    gather.push(&all).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let contributions = gather.finish(Box::new(person_hash), key_hashes(), Vec::new()).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let reference = Reference::new(&all, person_hash, key_hashes(), key_ranks());
    assert_eq!(contributions.candidates(Bound::norm(1)).unwrap(), reference.candidates(Bound::norm(1)));
}

#[test]
fn a_folder_that_is_gone_is_an_error_and_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::new(Some(0), Some(folder.path().join("none")));
    let gather = Gather::new(Layout::default(), &settings);
    let made: Vec<Made> = (0..2_000).map(|at| (1, at as u32 % KEYS, 0, 0)).collect();
    let all = Rows { moments: Vec::new(), ..rows(&made, 0, 0) };
    let pushed = gather.push(&all);
    assert!(pushed.is_err() || gather.finish(Box::new(person_hash), key_hashes(), Vec::new()).is_err());
}
