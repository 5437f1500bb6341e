//! Rows of the list of known attacks, at the level of the engine.

use flockwise_mechanisms::audit::{Mode, Question, Recorder, Trace};
use flockwise_query::Session;
use flockwise_query::plan::Plan;
use flockwise_query::polars::prelude::{
    DataFrame, IntoLazy as _, LazyFrame, NamedFrom as _, Series, UnionArgs, concat,
};

use super::auditor::{audit, outcome};
use super::dice::Dice;
use super::jobs;
use super::world::{People, Row, Setting, World, crowd, job, person, planned};

fn row(cells: [&str; 7]) -> Row {
    cells.map(str::to_owned)
}

fn rows(rows: Vec<Row>) -> People {
    People { rows, ..People::default() }
}

const SUMMARY: &str = "statistic = \"summary\"\nby = [\"country\"]\ncolumn = \"rating\"\naggregates = [\"people\", \"rows\", \"sum\", \"mean\", \"variance\"]\nmax_rows_per_key = 3\ncontribution = { keep = 2 }";
const POPULAR: &str = "statistic = \"popularity\"\nby = [\"item\"]\naggregates = [\"people\", \"rows\"]";

pub fn traced(session: &Session, plan: &Plan, mode: Mode) -> (Trace, Vec<u8>) {
    let mut recorder = Recorder::new(mode);
    let bytes = session.rehearse(plan.clone(), &mut recorder).expect("made-up data");
    (recorder.into_trace(), bytes)
}

/// Every exact vector that reached a mechanism.
fn exact(trace: &Trace) -> Vec<Vec<i128>> {
    let exact = |question: &Question| {
        if let Question::Add { exact, .. } = question {
            exact.clone()
        } else if let Question::Select { candidates, .. } = question {
            candidates.iter().map(|(_, weight)| *weight).collect()
        } else {
            Vec::new()
        }
    };
    trace.events().iter().map(|(question, _)| exact(question)).collect()
}

/// A frame of these rows, in so many chunks.
fn frame(rows: &[(i64, i64, f64, &str)], chunks: usize) -> LazyFrame {
    let part = |rows: &[(i64, i64, f64, &str)]| {
        let columns = vec![
            Series::new("user_id".into(), rows.iter().map(|row| row.0).collect::<Vec<_>>()).into(),
            Series::new("item".into(), rows.iter().map(|row| row.1).collect::<Vec<_>>()).into(),
            Series::new("rating".into(), rows.iter().map(|row| row.2).collect::<Vec<_>>()).into(),
            Series::new("country".into(), rows.iter().map(|row| row.3).collect::<Vec<_>>()).into(),
        ];
        DataFrame::new(rows.len(), columns).expect("columns of one length").lazy()
    };
    let parts: Vec<LazyFrame> = rows.chunks(rows.len().div_ceil(chunks)).map(part).collect();
    concat(parts, UnionArgs { rechunk: false, ..UnionArgs::default() }).expect("frames of one schema")
}

