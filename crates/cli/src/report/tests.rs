use flockwise_query::release::Document;
use serde_json::json;

use super::page;

const HOSTILE: [&str; 4] =
    ["</title><script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "\u{202e}turned around", "فيلم"];

/// A release of this statistic, with a part of the key for each of these columns.
fn document(statistic: &str, keys: &[(&str, &str)], rows: serde_json::Value) -> Document {
    let bar = |end: &str| json!({ "name": format!("people_{end}"), "type": "float" });
    let mut columns: Vec<serde_json::Value> =
        keys.iter().map(|(name, kind)| json!({ "name": name, "type": kind })).collect();
    columns.push(
        json!({ "name": "people", "type": "float", "unit": "people", "bars": "noise, 95%", "bias": "low" }),
    );
    columns.extend([bar("low"), bar("high")]);
    let document = json!({
        "schema": "flockwise.release/1", "flockwise": "0.1.0", "release": HOSTILE[0], "statistic": statistic,
        "data": HOSTILE[1], "purpose": "stock",
        "privacy": {
            "unit": "one person (customer)", "neighbours": "add or remove", "accounting": "zcdp",
            "charge": { "rho": "0.006", "delta": "1e-8" }, "alone": { "epsilon": 0.5, "at_delta": "5.1e-7" },
            "ledger_after": { "used": 0.25, "epsilon_so_far": 0.5, "ceiling": 4.0 },
        },
        "how": {
            "mechanism": "discrete gaussian", "stages": ["bound", "measure"], "contribution": { "norm": 16, "bought": true },
            "noise_sd": { "people": 23.7 }, "selection": { "appears_half": 132, "appears_99pc": 187 },
        },
        "columns": columns, "rows": rows,
    });
    serde_json::from_value(document).unwrap()
}

fn drawn(documents: &[Document]) -> String {
    page(documents).unwrap()
}

#[test]
fn hostile_text_is_text_and_nothing_is_loaded() {
    let rows: Vec<_> = HOSTILE.iter().map(|name| json!([name, 100.0, 90.0, 110.0])).collect();
    let page = drawn(&[document("popularity", &[("title", "string")], json!(rows))]);
    for markup in ["<script", "<img", "onerror=alert(1)>\"", "http:", "https:", "<link", "@import"] {
        assert!(!page.contains(markup), "{markup}");
    }
    assert_eq!(page.matches("class=\"bar\"").count(), HOSTILE.len());
    assert!(page.contains("<bdi>\u{202e}turned around</bdi>"));
}

#[test]
fn the_guarantee_and_what_is_left_out_are_said() {
    let page = drawn(&[document("popularity", &[("title", "string")], json!([["a", 100.0, 90.0, 110.0]]))]);
    // e^0.5 = 1.6487; even odds become at most e^0.5/(1 + e^0.5) = 0.6225.
    for words in [
        "1.65 times as likely",
        "63 in 100 sure",
        "1 in 1 million",
        "Leans low",
        "132 people appears half of the time",
    ] {
        assert!(page.contains(words), "{words}");
    }
}

#[test]
fn a_window_is_drawn_over_time_and_a_bin_as_a_distribution() {
    let rows = json!([
        ["2013-01-01", "a", 5.0, 4.0, 6.0],
        ["2013-02-01", "a", 7.0, 6.0, 8.0],
        ["2013-01-01", "b", 1.0, 0.0, 2.0]
    ]);
    let page = drawn(&[document("popularity", &[("month", "date"), ("genre", "string")], rows)]);
    assert_eq!((page.matches("class=\"plot\"").count(), page.matches("class=\"band\"").count()), (2, 1));
    assert!(page.contains(">2013-01</text>"));
    let rows = json!([[10.0, 5.0, 4.0, 6.0], [0.0, 7.0, 6.0, 8.0]]);
    let page = drawn(&[document("popularity", &[("score", "float")], rows)]);
    assert!(page.find("from 0: 7.0").unwrap() < page.find("from 10: 5.0").unwrap());
}

#[test]
fn pairs_have_a_grid_in_which_doubt_is_hatched() {
    let rows = json!([[1, 2, 100.0, 90.0, 110.0], [1, 3, 5.0, -5.0, 15.0], [2, 3, 50.0, 40.0, 60.0]]);
    let page = drawn(&[document("co_occurrence", &[("item_a", "int"), ("item_b", "int")], rows)]);
    // Each pair in both directions.
    assert_eq!(page.matches("<td class=\"amount").count(), 6);
    assert_eq!(page.matches("unsure").count() - page.matches(".unsure").count(), 2);
}

#[test]
fn a_mock_says_so_and_an_empty_release_is_no_failure() {
    let mut mock = document("popularity", &[("title", "string")], json!([]));
    mock.mock = Some("MOCK: made-up numbers".to_owned());
    let page = drawn(&[mock]);
    assert!(page.contains("MOCK: made-up numbers") && page.contains("No key was common enough to appear"));
    assert!(!page.contains("as likely"), "a mock guarantees nothing");
}
