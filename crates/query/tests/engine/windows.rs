//! Budgets that renew: the privacy unit is one person in one window.

use flockwise_ledger::RequestId;
use flockwise_mechanisms::audit::{Mode, Recorder, Trace};
use flockwise_query::plan::Plan;
use flockwise_query::{Answered, Error, Session};

use super::auditor::audit;
use super::dice::Dice;
use super::jobs;
use super::world::{People, Row, Setting, World, crowd, job, person, planned};

const WEEKS: [&str; 3] = ["2026-W01", "2026-W02", "2026-W03"];

/// A world whose budget renews each week of Amsterdam.
fn renewing(setting: &Setting, people: &People) -> World {
    let world = World::new(setting, people);
    let per = "releases = \"films.releases\"\nper = { window = \"week\", time = \"at\", tz = \"Europe/Amsterdam\" }";
    let policy = setting.policy("ratings.csv").replace("releases = \"films.releases\"", per);
    assert!(policy.contains("per = "));
    world.write("policy.toml", policy);
    world
}

/// A job about these weeks.
fn about(weeks: &[&str], releases: &[&str]) -> String {
    let windows = format!("epsilon = 1.0\nwindows = {weeks:?}");
    job(releases).replace("epsilon = 1.0", &windows)
}

/// A day and an hour of January in UTC, and the week they lie in: Amsterdam is an hour ahead.
fn moment(day: usize, hour: usize) -> (String, &'static str) {
    let local = if hour == 23 { day + 1 } else { day };
    let week = match local {
        ..=4 => WEEKS[0],
        5..=11 => WEEKS[1],
        _ => WEEKS[2],
    };
    (format!("2026-01-{day:02}T{hour:02}:30:00Z"), week)
}

/// The rows again with moments whose week is known: some have none, and lie in no week.
fn timed(dice: &mut Dice, people: &mut People) -> Vec<Option<&'static str>> {
    let mut weeks = Vec::new();
    for row in &mut people.rows {
        if dice.one_in(10) {
            row[4] = dice.pick(&["", "yesterday", "2026-13-45"]).to_owned();
            weeks.push(None);
        } else {
            let (text, week) = moment(1 + dice.roll(16), dice.roll(24));
            row[4] = text;
            weeks.push(Some(week));
        }
    }
    weeks
}

fn traced(world: &World, plan: &Plan, mode: Mode) -> Trace {
    let mut recorder = Recorder::new(mode);
    world.session().rehearse(plan.clone(), &mut recorder).expect("made-up data");
    recorder.into_trace()
}

/// Neighbours: with and without the rows of one person in one week.
fn neighbours(dice: &mut Dice, setting: &Setting, week: &str) -> [World; 2] {
    let mut all = crowd(dice, setting);
    timed(dice, &mut all);
    let mut mine = person(dice, 77, setting, true);
    mine.extend(person(dice, 77, setting, false));
    let weeks = timed(dice, &mut mine);
    let elsewhere: Vec<Row> = mine
        .rows
        .iter()
        .zip(&weeks)
        .filter(|(_, own)| **own != Some(week))
        .map(|(row, _)| row.clone())
        .collect();
    // What is told of a person beside the rows is of no week, and the same on both sides.
    let (mut with, mut without) = (all.clone(), all);
    without.extend(People { rows: elsewhere, ..mine.clone() });
    with.extend(mine);
    with.shuffle(dice);
    without.shuffle(dice);
    [renewing(setting, &with), renewing(setting, &without)]
}

fn releases(dice: &mut Dice) -> Vec<String> {
    (0..1 + dice.roll(2)).map(|_| jobs::release(dice)).collect()
}

#[test]
fn a_person_in_one_week_changes_that_week_alone_and_no_more_than_declared() {
    let (mut planned, mut reached, mut moved) = (0, 0, 0);
    for seed in 0..90 {
        let mut dice = Dice::new(1_000 + seed);
        let setting = Setting::random(&mut dice);
        let week = dice.pick(&WEEKS);
        let worlds = neighbours(&mut dice, &setting, week);
        let releases = releases(&mut dice);
        let releases: Vec<&str> = releases.iter().map(String::as_str).collect();
        let Ok(plan) = worlds[0].plan(&about(&WEEKS, &releases)) else { continue };
        planned += 1;
        for mode in [Mode::Wild { seed }, Mode::Drawn { seed }] {
            let (one, other) = if dice.one_in(2) { (0, 1) } else { (1, 0) };
            let divergence = audit(mode, &worlds[one], &worlds[other], &plan).unwrap_or_else(|violation| {
                panic!("seed {seed}, {mode:?}: {violation}\n{setting:?}\n{releases:?}")
            });
            reached += usize::from(divergence.reaches_a_bound());
        }
        for other in WEEKS {
            let Ok(plan) = worlds[0].plan(&about(&[other], &releases)) else { continue };
            let traces = worlds.each_ref().map(|world| traced(world, &plan, Mode::Drawn { seed }));
            let same = traces[0] == traces[1];
            assert!(same || other == week, "seed {seed}: {other} knows of {week}\n{setting:?}\n{releases:?}");
            moved += usize::from(!same);
        }
    }
    assert!(
        planned > 40 && reached > 20 && moved > 15,
        "{planned} planned, {reached} reached, {moved} moved"
    );
}

