//! The fuzz targets on mutated seeds: without a nightly compiler, the same number of cases each time. `FUZZ_SECONDS=60` runs
//! each target that long instead, from a seed of its own, and `FUZZ_TARGET=csv` only that one; `crates/query/fuzz/run.sh`
//! searches by coverage where it can.

#[path = "../../fuzz/targets.rs"]
mod targets;

use std::time::{Duration, Instant};

use flockwise_ledger::RequestId;
use flockwise_query::frame::write_parquet;
use flockwise_query::table::{ColumnKind, Table, TableColumn};
use flockwise_query::value::Value;
use flockwise_query::{Job, Session};

use super::{JOB, POLICY};

/// Cases of each target where no time is given.
const CASES: u64 = 150;

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    fn roll(&mut self, sides: usize) -> usize {
        (self.next() % sides.max(1) as u64) as usize
    }
}

/// What is likely to mean something, or to hurt.
const PIECES: [&[u8]; 40] = [
    b"[",
    b"]",
    b"{",
    b"}",
    b"\"",
    b"\\",
    b"'",
    b",",
    b"\n",
    b"\r\n",
    b"\0",
    b"=",
    b"(",
    b")",
    b"-",
    b"$",
    b"null",
    b"true",
    b"NaN",
    b"1e400",
    b"-9223372036854775808",
    b"18446744073709551616",
    b"0.1",
    b"2026-02-30",
    b"2026-11-24T18:30:00Z",
    b"9999-12-31",
    b"0000-00-00",
    b"2026-W53",
    b"2026-13",
    b"per = { window = \"day\", ",
    b"windows = [\"$month\"]\n",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xf0\x9f\x90\xa6",
    b"\xe2\x80\xae",
    b"\xff\xff\xff\x7f",
    b"\x80\x80\x80\x80\x80\x80",
    b"PAR1",
    b"SQLite format 3\0",
    b"\"\"\"\"\"\"\"\"",
];

fn mutated(dice: &mut Dice, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = seeds[dice.roll(seeds.len())].clone();
    for _ in 0..1 + dice.roll(6) {
        let at = dice.roll(bytes.len() + 1);
        let end = (at + dice.roll(40)).min(bytes.len());
        match dice.roll(9) {
            0 if !bytes.is_empty() => {
                let at = dice.roll(bytes.len());
                bytes[at] ^= 1 << dice.roll(8);
            }
            1 if !bytes.is_empty() => {
                let at = dice.roll(bytes.len());
                bytes[at] = dice.next() as u8;
            }
            2 => drop(bytes.drain(at..end)),
            3 => bytes.truncate(at),
            4 => {
                let again = bytes[at..end].repeat(1 + dice.roll(50));
                bytes.splice(at..at, again);
            }
            5 => {
                let other = &seeds[dice.roll(seeds.len())];
                let from = dice.roll(other.len() + 1);
                let piece = other[from..(from + dice.roll(200)).min(other.len())].to_vec();
                bytes.splice(at..end, piece);
            }
            6 => {
                let number = [0, 1, 0x7f, 0x80, 0xffff_ffff, 0x7fff_ffff, u64::MAX][dice.roll(7)];
                let width = [1, 2, 4, 8][dice.roll(4)];
                bytes.splice(at..(at + width).min(bytes.len()), number.to_le_bytes()[..width].to_vec());
            }
            _ => drop(bytes.splice(at..at, PIECES[dice.roll(PIECES.len())].iter().copied())),
        }
    }
    bytes
}

