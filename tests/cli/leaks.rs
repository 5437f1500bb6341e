//! What one person brought must not be found anywhere.

use std::path::Path;

use super::shop::{POLICY, Ran, Shop, job, sales};

/// A person whose id, country, article and price are found nowhere else, and who brings them often.
const CANARIES: [&str; 4] = ["canaryperson", "canarycountry", "777000777", "87.654321"];

fn holds(bytes: &[u8], what: &str) -> bool {
    let wide = what.as_bytes();
    let number = what.parse::<i64>().map(|number| [number.to_le_bytes(), number.to_be_bytes()]);
    let float = what.parse::<f64>().map(|number| [number.to_le_bytes(), number.to_be_bytes()]);
    let found = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    found(wide)
        || number.is_ok_and(|both| both.iter().any(|needle| found(needle)))
        || float.is_ok_and(|both| both.iter().any(|needle| found(needle)))
}

/// Every file below a folder, but for the data themselves.
fn search(folder: &Path, searched: &mut usize) {
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            search(&path, searched);
            continue;
        }
        if path.file_name().is_some_and(|name| name == "sales.csv") {
            continue;
        }
        *searched += 1;
        let bytes = std::fs::read(&path).expect("a file of our own");
        for canary in CANARIES {
            assert!(!holds(&bytes, canary), "{canary} in {}", path.display());
        }
    }
}

#[test]
fn p7_a_canary_is_found_in_no_output_log_or_file() {
    let shop = Shop::open();
    let [person, country, article, price] = CANARIES;
    let line = format!("{person},{country},{article},{price}\n{person},NL,{article},{price}\n");
    // Too often for any bound, and in rows that cannot be read.
    let broken = format!("{person},{country},{article},{price},\n{person},\"{country},{article},{price}\n");
    shop.write("sales.csv", sales() + &line.repeat(500) + &broken);
    let mut said: Vec<Ran> = Vec::new();
    for format in ["table", "json", "csv", "parquet"] {
        let out = format!("out-{format}");
        let run = ["run", "job.toml", "--request-id", "one", "--out", &out, "--format", format];
        said.push(shop.run(&run).ends(0));
    }
    said.push(shop.run(&["--log", "json", "run", "job.toml", "--format", "json"]).ends(0));
    shop.write("all.toml", job("1.0"));
    said.push(shop.run(&["run", "all.toml"]).ends(3));
    shop.write("wrong.toml", job("0.1").replace("\"country\"", "\"nowhere\""));
    said.push(shop.run(&["run", "wrong.toml"]).ends(2));
    shop.write("policy.toml", POLICY.replace("type = \"int\"", "type = \"datetime\""));
    said.push(shop.run(&["run", "job.toml"]));
    shop.write("policy.toml", POLICY);
    for command in [&["budget", "policy.toml"][..], &["ledger", "log", "policy.toml"], &["plan", "job.toml"]]
    {
        said.push(shop.run(command).ends(0));
    }
    for ran in &said {
        for canary in CANARIES {
            assert!(!ran.out.contains(canary) && !ran.err.contains(canary), "{canary} in {ran:?}");
        }
    }
    let mut searched = 0;
    search(shop.root(), &mut searched);
    assert!(searched > 15, "{searched} files were searched");
    assert_eq!(
        std::fs::read_dir(shop.path("tmp")).expect("it is there").count(),
        0,
        "nothing is left in TMPDIR"
    );
}

#[test]
fn the_search_finds_what_it_is_for() {
    assert!(holds(b"..canaryperson..", CANARIES[0]));
    assert!(holds(&777_000_777_i64.to_be_bytes(), CANARIES[2]));
    assert!(holds(&87.654_321_f64.to_le_bytes(), CANARIES[3]));
    assert!(!holds(b"canary", CANARIES[0]));
}

#[test]
fn p4_nobody_and_one_person_look_alike() {
    let shape = |text: &str| {
        let lines = text.lines().map(|line| line.split('(').next().unwrap_or_default());
        let words = lines
            .map(|line| line.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect::<String>());
        words.map(|line| line.split_whitespace().take(1).collect::<String>()).collect::<Vec<_>>()
    };
    let ran: Vec<(Ran, Vec<String>)> = ["", "one,NL,5,50\n"]
        .iter()
        .map(|rows| {
            let shop = Shop::open();
            shop.write("sales.csv", format!("{}{rows}", super::shop::HEADER));
            let ran = shop.run(&["run", "job.toml", "--request-id", "one"]).ends(0);
            let shape = shape(&ran.out);
            (ran, shape)
        })
        .collect();
    assert_eq!(ran[0].0.err, ran[1].0.err);
    assert_eq!(ran[0].1, ran[1].1, "the same lines, headers and keys");
}

/// A shop whose articles have tags in a public table, one of them very many.
fn tagged() -> Shop {
    let shop = Shop::closed();
    let tables = "[tables.articles]\nsource = \"articles.csv\"\nkey = [\"article\"]\n\
                  columns = { article = { type = \"int\" }, tags = { type = \"string\", split = \"|\" } }\n\
                  [purposes]";
    shop.write("policy.toml", super::shop::POLICY.replace("[purposes]", tables));
    let many: Vec<String> = (0..5_000).map(|tag| tag.to_string()).collect();
    shop.write("articles.csv", format!("article,tags\n1,red|blue\n7,{}\n", many.join("|")));
    shop.run(&["init", "policy.toml"]).ends(0);
    shop
}

/// One row of one person, picked by `where`, that fans out to every combination of many keys, or that is the only one to
/// meet a table's own key: the status must be that of a run without it.
#[test]
fn p3_a_row_that_fans_out_or_meets_a_key_changes_no_status() {
    let copies: Vec<String> =
        (0..9).map(|n| format!("{{ column = \"articles.tags\", as = \"t{n}\" }}")).collect();
    let many = format!("statistic = \"popularity\"\nby = [{}]", copies.join(", "));
    let key = "statistic = \"summary\"\nby = [\"article\"]\ncolumn = \"articles.article\"\nbounds = \"auto\"\naggregates = [\"sum\"]";
    let by_key = "statistic = \"popularity\"\nby = [\"articles.article\"]";
    for asks in [many.as_str(), key, by_key] {
        let job = format!(
            "version = 1\ndata = \"shop\"\npurpose = \"stock\"\n[[release]]\nname = \"r\"\nepsilon = 0.01\n{asks}\n\
             where = \"customer = 'eve' and article = 7\"\n"
        );
        let status = |with: &str| {
            let shop = tagged();
            shop.write("sales.csv", format!("{}{with}", super::shop::sales()));
            shop.write("job.toml", &job);
            let ran = shop.run(&["run", "job.toml", "--policy", "policy.toml", "--request-id", "r"]);
            (ran.code, ran.err)
        };
        let without = status("");
        assert_eq!(without.0, 0, "{asks}: {}", without.1);
        assert_eq!(status("eve,NL,7,1.5\n"), without, "{asks}");
    }
}