#[test]
fn control_without_renewal_a_week_knows_of_another() {
    // The same neighbours where the person is the unit: a week's removal gives the other weeks more weight.
    let setting = Setting::plain();
    let row = |day: usize| {
        let at = moment(day, 12).0;
        ["p1", "1", "1", "1", at.as_str(), "NL", "a"].map(str::to_owned)
    };
    let people =
        |days: &[usize]| People { rows: days.iter().map(|&day| row(day)).collect(), ..People::default() };
    let (both, second) = (people(&[2, 7]), people(&[7]));
    let keys = "by = [{ column = \"at\", every = \"1w\", from = \"2025-12-29\", until = \"2026-01-12\" }]";
    let release = format!("statistic = \"popularity\"\n{keys}\ncontribution = {{ norm = 1 }}");
    let worlds = [World::new(&setting, &both), World::new(&setting, &second)];
    let plan = worlds[0].plan(&job(&[&release])).expect("a plan");
    let vectors = worlds.each_ref().map(|world| {
        let trace = traced(world, &plan, Mode::Open);
        let flockwise_mechanisms::audit::Question::Add { exact, .. } = trace.events()[0].0.clone() else {
            panic!("a count is a vector")
        };
        exact
    });
    assert_ne!(vectors[0][1], vectors[1][1], "the second week's number moved: {vectors:?}");
    let worlds = [renewing(&setting, &both), renewing(&setting, &second)];
    let plan = worlds[0].plan(&about(&["2026-W02"], &[&release])).expect("a plan");
    assert_eq!(traced(&worlds[0], &plan, Mode::Open), traced(&worlds[1], &plan, Mode::Open));
}

#[test]
fn a_week_s_release_equals_that_of_a_data_set_of_that_week_alone() {
    let mut compared = 0;
    for seed in 0..40 {
        let mut dice = Dice::new(5_000 + seed);
        let setting = Setting::random(&mut dice);
        let mut all = crowd(&mut dice, &setting);
        all.extend(person(&mut dice, 77, &setting, true));
        let weeks = timed(&mut dice, &mut all);
        let whole = renewing(&setting, &all);
        let releases = releases(&mut dice);
        let releases: Vec<&str> = releases.iter().map(String::as_str).collect();
        // Declared days outside the week are no cells of a week's release.
        if releases.iter().any(|release| release.contains("from = ")) {
            continue;
        }
        let Ok(plan) = whole.plan(&about(&WEEKS, &releases)) else { continue };
        let mut parts = Vec::new();
        for week in WEEKS {
            let rows = all.rows.iter().zip(&weeks).filter(|(_, own)| **own == Some(week));
            let rows = rows.map(|(row, _)| row.clone()).collect();
            let alone = World::new(&setting, &People { rows, ..all.clone() });
            let ordinary = alone.plan(&job(&releases)).expect("it is a plan without windows too");
            let own = whole.plan(&about(&[week], &releases)).expect("it is a plan for all weeks");
            assert_eq!(own.charged, ordinary.charged, "a week costs what a job costs");
            let ordinary = traced(&alone, &ordinary, Mode::Drawn { seed });
            assert_eq!(
                traced(&whole, &own, Mode::Drawn { seed }),
                ordinary,
                "seed {seed}, {week}: {releases:?}"
            );
            parts.push(ordinary.events().len());
            compared += 1;
        }
        assert_eq!(plan.charged, whole.plan(&about(&WEEKS[..1], &releases)).expect("one week").charged);
        let together = traced(&whole, &plan, Mode::Open).events().len();
        assert_eq!(together, parts.iter().sum::<usize>(), "each week has its own mechanisms");
    }
    assert!(compared > 30, "{compared} were compared");
}

