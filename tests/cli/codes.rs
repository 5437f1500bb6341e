//! The exit code says when it went wrong, and so what may be retried.

use super::shop::{HEADER, POLICY, Shop, job, sales};

/// A job of one release over public keys, which needs no delta.
fn single(loss: &str) -> String {
    format!(
        "version = 1\ndata = \"shop\"\npurpose = \"stock\"\n[[release]]\nname = \"where\"\nstatistic = \"reach\"\n\
         by = [\"country\"]\ncontribution = {{ keep = 1 }}\n{loss}\n"
    )
}

#[test]
fn code_0_a_question_is_planned_charged_and_answered() {
    let shop = Shop::open();
    shop.run(&["plan", "job.toml"]).ends(0);
    assert_eq!(shop.charges(), 0, "a plan costs nothing");
    let ran = shop.run(&["run", "job.toml"]).ends(0).says(&["charged as ledger entry 1"]);
    assert!(ran.out.contains("NL") && ran.out.contains("Protects one person (customer)"), "{}", ran.out);
    assert_eq!(shop.charges(), 1);
}

#[test]
fn code_2_what_was_written_is_wrong() {
    let shop = Shop::open();
    let wrong = [
        (job("0.5").replace("\"article\"", "\"artikle\""), "artikle"),
        (job("0.5").replace("\"shop\"", "\"other\""), "other"),
        (job("NaN"), "epsilon"),
        (job("0"), "epsilon"),
        (job("-1"), "epsilon"),
        (job("inf"), "epsilon"),
        (job("0.5").replace("stock", "curiosity"), "curiosity"),
        (job("0.5").replace("[job]", "[jobs]"), "did you mean `job`?"),
    ];
    for (text, what) in wrong {
        shop.write("wrong.toml", text);
        shop.run(&["plan", "wrong.toml"]).ends(2).says(&[what]);
        shop.run(&["run", "wrong.toml"]).ends(2).says(&["wrong.toml:", what]);
    }
    shop.run(&["run"]).ends(2);
    shop.run(&["run", "nowhere.toml"]).ends(2);
    shop.run(&["run", "job.toml", "--set", "x"]).ends(2).says(&["NAME=VALUE"]);
    shop.run(&["run", "job.toml", "--format", "parquet"]).ends(2).says(&["--out"]);
    shop.run(&["run", "job.toml", "--request-id", "not an id"]).ends(2);
    assert_eq!(shop.charges(), 0);
}

#[test]
fn s8_bounds_that_nobody_declared_are_a_plan_error_with_the_way_out() {
    let shop = Shop::open();
    shop.write("policy.toml", POLICY.replace(", bounds = [0, 100]", ""));
    shop.run(&["plan", "job.toml"]).ends(2).says(&["price", "bounds"]);
}

#[test]
fn code_3_a_spent_budget_refuses_with_the_three_figures_and_still_plans() {
    let shop = Shop::open();
    shop.write("all.toml", job("1.0"));
    shop.run(&["run", "all.toml"]).ends(0);
    shop.run(&["run", "all.toml"]).ends(3).says(&["requested rho", "remaining rho", "would fit"]);
    shop.run(&["plan", "all.toml"]).ends(0);
    shop.run(&["budget", "policy.toml", "--fail-below", "20%"]).ends(3).says(&["below 20%"]);
    assert_eq!(shop.charges(), 1);
}

#[test]
fn b2_the_rest_can_be_spent_exactly_and_one_unit_more_is_refused() {
    let shop = Shop::open();
    shop.write("half.toml", single("rho = 0.01"));
    shop.run(&["run", "half.toml"]).ends(0);
    shop.write("all.toml", job("1.0"));
    let ran = shop.run(&["run", "all.toml"]).ends(3);
    // What is left is said to the last unit of 1e-12.
    let remaining = ran.err.split("remaining rho ").nth(1).and_then(|rest| rest.split(',').next());
    let remaining = remaining.expect("the refusal says what is left").to_owned();
    let units = remaining.trim_start_matches("0.").trim_start_matches('0').parse::<u64>().expect("digits");
    shop.write("more.toml", single(&format!("rho = 0.{:0>width$}", units + 1, width = remaining.len() - 2)));
    shop.run(&["run", "more.toml"]).ends(3);
    shop.write("rest.toml", single(&format!("rho = {remaining}")));
    shop.run(&["run", "rest.toml"]).ends(0);
    shop.write("least.toml", single("rho = 1e-12"));
    shop.run(&["run", "least.toml"]).ends(3).says(&["nothing of it would fit"]);
}

