//! Controls: the auditor catches what it is for. The reference backend passes, and with one defect it fails.

use flockwise_mechanisms::audit::{Divergence, Mode, Violation, check};
use flockwise_query::plan::Plan;

use super::plain::{Defect, Entry, Plain, stages_over};
use super::reference::{Fact, controlled};

fn fact(person: usize, item: i64, rating: f64) -> Fact {
    Fact { person, item, rating: Some(rating), price: 10, country: "NL" }
}

/// Ten people with three items each.
fn crowd() -> Vec<Fact> {
    (0..10)
        .flat_map(|person| (0..3).map(move |at| fact(person, 1 + (person as i64 * 3 + at) % 7, 1.0)))
        .collect()
}

/// Somebody with these facts joins the crowd, in front of it.
fn audit(case: usize, bound: &str, mine: &[Fact], defect: Defect) -> Result<Divergence, Violation> {
    let with = [mine, &crowd()].concat();
    let (plan, mut with) = controlled(case, bound, &with);
    let (_, without) = controlled(case, bound, &crowd());
    if defect == Defect::NoClamp {
        // What a value is before it is clamped.
        with.iter_mut().filter(|entry| entry.person == 99).for_each(|entry| {
            entry
                .values
                .iter_mut()
                .for_each(|value| *value = 10 * i64::from(plan.releases[0].stages.channels[0].radius));
        });
    }
    run(&plan, with, without, defect)
}

fn run(plan: &Plan, with: Vec<Entry>, without: Vec<Entry>, defect: Defect) -> Result<Divergence, Violation> {
    check(
        Mode::Wild { seed: 5 },
        |recorder| stages_over(plan, &mut Plain { entries: with, defect }, recorder),
        |recorder| stages_over(plan, &mut Plain { entries: without, defect }, recorder),
    )
}

#[test]
fn the_reference_itself_passes_and_reaches_its_bounds() {
    let one: Vec<Fact> = (1..=3).map(|item| fact(99, item, 3.0)).collect();
    for (case, bound) in
        [(0, ""), (0, "contribution = { keep = 3 }"), (1, "contribution = { norm = 2 }"), (6, ""), (4, "")]
    {
        let divergence =
            audit(case, bound, &one, Defect::None).unwrap_or_else(|error| panic!("{case}: {error}"));
        assert!(divergence.closest() > 0.9, "case {case}: {divergence:?}");
    }
}

#[test]
fn every_defect_is_caught() {
    let three: Vec<Fact> = (1..=3).map(|item| fact(99, item, 3.0)).collect();
    let many: Vec<Fact> = (1..=7).map(|item| fact(99, item, 3.0)).collect();
    let rare = [fact(99, 6, 3.0)];
    let again = vec![fact(99, 1, 3.0); 5];
    let keep = "contribution = { keep = 3 }";
    let keep_genres = "contribution = { keep = 4 }";
    let one_stage = "contribution = { keep = 3 }\ntwo_stage = false";
    let cases: [(Defect, usize, &str, &[Fact]); 8] = [
        (Defect::NoClamp, 6, keep, &three),
        (Defect::Twice, 1, keep_genres, &three),
        (Defect::KeepsOneMore, 7, one_stage, &many),
        (Defect::RoundsUp, 1, "contribution = { norm = 1 }", &many),
        (Defect::Unsorted, 1, keep_genres, &rare),
        (Defect::ManyBuckets, 1, "", &three),
        (Defect::Nobody, 0, keep, &three),
        (Defect::RowsArePeople, 4, "", &again),
    ];
    for (defect, case, bound, mine) in cases {
        // The reference draws no subset, so this one has no honest twin.
        if defect != Defect::KeepsOneMore {
            let honest = audit(case, bound, mine, Defect::None);
            assert!(honest.is_ok(), "{defect:?}: without the defect {honest:?}");
        }
        let caught = audit(case, bound, mine, defect);
        let Err(violation) = caught else { panic!("{defect:?} was not caught: {caught:?}") };
        let expected = match defect {
            Defect::Nobody => matches!(violation, Violation::NotPositive { .. }),
            Defect::None
            | Defect::NoClamp
            | Defect::Twice
            | Defect::KeepsOneMore
            | Defect::RoundsUp
            | Defect::Unsorted
            | Defect::ManyBuckets
            | Defect::RowsArePeople => {
                matches!(violation, Violation::Sensitivity { .. } | Violation::Cap { .. })
            }
        };
        assert!(expected, "{defect:?}: {violation}");
    }
}
