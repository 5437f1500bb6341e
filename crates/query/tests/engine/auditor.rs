//! Auditor 1: random neighbours under random jobs. What reaches the mechanisms differs by at most what was declared, with
//! no slack, and nothing else differs at all.

use std::collections::BTreeMap;

use flockwise_mechanisms::audit::{Divergence, Mode, Recorder, Violation, check};
use flockwise_query::plan::Plan;

use super::dice::Dice;
use super::jobs;
use super::world::{People, Setting, World, crowd, job, person};

/// Everything that a run lets out: its documents, or the exit code and message.
pub fn outcome(world: &World, plan: &Plan, recorder: &mut Recorder) -> Result<Vec<u8>, (u8, String)> {
    let answer = world.session().rehearse(plan.clone(), recorder);
    answer.map_err(|error| (error.exit_code(), error.to_string()))
}

/// Audits a plan on two neighbours.
pub fn audit(mode: Mode, one: &World, other: &World, plan: &Plan) -> Result<Divergence, Violation> {
    let mut failed = None;
    let result = check(
        mode,
        |recorder| {
            let outcome = outcome(one, plan, recorder);
            failed = outcome.as_ref().err().cloned();
            outcome
        },
        |recorder| outcome(other, plan, recorder),
    );
    assert_eq!(failed, None, "a run on made-up data goes through");
    result
}

#[derive(Default)]
struct Tally {
    planned: usize,
    refused: usize,
    reached: usize,
    new_keys: usize,
    bought_ranges: usize,
    calls: BTreeMap<&'static str, usize>,
    statistics: BTreeMap<String, usize>,
}

fn case(seed: u64, tally: &mut Tally) {
    let mut dice = Dice::new(seed);
    let setting = Setting::random(&mut dice);
    let mut without = crowd(&mut dice, &setting);
    let mut with: People = without.clone();
    // A person that the crowd has not got: everything about them is all that differs.
    with.extend(person(&mut dice, 77, &setting, true));
    with.shuffle(&mut dice);
    without.shuffle(&mut dice);
    let worlds = [World::new(&setting, &without), World::new(&setting, &with)];
    let (one, other) = if dice.one_in(2) { (0, 1) } else { (1, 0) };
    for _ in 0..4 {
        let releases: Vec<String> = (0..1 + dice.roll(2)).map(|_| jobs::release(&mut dice)).collect();
        let job = job(&releases.iter().map(String::as_str).collect::<Vec<_>>());
        let plans = worlds.each_ref().map(|world| world.plan(&job));
        let [Ok(plan), Ok(same)] = plans else {
            let messages = plans.map(|plan| plan.map(|_| ()).map_err(|error| error.to_string()));
            assert_eq!(messages[0], messages[1], "a refusal does not depend on data");
            tally.refused += 1;
            continue;
        };
        assert_eq!(plan, same, "a plan does not depend on data");
        tally.planned += 1;
        for release in &plan.releases {
            tally.bought_ranges += usize::from(release.stages.range.is_some());
            *tally.statistics.entry(release.statistic.to_owned()).or_default() += 1;
        }
        for mode in [Mode::Wild { seed }, Mode::Wild { seed: !seed }, Mode::Drawn { seed }] {
            let divergence = audit(mode, &worlds[one], &worlds[other], &plan)
                .unwrap_or_else(|violation| panic!("seed {seed}, {mode:?}: {violation}\n{setting:?}\n{job}"));
            tally.reached += usize::from(divergence.reaches_a_bound());
            for reach in &divergence.reaches {
                *tally.calls.entry(reach.mechanism).or_default() += 1;
                tally.new_keys += reach.new_keys.map_or(0, |new| new.count);
            }
        }
    }
}

#[test]
fn neighbours_stay_within_the_declared_sensitivity() {
    let mut tally = Tally::default();
    for seed in 0..60 {
        case(seed, &mut tally);
    }
    assert!(tally.planned > 2 * tally.refused, "{} planned, {} refused", tally.planned, tally.refused);
    assert!(tally.reached > 50, "a bound was reached {} times: the audit has power", tally.reached);
    assert!(tally.new_keys > 50, "{} keys were somebody's own", tally.new_keys);
    assert!(tally.bought_ranges > 5, "{} ranges were bought", tally.bought_ranges);
    for statistic in flockwise_query::job::Statistic::NAMES {
        assert!(tally.statistics.get(statistic).is_some_and(|cases| *cases > 5), "{:?}", tally.statistics);
    }
    assert!(tally.calls["add"] > 100 && tally.calls["select"] > 100, "{:?}", tally.calls);
}
