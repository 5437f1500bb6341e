//! Rows of the list of known attacks, at the level of a session with its ledger.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use flockwise_ledger::RequestId;
use flockwise_mechanisms::audit::{Mode, Recorder};
use flockwise_query::polars::prelude::{
    AllowedOptimizations, DataFrame, DataType, IntoLazy as _, LazyFrame, NamedFrom as _, PolarsError, Series,
    TimeUnit,
};
use flockwise_query::{Answered, Error, Session};

use super::auditor::audit;
use super::world::{People, Setting, World, job, person, planned};

const REACH: &str = "statistic = \"reach\"\nby = [\"country\"]";

fn setting() -> Setting {
    Setting { ids_are_text: false, ..Setting::plain() }
}

fn world() -> World {
    let world = World::new(&setting(), &People::default());
    world.session().init().expect("a ledger");
    world
}

fn frame() -> DataFrame {
    let ids: Vec<i64> = (0..300).collect();
    let countries: Vec<&str> = (0..300).map(|at| ["NL", "BE", "DE"][at % 3]).collect();
    let columns =
        vec![Series::new("user_id".into(), ids).into(), Series::new("country".into(), countries).into()];
    DataFrame::new(300, columns).expect("columns of one length")
}

/// A frame that counts how often its rows are read, and fails so many times.
fn watched(failures: usize) -> (LazyFrame, Arc<AtomicUsize>) {
    let read = Arc::new(AtomicUsize::new(0));
    let count = read.clone();
    let rows = move |frame: DataFrame| match count.fetch_add(1, Ordering::SeqCst) < failures {
        true => Err(PolarsError::ComputeError("the secret of row 7: 4711".into())),
        false => Ok(frame),
    };
    (frame().lazy().map(rows, AllowedOptimizations::default(), None, None), read)
}

fn open(world: &World, frame: LazyFrame) -> Session {
    Session::open_with_frame(world.path().join("policy.toml"), frame).expect("a policy")
}

fn request(id: &str) -> RequestId {
    RequestId::new(id).expect("an id")
}

fn charges(session: &Session) -> u64 {
    session.status().expect("a ledger").charges
}

#[test]
fn b1_a_failure_after_the_charge_leaves_the_charge() {
    let world = world();
    let (frame, read) = watched(4);
    let session = open(&world, frame);
    let run = || session.run(planned(&session, &job(&[REACH])).expect("a plan"), request("one"));
    for attempt in 0..4 {
        let error = run().expect_err("the rows cannot be read");
        assert_eq!((error.exit_code(), error.charged_entry()), (6, Some(1)), "attempt {attempt}: {error}");
        assert!(
            !format!("{error} {error:?}").contains("4711"),
            "an engine's words are not repeated: {error:?}"
        );
        assert_eq!(charges(&session), 1, "one charge for a request and its three free retries");
    }
    assert_eq!(read.load(Ordering::SeqCst), 4);
    // A further attempt is charged: by then it may have shown whoever watches how long the rows take.
    let answer = run().expect("the rows can be read now");
    assert_eq!((answer.answered(), charges(&session)), (Answered::Charged, 2));
}

#[test]
fn b3_a_refusal_reads_no_row() {
    let world = world();
    let (frame, read) = watched(0);
    let session = open(&world, frame);
    let whole = job(&[REACH]).replace("epsilon = 1.0", "epsilon = 4.0");
    let plan = || planned(&session, &whole).expect("a plan");
    session.run(plan(), request("all")).expect("it fits");
    assert_eq!(read.load(Ordering::SeqCst), 1, "a plan, a preflight and a charge read no row");
    let error = session.run(plan(), request("more")).expect_err("nothing is left");
    assert_eq!(error.exit_code(), 3, "{error}");
    let missing = job(&["statistic = \"reach\"\nby = [\"tag\"]"]);
    let error = session.run(planned(&session, &missing).expect("a plan"), request("no-column"));
    assert_eq!(error.expect_err("the frame has no such column").exit_code(), 5);
    assert_eq!((read.load(Ordering::SeqCst), charges(&session)), (1, 1));
}

