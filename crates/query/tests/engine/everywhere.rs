//! Rows of the list of known attacks that must hold for every statistic: the same few worlds, each under all of them.

use std::collections::BTreeSet;

use flockwise_mechanisms::audit::Mode;
use flockwise_query::release::Document;
use flockwise_query::release::text;

use super::attacks::traced;
use super::auditor::audit;
use super::world::{People, Row, Setting, World, job};

/// Every statistic, with what it has of options.
const EVERY: [&str; 14] = [
    "statistic = \"popularity\"\nby = [\"item\"]\naggregates = [\"people\", \"rows\"]\nmax_rows_per_key = 3",
    "statistic = \"popularity\"\nby = [\"item\", \"country\"]\nconsistent = true",
    "statistic = \"top_k\"\nk = 2\nitem = \"item\"\nby = [\"country\"]",
    "statistic = \"top_k\"\nk = 2\nitem = \"item\"\nmechanism = \"gumbel\"",
    "statistic = \"top_k\"\nk = 1\nitem = { column = \"item\", keys = [1, 2, 3] }\nmechanism = \"gumbel\"",
    "statistic = \"summary\"\nby = [\"country\"]\ncolumn = \"rating\"\nper = \"row\"\nmax_rows_per_key = 3\naggregates = [\"people\", \"rows\", \"sum\", \"mean\", \"variance\"]",
    "statistic = \"summary\"\nby = [\"item\"]\ncolumn = \"rating\"\nper = \"person\"\naggregates = [\"people\", \"deviation\", { quantile = 0.5, as = \"median\" }, { histogram = { width = 2 } }]",
    "statistic = \"summary\"\nby = [\"country\"]\ncolumn = \"loose\"\nbounds = \"auto\"\naggregates = [\"mean\", { quantile = 0.5, as = \"median\" }]",
    "statistic = \"co_occurrence\"\nitem = \"item\"\nmeasures = [\"people\", \"lift\", \"cosine\", \"conditional\"]",
    "statistic = \"transitions\"\nitem = \"item\"\norder_by = \"at\"",
    "statistic = \"affinity\"\nby = [\"country\"]\ncategory = \"item\"",
    "statistic = \"activity\"",
    "statistic = \"reach\"\nby = [\"country\"]",
    "statistic = \"retention\"\ncohort = \"country\"\nperiod = { column = \"at\", every = \"2d\", from = \"2026-01-02\", until = \"2026-01-09\", as = \"days\" }",
];

fn row(person: &str, at: usize, item: usize) -> Row {
    let country = ["NL", "BE"][at % 2];
    [
        person.to_owned(),
        item.to_string(),
        (item as f64 - 2.5).to_string(),
        (10 * at % 130).to_string(),
        format!("2026-01-{:02}T10:00:00Z", 1 + at % 10),
        country.to_owned(),
        "a".to_owned(),
    ]
}

/// A person's rows: three items, over some days.
fn rows(person: &str) -> Vec<Row> {
    (0..7).map(|at| row(person, at, 1 + at % 3)).collect()
}

fn world(setting: &Setting, rows: Vec<Row>) -> World {
    World::new(setting, &People { rows, ..People::default() })
}

fn crowd(of: usize) -> Vec<Row> {
    (0..of).flat_map(|person| rows(&format!("p{person}"))).collect()
}

#[test]
fn s4_whoever_has_what_everybody_has_counts_once_in_every_statistic() {
    let mine = (0..10).flat_map(|_| rows("outlier"));
    let without = world(&Setting::plain(), crowd(30));
    let with = world(&Setting::plain(), crowd(30).into_iter().chain(mine).collect());
    for release in EVERY {
        let plan = with.plan(&job(&[release])).expect(release);
        for mode in [Mode::Open, Mode::Wild { seed: 4 }] {
            let divergence =
                audit(mode, &with, &without, &plan).unwrap_or_else(|error| panic!("{release}: {error}"));
            assert!(divergence.reaches.iter().any(|reach| reach.moved > 0), "{release}: nobody was seen");
        }
    }
}