fn parquet() -> Vec<u8> {
    let columns = vec![
        TableColumn::key("who", ColumnKind::String),
        TableColumn::key("item", ColumnKind::String),
        TableColumn::key("price", ColumnKind::Float),
        TableColumn::key("at", ColumnKind::Datetime),
    ];
    let row = |at: i64| {
        let text = |word: &str| Value::String(format!("{word}{}", at % 7));
        vec![text("p"), text("item "), Value::Float(at as f64 / 3.0), Value::Datetime(at * 3_600_000_000)]
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("seed.parquet");
    write_parquet(&Table { columns, rows: (0..40).map(row).collect() }, &path).expect("it can be written");
    std::fs::read(path).expect("it was written")
}

/// A ledger with a charge, its store of releases, and a release.
fn charged() -> [Vec<u8>; 3] {
    let (folder, session) = targets::ledgered();
    for (name, text) in
        [("data.csv", targets::ROWS), ("people.csv", targets::TOWNS), ("consent.csv", targets::CONSENTS)]
    {
        std::fs::write(folder.path().join(name), text).expect("the folder can be written");
    }
    let text = "version = 1\ndata = \"shop\"\npurpose = \"ads\"\njob = { epsilon = 1 }\nrelease = [{ name = \"r\", statistic = \"popularity\", by = [\"item\"] }]\n";
    let job = Job::parse("job.toml", text).unwrap_or_else(|error| panic!("{error}"));
    let run = |session: &Session| {
        let plan = session.plan_job(&job.value, &job.places, &Default::default()).expect("it is a plan");
        session.run(plan, RequestId::new("one").expect("an id")).expect("it fits").bytes().to_vec()
    };
    let release = run(&session);
    let read = |name: &str| std::fs::read(folder.path().join(name)).expect("it was made");
    [read("shop.ledger"), read("shop.releases"), release]
}

fn seeds(target: &str, charged: &[Vec<u8>; 3]) -> Vec<Vec<u8>> {
    let texts: &[&str] = match target {
        "policy" => &[POLICY, targets::SHOP],
        "job" => &[JOB],
        "job_json" => {
            let json = Job::parse("job.toml", JOB).expect("the example is a job").value.to_json().to_string();
            return vec![json.into_bytes()];
        }
        "expression" => &[
            "i >= 7 and d >= date '2026-11-24' or not (f between 1 and 9) and s starts_with 'x'",
            "i * f + 2 / (i - 1) > -3 and b and s in ('a', \"b\") and d is not null",
        ],
        "settings" => &[
            "2026-11-24",
            "2026-11-24T18:30:00.5+01:00",
            "-12",
            "0.5e3",
            "true",
            "2026-Q4",
            "2026-W53",
            "2026",
        ],
        "target" => &[
            "people within 50 for 95% of keys",
            "liked.mean within 0.25 for 99.5% of keys of 1000 rows",
            "people within 10% for 90% of keys of 500 people",
        ],
        "csv" => &[
            "who,item,price,at\np1,book,1.5,2026-01-01T12:00:00Z\n\"p,2\",\"a \"\"b\"\"\",,2026-01-02\n",
            "at,price,item,who\r\n2026-01-01,NaN,\u{e9},p\r\n",
        ],
        "consent" => &[targets::CONSENTS],
        "private_table" => &[targets::TOWNS],
        "parquet" => return vec![parquet()],
        "ledger" => return vec![charged[0].clone()],
        "releases" => return vec![charged[1].clone()],
        "release" => return vec![charged[2].clone()],
        other => panic!("no seeds for {other}"),
    };
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

#[test]
fn fuzz_every_target_on_mutated_seeds() {
    let seconds =
        std::env::var("FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).map(Duration::from_secs);
    let first = seconds.map_or(0, |_| u64::from(std::process::id()) << 32);
    let charged = charged();
    let kept = std::env::temp_dir().join(format!("fuzz-{}", std::process::id()));
    let only = std::env::var("FUZZ_TARGET").ok();
    for (name, target) in targets::TARGETS {
        if only.as_deref().is_some_and(|only| only != name) {
            continue;
        }
        let seeds = seeds(name, &charged);
        seeds.iter().for_each(|seed| target(seed));
        let start = Instant::now();
        let mut case = 0;
        while seconds.map_or(case < CASES, |most| start.elapsed() < most) {
            let bytes = mutated(&mut Dice(first + case), &seeds);
            // Kept until it has passed, so that it is there even where the process ends.
            std::fs::write(&kept, &bytes).expect("the folder for temporary files can be written");
            let outcome = std::panic::catch_unwind(|| target(&bytes));
            assert!(outcome.is_ok(), "{name}, case {}: kept as {}", first + case, kept.display());
            case += 1;
        }
        println!("{name}: {case} cases");
    }
    std::fs::remove_file(kept).expect("it was written");
}