#[test]
fn b10_p6_a_release_is_a_value() {
    let world = world();
    let (frame, read) = watched(0);
    let session = open(&world, frame);
    let run = |id: &str| session.run(planned(&session, &job(&[REACH])).expect("a plan"), request(id));
    let first = run("one").expect("it fits");
    let frames = (first.to_frame().expect("a frame"), first.clone().to_frame().expect("a frame"));
    assert!(frames.0.equals_missing(&frames.1) && first.to_string() == first.to_string());
    let again = run("one").expect("it is stored");
    assert_eq!((again.answered(), again.bytes()), (Answered::Before, first.bytes()));
    assert_eq!((read.load(Ordering::SeqCst), charges(&session)), (1, 1), "an answer is not computed again");
    assert_ne!(run("two").expect("it fits").bytes(), first.bytes());
    assert_eq!(charges(&session), 2);
    let other = planned(&session, &job(&["statistic = \"reach\""])).expect("a plan");
    let error = session.run(other, request("one")).expect_err("an id names one job");
    assert_eq!((error.exit_code(), charges(&session)), (2, 2), "{error}");
}

#[test]
fn b11_a_ledger_that_is_missing_or_another_s_is_refused() {
    let world = World::new(&setting(), &People::default());
    let session = open(&world, frame().lazy());
    let run = || session.run(planned(&session, &job(&[REACH])).expect("a plan"), request("one"));
    assert_eq!(run().expect_err("no ledger").exit_code(), 4);
    assert!(!world.path().join("films.ledger").exists() && !world.path().join("films.releases").exists());
    session.init().expect("a ledger");
    run().expect("a ledger is there");
    std::fs::remove_file(world.path().join("films.ledger")).expect("it was there");
    assert_eq!(run().expect_err("it is gone").exit_code(), 4);
}

#[test]
fn p3_types_and_widths_of_a_frame_break_nothing() {
    let world = World::new(&setting(), &People::default());
    let ends = vec![i64::MIN, i64::MAX, 0, 9_223_372_036_854_775, -9_223_372_036_854_776];
    let moments = |unit| {
        Series::new("at".into(), ends.clone())
            .cast(&DataType::Datetime(unit, None))
            .expect("integers are moments")
    };
    let days = Series::new("at".into(), vec![i32::MIN, i32::MAX, 0, 2_932_897, -719_529]);
    let columns = [
        moments(TimeUnit::Milliseconds),
        moments(TimeUnit::Microseconds),
        moments(TimeUnit::Nanoseconds),
        days.cast(&DataType::Date).expect("integers are days"),
    ];
    for at in columns {
        let kind = at.dtype().to_string();
        let wide = Series::new("user_id".into(), vec![1_u64, 2, 3, u64::MAX, u64::MAX - 1]);
        let prices = Series::new("price".into(), vec![f64::NAN, f64::INFINITY, -0.0, 1e300, f64::MIN]);
        let frame = DataFrame::new(5, vec![wide.into(), at.into(), prices.into()]).expect("one length");
        let frame = frame.lazy();
        // A day that is a key as it is.
        let days =
            setting().policy("ratings.csv").replace("\"datetime\", tz = \"Europe/Amsterdam\"", "\"date\"");
        world.write("days.toml", days);
        let session =
            Session::open_with_frame(world.path().join("days.toml"), frame.clone()).expect("a policy");
        let plan = planned(&session, &job(&["statistic = \"popularity\"\nby = [\"at\"]"])).expect("a plan");
        readable(&session, plan, &kind);
        let session = open(&world, frame);
        for release in [
            "statistic = \"popularity\"\nby = [{ column = \"at\", every = \"1w\" }]",
            "statistic = \"popularity\"\nby = [{ column = \"at\", every = \"1h\" }]\nwhere = \"at > '2000-01-01'\"",
            "statistic = \"summary\"\ncolumn = \"price\"\naggregates = [\"mean\", \"variance\"]",
        ] {
            let plan = planned(&session, &job(&[release])).expect("a plan");
            readable(&session, plan, &format!("{kind}: {release}"));
        }
    }
}

/// The plan runs, and its document can be read back.
fn readable(session: &Session, plan: flockwise_query::plan::Plan, what: &str) {
    let bytes = session.rehearse(plan, &mut Recorder::new(Mode::Open));
    let bytes = bytes.unwrap_or_else(|error| panic!("{what}: {error}"));
    let document: flockwise_query::release::Document = serde_json::from_slice(&bytes).expect("one document");
    document.table().unwrap_or_else(|error| panic!("{what}: {error}"));
}

