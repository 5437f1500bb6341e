//! Random jobs over all statistics and options that there are.

use std::fmt::Write as _;

use super::dice::Dice;

const PRIVATE: [&str; 8] = [
    "\"item\"",
    "\"tag\"",
    "{ column = \"at\", every = \"1w\", starts = \"sunday\", as = \"week\" }",
    "{ column = \"at\", every = \"6h\", as = \"hours\" }",
    "{ column = \"price\", width = 7, as = \"bin\" }",
    "\"movies.genres\"",
    "\"people.region\"",
    "{ column = \"country\", keys = \"private\" }",
];

const PUBLIC: [&str; 6] = [
    "\"country\"",
    "{ column = \"movies.genres\", keys = \"table\" }",
    "{ column = \"item\", keys = [1, 2, 3] }",
    "{ column = \"at\", every = \"2d\", from = \"2026-01-02\", until = \"2026-01-09\", as = \"days\" }",
    "{ column = \"price\", width = 25, bounds = [0, 100], as = \"range\" }",
    "{ column = \"people.region\", keys = [\"north\", \"south\"] }",
];

const WHERE: [&str; 8] = [
    "rating >= 0",
    "price / rating > 1",
    "worth < 50 or tag is null",
    "not price is null and tag in ('a', 'ü', '0')",
    "at >= '2026-01-04' and at < '2026-01-11'",
    "people.region starts_with 'n'",
    "movies.title is not null",
    "item * item < 60",
];

/// Distinct keys: none, private, public, or both; in any order.
fn keys(dice: &mut Dice) -> Vec<&'static str> {
    let (private, public) = [(1, 0), (0, 1), (1, 1), (2, 0), (0, 2), (2, 1), (1, 0), (0, 1)][dice.roll(8)];
    let mut keys: Vec<&str> = Vec::new();
    while keys.len() < private {
        keys.push(dice.pick(&PRIVATE));
    }
    while keys.len() < private + public {
        keys.push(dice.pick(&PUBLIC));
    }
    dice.shuffle(&mut keys);
    keys
}

fn options(dice: &mut Dice, release: &mut String) {
    let size = [1, 2, 3, 8, 100][dice.roll(5)];
    match dice.roll(4) {
        0 => {}
        1 => {
            let _ = writeln!(release, "contribution = {{ keep = {size} }}");
        }
        2 => {
            let _ = writeln!(release, "contribution = {{ norm = {size} }}");
        }
        _ => release.push_str("contribution = \"auto\"\n"),
    }
    if dice.one_in(3) {
        let _ = writeln!(release, "where = \"{}\"", dice.pick(&WHERE));
    }
    if dice.one_in(3) {
        let _ = writeln!(release, "two_stage = {}", dice.one_in(2));
    }
    if dice.one_in(3) {
        release.push_str(dice.pick(&[
            "non_negative = true\n",
            "round = 10\n",
            "round = \"noise\"\n",
            "non_negative = true\nround = 5\n",
            "minimum = 3\n",
        ]));
    }
    if dice.one_in(4) {
        let _ = writeln!(release, "mechanism = \"{}\"", dice.pick(&["laplace", "gaussian", "auto"]));
    }
}

/// The fields of a random release.
pub fn release(dice: &mut Dice) -> String {
    let mut release = String::new();
    let keys = keys(dice);
    let by = keys.join(", ");
    match dice.roll(11) {
        0 => {
            let aggregates =
                dice.pick(&["", "aggregates = [\"rows\"]", "aggregates = [\"people\", \"rows\"]"]);
            let _ = write!(release, "statistic = \"popularity\"\nby = [{by}]\n{aggregates}\n");
            if aggregates.is_empty() && dice.one_in(2) {
                return release + "consistent = true\n" + dice.pick(&["", "contribution = { norm = 3 }\n"]);
            }
            if dice.one_in(2) {
                let _ = writeln!(release, "max_rows_per_key = {}", [1, 2, 50][dice.roll(3)]);
            }
        }
        1 => {
            if dice.one_in(3) {
                let (k, item) = (1 + dice.roll(4), keys[0]);
                return format!("statistic = \"top_k\"\nk = {k}\nitem = {item}\nmechanism = \"gumbel\"\n");
            }
            let (item, segments) = (keys[0], keys[1..].join(", "));
            let _ = write!(
                release,
                "statistic = \"top_k\"\nk = {}\nitem = {item}\nby = [{segments}]\n",
                1 + dice.roll(4)
            );
        }
        2 => {
            let by = if dice.one_in(3) { String::new() } else { by };
            let _ = write!(release, "statistic = \"reach\"\nby = [{by}]\n");
        }
        3 => {
            let measures = dice.pick(&["", "measures = [\"people\", \"lift\", \"cosine\", \"conditional\"]"]);
            let _ = write!(release, "statistic = \"co_occurrence\"\nitem = {}\n{measures}\n", keys[0]);
        }
        4 => {
            let order = dice.pick(&["at", "price"]);
            let _ =
                write!(release, "statistic = \"transitions\"\nitem = {}\norder_by = \"{order}\"\n", keys[0]);
        }
        5 => {
            let (category, segments) = (keys[0], keys[1..].join(", "));
            let _ = write!(release, "statistic = \"affinity\"\ncategory = {category}\nby = [{segments}]\n");
        }
        6 => release.push_str("statistic = \"activity\"\n"),
        7 => {
            let cohort = dice.pick(&[PUBLIC[0], PUBLIC[2], PUBLIC[5]]);
            let period = dice.pick(&[PUBLIC[3], PUBLIC[4], PUBLIC[1]]);
            let _ = write!(release, "statistic = \"retention\"\ncohort = {cohort}\nperiod = {period}\n");
        }
        _ => {
            let by = if dice.one_in(5) { String::new() } else { by };
            let column = dice.pick(&["rating", "price", "worth", "loose"]);
            let aggregates = dice.pick(&[
                "\"sum\"",
                "\"mean\"",
                "\"people\", \"sum\"",
                "\"rows\", \"sum\", \"mean\"",
                "\"variance\"",
                "{ quantile = 0.5, as = \"median\" }",
                "\"people\", { histogram = { width = 20 } }",
                "\"people\", \"rows\", \"sum\", \"mean\", \"variance\"",
            ]);
            let rows = dice.pick(&[
                "max_rows_per_key = 1",
                "max_rows_per_key = 2",
                "per = \"row\"\nmax_rows_per_key = 7",
                "per = \"person\"",
                "per = \"person\"",
            ]);
            // An average is no row.
            let aggregates = if rows.contains("person") {
                aggregates.replace("\"rows\", ", "")
            } else {
                aggregates.to_owned()
            };
            let _ = write!(
                release,
                "statistic = \"summary\"\nby = [{by}]\ncolumn = \"{column}\"\naggregates = [{aggregates}]\n{rows}\n"
            );
            if column == "loose" || dice.one_in(4) {
                release.push_str("bounds = \"auto\"\n");
            }
        }
    }
    options(dice, &mut release);
    release
}
