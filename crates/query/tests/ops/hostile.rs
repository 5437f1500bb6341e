//! Hostile data files: whatever stands in a row, the job runs; whatever is wrong with a file as a whole is told before the
//! charge; and nothing that stands in a file is ever repeated.

use std::path::Path;

use flockwise_query::frame::{Files, Source, Wanted, write_parquet};
use flockwise_query::table::{ColumnKind, Table, TableColumn};
use flockwise_query::value::Value;

use crate::shop::{CANARY, JOB, POLICY, Shop, code, rows};

/// Rows in place of a canary's row; none may stop the job or show.
fn bad_rows() -> Vec<Vec<u8>> {
    let long = "x".repeat(200_000);
    let texts = [
        "",
        ",",
        ",,",
        ",,,",
        ",,,,",
        ",,,,,",
        "C",
        "C,",
        "C,C",
        "C,C,C",
        "C,C,C,C",
        "C,C,C,C,C",
        "\"C",
        "\"C,b,1,2",
        "\"C\"x,b,1,2",
        "\"C\"\"\",b,1,2",
        "C,\"b\nc\",1,2",
        "C,b,1,\"",
        "C,b,\"\",\"\"",
        "'C',b,1,2",
        "C;b;1;2",
        "C\tb\t1\t2",
        "C|b|1|2",
        "\"\"\"\"\"",
        "C,b,1e400,2026-01-01T00:00:00Z",
        "C,b,-1e400,x",
        "C,b,nan,2026-01-01",
        "C,b,NaN,2026-13-01",
        "C,b,inf,2026-02-30",
        "C,b,-inf,99999-01-01T00:00:00Z",
        "C,b,infinity,-1",
        "C,b,0x10,0",
        "C,b,1_000,9223372036854775807",
        "C,b,１２,1",
        "C,b,--1,2026-01-01T25:00:00Z",
        "C,b,1e,2026-01-01T00:00:60Z",
        "C,b,.,2026-01-01T00:00:00+99:99",
        "C,b,-0,0000-00-00",
        "C,b,1e-400,2026-01-01T00:00:00.999999999999Z",
        "C,b,9e999999999999,1970-01-01T00:00:00Z",
        "C,b,170141183460469231731687303715884105728,x",
        "C,=cmd(),1,2",
        "C,\u{1b}[2J,1,2",
        "C,\u{202e}gnp,1,2",
        "C,e\u{301},1,2",
        "C,🐦,1,2",
        "C,\0,1,2",
        "\0,b,1,2",
        "\r,b,1,2",
        " C ,b,1,2",
        "C,b,1,2\r",
        "#C,b,1,2",
        "who,item,price,at",
        "NULL,NULL,NULL,NULL",
        "null,b,1,2",
        "NA,NA,NA,NA",
        "C,book,5,2026-01-01T12:00:00Z",
        "\u{feff}C,b,1,2",
        "C,../../etc/passwd,1,2",
        "C,<script>,1,2",
        "C,%s%n,1,2",
    ];
    let canary = |text: &str| text.replace('C', CANARY).into_bytes();
    let mut all: Vec<Vec<u8>> = texts.iter().map(|text| canary(text)).collect();
    all.extend([
        canary(&format!("C,{long},1,2")),
        canary(&format!("C{long},b,1,2")),
        canary(&format!("C,b,{},2", "9".repeat(5_000))),
        ",".repeat(100_000).into_bytes(),
        "\"".repeat(99_999).into_bytes(),
        b"\xff\xfe\xfd,b,1,2".to_vec(),
        b"canary-7f3a,\xc3\x28,1,2".to_vec(),
        b"canary-7f3a,b,\xff,2".to_vec(),
        b"canary-7f3a,b,1,\xed\xa0\x80".to_vec(),
        b"canary-7f3a,\xf8\x88\x80\x80\x80,1,2".to_vec(),
        vec![0; 4_096],
        vec![0xff; 4_096],
    ]);
    all
}

