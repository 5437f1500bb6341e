//! What each fuzz target does with some bytes: every parser, and every file that is read. No input may make one panic, hang or
//! exhaust the stack; what is read must mean something, and what is refused must say why, with the exit code of its kind.
//!
//! The same functions are run by `cargo fuzz`, through the binaries of `fuzz_targets/`, and, on mutated seeds and without a
//! nightly compiler, by the corpus tests.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::Path;

use flockwise_ledger::RequestId;
use flockwise_mechanisms::audit::{Mode, Recorder};
use flockwise_query::expr::{ExprText, Scope, eval};
use flockwise_query::frame::{Files, Kind, Source, Wanted};
use flockwise_query::names::ColumnRef;
use flockwise_query::plan::Plan;
use flockwise_query::policy::{Renewal, RenewalWindow};
use flockwise_query::release::Document;
use flockwise_query::target::Target as Exactness;
use flockwise_query::value::{ColumnType, Literal, Value};
use flockwise_query::{Job, Policy, Session, render, resolve};
use tempfile::TempDir;

/// The example policy.
pub const POLICY: &str = include_str!("../tests/examples/policy.toml");

/// What a target is called, and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 13] = [
    ("policy", policy),
    ("job", job),
    ("job_json", job_json),
    ("expression", expression),
    ("settings", settings),
    ("target", target),
    ("csv", csv),
    ("parquet", parquet),
    ("consent", consent),
    ("private_table", private_table),
    ("release", release),
    ("ledger", ledger),
    ("releases", releases),
];

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

pub fn policy(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match Policy::parse("policy.toml", text) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(policy) => assert_eq!(policy.value.digest(), policy.value.clone().digest()),
    }
}

/// A job that is read means the same as JSON, and can be resolved or refused under the example policy.
pub fn job(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match Job::parse("job.toml", text) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(job) => {
            let json = job.value.to_json().to_string();
            assert_eq!(Job::parse_json("job.json", &json).expect("it was a job").value, job.value);
            for text in [POLICY.to_owned(), POLICY.replace("# per =", "per =")] {
                let policy = Policy::parse("policy.toml", &text).expect("the example is a policy");
                if let Err(error) = resolve(&job.value, &job.places, &policy.value, &BTreeMap::new()) {
                    assert!(!error.to_string().is_empty());
                }
            }
        }
    }
}

pub fn job_json(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    if let Err(error) = Job::parse_json("job.json", text) {
        assert!(!error.to_string().is_empty());
    }
}

pub fn expression(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let name = |text: &str| text.parse::<ColumnRef>().expect("it is a name");
    let columns = BTreeMap::from([
        (name("i"), ColumnType::Int),
        (name("f"), ColumnType::Float),
        (name("s"), ColumnType::String),
        (name("b"), ColumnType::Bool),
        (name("d"), ColumnType::Date),
    ]);
    let checked = ExprText::new(text)
        .and_then(|text| text.resolve(&Scope { columns: &columns, params: &BTreeMap::new() }));
    match checked {
        Err(error) => assert!(error.span.start <= error.span.end && error.span.end <= text.len()),
        Ok(expr) => {
            for value in [Value::Null, Value::Int(i64::MIN), Value::Float(f64::NAN), Value::Bool(true)] {
                let _ = eval(&expr, &|_| value.clone());
            }
        }
    }
}

/// What `plan --target` is given: what is read says the same again.
pub fn target(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match text.parse::<Exactness>() {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(target) => assert_eq!(target.to_string().parse(), Ok(target)),
    }
}

/// What `--set NAME=VALUE` is given, as each type, and as the name of a window.
pub fn settings(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let kinds = [
        ColumnType::Int,
        ColumnType::Float,
        ColumnType::String,
        ColumnType::Bool,
        ColumnType::Date,
        ColumnType::Datetime("Europe/Amsterdam".parse().expect("a zone")),
    ];
    let windows = RenewalWindow::WORDS.map(|(_, window)| Renewal {
        window,
        time: "at".parse().expect("a name"),
        tz: "America/Havana".parse().expect("a zone"),
    });
    for kind in kinds {
        match Literal::read(text, kind) {
            Err(error) => assert!(!error.to_string().is_empty()),
            Ok(Value::Float(number)) => assert!(number.is_finite()),
            Ok(value) => windows.iter().for_each(|per| drop(per.of(&value, kind))),
        }
    }
    for per in &windows {
        for kind in [ColumnType::Date, kinds[5]] {
            if let Some(window) = per.named(text, kind) {
                assert_eq!(window.name, text, "a window has one name");
                assert_eq!(per.of(&window.from, kind), Some(window.clone()), "and holds its first moment");
            }
        }
    }
}

/// A folder in memory where there is one.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a temporary folder")
}

thread_local! {
    static FOLDER: TempDir = folder();
    static PLANNED: OnceCell<(Session, Plan)> = const { OnceCell::new() };
}

fn with_file<T>(name: &str, bytes: &[u8], use_it: impl FnOnce(&Path) -> T) -> T {
    FOLDER.with(|folder| {
        std::fs::write(folder.path().join(name), bytes).expect("the folder can be written");
        use_it(folder.path())
    })
}