#[test]
fn b3_a_refused_question_leaves_the_rest_usable() {
    let shop = Shop::open();
    shop.run(&["run", "job.toml"]).ends(0);
    shop.write("all.toml", job("1.0"));
    shop.run(&["run", "all.toml"]).ends(3).says(&["would fit"]);
    let before = shop.budget()["left"].to_string();
    shop.run(&["run", "all.toml"]).ends(3);
    assert_eq!(shop.budget()["left"].to_string(), before, "a refusal costs nothing");
    shop.run(&["run", "job.toml"]).ends(0);
    assert_eq!(shop.charges(), 2);
}

#[test]
fn b11_a_missing_ledger_is_refused_and_only_init_makes_one() {
    let shop = Shop::closed();
    shop.run(&["run", "job.toml"]).ends(4).says(&["flockwise init"]);
    assert!(!shop.path("shop.ledger").exists(), "a run makes no ledger");
    let id = shop.run(&["init", "policy.toml"]).ends(0).out;
    shop.run(&["init", "policy.toml"]).ends(4).says(&["exists already"]);
    let pin = |id: &str| POLICY.replace("[budget]", &format!("[budget]\nledger_id = \"{id}\""));
    shop.write("policy.toml", pin(id.trim()));
    shop.run(&["init", "policy.toml"]).ends(2).says(&["a second ledger over the same people"]);
    shop.run(&["run", "job.toml"]).ends(0);
    // The ledger of other people does not do.
    shop.write("policy.toml", pin(id.trim()).replace("\"shop\"", "\"other\""));
    shop.write("other.toml", job("0.1").replace("\"shop\"", "\"other\""));
    shop.run(&["run", "other.toml"]).ends(4).says(&["belongs to something else"]);
    shop.write("policy.toml", pin("00112233445566778899aabbccddeeff"));
    shop.run(&["run", "job.toml"]).ends(4);
}

#[test]
fn code_4_a_damaged_ledger_is_refused() {
    let shop = Shop::open();
    shop.run(&["run", "job.toml"]).ends(0);
    shop.run(&["ledger", "verify", "policy.toml"]).ends(0);
    let mut bytes = std::fs::read(shop.path("shop.ledger")).expect("a ledger");
    let at = bytes.windows(5).rposition(|window| window == b"where").expect("a ledger names its releases");
    bytes[at] = b'W';
    shop.write("shop.ledger", bytes);
    shop.run(&["ledger", "verify", "policy.toml"]).ends(4).says(&["damaged"]);
    shop.run(&["run", "job.toml"]).ends(4).says(&["damaged"]);
}

#[test]
fn code_5_a_source_that_does_not_fit_charges_nothing() {
    let shop = Shop::open();
    shop.write("policy.toml", POLICY.replace("article =", "artikel ="));
    shop.write("job.toml", job("0.5").replace("article", "artikel"));
    shop.run(&["run", "job.toml"]).ends(5).says(&["has no column 'artikel'", "nothing was charged"]);
    shop.write("policy.toml", POLICY);
    shop.write("job.toml", job("0.5"));
    std::fs::remove_file(shop.path("sales.csv")).expect("it was there");
    shop.run(&["run", "job.toml"]).ends(5).says(&["does not exist", "nothing was charged"]);
    assert_eq!(shop.charges(), 0);
    // An empty pattern is an empty data set.
    shop.write("policy.toml", POLICY.replace("sales.csv", "sales-*.csv"));
    shop.run(&["run", "job.toml"]).ends(0);
}

/// A Parquet file whose schema can be read and whose rows cannot.
fn torn(shop: &Shop) {
    use flockwise_query::table::{ColumnKind, Table, TableColumn};
    use flockwise_query::value::Value;
    let columns = ["customer", "country", "article", "price"];
    let kinds = [ColumnKind::String, ColumnKind::String, ColumnKind::Int, ColumnKind::Float];
    let row = |at: i64| {
        let text = |text: &str| Value::String(text.to_owned());
        vec![text(&format!("c{at}")), text("NL"), Value::Int(at % 7), Value::Float(at as f64)]
    };
    let columns = columns.iter().zip(kinds).map(|(name, kind)| TableColumn::key(name, kind)).collect();
    let table = Table { columns, rows: (0..500).map(row).collect() };
    let path = shop.path("sales.parquet");
    flockwise_query::frame::write_parquet(&table, &path).expect("a temporary folder can be written");
    let mut bytes = std::fs::read(&path).expect("it was written");
    bytes[4..1500].fill(0xff);
    shop.write("sales.parquet", bytes);
}

