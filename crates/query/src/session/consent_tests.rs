//! Consent under the recording auditor: one person's consent, purpose and own ε change that person's part alone.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use flockwise_mechanisms::audit::{Mode, Recorder, check};
use flockwise_mechanisms::charge;
use tempfile::TempDir;

use super::Session;
use super::mock::Nowhere;
use super::run::compute;
use crate::Job;
use crate::engine::Measured;

const POLICY: &str = r#"
version = 1
[data]
name = "shop"
source = "rows.csv"
privacy_unit = "who"
[budget]
epsilon = 4.0
delta = 1e-6
[columns]
who = { type = "string", normalize = ["trim", "lower"] }
item = { type = "string", keys = ["a", "b", "c"] }
[purposes]
ads = "What to show"
research = "What to learn"
[consent]
source = "consent.csv"
columns = { person = "who", purpose = "why", granted = "ok", epsilon = "most" }
default = "DEFAULT"
"#;

const JOB: &str = r#"
version = 1
data = "shop"
purpose = "ads"
[job]
epsilon = 1.0
[[release]]
name = "r"
statistic = "popularity"
by = ["item"]
contribution = { keep = 1 }
[[release]]
name = "s"
statistic = "popularity"
by = ["item"]
contribution = { keep = 3 }
"#;

/// A data set: rows, and rows of consent.
#[derive(Clone, Default)]
struct Shop {
    rows: Vec<(&'static str, &'static str)>,
    consent: Vec<[&'static str; 4]>,
}

impl Shop {
    fn without(&self, person: &str) -> Self {
        let is = |name: &str| name.trim().to_lowercase() == person;
        let rows = self.rows.iter().filter(|(who, _)| !is(who)).copied().collect();
        Self { rows, consent: self.consent.iter().filter(|row| !is(row[0])).copied().collect() }
    }

    fn write(&self, folder: &Path) {
        let mut text = "who,item\n".to_owned();
        self.rows.iter().for_each(|(who, item)| writeln!(text, "{who},{item}").unwrap());
        std::fs::write(folder.join("rows.csv"), text).unwrap();
        let mut text = "who,why,ok,most\n".to_owned();
        self.consent.iter().for_each(|row| writeln!(text, "{}", row.join(",")).unwrap());
        std::fs::write(folder.join("consent.csv"), text).unwrap();
    }

    /// Everything that the job lets out.
    fn run(&self, default: &str, source: &mut Recorder) -> Vec<Measured> {
        let folder = TempDir::new().unwrap();
        self.write(folder.path());
        let policy = folder.path().join("policy.toml");
        std::fs::write(&policy, POLICY.replace("DEFAULT", default)).unwrap();
        let session = Session::open(&policy).unwrap();
        let job = Job::parse("job.toml", JOB).unwrap();
        let plan = session.plan_job(&job.value, &job.places, &BTreeMap::new()).unwrap();
        let files = session.source().unwrap();
        let preflight = session.preflight(&plan, &files).unwrap();
        let Ok((charged, ())) = charge(&mut Nowhere, plan, &());
        let released = compute(charged, &files, &preflight, folder.path(), &session.limits, source).unwrap();
        released.into_iter().map(|release| release.get().clone()).collect()
    }

    /// The exact counts of a, b and c, everybody counted for up to three.
    fn counts(&self, default: &str) -> Vec<i128> {
        let released = self.run(default, &mut Recorder::new(Mode::Exact));
        released[1].values[0].clone()
    }
}

fn crowd() -> Shop {
    let mut shop = Shop::default();
    for who in ["p1", "p2", "p3", "p4", "p5", "p6"] {
        shop.rows.extend([(who, "a"), (who, "b")]);
        shop.consent.push([who, "ads", "true", ""]);
    }
    shop
}

fn with(consent: &[[&'static str; 4]]) -> Shop {
    let mut shop = crowd();
    shop.rows.extend([("zoe", "a"), (" Zoe", "b"), ("ZOE ", "c")]);
    shop.consent.extend(consent);
    shop
}

#[test]
fn who_takes_part() {
    // Own ε 0.5 of 1 is a chance of 0.378 and 0.6 one of 0.478; the recorder's draw is 0.393.
    let cases: &[(&[[&str; 4]], bool, bool)] = &[
        (&[], false, true),
        (&[["zoe", "ads", "true", ""]], true, true),
        (&[["zoe", "ads", "false", ""]], false, false),
        (&[["zoe", "ads", "", ""]], false, false),
        (&[["zoe", "ads", "perhaps", ""]], false, false),
        (&[["zoe", "research", "true", ""]], false, true),
        (&[["zoe", "research", "false", ""]], false, true),
        (&[["zoe", "ads", "true", ""], ["ZOE", "ads", "false", ""]], false, false),
        (&[["zoe", "ads", "false", ""], ["zoe", "ads", "true", ""]], false, false),
        (&[["zoe", "ads", "true", "0.5"]], false, false),
        (&[["zoe", "ads", "true", "0.6"]], true, true),
        (&[["zoe", "ads", "true", "7"]], true, true),
        (&[["zoe", "ads", "true", "0"]], false, false),
        (&[["zoe", "ads", "true", "-1"]], false, false),
        (&[["zoe", "ads", "true", "nan"]], false, false),
        (&[["zoe", "ads", "true", "a lot"]], false, false),
        (&[["zoe", "ads", "true", "7"], ["zoe", "ads", "true", "0.1"]], false, false),
        (&[["zoe", "research", "true", "0.1"], ["zoe", "ads", "true", ""]], true, true),
    ];
    for (consent, denied_by_default, granted_by_default) in cases {
        for (default, takes_part) in [("deny", denied_by_default), ("grant", granted_by_default)] {
            let zoe = i128::from(*takes_part);
            assert_eq!(with(consent).counts(default), [6 + zoe, 6 + zoe, zoe], "{default} {consent:?}");
        }
    }
}

#[test]
fn one_persons_consent_changes_that_persons_part_alone() {
    let answers: &[&[[&str; 4]]] = &[
        &[],
        &[["zoe", "ads", "true", ""]],
        &[["zoe", "ads", "false", ""]],
        &[["zoe", "ads", "true", ""], ["Zoe ", "ads", "", "0.01"]],
        &[["zoe", "ads", "true", "0.6"]],
        &[["zoe", "ads", "true", "0.5"]],
        &[["zoe", "ads", "true", "many"]],
        &[["", "ads", "false", ""], ["zoe", "", "true", ""]],
    ];
    let mut reached = false;
    for default in ["deny", "grant"] {
        for consent in answers {
            for seed in 0..4 {
                let shop = with(consent);
                let gone = shop.without("zoe");
                let divergence = check(
                    Mode::Wild { seed },
                    |source| shop.run(default, source),
                    |source| gone.run(default, source),
                );
                reached |= divergence
                    .unwrap_or_else(|violation| panic!("{default} {consent:?}: {violation}"))
                    .reaches_a_bound();
            }
        }
    }
    assert!(reached, "a person who takes part moves a count by all that is allowed");
    // The control: two people are more than one.
    let two = with(&[["zoe", "ads", "true", ""]]);
    let gone = two.without("zoe").without("p1");
    let caught =
        check(Mode::Wild { seed: 1 }, |source| two.run("deny", source), |source| gone.run("deny", source));
    assert!(caught.is_err(), "the auditor tells two people from one");
}
