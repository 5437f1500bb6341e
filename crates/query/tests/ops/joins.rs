//! Hostile tables: whatever stands in them, a row of the data meets at most one of their rows, and what a row fans out to is
//! bounded. And an empty data set is a data set.

use std::fmt::Write as _;

use crate::shop::{CANARY, JOB, POLICY, Shop, code, rows};

const TABLES: &str = r#"
[tables.goods]
source = "goods.csv"
key = ["item"]
columns = { tags = { type = "string", split = "|" }, weight = { type = "float", bounds = [0, 10] } }
[tables.people]
source = "people.csv"
private = true
key = ["who"]
columns = { town = { type = "string" }, age = { type = "int", bounds = [0, 100] } }
[tables.visits]
source = "rows.csv"
private = true
key = ["who", "item"]
columns = { price = { type = "float", bounds = [0, 10] } }
"#;

const RELEASES: &str = r#"
[[release]]
name = "tags"
statistic = "popularity"
by = ["goods.tags"]
[[release]]
name = "towns"
statistic = "popularity"
by = ["people.town", "goods.tags"]
[[release]]
name = "weights"
statistic = "summary"
column = "goods.weight"
aggregates = ["people", "rows", "sum", "mean", "variance"]
max_rows_per_key = 4
[[release]]
name = "ages"
statistic = "summary"
column = "people.age"
aggregates = ["mean", { quantile = 0.5, as = "middle" }]
where = "visits.price >= 0"
"#;

fn shop() -> (Shop, String) {
    let shop = Shop::new(&format!("{POLICY}{TABLES}"));
    shop.init();
    let head = JOB.split("[[release]]").next().unwrap();
    (shop, format!("{head}{RELEASES}"))
}

#[test]
fn no_row_of_a_table_stops_a_job_or_shows() {
    let (shop, job) = shop();
    let many: String = (0..3_000).fold(String::new(), |mut text, at| {
        let _ = writeln!(text, "book,tag {at}|b,{at}");
        text
    });
    let fan_out =
        format!("book,{},1\n", (0..20_000).map(|at| format!("tag{at}")).collect::<Vec<_>>().join("|"));
    let goods: Vec<(&str, String)> = vec![
        ("empty", String::new()),
        ("one key three thousand times", many),
        ("a row of twenty thousand tags", fan_out),
        ("no tag but separators", "book,||||,1\n".to_owned()),
        ("nulls", ",,\nbook,,\n,a,1\n".to_owned()),
        ("odd numbers", "book,a,NaN\nbook,b,inf\nbook,c,1e400\n".to_owned()),
        ("quotes", "\"book\",\"tag\"\"\",1\n\"book,x\n".to_owned()),
        ("long", format!("book,{},1\n", "x".repeat(300_000))),
    ];
    let people: Vec<(&str, String)> = vec![
        ("empty", String::new()),
        ("a person of many towns", (0..2_000).map(|at| format!("p1,{CANARY}{at},{at}\n")).collect()),
        ("nobody", ",Gent,1\n,,\n".to_owned()),
        ("ages", "p1,Gent,9223372036854775808\np2,Gent,-1\np3,Gent,x\np4,Gent,1e300\n".to_owned()),
        ("bytes", "p1,\u{202e},1\n\u{feff}p2,\0,2\n".to_owned()),
    ];
    let mut at = 0;
    for (goods_case, goods) in &goods {
        for (people_case, people) in &people {
            at += 1;
            let mut data = rows(40);
            // The data join with themselves, and somebody has very many of one key.
            (0..200).for_each(|_| data += &format!("{CANARY},book,1,2026-01-01T12:00:00Z\n"));
            shop.write("rows.csv", data);
            shop.write("goods.csv", format!("item,tags,weight\n{goods}"));
            shop.write("people.csv", format!("who,town,age\n{people}"));
            let outcome = shop.run(&job, &format!("join-{at}"));
            let case = format!("{goods_case}, {people_case}");
            assert_eq!(code(&outcome), 0, "{case}: {:?}", outcome.err().map(|error| error.to_string()));
            shop.says_nothing(&case, &outcome);
        }
    }
}

#[test]
fn tables_that_do_not_fit_are_told_before_the_charge() {
    let (shop, job) = shop();
    shop.write("rows.csv", rows(40));
    let good =
        [("goods.csv", "item,tags,weight\nbook,a|b,1\n"), ("people.csv", "who,town,age\np1,Gent,30\n")];
    let reset = || good.iter().for_each(|(name, text)| shop.write(name, text));
    reset();
    assert_eq!(code(&shop.run(&job, "good")), 0);
    for (at, (name, text)) in [
        ("goods.csv", ""),
        ("goods.csv", "item,weight\nbook,1\n"),
        ("goods.csv", "tags,weight\na,1\n"),
        ("goods.csv", "\"item,tags,weight\nbook,a,1\n"),
        ("people.csv", "town,age\nGent,30\n"),
        ("people.csv", "who,town\np1,Gent\n"),
        ("people.csv", "PAR1"),
    ]
    .into_iter()
    .enumerate()
    {
        reset();
        shop.write(name, text);
        let outcome = shop.run(&job, &format!("bad-{at}"));
        assert_eq!(code(&outcome), 5, "{name}: {text:?}");
        shop.keeps_the_secret(text, &outcome);
    }
    for (name, _) in good {
        reset();
        std::fs::remove_file(shop.path(name)).unwrap();
        assert_eq!(code(&shop.run(&job, &format!("gone-{name}"))), 5, "{name}");
    }
}

/// The unit is text in the tables, and neither the policy nor any file of the data says so.
#[test]
fn an_empty_data_set_is_a_data_set_whatever_the_tables_hold() {
    let listed = "who = { type = \"string\" }\n";
    for consent in [false, true] {
        for (unit, policy) in
            [("p1", POLICY.replace(listed, "")), ("1", POLICY.replace(listed, "")), ("p1", POLICY.to_owned())]
        {
            let people = "[tables.people]\nsource = \"people.parquet\"\nprivate = true\nkey = [\"who\"]\ncolumns = { town = { type = \"string\" } }\n";
            let mut policy = format!("{}{people}", policy.replace("rows.csv", "rows*.csv"));
            if consent {
                policy += "[consent]\nsource = \"consent.csv\"\ncolumns = { person = \"who\", purpose = \"why\", granted = \"ok\", epsilon = \"most\" }\n";
            }
            let shop = Shop::new(&policy);
            shop.init();
            people_of(&shop, unit);
            shop.write("consent.csv", format!("who,why,ok,most\n{unit},ads,true,0.1\n"));
            let job = JOB.replace("by = [\"item\"]", "by = [\"people.town\"]");
            let outcome = shop.run(&job, "empty");
            assert_eq!(
                code(&outcome),
                0,
                "{consent}, {unit}: {:?}",
                outcome.err().map(|error| error.to_string())
            );
        }
    }
}

fn people_of(shop: &Shop, unit: &str) {
    use flockwise_query::table::{ColumnKind, Table, TableColumn};
    use flockwise_query::value::Value;
    let (kind, unit) = match unit.parse() {
        Ok(number) => (ColumnKind::Int, Value::Int(number)),
        Err(_) => (ColumnKind::String, Value::String(unit.to_owned())),
    };
    let columns = vec![TableColumn::key("who", kind), TableColumn::key("town", ColumnKind::String)];
    let rows = vec![vec![unit, Value::String("Gent".to_owned())]];
    flockwise_query::frame::write_parquet(&Table { columns, rows }, &shop.path("people.parquet")).unwrap();
}
