//! A mock has the schema and shape of the real release, and touches nothing.

use flockwise_query::{Job, Session};

use crate::shop::{JOB, POLICY, Shop, exists, rows};

#[test]
fn a_mock_looks_like_the_release_and_says_that_it_is_none() {
    let shop = Shop::new(POLICY);
    let session = Session::open(&shop.policy).unwrap();
    let job = Job::parse("job.toml", JOB).unwrap();
    let plan = || session.plan_job(&job.value, &job.places, &Default::default()).unwrap();
    // There are no data and no ledger yet.
    let mock = session.mock(plan()).unwrap();
    assert!(!exists(&shop.path("shop.ledger")) && !exists(&shop.path("shop.releases")));
    shop.init();
    shop.write("rows.csv", rows(300));
    let real = shop.run(JOB, "real").unwrap();
    assert_eq!(mock.len(), real.releases().len());
    for (mock, real) in mock.iter().zip(real.releases()) {
        assert_eq!(mock.columns, real.columns);
        assert_eq!(mock.statistic, real.statistic);
        assert!(mock.mock.as_ref().is_some_and(|text| text.starts_with("MOCK")) && real.mock.is_none());
        assert!(mock.receipt.is_none() && mock.privacy.ledger_after.is_none() && real.receipt.is_some());
        assert!(mock.rows.as_ref().is_some_and(|rows| !rows.is_empty()), "{}", mock.release);
        mock.table().unwrap();
    }
    assert_eq!(mock[1].rows.as_ref().map(Vec::len), Some(3), "the declared days");
}

#[test]
fn a_mock_of_private_tables_and_consent_reads_neither() {
    let policy = format!(
        "{POLICY}\n[tables.people]\nsource = \"people.csv\"\nprivate = true\nkey = [\"who\"]\ncolumns = {{ town = {{ type = \
         \"string\" }} }}\n[consent]\nsource = \"consent.csv\"\ncolumns = {{ person = \"who\", purpose = \"why\", granted = \
         \"ok\" }}\n"
    );
    let shop = Shop::new(&policy);
    let session = Session::open(&shop.policy).unwrap();
    let text = JOB.replace("by = [\"item\"]", "by = [\"people.town\"]");
    let job = Job::parse("job.toml", &text).unwrap();
    let plan = session.plan_job(&job.value, &job.places, &Default::default()).unwrap();
    let mock = session.mock(plan).unwrap();
    assert!(mock[0].rows.as_ref().is_some_and(|rows| !rows.is_empty()), "made-up towns appear");
}

#[test]
fn every_statistic_has_a_mock() {
    let shop = Shop::new(POLICY);
    let session = Session::open(&shop.policy).unwrap();
    let questions = [
        "statistic = \"co_occurrence\"\nitem = \"item\"\nmeasures = [\"people\", \"lift\"]",
        "statistic = \"transitions\"\nitem = \"item\"\norder_by = \"at\"",
        "statistic = \"activity\"",
        "statistic = \"top_k\"\nk = 3\nitem = \"item\"",
        "statistic = \"affinity\"\nby = [{ column = \"price\", width = 5 }]\ncategory = \"item\"",
    ];
    for question in questions {
        let text = format!(
            "version = 1\ndata = \"shop\"\npurpose = \"ads\"\n[[release]]\nname = \"r\"\nepsilon = 1\n{question}"
        );
        let job = Job::parse("job.toml", &text).unwrap_or_else(|error| panic!("{error}"));
        let plan = session.plan_job(&job.value, &job.places, &Default::default());
        let mock = session.mock(plan.unwrap_or_else(|error| panic!("{error}"))).unwrap();
        assert!(mock[0].mock.is_some(), "{question}");
        assert!(!mock[0].columns.is_empty() && !mock[0].rows.as_ref().unwrap().is_empty(), "{question}");
    }
}