#[test]
fn b1_code_6_a_failure_after_the_charge_leaves_the_charge_and_a_free_retry() {
    let shop = Shop::open();
    torn(&shop);
    shop.write("policy.toml", POLICY.replace("sales.csv", "sales.parquet"));
    let run = ["run", "job.toml", "--request-id", "once"];
    shop.run(&run).ends(6).says(&["could not be read", "the charge is recorded", "--request-id once"]);
    assert_eq!(shop.charges(), 1, "the charge is not taken back");
    let last = shop.run(&["--log", "json", "run", "job.toml", "--request-id", "once"]).ends(6);
    let last: serde_json::Value =
        serde_json::from_str(last.err.lines().last().expect("a last line")).unwrap();
    assert_eq!((&last["charged"], &last["entry"]), (&true.into(), &1.into()));
    shop.write("policy.toml", POLICY.replace("sales.csv", "sales-*.csv"));
    // Another policy is another plan: the id stays the first one's.
    shop.run(&run).ends(2).says(&["was used for another plan"]);
    assert_eq!(shop.charges(), 1);
}

#[test]
fn b10_the_same_job_twice_is_charged_twice_and_the_same_id_once() {
    let shop = Shop::open();
    shop.write("job.toml", job("0.2"));
    let run =
        |id: &'static str| shop.run(&["run", "job.toml", "--format", "json", "--request-id", id]).ends(0);
    let first = run("monday");
    let again = run("monday").says(&["answered before", "the same bytes"]);
    assert_eq!(first.out, again.out);
    assert_eq!(shop.charges(), 1);
    assert_ne!(run("tuesday").out, first.out);
    assert_eq!(shop.charges(), 2);
    shop.write("other.toml", job("0.1"));
    shop.run(&["run", "other.toml", "--request-id", "monday"]).ends(2).says(&["was used for another plan"]);
    assert_eq!(shop.charges(), 2);
    // Without an id, each run is a request of its own.
    shop.write("least.toml", job("0.1"));
    shop.run(&["run", "least.toml"]).ends(0);
    shop.run(&["run", "least.toml"]).ends(0);
    assert_eq!(shop.charges(), 4);
}

#[test]
fn code_75_a_busy_ledger_charges_nothing() {
    let shop = Shop::open();
    let other = rusqlite::Connection::open(shop.path("shop.ledger")).expect("a ledger is an SQLite file");
    other.execute_batch("BEGIN EXCLUSIVE").expect("nobody else holds it");
    shop.run(&["run", "job.toml"]).ends(75).says(&["busy", "nothing was charged"]);
    other.execute_batch("ROLLBACK").expect("it was begun");
    assert_eq!(shop.charges(), 0);
    shop.run(&["run", "job.toml"]).ends(0);
}

#[test]
fn p3_bad_rows_of_one_person_change_neither_status_nor_messages() {
    let bad = [
        "evil,\"NL,1,5",
        "evil,NL,1",
        "evil,NL,1,2,3",
        "evil,,,",
        "evil,NL,99999999999999999999,1e400",
        "evil,NL,one,NaN",
        "evil,NL,1,\"5\"x",
        "evil,NL,-1,inf",
        "\"evil\"\"\",NL,1,-inf",
        ",NL,1,5",
    ];
    let mut bytes = sales().replace(HEADER, &format!("{HEADER}{}\n", bad.join("\n"))).into_bytes();
    bytes.extend(b"evil\xff,N\xffL,1\xff,\xff\n\xff\xfe\x00\n");
    let with = Shop::open();
    with.write("sales.csv", bytes);
    let without = Shop::open();
    let lines = |text: &str| text.lines().count();
    for arguments in [
        &["run", "job.toml", "--request-id", "one"][..],
        &["--log", "json", "run", "job.toml", "--request-id", "two", "--format", "json"],
    ] {
        let (one, other) = (with.run(arguments).ends(0), without.run(arguments).ends(0));
        assert_eq!(one.err, other.err);
        assert!(lines(&one.out) > 1 && lines(&other.out) > 1);
    }
}
