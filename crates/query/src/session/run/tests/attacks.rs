//! Rows of the list of known attacks, for every statistic.

use flockwise_mechanisms::audit::{self, Mode, Recorder};

use super::{ALL, BOUNDS, Row, planned, run};

#[test]
fn p2_the_order_of_rows_changes_nothing() {
    let row = |at: i64| {
        let mixed = at.wrapping_mul(0x9e37_79b9) >> 5;
        (mixed % 11, (mixed % 6) as u8, (mixed % 4) as u8, mixed % 5, mixed % 5, (mixed % 13) as f64 - 2.0)
    };
    let rows: Vec<Row> = (0..150).map(row).collect();
    let mut turned = rows.clone();
    turned.reverse();
    turned.rotate_left(37);
    for release in ALL {
        for bound in BOUNDS {
            let plan = planned("gdp", &format!("{release}\n{bound}"));
            for mode in [Mode::Wild { seed: 5 }, Mode::Drawn { seed: 5 }] {
                let of = |rows: &[Row]| run(&plan, rows, &mut Recorder::new(mode));
                assert_eq!(of(&rows), of(&turned), "{release} {bound}");
            }
        }
    }
}

#[test]
fn p4_nobody_and_one_person_give_tables_of_one_shape() {
    for release in ALL {
        let plan = planned("zcdp", release);
        let columns = |rows: &[Row]| run(&plan, rows, &mut Recorder::new(Mode::Drawn { seed: 1 })).1.columns;
        assert_eq!(columns(&[]), columns(&[(1, 1, 1, 1, 1, 1.0)]), "{release}");
    }
}

/// One person with every key, with five hundred times as many rows as all others together, moves nothing by more than one person may.
#[test]
fn s9_one_person_with_very_many_rows() {
    let few: Vec<Row> = (0..40).map(|at| (at % 8, (at % 5) as u8, 0, at % 4, at % 4, 1.0)).collect();
    let heavy = (0..20_000).map(|at| (99, (at % 6) as u8, (at % 4) as u8, at % 7, at % 5, (at % 15) as f64));
    let many: Vec<Row> = few.iter().copied().chain(heavy).collect();
    for release in ALL {
        for bound in BOUNDS {
            let plan = planned("zcdp", &format!("{release}\n{bound}"));
            let check = audit::check(
                Mode::Open,
                |source| run(&plan, &many, source),
                |source| run(&plan, &few, source),
            );
            assert!(check.is_ok(), "{release} {bound}: {check:?}");
        }
    }
}