/// What a job says, and the weeks that it is about: nothing where it is refused.
#[test]
fn windows_come_from_the_job_s_own_text() {
    let world = renewing(&Setting::plain(), &People::default());
    let popular = |filter: &str| format!("statistic = \"popularity\"\nby = [\"item\"]\nwhere = \"{filter}\"");
    let weeks = |text: &str| -> Result<Vec<String>, String> {
        let plan = world.plan(text).map_err(|error| {
            assert_eq!(error.exit_code(), 2, "{error}");
            error.to_string()
        })?;
        Ok(plan.renewing.expect("the budget renews").names().into_iter().map(str::to_owned).collect())
    };
    for (filter, expected) in [
        ("at >= '2026-01-05' and at < '2026-01-12'", &["2026-W02"][..]),
        ("at >= '2026-01-05' and at <= '2026-01-12'", &["2026-W02", "2026-W03"]),
        ("rating > 1 and (at >= '2026-01-05T00:00:00+01:00' and '2026-01-06' > at)", &["2026-W02"]),
        ("at between '2026-01-04' and '2026-01-05'", &["2026-W01", "2026-W02"]),
        ("not (at < '2026-01-05' or at >= '2026-01-06')", &["2026-W02"]),
        ("at = '2026-01-01T12:00:00Z'", &["2026-W01"]),
        ("at in ('2026-01-01', '2026-01-12')", &["2026-W01", "2026-W02", "2026-W03"]),
        (
            "(at >= '2026-01-05' and at < '2026-01-06') or (at > '2026-01-12' and at < '2026-01-13')",
            &["2026-W02", "2026-W03"],
        ),
    ] {
        assert_eq!(
            weeks(&job(&[&popular(filter)])).as_deref(),
            Ok(&expected.iter().map(|week| (*week).to_owned()).collect::<Vec<_>>()[..]),
            "{filter}"
        );
    }
    for filter in [
        "rating > 1",
        "at >= '2026-01-05'",
        "at < '2026-01-05'",
        "at is not null",
        "at >= '2026-01-05' or rating > 1",
        "not (at >= '2026-01-05' and at < '2026-01-06')",
        "at >= '2026-01-06' and at < '2026-01-05'",
        "at >= '1000-01-01' and at < '2026-01-05'",
    ] {
        assert!(weeks(&job(&[&popular(filter)])).is_err(), "{filter}");
    }
    let (first, second) = (
        popular("at >= '2026-01-05' and at < '2026-01-06'"),
        popular("at >= '2026-01-12' and at < '2026-01-13'"),
    );
    assert!(weeks(&job(&[&first, &second])).unwrap_err().contains("other weeks"));
    let named = about(&["2026-W03", "2026-W02"], &[&first, &second]);
    assert_eq!(weeks(&named), Ok(vec!["2026-W02".to_owned(), "2026-W03".to_owned()]));
    for wrong in ["2026-W54", "2026-01", "2026-W2", "week 2", "", "$", "$week", "2026-W02\", \"2026-W02"] {
        let text =
            job(&[&first]).replace("epsilon = 1.0", &format!("epsilon = 1.0\nwindows = [\"{wrong}\"]"));
        assert!(weeks(&text).is_err(), "{wrong}");
    }
    let none = job(&[&first]).replace("epsilon = 1.0", "epsilon = 1.0\nwindows = []");
    assert!(weeks(&none).is_err());
    let linked = "statistic = \"retention\"\ncohort = \"country\"\nperiod = { column = \"at\", every = \"1d\", from = \"2026-01-05\", until = \"2026-01-09\" }";
    assert_eq!(weeks(&job(&[linked])), Ok(vec!["2026-W02".to_owned()]), "the days that it declares tell");
    let over = linked.replace("2026-01-09", "2026-01-13");
    assert!(weeks(&job(&[&over])).unwrap_err().contains("renews by window"));
    let ordinary = World::new(&Setting::plain(), &People::default());
    let error = ordinary.plan(&about(&["2026-W02"], &[&first])).expect_err("nothing renews");
    assert_eq!(error.exit_code(), 2, "{error}");
}