#[test]
fn p3_no_row_stops_a_job_and_no_row_is_repeated() {
    let shop = Shop::new(POLICY);
    shop.init();
    let cases = bad_rows();
    assert!(cases.len() >= 70, "{}", cases.len());
    for (at, bad) in cases.iter().enumerate() {
        let good = rows(40);
        let bytes = [good.as_bytes(), bad, b"\n", &good.as_bytes()[good.find('\n').unwrap() + 1..]].concat();
        shop.write("rows.csv", bytes);
        let outcome = shop.run(JOB, &format!("row-{at}"));
        let case = String::from_utf8_lossy(&bad[..bad.len().min(80)]).into_owned();
        let answer = outcome.as_ref().unwrap_or_else(|error| panic!("{case:?}: {error}"));
        assert_eq!(answer.releases().len(), 2, "{case:?}");
        // The declared days appear, whatever else does.
        assert_eq!(answer.releases()[1].rows.as_ref().map(Vec::len), Some(3), "{case:?}");
        shop.keeps_the_secret(&case, &outcome);
    }
}

#[test]
fn what_is_wrong_with_a_csv_file_as_a_whole_is_told_before_the_charge() {
    let good = rows(30);
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let no_end = good.trim_end().to_owned();
    let cases: Vec<(&str, Vec<u8>, u8)> = vec![
        ("empty", Vec::new(), 5),
        ("one line end", b"\n".to_vec(), 5),
        ("header alone", b"who,item,price,at".to_vec(), 0),
        ("header and line end", b"who,item,price,at\n".to_vec(), 0),
        ("windows line ends", good.replace('\n', "\r\n").into_bytes(), 0),
        ("old line ends", good.replace('\n', "\r").into_bytes(), 5),
        ("byte order mark", format!("\u{feff}{good}").into_bytes(), 0),
        ("quoted header", good.replacen("who,item", "\"who\",\"item\"", 1).into_bytes(), 0),
        ("columns in another order", b"at,price,item,who\n2026-01-01,1,b,x\n".to_vec(), 0),
        ("more columns", good.replacen("who,item,price,at", "who,item,price,at,secret", 1).into_bytes(), 0),
        ("column twice", b"who,who,item,price,at\nx,y,b,1,2\n".to_vec(), 0),
        ("no last line end", no_end.into_bytes(), 0),
        ("missing column", good.replacen("price", "prize", 1).into_bytes(), 5),
        ("other case", good.replacen("who", "Who", 1).into_bytes(), 5),
        ("spaces in the header", good.replacen("who", " who", 1).into_bytes(), 5),
        ("open quote in the header", good.replacen("who", "\"who", 1).into_bytes(), 5),
        ("semicolons", good.replace(',', ";").into_bytes(), 5),
        ("tabs", good.replace(',', "\t").into_bytes(), 5),
        ("utf-16", utf16, 5),
        ("latin-1 header", b"who,item,price,at,\xe9\n".to_vec(), 5),
        ("zeros", vec![0; 10_000], 5),
        ("no text at all", (0..=255).cycle().take(10_000).collect(), 5),
        ("a parquet file", b"PAR1\x15\x04\x15\x00PAR1".to_vec(), 5),
        ("a compressed file", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03".to_vec(), 5),
        ("json", b"{\"who\": \"canary-7f3a\"}\n".to_vec(), 5),
        ("html", format!("<html><body>{CANARY}</body></html>").into_bytes(), 5),
    ];
    let shop = Shop::new(POLICY);
    shop.init();
    for (case, bytes, expected) in cases {
        shop.write("rows.csv", bytes);
        let outcome = shop.run(JOB, &format!("file-{}", case.replace(' ', "-")));
        assert_eq!(code(&outcome), expected, "{case}: {:?}", outcome.err().map(|error| error.to_string()));
        shop.keeps_the_secret(case, &outcome);
    }
}

fn parquet(path: &Path, people: usize) {
    let columns = vec![
        TableColumn::key("who", ColumnKind::String),
        TableColumn::key("item", ColumnKind::String),
        TableColumn::key("price", ColumnKind::Float),
        TableColumn::key("at", ColumnKind::Datetime),
    ];
    let row = |person: usize| {
        let who = if person == 7 { CANARY.to_owned() } else { format!("p{person}") };
        let at = 1_767_268_800_000_000 + person as i64 % 3 * 86_400_000_000;
        let item = if person == 7 { CANARY } else { "book" };
        vec![
            Value::String(who),
            Value::String(item.to_owned()),
            Value::Float(person as f64 / 10.0),
            Value::Datetime(at),
        ]
    };
    write_parquet(&Table { columns, rows: (0..people).map(row).collect() }, path).unwrap();
}

#[test]
fn a_damaged_parquet_file_is_unreadable_and_says_nothing() {
    let shop = Shop::new(&POLICY.replace("rows.csv", "rows.parquet"));
    shop.init();
    parquet(&shop.path("rows.parquet"), 200);
    let good = std::fs::read(shop.path("rows.parquet")).unwrap();
    let mut cases: Vec<(String, Vec<u8>, &[u8])> = vec![
        ("whole".to_owned(), good.clone(), &[0]),
        ("empty".to_owned(), Vec::new(), &[5]),
        ("csv inside".to_owned(), rows(5).into_bytes(), &[5]),
        ("magic alone".to_owned(), b"PAR1".to_vec(), &[5]),
        ("magic twice".to_owned(), b"PAR1PAR1".to_vec(), &[5]),
        ("zeros".to_owned(), vec![0; good.len()], &[5]),
        ("appended".to_owned(), [&good[..], CANARY.as_bytes()].concat(), &[5]),
        ("twice".to_owned(), [&good[..], &good[..]].concat(), &[0, 5, 6]),
    ];
    for part in 1..8 {
        cases.push((format!("cut at {part}/8"), good[..good.len() * part / 8].to_vec(), &[5]));
    }
    for (name, value) in [("huge footer", [0xff; 4]), ("empty footer", [0; 4])] {
        let mut bytes = good.clone();
        let end = bytes.len();
        bytes[end - 8..end - 4].copy_from_slice(&value);
        cases.push((name.to_owned(), bytes, &[5]));
    }
    for place in 0..24 {
        let mut bytes = good.clone();
        let at = 4 + (bytes.len() - 12) * place / 24;
        bytes[at..].iter_mut().take(6).for_each(|byte| *byte = !*byte);
        // A flip in a page of values may go unnoticed: there is no checksum that must be there.
        cases.push((format!("flipped at {place}/24"), bytes, &[0, 5, 6]));
    }
    for (at, (case, bytes, expected)) in cases.into_iter().enumerate() {
        shop.write("rows.parquet", bytes);
        let outcome = shop.run(JOB, &format!("parquet-{at}"));
        assert!(expected.contains(&code(&outcome)), "{case}: {} is not in {expected:?}", code(&outcome));
        if code(&outcome) > 0 {
            shop.keeps_the_secret(&case, &outcome);
        }
    }
}

#[test]
fn sources_that_are_no_files() {
    let shop = Shop::new(&POLICY.replace("\"rows.csv\"", "SOURCE"));
    let with = |source: &str| {
        let policy = POLICY.replace("\"rows.csv\"", source);
        std::fs::write(&shop.policy, policy).unwrap();
    };
    with("\"rows.csv\"");
    shop.init();
    std::fs::create_dir_all(shop.path("empty")).unwrap();
    std::fs::create_dir_all(shop.path("nested/day=2026-01-01")).unwrap();
    std::fs::create_dir_all(shop.path("loop")).unwrap();
    shop.write("nested/day=2026-01-01/rows.csv", rows(20));
    shop.write("nested/_SUCCESS", "");
    shop.write("other.txt", CANARY);
    std::os::unix::fs::symlink(".", shop.path("loop/again")).unwrap();
    std::os::unix::fs::symlink("nowhere", shop.path("dangling.csv")).unwrap();
    let cases = [
        ("\"missing.csv\"", 5),
        ("\"missing*.csv\"", 0),
        ("\"empty\"", 0),
        ("\"nested\"", 0),
        ("\"loop\"", 5),
        ("\"dangling.csv\"", 5),
        ("\"other.txt\"", 5),
        ("\"oth*\"", 5),
        ("\"[.csv\"", 5),
        ("\"***.csv\"", 5),
        ("\"/dev/null\"", 5),
        ("\"/proc/self/mem\"", 5),
        ("[\"nested\", \"nested\"]", 2),
        ("[\"nested\", \"missing.csv\"]", 5),
    ];
    for (at, (source, expected)) in cases.into_iter().enumerate() {
        with(source);
        let outcome = shop.run(JOB, &format!("source-{at}"));
        assert_eq!(code(&outcome), expected, "{source}: {:?}", outcome.err().map(|error| error.to_string()));
        shop.keeps_the_secret(source, &outcome);
    }
}

#[test]
fn hostile_tables_of_consent() {
    let policy = format!(
        "{POLICY}\n[consent]\nsource = \"consent.csv\"\ncolumns = {{ person = \"who\", purpose = \"why\", granted = \
         \"ok\", epsilon = \"most\" }}\n"
    );
    let shop = Shop::new(&policy);
    shop.init();
    shop.write("rows.csv", rows(30));
    let cases: Vec<(Vec<u8>, u8)> = vec![
        (b"who,why,ok,most\n".to_vec(), 0),
        (b"who,why,ok,most\ncanary-7f3a,ads,true,0.1\n".to_vec(), 0),
        (b"who,why,ok,most\np1,ads,canary-7f3a,canary-7f3a\n".to_vec(), 0),
        (b"who,why,ok,most\np1,\xff,\xff,\xff\n\"p2,ads\n".to_vec(), 0),
        (b"who,why,ok,most\np1,ads,true,1e999999\np1,ads,true,-1e999\n".to_vec(), 0),
        (b"who,why,ok,most\n,,,\n,,,,,,\n\n\n".to_vec(), 0),
        (b"who,why,ok\np1,ads,true\n".to_vec(), 5),
        (b"who,ok,most\n".to_vec(), 5),
        (b"".to_vec(), 5),
        (b"\"who,why,ok,most\n".to_vec(), 5),
        (vec![0xff; 100], 5),
    ];
    for (at, (bytes, expected)) in cases.into_iter().enumerate() {
        let case = String::from_utf8_lossy(&bytes).into_owned();
        shop.write("consent.csv", bytes);
        let outcome = shop.run(JOB, &format!("consent-{at}"));
        assert_eq!(code(&outcome), expected, "{case:?}: {:?}", outcome.err().map(|error| error.to_string()));
        shop.keeps_the_secret(&case, &outcome);
    }
    std::fs::remove_file(shop.path("consent.csv")).unwrap();
    assert_eq!(code(&shop.run(JOB, "gone")), 5);
}

#[test]
fn reading_says_no_more_than_that_it_failed() {
    let shop = Shop::new(POLICY);
    shop.write("rows.parquet", "PAR1");
    let source = Source::Files(Files::list(shop.folder.path(), &["rows.parquet".to_owned()]).unwrap());
    let error = source.preflight(&[Wanted { name: "who".to_owned(), kind: None }]).unwrap_err().to_string();
    assert!(error.starts_with("the schema of ") && error.ends_with("rows.parquet cannot be read"), "{error}");
}

#[test]
fn a_private_table_has_the_unit_that_the_data_have() {
    let listed = "who = { type = \"string\" }\n";
    let tables = "[tables.people]\nsource = \"people.csv\"\nprivate = true\nkey = [\"who\"]\ncolumns = { town = { type = \
                  \"string\", keys = [\"Gent\", \"Brugge\"] } }\n";
    let job = JOB.replace("by = [\"item\"]", "by = [\"people.town\"]");
    for policy in [POLICY.to_owned(), POLICY.replace(listed, "")] {
        let shop = Shop::new(&format!("{policy}{tables}"));
        shop.init();
        shop.write("rows.csv", rows(60));
        shop.write("people.csv", format!("who,town\np1,Gent\np1,Brugge\n{CANARY},{CANARY}\np2\n,Gent\n"));
        let outcome = shop.run(&job, "towns");
        assert_eq!(code(&outcome), 0, "{:?}", outcome.err().map(|error| error.to_string()));
        shop.keeps_the_secret("towns", &outcome);
    }
}
