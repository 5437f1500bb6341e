//! What a job means under a policy.

use std::collections::BTreeMap;

use flockwise_query::diagnostic::Diagnostics;
use flockwise_query::resolve::{Domain, Shape, ValueBounds};
use flockwise_query::value::Value;
use flockwise_query::{Job, Policy, Resolved, resolve};

const POLICY: &str = include_str!("examples/policy.toml");
const JOB: &str = include_str!("examples/job.toml");

fn resolved(policy: &str, job: &str, settings: &[(&str, &str)]) -> Result<Resolved, Diagnostics> {
    let policy = Policy::parse("policy.toml", policy).unwrap_or_else(|error| panic!("{error}"));
    let job = Job::parse("job.toml", job).unwrap_or_else(|error| panic!("{error}"));
    let settings: BTreeMap<String, String> =
        settings.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    resolve(&job.value, &job.places, &policy.value, &settings)
}

fn example() -> Resolved {
    resolved(POLICY, JOB, &[("day", "2026-11-24")]).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn the_example_is_resolved() {
    let resolved = example();
    let [popular, liked, together] = &resolved.releases[..] else { panic!("there are three") };
    assert_eq!(popular.keys[0].domain, Domain::Private);
    assert_eq!(popular.labels[0].on[0].as_str(), "movie_id");
    assert!(popular.joins.is_empty(), "a label is joined after the noise");
    assert!(matches!(liked.keys[0].shape, Shape::Window { .. }));
    assert_eq!(liked.keys[0].domain, Domain::Private, "a window is private unless its range is declared");
    assert!(matches!(&liked.keys[1].domain, Domain::Table { table, .. } if table.as_str() == "movies"));
    assert!(liked.joins.contains("movies"));
    assert!(!liked.is_grid(), "one private part makes the cell private");
    assert!(matches!(liked.value.as_ref().unwrap().bounds, Some(ValueBounds::Declared(_))));
    assert_eq!(together.outputs, ["people", "lift", "cosine", "conditional"]);
}

#[test]
fn only_what_is_needed_is_read() {
    let resolved = example();
    let data: Vec<&str> = resolved.reads.data.iter().map(|name| name.as_str()).collect();
    assert_eq!(data, ["movie_id", "rating", "timestamp", "user_id"]);
    assert!(resolved.reads.derived.is_empty());
    let movies: Vec<&str> = resolved.reads.tables["movies"].iter().map(|name| name.as_str()).collect();
    assert_eq!(movies, ["genres", "movie_id", "title"]);
    assert_eq!(resolved.reads.tables.len(), 1, "the private table is not needed");
    assert!(resolved.reads.consent);
}

fn job(release: &str) -> String {
    format!(
        "version = 1\ndata = \"films\"\npurpose = \"recommendations\"\n[[release]]\nname = \"r\"\nepsilon = 1\n{release}"
    )
}

#[test]
fn derived_columns_are_read_as_what_they_are_made_from() {
    let text = job("statistic = \"summary\"\nby = [\"country\"]\ncolumn = \"revenue\"");
    let resolved = resolved(POLICY, &text, &[]).unwrap();
    let data: Vec<&str> = resolved.reads.data.iter().map(|name| name.as_str()).collect();
    assert_eq!(data, ["country", "quantity", "unit_price", "user_id"]);
    assert!(resolved.releases[0].is_grid());
}

#[test]
fn s8_missing_bounds_are_an_error_with_the_two_ways_out() {
    let error = resolved(POLICY, &job("statistic = \"summary\"\ncolumn = \"quantity\""), &[]).unwrap_err();
    let shown = error.to_string();
    for part in ["missing-bounds", "declare bounds in the policy", "bounds = \"auto\"", "job.toml:8:10"] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
    let bought = job("statistic = \"summary\"\ncolumn = \"quantity\"\nbounds = \"auto\"");
    let bought = resolved(POLICY, &bought, &[]).unwrap();
    assert_eq!(bought.releases[0].value.as_ref().unwrap().bounds, Some(ValueBounds::Bought(None)));
}

#[test]
fn p5_a_key_set_never_comes_from_peoples_rows() {
    let private =
        job("statistic = \"popularity\"\nby = [{ column = \"students.region\", keys = \"table\" }]");
    let shown = resolved(POLICY, &private, &[]).unwrap_err().to_string();
    assert!(shown.contains("its keys are people's"), "{shown}");
    let plain = job("statistic = \"popularity\"\nby = [\"students.region\"]");
    assert_eq!(resolved(POLICY, &plain, &[]).unwrap().releases[0].keys[0].domain, Domain::Private);
}

#[test]
fn a_parameter_is_a_value_and_never_text() {
    let text = job("statistic = \"popularity\"\nby = [\"movie_id\"]\nwhere = \"country = $c\"")
        .replace("[[release]]", "[params]\nc = \"string\"\n[[release]]");
    let injected = resolved(POLICY, &text, &[("c", "NL' or true or 'a' = 'a")]).unwrap();
    let filter = injected.releases[0].filter.clone().unwrap();
    let row = |_: &flockwise_query::names::ColumnRef| Value::String("NL".to_owned());
    assert_eq!(flockwise_query::expr::eval(&filter, &row), Value::Bool(false));
    assert!(resolved(POLICY, &text, &[]).unwrap_err().to_string().contains("--set c="));
    assert!(
        resolved(POLICY, &text, &[("c", "NL"), ("d", "1")])
            .unwrap_err()
            .to_string()
            .contains("no parameter `d`")
    );
}

#[test]
fn declared_ranges_and_bounds_make_windows_and_bins_public() {
    let text = job(
        "statistic = \"popularity\"\nby = [{ column = \"timestamp\", every = \"1w\", from = \"2026-01-01\", until = \
         2026-02-01 }, { column = \"rating\", width = 1 }]",
    );
    let resolved = resolved(POLICY, &text, &[]).unwrap();
    assert!(matches!(resolved.releases[0].keys[0].domain, Domain::Windows { .. }));
    assert!(matches!(resolved.releases[0].keys[1].domain, Domain::Bins(_)));
    assert!(resolved.releases[0].is_grid());
}

#[test]
fn a_job_built_in_code_has_diagnostics_too() {
    let job = Job::parse("job.toml", &job("statistic = \"popularity\"\nby = [\"moovie_id\"]")).unwrap().value;
    let policy = Policy::parse("policy.toml", POLICY).unwrap().value;
    let places = flockwise_query::Places::nowhere("job");
    let shown = resolve(&job, &places, &policy, &BTreeMap::new()).unwrap_err().to_string();
    for part in ["there is no column `moovie_id`", "did you mean `movie_id`?", "release[0].by[0]"] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
}

#[test]
fn n6_a_job_built_in_code_is_held_to_what_a_file_must_fulfil() {
    use flockwise_query::job::{Aggregate, Bins, Histogram, Quantile, Statistic};
    let policy = Policy::parse("policy.toml", POLICY).unwrap().value;
    let places = flockwise_query::Places::nowhere("job");
    let refused = |job: &Job| resolve(job, &places, &policy, &BTreeMap::new()).unwrap_err().to_string();
    let base =
        Job::parse("job.toml", &job("statistic = \"summary\"\nby = [\"country\"]\ncolumn = \"rating\""))
            .unwrap()
            .value;
    let changed = |change: &dyn Fn(&mut flockwise_query::job::Summary)| {
        let mut job = base.clone();
        let Statistic::Summary(summary) = &mut job.releases[0].statistic else { panic!("it is a summary") };
        change(summary);
        refused(&job)
    };
    for width in [f64::NAN, 0.0, -1.0, f64::INFINITY] {
        let histogram = Aggregate::Histogram(Histogram { width, alias: None });
        assert!(changed(&|summary| summary.aggregates = vec![histogram.clone()]).contains("width"));
        assert!(
            changed(&|summary| summary.by[0].bins = Some(Bins { width, bounds: None })).contains("width")
        );
    }
    for q in [f64::NAN, 0.0, 1.0, -3.0] {
        let quantile = Aggregate::Quantile(Quantile { q, alias: None });
        assert!(changed(&|summary| summary.aggregates = vec![quantile.clone()]).contains("quantile"));
    }
    assert!(changed(&|summary| summary.aggregates.clear()).contains("from 1 to 64"));
    let mut empty = base.clone();
    empty.releases.clear();
    assert!(refused(&empty).contains("from 1 to 1000"));
    let mut broke = base.clone();
    broke.releases[0].spend = flockwise_query::job::Spend::default();
    assert!(refused(&broke).contains("nothing to spend"));
}
