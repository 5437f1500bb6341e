//! Pages of releases and of a benchmark.

use super::shop::Shop;

#[test]
fn a_folder_of_releases_is_one_page_in_any_format_and_costs_nothing() {
    let shop = Shop::open();
    for format in ["json", "csv"] {
        shop.run(&["run", "job.toml", "--request-id", "one", "--out", format, "--format", format]).ends(0);
        shop.run(&["report", format]).ends(0).says(&["written to"]);
    }
    let (page, of_csv) = (shop.read("json/report.html"), shop.read("csv/report.html"));
    assert_eq!(page, of_csv, "one stored answer, one page");
    for part in [
        "<!doctype html>",
        "default-src",
        "<bdi>what</bdi>",
        "<bdi>where</bdi>",
        "class=\"bar\"",
        "What was guaranteed",
    ] {
        assert!(page.contains(part), "{part}");
    }
    for asked in ["<script", "http:", "https:", " src=", "url(", "@import"] {
        let at = page.find(asked).map(|at| &page[at.saturating_sub(80)..(at + 80).min(page.len())]);
        assert_eq!(at, None, "nothing is run and nothing is fetched");
    }
    let lines = shop.run(&["run", "job.toml", "--request-id", "one", "--format", "json"]).ends(0).out;
    shop.write("lines.jsonl", lines);
    assert!(shop.run(&["report", "lines.jsonl"]).ends(0).out.contains("class=\"bar\""));
    assert_eq!(shop.charges(), 1);
}

#[test]
fn what_holds_no_releases_is_refused() {
    let shop = Shop::closed();
    shop.run(&["report", "tmp"]).ends(2).says(&["holds no releases", "--format json --out"]);
    shop.run(&["report", "nowhere"]).ends(2).says(&["nowhere"]);
    shop.write("bad.json", "{\"schema\": \"flockwise.release/1\"}");
    shop.run(&["report", "bad.json"]).ends(2).says(&["cannot be read as a release"]);
}

#[test]
fn a_mock_has_its_watermark_on_the_page() {
    let shop = Shop::closed();
    shop.run(&["run", "job.toml", "--mock", "--out", "mock", "--format", "json"]).ends(0);
    shop.run(&["report", "mock", "--out", "page.html"]).ends(0);
    assert!(shop.read("page.html").contains("MOCK: made-up numbers"));
}

#[test]
fn a_benchmark_is_a_page() {
    let shop = Shop::closed();
    let bench =
        ["bench", "job.toml", "--mock", "--epsilon", "0.5,1", "--trials", "2", "--html", "bench.html"];
    shop.run(&bench).ends(0);
    let page = shop.read("bench.html");
    assert!(
        page.contains("Made-up data")
            && page.contains("What the error is made of")
            && !page.contains("<script")
    );
}