/// The same rows as Parquet, where a column has one type: numbers, and text that is none.
fn parquet(folder: &Path, people: &People) {
    use flockwise_query::table::{ColumnKind, Table, TableColumn};
    use flockwise_query::value::Value;
    let kinds = [
        ("user_id", ColumnKind::String),
        ("item", ColumnKind::Float),
        ("rating", ColumnKind::Float),
        ("price", ColumnKind::Float),
        ("at", ColumnKind::Datetime),
        ("country", ColumnKind::String),
        ("tag", ColumnKind::String),
    ];
    let cell = |(text, (_, kind)): (&String, &(&str, ColumnKind))| match kind {
        _ if text.is_empty() => Value::Null,
        ColumnKind::Float => text.parse().map_or(Value::Null, Value::Float),
        ColumnKind::Datetime => text
            .len()
            .checked_mul(1 << 59)
            .map_or(Value::Datetime(i64::MAX), |far| Value::Datetime(far as i64)),
        ColumnKind::Int | ColumnKind::String | ColumnKind::Bool | ColumnKind::Date => {
            Value::String(text.clone())
        }
    };
    let rows = people.rows.iter().map(|row| row.iter().zip(&kinds).map(cell).collect()).collect();
    let columns = kinds.iter().map(|(name, kind)| TableColumn::key(name, *kind)).collect();
    let path = folder.join("ratings.parquet");
    flockwise_query::frame::write_parquet(&Table { columns, rows }, &path).expect("a temporary folder");
}

#[test]
fn p3_a_person_s_bad_rows_change_no_outcome_in_csv_or_parquet() {
    let setting = Setting::plain();
    for seed in 0..30 {
        let mut dice = super::dice::Dice::new(seed);
        let without = super::world::crowd(&mut dice, &setting);
        let mut with = without.clone();
        with.extend(person(&mut dice, 77, &setting, true));
        let worlds = [World::new(&setting, &without), World::new(&setting, &with)];
        for source in ["ratings.csv", "ratings.parquet"] {
            for (world, people) in worlds.iter().zip([&without, &with]) {
                parquet(world.path(), people);
                world.write("policy.toml", setting.policy(source));
            }
            let releases = [
                "statistic = \"popularity\"\nby = [\"item\", \"tag\"]",
                "statistic = \"popularity\"\nby = [{ column = \"at\", every = \"1mo\" }]",
                "statistic = \"summary\"\nby = [\"country\"]\ncolumn = \"worth\"\naggregates = [\"mean\"]\nwhere = \"price / item > rating\"",
            ];
            let plan = worlds[0].plan(&job(&releases)).expect("a plan");
            audit(Mode::Wild { seed }, &worlds[0], &worlds[1], &plan)
                .unwrap_or_else(|violation| panic!("seed {seed}, {source}: {violation}"));
        }
    }
}

#[test]
fn p7_a_canary_is_in_no_debug_output_and_no_file_of_the_ledger() {
    let canary = "canary4711";
    let mut people = People::default();
    for _ in 0..200 {
        people.rows.push(
            [canary, "4711471147", "2.34567", "77", "2026-01-05T10:00:00Z", "NL", canary].map(str::to_owned),
        );
    }
    people.regions.push([canary, "canary4711land"].map(str::to_owned));
    let world = World::new(&Setting::plain(), &people);
    let session = world.session();
    session.init().expect("a ledger");
    let releases = [
        "statistic = \"popularity\"\nby = [\"item\"]",
        "statistic = \"popularity\"\nby = [\"tag\", \"people.region\"]",
        "statistic = \"summary\"\nby = [\"country\"]\ncolumn = \"rating\"\naggregates = [\"mean\"]",
    ];
    let plan = planned(&session, &job(&releases)).expect("a plan");
    let mut said = format!("{plan:?} {plan} {}", plan.to_json());
    let answer = session.run(plan, request("one")).expect("it fits");
    said += &format!("{answer:?} {answer} {:?}", answer.to_frame());
    let error: Error =
        planned(&session, &job(&["statistic = \"popularity\"\nby = [\"nothing\"]"])).expect_err("a name");
    said += &format!("{error:?} {error}");
    assert!(!said.contains("canary4711") && !said.contains("4711471147"), "{said}");
    let number = 4_711_471_147_i64;
    for file in ["films.ledger", "films.releases"] {
        let bytes = std::fs::read(world.path().join(file)).expect("it was made");
        let needles = [canary.as_bytes(), b"4711471147", &number.to_be_bytes(), &number.to_le_bytes()];
        for needle in needles {
            assert!(!bytes.windows(needle.len()).any(|window| window == needle), "a canary in {file}");
        }
    }
}