#[test]
fn a_parameter_names_a_week() {
    let world = renewing(&Setting::plain(), &People::default());
    let text = |kind: &str| {
        about(&["$when"], &["statistic = \"reach\""])
            .replace("[job]", &format!("[params]\nwhen = \"{kind}\"\n[job]"))
    };
    let planned = |kind: &str, value: &str| {
        let job =
            flockwise_query::Job::parse("job.toml", &text(kind)).unwrap_or_else(|error| panic!("{error}"));
        let settings = [("when".to_owned(), value.to_owned())].into();
        world.session().plan_job(&job.value, &job.places, &settings).map(|plan| {
            plan.renewing
                .expect("the budget renews")
                .names()
                .into_iter()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
    };
    for (kind, value) in
        [("string", "2026-W02"), ("date", "2026-01-11"), ("datetime", "2026-01-04T23:00:00Z")]
    {
        assert_eq!(planned(kind, value).unwrap_or_else(|error| panic!("{error}")), ["2026-W02"], "{kind}");
    }
    for (kind, value) in [("string", "week 2"), ("int", "2"), ("date", "0000-01-01"), ("bool", "true")] {
        assert_eq!(planned(kind, value).expect_err(kind).exit_code(), 2);
    }
}

#[test]
fn declared_days_of_a_week_s_release_are_those_of_the_week() {
    let world = renewing(&Setting::plain(), &People::default());
    let days = "statistic = \"popularity\"\nby = [{ column = \"at\", every = \"1d\", from = \"2026-01-03\", until = \"2026-01-14\" }]";
    let plan = world.plan(&job(&[days])).expect("a plan");
    let cells: Vec<usize> = plan
        .releases
        .iter()
        .map(|release| {
            let flockwise_query::plan::KeyDomain::Public(keys) = &release.stages.keys else {
                panic!("declared days are public")
            };
            keys.len()
        })
        .collect();
    assert_eq!(cells, [2, 7, 2], "eleven days, each in its own week");
}

fn request(id: &str) -> RequestId {
    RequestId::new(id).expect("an id")
}

fn spent(session: &Session) -> Vec<(String, u64)> {
    let windows = session.status().expect("a ledger").windows;
    windows.into_iter().map(|known| (known.window.unwrap_or_default(), known.spent.amount_units())).collect()
}

const REACH: &str = "statistic = \"reach\"\nby = [\"country\"]";

#[test]
fn b1_b3_b10_each_week_is_charged_in_full_and_all_or_none() {
    let setting = Setting::plain();
    let row = |person: usize, day: usize| {
        let (who, at) = (format!("p{person}"), moment(day, 12).0);
        [who.as_str(), "1", "1", "1", at.as_str(), "NL", "a"].map(str::to_owned)
    };
    let rows = (0..200).flat_map(|person| [row(person, 2), row(person, 7), row(person, 8)]).collect();
    let world = renewing(&setting, &People { rows, ..People::default() });
    let session = world.session();
    session.init().expect("a ledger");
    let run = |weeks: &[&str], epsilon: &str, id: &str| -> Result<_, Error> {
        let text = about(weeks, &[REACH]).replace("epsilon = 1.0", &format!("epsilon = {epsilon}"));
        session.run(planned(&session, &text)?, request(id))
    };
    let two = run(&WEEKS[..2], "3.0", "two").expect("it fits");
    let charged = spent(&session);
    assert_eq!(charged.len(), 2);
    assert_eq!(charged[0].1, charged[1].1, "each in full");
    let named: Vec<_> =
        two.releases().iter().map(|release| release.window.clone().unwrap_or_default()).collect();
    assert_eq!(named, WEEKS[..2]);
    for release in two.releases() {
        assert_eq!(release.privacy.unit, "one person (user_id) in one week (at in Europe/Amsterdam)");
        let renewal = release.privacy.renewal.as_ref().expect("the budget renews");
        assert_eq!(renewal.charged, WEEKS[..2]);
        let life = renewal.whole_life.as_ref().expect("there is one");
        assert!(life.windows == 53 && life.epsilon > 4.0 * 53.0_f64.sqrt(), "{life:?}");
        // A person with two rows in a week is one person.
        let table = release.table().expect("it can be read");
        let people = table.rows.iter().map(|row| {
            let flockwise_query::value::Value::Float(people) = row[1] else { panic!("people are counted") };
            people
        });
        assert!((people.fold(0.0, f64::max) - 200.0).abs() < 60.0);
    }
    // The second week has not enough left: nothing is charged in the third either.
    let error = run(&WEEKS[1..], "3.0", "more").expect_err("the second week is spent");
    assert_eq!((error.exit_code(), spent(&session)), (3, charged.clone()), "{error}");
    assert!(error.to_string().contains("2026-W02"), "{error}");
    run(&WEEKS[2..], "3.0", "third").expect("the third week is whole");
    let again = run(&WEEKS[..2], "3.0", "two").expect("it is stored");
    assert_eq!((again.answered(), again.bytes()), (Answered::Before, two.bytes()));
    for other in [&WEEKS[..1], &WEEKS[1..]] {
        let error = run(other, "3.0", "two").expect_err("an id names one job and its weeks");
        assert_eq!(error.exit_code(), 2, "{error}");
    }
}

#[test]
fn b4_jobs_of_different_weeks_race_and_none_takes_what_is_another_s() {
    let world = renewing(&Setting::plain(), &People::default());
    world.session().init().expect("a ledger");
    let run = |weeks: &[&str], id: usize| {
        let session = world.session();
        // Half of a week's budget under zCDP is ρ/2, which is more than ε/2.
        let text = about(weeks, &[REACH]).replace("epsilon = 1.0", "epsilon = 2.9");
        let plan = planned(&session, &text).expect("a plan");
        session.run(plan, request(&format!("race-{id}"))).map(|_| ()).map_err(|error| error.exit_code())
    };
    let outcomes: Vec<Result<(), u8>> = std::thread::scope(|scope| {
        let jobs: Vec<_> = (0..12)
            .map(|id| scope.spawn(move || run([&WEEKS[..1], &WEEKS[1..2], &WEEKS[..2]][id % 3], id)))
            .collect();
        jobs.into_iter().map(|job| job.join().expect("no panic")).collect()
    });
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(()) | Err(3))), "{outcomes:?}");
    let session = world.session();
    let status = session.status().expect("a ledger");
    let cost = planned(&session, &about(&WEEKS[..1], &[REACH]).replace("epsilon = 1.0", "epsilon = 2.9"));
    let cost = cost.expect("a plan").charged.amount_units();
    for known in &status.windows {
        assert!(known.spent.fits_in(status.rectangle), "{known:?}");
        assert_eq!(known.spent.amount_units() % cost, 0, "whole jobs");
    }
    let won: usize = outcomes
        .iter()
        .enumerate()
        .filter(|(_, outcome)| outcome.is_ok())
        .map(|(id, _)| if id % 3 == 2 { 2 } else { 1 })
        .sum();
    let recorded: u64 = status.windows.iter().map(|known| known.spent.amount_units() / cost).sum();
    assert_eq!(won as u64, recorded, "acknowledged is recorded");
    session.ledger().expect("a ledger").verify().expect("the chain is whole");
}