/// A data file is told before it is read, or read: columns of one length, and never an error that says more.
fn data(name: &str, bytes: &[u8]) {
    let kinds = [
        ("who", None),
        ("item", Some(Kind::Text)),
        ("price", Some(Kind::Float)),
        ("at", Some(Kind::Datetime)),
    ];
    let wanted = kinds.map(|(name, kind)| Wanted { name: name.to_owned(), kind });
    with_file(name, bytes, |folder| {
        let source = Source::Files(Files::list(folder, &[name.to_owned()]).expect("the file is there"));
        let Ok(preflight) = source.preflight(&wanted) else { return };
        if let Ok(columns) = source.read(&preflight) {
            let rows: Vec<usize> = columns.iter().map(|column| column.len()).collect();
            assert!(rows.windows(2).all(|two| two[0] == two[1]), "{rows:?}");
        }
    });
}

pub fn csv(bytes: &[u8]) {
    data("rows.csv", bytes);
}

pub fn parquet(bytes: &[u8]) {
    data("rows.parquet", bytes);
}

/// A shop with a table of consent and a private table, and a plan that reads both.
pub const SHOP: &str = r#"
version = 1
data = { name = "shop", source = "data.csv", privacy_unit = "who" }
budget = { epsilon = 4, delta = 1e-6 }
purposes = { ads = "What to show" }
[columns]
who = { type = "string" }
item = { type = "string", keys = ["book", "film"] }
[tables.people]
source = "people.csv"
private = true
key = ["who"]
columns = { town = { type = "string", keys = ["Gent", "Brugge"] } }
[consent]
source = "consent.csv"
columns = { person = "who", purpose = "why", granted = "ok", epsilon = "most" }
"#;

const SHOP_JOB: &str = r#"
version = 1
data = "shop"
purpose = "ads"
job = { epsilon = 1 }
release = [{ name = "r", statistic = "popularity", by = ["item", "people.town"] }]
"#;

/// The shop's data.
pub const ROWS: &str = "who,item\np1,book\np2,film\np3,book\n";
/// Its table of consent.
pub const CONSENTS: &str = "who,why,ok,most\np1,ads,true,0.5\np2,ads,true,\np3,ads,false,\n";
/// Its private table.
pub const TOWNS: &str = "who,town\np1,Gent\np2,Brugge\np1,Brugge\n";

/// Runs the shop with one of its files replaced: it goes through, or is told before the charge.
fn shop(replaced: &str, bytes: &[u8]) {
    for (name, text) in
        [("policy.toml", SHOP), ("data.csv", ROWS), ("people.csv", TOWNS), ("consent.csv", CONSENTS)]
    {
        with_file(name, if name == replaced { bytes } else { text.as_bytes() }, |_| ());
    }
    FOLDER.with(|folder| {
        PLANNED.with(|made| {
            let (session, plan) = made.get_or_init(|| {
                let session = Session::open(folder.path().join("policy.toml")).expect("it is a policy");
                let job = Job::parse("job.toml", SHOP_JOB).expect("it is a job");
                let plan = session.plan_job(&job.value, &job.places, &BTreeMap::new()).expect("it is a plan");
                (session, plan)
            });
            let ran = session.rehearse(plan.clone(), &mut Recorder::new(Mode::Open));
            if let Err(error) = ran {
                assert_eq!(error.exit_code(), 5, "{error}");
            }
        });
    });
}

pub fn consent(bytes: &[u8]) {
    shop("consent.csv", bytes);
}

pub fn private_table(bytes: &[u8]) {
    shop("people.csv", bytes);
}

/// What `verify` and `report` are given.
pub fn release(bytes: &[u8]) {
    let Ok(document) = serde_json::from_slice::<Document>(bytes) else { return };
    let again = serde_json::to_vec(&document).expect("it was JSON");
    assert_eq!(serde_json::from_slice::<Document>(&again).expect("it is JSON still"), document);
    if document.table().is_ok() {
        let _ = (render::for_people(&document), render::csv(&document));
    }
}

/// A session whose ledger and store of releases are what they are made.
pub fn ledgered() -> (TempDir, Session) {
    let folder = folder();
    std::fs::write(folder.path().join("policy.toml"), SHOP).expect("the folder can be written");
    let session = Session::open(folder.path().join("policy.toml")).expect("it is a policy");
    session.init().expect("a new ledger");
    (folder, session)
}

pub fn ledger(bytes: &[u8]) {
    let (folder, session) = ledgered();
    std::fs::write(folder.path().join("shop.ledger"), bytes).expect("the folder can be written");
    match session.status() {
        Err(error) => assert!(matches!(error.exit_code(), 4 | 75), "{error}"),
        Ok(status) => assert!(status.entries > 0),
    }
}

pub fn releases(bytes: &[u8]) {
    let (folder, session) = ledgered();
    std::fs::write(folder.path().join("shop.releases"), bytes).expect("the folder can be written");
    if let Err(error) = session.stored(&RequestId::new("one").expect("an id")) {
        assert!(matches!(error.exit_code(), 1 | 4 | 75), "{error}");
    }
}
