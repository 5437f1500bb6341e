//! `cargo run --release -p flockwise-audit -- [--nightly] [--write docs/audit.md]`

use std::process::ExitCode;

use flockwise_audit::{Finding, Size, Subject, audit, controls, report, subjects};

/// The probability that any bound of the whole audit fails.
const FAMILY: f64 = 1e-6;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// Whether every mechanism holds and every control is caught.
fn run() -> Result<bool, Box<dyn std::error::Error>> {
    let (mut sizes, mut page) = ([Size::SMALL, Size::CONTROLS], None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--nightly" => sizes = [Size::NIGHTLY; 2],
            "--write" => page = Some(arguments.next().ok_or("--write needs a file")?),
            _ => return Err("flockwise-audit [--nightly] [--write docs/audit.md]".into()),
        }
    }
    let (subjects, controls) = (subjects::all(), controls::all());
    // Two bounds for each.
    let alpha = FAMILY / (2 * (subjects.len() + controls.len())) as f64;
    let judge =
        |all: Vec<Subject>, size: Size| -> Result<Vec<(Subject, Finding)>, Box<dyn std::error::Error>> {
            let one = |subject: Subject| {
                let finding = audit(&subject, size, alpha)?;
                let verdict = if finding.broken { "broken" } else { "holds" };
                println!("{:<55} {:.3} of {:.3}  {verdict}", subject.name, finding.epsilon, subject.epsilon);
                Ok((subject, finding))
            };
            all.into_iter().map(one).collect()
        };
    let (subjects, controls) = (judge(subjects, sizes[0])?, judge(controls, sizes[1])?);
    if let Some(page) = page {
        let written = report(&std::fs::read_to_string(&page)?, sizes, &subjects, &controls);
        std::fs::write(&page, written)?;
    }
    let sound = subjects.iter().all(|(_, finding)| !finding.broken);
    Ok(sound && controls.iter().all(|(_, finding)| finding.broken))
}