#[test]
fn s5_a_condition_is_one_of_rows_in_every_statistic() {
    let kept = |row: &Row| row[3].parse::<i64>().is_ok_and(|price| price < 60);
    let all = crowd(20);
    let half = all.iter().filter(|row| kept(row)).cloned().collect();
    let (whole, part) = (world(&Setting::plain(), all), world(&Setting::plain(), half));
    for release in EVERY {
        let conditioned = job(&[&format!("{release}\nwhere = \"price < 60\"")]);
        let plan = whole.plan(&conditioned).expect(release);
        let of = |world: &World| traced(&world.session(), &plan, Mode::Drawn { seed: 5 });
        assert!(of(&whole) == of(&part), "{release}: what was left out shows");
    }
}

#[test]
fn s10_one_person_under_many_spellings_is_one_person_in_every_statistic() {
    let spelled = |ids: [&str; 3], ids_are_text| {
        let mut all: Vec<Row> = (2..9).flat_map(|person| rows(&person.to_string())).collect();
        all.extend(rows("1").into_iter().enumerate().map(|(at, mut row)| {
            row[0] = ids[at % 3].to_owned();
            row
        }));
        world(&Setting { ids_are_text, ..Setting::plain() }, all)
    };
    for release in EVERY {
        for (one, many, ids_are_text) in
            [(["1"; 3], ["1", "+1", "1.0"], false), (["1"; 3], ["1", " 1", "1 "], true)]
        {
            let (one, many) = (spelled(one, ids_are_text), spelled(many, ids_are_text));
            let plan = one.plan(&job(&[release])).expect(release);
            let of = |world: &World| traced(&world.session(), &plan, Mode::Open);
            assert!(of(&one) == of(&many), "{release}: a spelling shows");
        }
    }
}

fn documents(world: &World, release: &str, mode: Mode) -> Document {
    let plan = world.plan(&job(&[release])).expect(release);
    let (_, bytes) = traced(&world.session(), &plan, mode);
    serde_json::from_slice(&bytes).expect("a document")
}

#[test]
fn p4_nobody_and_one_person_give_documents_of_one_shape_in_every_statistic() {
    let nobody = world(&Setting::plain(), Vec::new());
    let somebody = world(&Setting::plain(), rows("p"));
    for release in EVERY {
        let [none, one] =
            [&nobody, &somebody].map(|world| documents(world, release, Mode::Drawn { seed: 2 }));
        assert_eq!(none.columns, one.columns, "{release}");
        assert_eq!(none.how.stages, one.how.stages, "{release}");
        assert_eq!(none.privacy, one.privacy, "{release}");
    }
}

#[test]
fn p5_declared_keys_are_the_same_whatever_the_data_in_every_statistic() {
    let public = [
        "statistic = \"popularity\"\nby = [\"country\"]",
        "statistic = \"popularity\"\nby = [\"country\", { column = \"item\", keys = [1, 2] }]\nconsistent = true",
        "statistic = \"summary\"\nby = [\"country\"]\ncolumn = \"rating\"\nper = \"person\"",
        "statistic = \"co_occurrence\"\nitem = { column = \"item\", keys = [1, 2, 3] }",
        "statistic = \"transitions\"\nitem = { column = \"item\", keys = [1, 2, 3] }\norder_by = \"at\"",
        "statistic = \"affinity\"\nby = [\"country\"]\ncategory = { column = \"item\", keys = [1, 2] }",
        "statistic = \"top_k\"\nk = 3\nitem = { column = \"item\", keys = [1, 2, 3] }",
        EVERY[11],
        EVERY[12],
        EVERY[13],
    ];
    let foreign = (0..7).map(|at| {
        let mut row = row("p", at, 4711 + at);
        row[5] = "XX".to_owned();
        row
    });
    let worlds = [
        world(&Setting::plain(), Vec::new()),
        world(&Setting::plain(), foreign.collect()),
        world(&Setting::plain(), crowd(9)),
    ];
    for release in public {
        let keys = worlds.each_ref().map(|world| {
            let document = documents(world, release, Mode::Open);
            let table = document.table().expect("a table");
            let first = table.columns.iter().position(|column| column.bars.is_some()).expect("a number");
            let key = |row: &Vec<flockwise_query::value::Value>| -> Vec<String> {
                row[..first].iter().map(text).collect()
            };
            table.rows.iter().map(key).collect::<BTreeSet<_>>()
        });
        assert!(!keys[0].is_empty(), "{release}: all declared keys appear");
        assert!(keys[0] == keys[1] && keys[1] == keys[2], "{release}: {keys:?}");
    }
}
