//! The examples of the reference page, and what their parts mean.

use flockwise_query::job::{Amount, Contribution, EveryUnit, KeyRequest, Spend, Statistic};
use flockwise_query::policy::Access;
use flockwise_query::value::ColumnType;
use flockwise_query::{Job, Policy};

const POLICY: &str = include_str!("examples/policy.toml");
const JOB: &str = include_str!("examples/job.toml");

#[test]
fn the_example_policy_is_read() {
    let policy = Policy::parse("policy.toml", POLICY).unwrap_or_else(|error| panic!("{error}")).value;
    let Access::Budget(budget) = &policy.access else { panic!("it has a budget") };
    assert_eq!(budget.epsilon.to_string(), "4");
    assert_eq!(budget.delta.to_string(), "1e-6");
    assert!(matches!(policy.columns["timestamp"].kind, ColumnType::Datetime(_)));
    assert_eq!(policy.columns["country"].keys.as_ref().map(Vec::len), Some(3));
    assert!(!policy.tables["movies"].private);
    assert_eq!(policy.tables["movies"].columns["genres"].split.as_deref(), Some("|"));
}

#[test]
fn the_example_job_is_read() {
    let job = Job::parse("job.toml", JOB).unwrap_or_else(|error| panic!("{error}")).value;
    assert!(matches!(job.total, Some(Amount::Epsilon(epsilon)) if epsilon.to_string() == "1"));
    assert!(matches!(job.releases[0].spend, Spend::Share(share) if share.millionths() == 2_000_000));
    assert_eq!(job.releases[0].contribution, Contribution::Auto);
    let Statistic::Summary(summary) = &job.releases[1].statistic else { panic!("it is a summary") };
    assert_eq!(summary.by[0].window.as_ref().map(|window| window.every.unit), Some(EveryUnit::Week));
    assert_eq!(summary.by[1].keys, Some(KeyRequest::Table(None)));
    assert_eq!(summary.aggregates[5].output(), "rating_p90");
}

#[test]
fn a_job_means_the_same_as_json() {
    let job = Job::parse("job.toml", JOB).unwrap().value;
    let text = serde_json::to_string(&job).unwrap();
    let again = Job::parse_json("job.json", &text).unwrap_or_else(|error| panic!("{error}")).value;
    assert_eq!(again, job);
    assert_eq!(serde_json::from_str::<Job>(&text).unwrap(), job);
}

#[test]
fn several_problems_are_reported_at_once_with_the_way_out() {
    let broken = JOB.replace("share = 2", "shar = 2").replace("\"summary\"", "\"sumary\"");
    let error = Job::parse("job.toml", &broken).unwrap_err();
    let shown = error.to_string();
    assert_eq!(error.all().len(), 2, "{shown}");
    for part in [
        "`shar`",
        "did you mean `share`?",
        "there is no statistic `sumary`",
        "did you mean `summary`?",
        "job.toml:",
    ] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
}

#[test]
fn a_question_built_in_code_means_the_same_as_in_a_file() {
    use flockwise_query::job::{Part, Query};
    use flockwise_query::value::Literal;
    let head = "version = 1\ndata = \"films\"\n[[release]]\n";
    let cases = [
        (
            Query::popularity(["movie_id"])
                .epsilon(0.1)
                .label(["movies.title"])
                .filter("rating >= 7")
                .norm(16),
            "name = \"popularity\"\nstatistic = \"popularity\"\nby = [\"movie_id\"]\nepsilon = 0.1\nlabel = \
             [\"movies.title\"]\nwhere = \"rating >= 7\"\ncontribution = { norm = 16 }",
        ),
        (
            Query::summary("rating")
                .named("weekly")
                .by([Part::column("timestamp").every("1w").between("2026-01-01", "2026-02-01").named("week")])
                .aggregates(["people", "mean"])
                .quantile(0.9, "p90")
                .rho(0.01)
                .two_stage(false),
            "name = \"weekly\"\nstatistic = \"summary\"\ncolumn = \"rating\"\nby = [{ column = \"timestamp\", every = \
             \"1w\", from = 2026-01-01, until = 2026-02-01, as = \"week\" }]\naggregates = [\"people\", \"mean\", { \
             quantile = 0.9, as = \"p90\" }]\nrho = 0.01\ntwo_stage = false",
        ),
        (
            Query::top_k(5, Part::column("country").keys([Literal::String("NL".to_owned())]))
                .epsilon(1.0)
                .keep(2),
            "name = \"top_k\"\nstatistic = \"top_k\"\nk = 5\nitem = { column = \"country\", keys = [\"NL\"] }\nepsilon = \
             1\ncontribution = { keep = 2 }",
        ),
    ];
    for (query, text) in cases {
        let file =
            Job::parse("job.toml", &format!("{head}{text}")).unwrap_or_else(|error| panic!("{error}")).value;
        assert_eq!(query.job("films", None).unwrap_or_else(|error| panic!("{error}")), file);
    }
    let shown = Query::popularity(["a.b.c"]).epsilon(-1.0).job("films", None).unwrap_err().to_string();
    for part in ["release[0].epsilon", "epsilon must be a positive number", "release[0].by[0].column"] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
}