#[test]
fn who_allows_less_takes_part_by_a_draw_for_each_week_and_not_for_each_release() {
    // Noise so small that a rounded count tells who took part: a Laplace of scale 1/30 is off by a half with e^-15.
    let people = 32;
    let row = |person: usize, day: usize| {
        let (who, item, at) = (format!("p{person}"), person.to_string(), moment(day, 12).0);
        [who.as_str(), item.as_str(), "1", "1", at.as_str(), "NL", "a"].map(str::to_owned)
    };
    let half = 60.0_f64 + 0.5_f64.ln();
    let consent = |person: usize| [format!("p{person}"), "study".into(), "true".into(), half.to_string()];
    let all = People {
        rows: (0..people).flat_map(|person| [row(person, 2), row(person, 7)]).collect(),
        consents: (0..people).map(consent).collect(),
        ..People::default()
    };
    let setting = Setting { accounting: "pure", consent: Some("deny"), ..Setting::plain() };
    let world = renewing(&setting, &all);
    let policy = std::fs::read_to_string(world.path().join("policy.toml")).expect("a policy");
    world.write("policy.toml", policy.replace("epsilon = 4.0", "epsilon = 100"));
    let session = world.session();
    session.init().expect("a ledger");
    let keys: Vec<usize> = (0..people).collect();
    let release = format!(
        "statistic = \"popularity\"\nby = [{{ column = \"item\", keys = {keys:?} }}]\ncontribution = {{ keep = 1 }}"
    );
    let text = about(&WEEKS[..2], &[&release, &release]).replace("epsilon = 1.0", "epsilon = 60");
    let answer = session.run(planned(&session, &text).expect("a plan"), request("one")).expect("it fits");
    // Rows come by their counts: who took part is told by the keys, one a person.
    let took_part: Vec<std::collections::BTreeSet<String>> = answer
        .releases()
        .iter()
        .map(|release| {
            let table = release.table().expect("it can be read");
            assert_eq!(table.rows.len(), people);
            let present = |row: &&Vec<flockwise_query::value::Value>| {
                matches!(row[1], flockwise_query::value::Value::Float(people) if people > 0.5)
            };
            table.rows.iter().filter(present).map(|row| format!("{:?}", row[0])).collect()
        })
        .collect();
    assert_eq!(took_part.len(), 4);
    assert_eq!(
        (&took_part[0], &took_part[2]),
        (&took_part[1], &took_part[3]),
        "one draw for all releases of a week"
    );
    assert_ne!(took_part[0], took_part[2], "another draw for another week: the same with chance 2^-32");
}
