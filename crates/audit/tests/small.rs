//! The audit at the size of every commit.

use flockwise_audit::{Size, Subject, audit, controls, subjects};

/// For all bounds of this file together.
const FAMILY: f64 = 1e-9;

fn alpha() -> f64 {
    FAMILY / (2 * (subjects::all().len() + controls::all().len())) as f64
}

fn broken(subjects: Vec<Subject>, size: Size) -> Vec<(&'static str, bool)> {
    let judge = |subject: Subject| {
        let finding = audit(&subject, size, alpha()).expect("the operating system gives entropy");
        (subject.name, finding.broken)
    };
    subjects.into_iter().map(judge).collect()
}

#[test]
fn every_mechanism_holds() {
    let broken: Vec<_> =
        broken(subjects::all(), Size::SMALL).into_iter().filter(|(_, broken)| *broken).collect();
    assert!(broken.is_empty(), "{broken:?}");
}

#[test]
fn every_control_is_caught() {
    let missed: Vec<_> =
        broken(controls::all(), Size::CONTROLS).into_iter().filter(|(_, broken)| !*broken).collect();
    assert!(missed.is_empty(), "{missed:?}");
}
