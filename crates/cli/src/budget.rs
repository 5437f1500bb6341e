//! `flockwise budget`.

use std::fmt;

use flockwise_ledger::Status;
use flockwise_mechanisms::{Ceiling, Loss};
use flockwise_query::Session;
use serde::Serialize;
use serde_json::json;

use crate::args::{Budget, PlanFormat};
use crate::failure::Failure;
use crate::say::say;

pub(crate) fn budget(args: &Budget) -> Result<(), Failure> {
    let limit = args.fail_below.as_deref().map(percent).transpose()?;
    let session = Session::open(&args.policy)?;
    let (status, ceiling) = (session.status()?, session.ceiling()?);
    let zero = Loss::zero(ceiling.accounting);
    let (spent, left) =
        status.windows.first().map_or((zero, status.rectangle), |window| (window.spent, window.left));
    let part = part_left(left, status.rectangle);
    match args.format {
        PlanFormat::Table => print(&status, ceiling, spent, left, part),
        PlanFormat::Json => say!("{}", as_json(&status, ceiling, spent, left, part)),
    }
    match limit {
        Some(asked) if part < asked => Err(Failure::Below { left: part, asked }),
        _ => Ok(()),
    }
}

fn percent(text: &str) -> Result<f64, Failure> {
    let number = text.strip_suffix('%').unwrap_or(text).trim().parse::<f64>();
    let wrong =
        || Failure::Arguments("--fail-below takes a percentage from 0 to 100, such as 20%".to_owned());
    number.ok().filter(|number| (0.0..=100.0).contains(number)).ok_or_else(wrong)
}

/// The part that is left of the scarcer of the two, in percent.
fn part_left(left: Loss, whole: Loss) -> f64 {
    let part = |left: u64, whole: u64| if whole == 0 { 100.0 } else { 100.0 * left as f64 / whole as f64 };
    part(left.amount_units(), whole.amount_units()).min(part(left.delta().units(), whole.delta().units()))
}

/// How fast the budget was spent: by the clocks of the machines that charged, and only ever shown.
#[derive(Serialize)]
struct Pace {
    /// From the first charge to the last, in days.
    days: f64,
    /// Percent of the budget a week.
    percent_a_week: f64,
    /// How many days what is left lasts at this pace.
    lasts_days: f64,
}

impl Pace {
    fn of(status: &Status, part_left: f64) -> Option<Self> {
        Self::new(status.span?, part_left)
    }

    /// From the times of the first and the last charge, in seconds: two charges on two days at least make a pace.
    fn new((first, last): (i64, i64), part_left: f64) -> Option<Self> {
        let days = last.checked_sub(first)? as f64 / 86_400.0;
        let a_day = (100.0 - part_left) / days;
        (days >= 1.0 && a_day > 0.0).then(|| Self {
            days: (days * 10.0).round() / 10.0,
            percent_a_week: (a_day * 70.0).round() / 10.0,
            lasts_days: (part_left / a_day).floor(),
        })
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { days, percent_a_week, lasts_days } = self;
        write!(
            f,
            "{percent_a_week}% a week over {days} days; at this pace what is left lasts {lasts_days} days more"
        )
    }
}

fn print(status: &Status, ceiling: Ceiling, spent: Loss, left: Loss, part: f64) {
    say!("{} · one person is one {}", status.binding.data, status.binding.privacy_unit);
    say!(
        "  ceiling   epsilon {}, delta {} ({} accounting)",
        ceiling.epsilon,
        ceiling.delta,
        ceiling.accounting
    );
    say!("  enforced  {}", status.rectangle);
    say!(
        "  spent     {spent} in {} charge(s); an indication: epsilon {:.4} so far",
        status.charges,
        ceiling.epsilon_of(spent)
    );
    say!("  left      {left} ({part:.1}%)");
    if let Some(pace) = Pace::of(status, part) {
        say!("  pace      {pace}");
    }
    if let Some(window) = status.windows.first() {
        for (analyst, loss) in &window.by_analyst {
            say!("  analyst   {}: {loss}", analyst.as_deref().unwrap_or("(not named)"));
        }
        for (purpose, loss) in &window.by_purpose {
            say!("  purpose   {purpose}: {loss}");
        }
    }
    for (whose, parts) in [("analyst", &status.analyst_ceilings), ("purpose", &status.purpose_ceilings)] {
        for (name, most) in parts {
            say!("  part      of {whose} {name}: at most {most}");
        }
    }
    say!("  ledger    {}, {} entries", status.id, status.entries);
}

fn as_json(status: &Status, ceiling: Ceiling, spent: Loss, left: Loss, part: f64) -> serde_json::Value {
    let by = |list: &[(String, Loss)]| {
        list.iter().map(|(name, loss)| json!({ "name": name, "loss": loss })).collect::<Vec<_>>()
    };
    let window = status.windows.first();
    let analysts: Vec<(String, Loss)> = window
        .map(|window| {
            window.by_analyst.iter().map(|(name, loss)| (name.clone().unwrap_or_default(), *loss)).collect()
        })
        .unwrap_or_default();
    json!({
        "schema": "flockwise.budget/1",
        "data": status.binding.data,
        "unit": status.binding.privacy_unit,
        "ceiling": ceiling,
        "enforced": status.rectangle,
        "spent": spent,
        "left": left,
        "left_percent": part,
        "epsilon_so_far": ceiling.epsilon_of(spent),
        "charges": status.charges,
        "entries": status.entries,
        "by_analyst": by(&analysts),
        "by_purpose": by(&window.map(|window| window.by_purpose.clone()).unwrap_or_default()),
        "analyst_parts": by(&status.analyst_ceilings),
        "purpose_parts": by(&status.purpose_ceilings),
        "pace": Pace::of(status, part),
        "ledger_id": status.id,
    })
}

#[cfg(test)]
mod tests {
    use super::{Pace, percent};

    #[test]
    fn a_pace_takes_two_days() {
        let day = 86_400;
        let pace = Pace::new((0, 14 * day), 60.0).unwrap();
        assert_eq!(pace.to_string(), "20% a week over 14 days; at this pace what is left lasts 21 days more");
        assert!(Pace::new((0, day - 1), 60.0).is_none(), "an hour's charges are no pace");
        assert!(Pace::new((day, 0), 60.0).is_none(), "clocks may run back");
        assert!(Pace::new((i64::MIN, i64::MAX), 60.0).is_none());
        assert!(Pace::new((0, day), 100.0).is_none(), "nothing was spent");
    }

    #[test]
    fn a_limit_is_a_percentage() {
        assert!(percent("20%").is_ok_and(|limit| (limit - 20.0).abs() < 1e-12));
        assert!(percent("0").is_ok() && percent("100 %").is_ok());
        for wrong in ["", "%", "-1%", "101", "NaN", "inf", "20%%", "a fifth"] {
            assert!(percent(wrong).is_err(), "{wrong}");
        }
    }
}
