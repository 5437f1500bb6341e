//! Only the columns that a plan lists are read: shown on files whose other columns are poisoned or cannot be read at all.

use flockwise_query::frame::{Files, Kind, Source, Wanted, write_parquet};
use flockwise_query::table::{ColumnKind, Table, TableColumn};
use flockwise_query::value::Value;
use flockwise_query::{Job, Session};

use crate::shop::{CANARY, Shop, code};

const POLICY: &str = r#"
version = 1
[data]
name = "shop"
source = "rows.parquet"
privacy_unit = "who"
[budget]
epsilon = 100
delta = 1e-6
[columns]
item = { type = "string", keys = ["book", "film"] }
note = { type = "string" }
"#;

const NEEDS_ITEMS: &str = r#"
version = 1
data = "shop"
[job]
epsilon = 1
[[release]]
name = "items"
statistic = "popularity"
by = ["item"]
"#;

/// The same file but for the words of one column.
fn table(word: &str) -> Table {
    let columns = vec![
        TableColumn::key("who", ColumnKind::Int),
        TableColumn::key("item", ColumnKind::String),
        TableColumn::key("note", ColumnKind::String),
    ];
    let item = |at: i64| if at % 2 == 0 { "book" } else { "film" };
    let row = |at: i64| {
        let note = format!("{word}-{}", at.wrapping_mul(0x9e37_79b9) % 1_000_003);
        vec![Value::Int(at), Value::String(item(at).to_owned()), Value::String(note)]
    };
    Table { columns, rows: (0..2_000).map(row).collect() }
}

/// Makes the pages of `note` unreadable: they are the bytes before the footer in which two such files differ.
fn poison(shop: &Shop) {
    let bytes = |word: &str| {
        let path = shop.path("rows.parquet");
        write_parquet(&table(word), &path).unwrap();
        std::fs::read(path).unwrap()
    };
    let (other, mut bytes) = (bytes("z_q_x_v_k_j"), bytes(CANARY));
    let end = bytes.len();
    let footer = u32::from_le_bytes(bytes[end - 8..end - 4].try_into().unwrap()) as usize;
    let differs: Vec<usize> = (4..end - 8 - footer).filter(|&at| other.get(at) != Some(&bytes[at])).collect();
    let (first, last) = (differs[0], differs[differs.len() - 1]);
    assert!(first > end / 8, "the pages of note are the last ones");
    bytes[first..=last].fill(0xa5);
    shop.write("rows.parquet", bytes);
}

#[test]
fn p7_a_column_that_is_not_needed_may_be_unreadable() {
    let shop = Shop::new(POLICY);
    shop.init();
    poison(&shop);
    let outcome = shop.run(NEEDS_ITEMS, "items");
    let answer = outcome.as_ref().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(answer.releases()[0].rows.as_ref().map(Vec::len), Some(2));
    shop.keeps_the_secret("items", &outcome);
    // The poison works: a job that needs the column fails, after the charge, and says nothing of why.
    let needs_notes = NEEDS_ITEMS.replace("by = [\"item\"]", "by = [\"note\"]");
    let outcome = shop.run(&needs_notes, "notes");
    assert_eq!(code(&outcome), 6, "the poisoned column was read without notice");
    shop.keeps_the_secret("notes", &outcome);
    let source = Source::Files(Files::list(shop.folder.path(), &["rows.parquet".to_owned()]).unwrap());
    let note = source.preflight(&[Wanted { name: "note".to_owned(), kind: Some(Kind::Text) }]).unwrap();
    assert!(source.read(&note).is_err());
    let item = source.preflight(&[Wanted { name: "item".to_owned(), kind: Some(Kind::Text) }]).unwrap();
    assert_eq!(source.read(&item).unwrap()[0].len(), 2_000);
}

#[test]
fn the_plan_lists_exactly_what_is_read() {
    let shop = Shop::new(POLICY);
    let session = Session::open(&shop.policy).unwrap();
    let job = Job::parse("job.toml", NEEDS_ITEMS).unwrap();
    let plan = session.plan_job(&job.value, &job.places, &Default::default()).unwrap();
    assert_eq!(plan.to_json()["reads"]["data"], serde_json::json!(["item", "who"]));
    assert_eq!(plan.to_json()["reads_of_consent"], serde_json::json!([]));
    let scanned: Vec<&str> = plan.scan.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(scanned, ["item"]);
    assert!(plan.to_string().contains("reads   item, who\n          and no other column\n"), "{plan}");
}

#[test]
fn a_column_outside_the_policy_does_not_exist() {
    let shop = Shop::new(&POLICY.replace("note =", "# note ="));
    poison(&shop);
    shop.init();
    let outcome = shop.run(&NEEDS_ITEMS.replace("\"item\"", "\"note\""), "notes");
    assert_eq!(code(&outcome), 2);
    assert!(outcome.unwrap_err().to_string().contains("there is no column `note`"));
}