#[test]
fn s1_the_order_of_rows_threads_and_chunks_change_no_integer() {
    let mut dice = Dice::new(1);
    let mut data: Vec<(i64, i64, f64, &str)> = (0..200)
        .map(|at| {
            (at % 31, at * at % 11, dice.roll(1_000_000) as f64 / 7.3e4 - 9.0, ["NL", "BE"][at as usize % 2])
        })
        .collect();
    let world = World::new(&Setting { ids_are_text: false, ..Setting::plain() }, &People::default());
    let open = |frame| Session::open_with_frame(world.path().join("policy.toml"), frame).expect("a policy");
    let session = open(frame(&data, 1));
    let plan = planned(&session, &job(&[SUMMARY, POPULAR])).expect("a plan");
    let mode = Mode::Drawn { seed: 3 };
    let first = traced(&session, &plan, mode);
    let pools: Vec<rayon::ThreadPool> = (1..=8)
        .map(|threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool"))
        .collect();
    for permutation in 0..1000 {
        dice.shuffle(&mut data);
        let session = open(frame(&data, 1 + permutation % 9));
        let again = pools[permutation % 8].install(|| traced(&session, &plan, mode));
        assert_eq!(again, first, "permutation {permutation}: integers and, with the same noise, every byte");
    }
}

#[test]
fn s1_a_large_value_swallows_no_small_ones() {
    // In floating point 2^53 + 1 + 1 + … stays 2^53; on the grid each neighbour moves the sum by what it brings.
    let many = |large: bool| {
        let mut all: Vec<Row> =
            (0..200).map(|at| row([&format!("p{at}"), "1", "1", "1", "", "NL", ""])).collect();
        if large {
            all.insert(0, row(["large", "1", "9007199254740992", "1", "", "NL", ""]));
        }
        World::new(&Setting::plain(), &rows(all))
    };
    let (with, without) = (many(true), many(false));
    let plan = with.plan(&job(&[SUMMARY])).expect("a plan");
    let divergence = audit(Mode::Exact, &with, &without, &plan).unwrap_or_else(|error| panic!("{error}"));
    assert!(divergence.reaches.iter().all(|reach| reach.moved > 0), "{divergence:?}");
}

#[test]
fn s2_the_ends_of_the_integers_are_clamped_and_never_wrap() {
    let ends = ["9223372036854775807", "-9223372036854775808", "9223372036854775808", "1e19"];
    let all =
        (0..600).map(|at| row([&format!("p{}", at % 3), "1", "1", ends[at % 4], "", "NL", ""])).collect();
    let summary = "statistic = \"summary\"\nby = [\"country\"]\ncolumn = \"price\"\naggregates = [\"mean\"]\nmax_rows_per_key = 1048576\ncontribution = { keep = 1 }";
    let world = World::new(&Setting::plain(), &rows(all));
    let plan = world.plan(&job(&[summary])).expect("a plan");
    let (trace, _) = traced(&world.session(), &plan, Mode::Exact);
    // Half of each person's rows fit an integer, and they alternate between the ends: the middle, exactly.
    assert_eq!(exact(&trace), [[0, 300], [0, 0]]);
    let summary = summary.replace("price", "rating").replace("1048576", "1048577");
    world.plan(&job(&[&summary])).expect_err("more rows than exact arithmetic is laid out for");
}

#[test]
fn s3_no_key_is_made_after_the_bound() {
    let world = World::new(&Setting::plain(), &People::default());
    let late = [
        // What is counted cannot be a key or a condition, nor can a label, which is joined on after the noise.
        "statistic = \"popularity\"\nby = [\"item\", \"people\"]",
        "statistic = \"popularity\"\nby = [\"item\"]\nwhere = \"people > 3\"",
        "statistic = \"popularity\"\nby = [\"item\"]\nderive = { key = \"item + 1\" }",
        "statistic = \"popularity\"\nby = [\"item\"]\nlabel = [\"movies.title\"]\nhaving = \"title = 'One'\"",
    ];
    for release in late {
        let error = world.plan(&job(&[release])).expect_err(release);
        assert_eq!(error.exit_code(), 2, "{error}");
    }
}

#[test]
fn s4_whoever_has_what_everybody_has_counts_once() {
    let crowd: Vec<Row> = (0..100).map(|at| row([&format!("p{at}"), "1", "2", "3", "", "NL", "a"])).collect();
    let mine = vec![row(["outlier", "1", "2", "3", "", "NL", "a"]); 50];
    let without = World::new(&Setting::plain(), &rows(crowd.clone()));
    let with = World::new(&Setting::plain(), &rows([crowd, mine].concat()));
    let plan = with.plan(&job(&["statistic = \"reach\"", POPULAR])).expect("a plan");
    let divergence = audit(Mode::Open, &with, &without, &plan).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((divergence.reaches[0].moved, divergence.reaches[0].allowed), (1, 1), "{divergence:?}");
}

#[test]
fn s6_what_is_no_number_slips_past_no_clamp() {
    let odd = ["", "NaN", "nan", "inf", "-inf", "-0.0", "1e400", "-1e308", "x", "5e-324"];
    let settings = [("\"drop\"", "\"drop\"", "\"drop\""), ("{ value = -7 }", "{ value = 3 }", "\"keep\"")];
    let mut audited = 0;
    for (on_null, on_nan, null_keys) in settings {
        let ids_are_text = null_keys == "\"drop\"";
        let setting = Setting { on_null, on_nan, null_keys, ids_are_text, ..Setting::plain() };
        let usual: Vec<Row> = (0..20)
            .map(|at| row([&at.to_string(), "1", "2", "3", "2026-01-05T10:00:00Z", "NL", "a"]))
            .collect();
        let without = World::new(&setting, &rows(usual.clone()));
        for odd in odd {
            // As a value, as a key, as a moment, and all at once.
            for place in 1..8 {
                let mut mine = row(["77", "1", "2", "3", "2026-01-05T10:00:00Z", "NL", "a"]);
                match place {
                    7 => mine[1..].fill(odd.to_owned()),
                    at => mine[at] = odd.to_owned(),
                }
                let with = World::new(&setting, &rows([usual.clone(), vec![mine; 30]].concat()));
                let window =
                    "statistic = \"popularity\"\nby = [{ column = \"at\", every = \"1d\" }, \"tag\"]";
                let bins = "statistic = \"summary\"\nby = [{ column = \"price\", width = 10, bounds = [0, 100] }]\ncolumn = \"worth\"\naggregates = [\"sum\", \"variance\"]";
                let plan = without.plan(&job(&[SUMMARY, POPULAR, window, bins])).expect("a plan");
                audit(Mode::Wild { seed: place as u64 }, &with, &without, &plan)
                    .unwrap_or_else(|violation| panic!("{odd:?} at {place}, {setting:?}: {violation}"));
                audited += 1;
            }
        }
    }
    assert_eq!(audited, 140);
}

#[test]
fn s6_s9_what_is_nobody_s_id_is_nobody_s_row() {
    let nobody = |ids: &[&str], ids_are_text| {
        let all = ids.iter().map(|id| row([id, "1", "2", "3", "", "NL", "a"]));
        let world = World::new(&Setting { ids_are_text, ..Setting::plain() }, &rows(all.collect()));
        let plan = world.plan(&job(&[SUMMARY])).expect("a plan");
        exact(&traced(&world.session(), &plan, Mode::Exact).0)[0][1]
    };
    assert_eq!(nobody(&["", "", "", ""], true), 0);
    assert_eq!(nobody(&["", "NaN", "inf", "1.5", "x", "99999999999999999999", "-inf"], false), 0);
    assert_eq!(nobody(&["a", "", "b", ""], true), 2);
}

#[test]
fn s9_a_million_rows_move_no_count_by_more_than_the_cap() {
    let frames = |heavy: usize| {
        let mut data: Vec<(i64, i64, f64, &str)> = (0..50).map(|at| (at, at % 5, 1.0, "NL")).collect();
        data.extend((0..heavy).map(|at| (77, at as i64 % 100_000, 3.0, "NL")));
        frame(&data, 1)
    };
    let world = World::new(&Setting { ids_are_text: false, ..Setting::plain() }, &People::default());
    let open = |frame| Session::open_with_frame(world.path().join("policy.toml"), frame).expect("a policy");
    let plan = planned(&open(frames(0)), &job(&[SUMMARY])).expect("a plan");
    let count = |heavy| exact(&traced(&open(frames(heavy)), &plan, Mode::Exact).0);
    let (without, with) = (count(0), count(1_000_000));
    assert_eq!((with[0][1] - without[0][1], with[1][1] - without[1][1]), (1, 3), "people, and rows up to 3");
    assert_eq!(count(1_000_000), count(3));
}

#[test]
fn s10_one_person_under_two_spellings_is_one_person() {
    let count = |ids: &[&str], ids_are_text| {
        let all = ids.iter().map(|id| row([id, "1", "2", "3", "", "NL", "a"])).collect();
        let world = World::new(&Setting { ids_are_text, ..Setting::plain() }, &rows(all));
        let plan = world.plan(&job(&[SUMMARY])).expect("a plan");
        exact(&traced(&world.session(), &plan, Mode::Exact).0)[0][1]
    };
    assert_eq!(count(&["1", "+1", "1.0", "01", " 1 ", "1e0", "10e-1"], false), 1);
    assert_eq!(count(&["x", " x", "x ", "\tx"], true), 1);
    assert_eq!(count(&["9007199254740992", "9007199254740993"], false), 2);
    assert_eq!(count(&["9007199254740992.0", "9007199254740993.0"], false), 0, "no integer for sure: nobody");
}

#[test]
fn s10_ids_that_are_text_in_one_file_and_numbers_in_another_are_refused() {
    use flockwise_query::table::{ColumnKind, Table, TableColumn};
    use flockwise_query::value::Value;
    let setting = Setting::plain();
    let world = World::new(&setting, &rows(vec![row(["1", "1", "2", "3", "", "NL", "a"])]));
    let columns = [("user_id", ColumnKind::Int), ("item", ColumnKind::Int)];
    let columns = columns.map(|(name, kind)| TableColumn::key(name, kind)).to_vec();
    let table = Table { columns, rows: vec![vec![Value::Int(1), Value::Int(1)]] };
    flockwise_query::frame::write_parquet(&table, &world.path().join("ratings.parquet")).expect("a file");
    for unit in ["", "user_id = { type = \"string\" }"] {
        let policy = setting.policy("ratings.*");
        let listed = policy.lines().filter(|line| !line.starts_with("user_id = {"));
        let policy = listed.map(|line| format!("{line}\n")).collect::<String>();
        // The private table would be of another type, and is not needed.
        let (before, after) = policy.split_once("[tables.people]").expect("the table is there");
        let after = after.split_once("[purposes]").expect("so are the purposes").1;
        let policy = format!("{before}[purposes]{after}").replace("[columns]", &format!("[columns]\n{unit}"));
        world.write("policy.toml", policy);
        let plan = world.plan(&job(&[POPULAR])).expect("a plan");
        let error =
            world.session().rehearse(plan, &mut Recorder::new(Mode::Exact)).expect_err("two kinds of ids");
        assert_eq!(error.exit_code(), 5, "{error}");
    }
}

#[test]
fn p2_p6_the_same_rows_in_another_order_with_the_same_noise_give_the_same_bytes() {
    for seed in 0..40 {
        let mut dice = Dice::new(7000 + seed);
        let setting = Setting::random(&mut dice);
        let mut people = crowd(&mut dice, &setting);
        people.extend(person(&mut dice, 50, &setting, true));
        let one = World::new(&setting, &people);
        people.shuffle(&mut dice);
        let other = World::new(&setting, &people);
        let Ok(plan) = one.plan(&job(&[&jobs::release(&mut dice)])) else { continue };
        for mode in [Mode::Wild { seed }, Mode::Drawn { seed }] {
            let run = |world| {
                let mut recorder = Recorder::new(mode);
                (outcome(world, &plan, &mut recorder), recorder.into_trace())
            };
            assert!(run(&one) == run(&other), "seed {seed}, {mode:?}: the order of rows shows");
        }
    }
}

#[test]
fn p3_no_moment_breaks_the_calendar() {
    // Every instant that 64 bits hold, in zones on both sides of Greenwich.
    let micros = [
        i64::MIN,
        i64::MAX,
        8_210_266_876_799_999_999,
        8_210_266_876_800_000_000,
        8_210_266_800_000_000_000,
        -8_334_601_228_800_000_000,
        -8_334_601_228_799_999_999,
        -8_334_601_000_000_000_000,
        0,
    ];
    for zone in ["Asia/Tokyo", "America/New_York", "Europe/Amsterdam"] {
        let policy = Setting { ids_are_text: false, ..Setting::plain() }.policy("ratings.csv");
        let world = World::new(&Setting::plain(), &People::default());
        world.write("policy.toml", policy.replace("Europe/Amsterdam", zone));
        let ids: Vec<i64> = (0..micros.len() as i64).collect();
        let moments = Series::new("at".into(), micros.to_vec())
            .cast(&flockwise_query::polars::prelude::DataType::Datetime(
                flockwise_query::polars::prelude::TimeUnit::Microseconds,
                None,
            ))
            .expect("integers are moments");
        let columns = vec![Series::new("user_id".into(), ids).into(), moments.into()];
        let frame = DataFrame::new(micros.len(), columns).expect("columns of one length").lazy();
        let session = Session::open_with_frame(world.path().join("policy.toml"), frame).expect("a policy");
        let windows = ["1m", "5h", "1d", "1w", "1mo", "1q", "1y"];
        let windows = windows.map(|every| format!("{{ column = \"at\", every = \"{every}\" }}"));
        for by in windows {
            let release = format!("statistic = \"popularity\"\nby = [{by}]");
            let plan = planned(&session, &job(&[&release])).expect("a plan");
            let (_, bytes) = traced(&session, &plan, Mode::Open);
            let text = String::from_utf8(bytes).expect("JSON");
            let document: flockwise_query::release::Document =
                serde_json::from_str(&text).expect("a document");
            document.table().unwrap_or_else(|error| panic!("{zone}, {by}: {error}"));
        }
    }
}

#[test]
fn p5_public_keys_are_the_policy_s_the_job_s_or_a_public_table_s() {
    let world = World::new(&Setting::plain(), &rows(vec![row(["p", "4711", "1", "1", "", "XX", "a"])]));
    let refused = [
        "statistic = \"popularity\"\nby = [{ column = \"people.region\", keys = \"table\" }]",
        "statistic = \"popularity\"\nby = [{ column = \"tag\", keys = \"table\" }]",
        "statistic = \"popularity\"\nby = [{ column = \"tag\", keys = \"policy\" }]",
        "statistic = \"popularity\"\nby = [\"item\"]\nlabel = [\"people.region\"]",
    ];
    for release in refused {
        let error = world.plan(&job(&[release])).expect_err(release);
        assert_eq!(error.exit_code(), 2, "{error}");
    }
    for release in [
        "statistic = \"reach\"\nby = [\"country\"]",
        "statistic = \"reach\"\nby = [{ column = \"item\", keys = [1, 2] }]",
    ] {
        let plan = world.plan(&job(&[release])).expect("a plan");
        let (_, bytes) = traced(&world.session(), &plan, Mode::Open);
        let text = String::from_utf8(bytes).expect("JSON");
        assert!(!text.contains("XX") && !text.contains("4711"), "{text}");
    }
}
