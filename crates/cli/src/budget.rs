//! `flockwise budget`.

use std::fmt;

use flockwise_ledger::{Status, WindowStatus};
use flockwise_mechanisms::{Ceiling, Loss};
use flockwise_query::Session;
use flockwise_query::renewal::{WholeLife, grows_as, over_windows};
use flockwise_query::value::ColumnType;
use serde::Serialize;
use serde_json::json;

use crate::args::{Budget, PlanFormat};
use crate::failure::Failure;
use crate::say::say;

pub(crate) fn budget(args: &Budget) -> Result<(), Failure> {
    let limit = args.fail_below.as_deref().map(percent).transpose()?;
    let session = Session::open(&args.policy)?;
    let (status, ceiling) = (session.status()?, session.ceiling()?);
    let shown = Shown::of(&status, &session, args.window.as_deref())?;
    match args.format {
        PlanFormat::Table => print(&status, ceiling, &shown),
        PlanFormat::Json => say!("{}", as_json(&status, ceiling, &shown)),
    }
    match limit {
        Some(asked) if shown.part < asked => Err(Failure::Below { left: shown.part, asked }),
        _ => Ok(()),
    }
}

/// What is spent and left: of the whole ledger, or of one window of a budget that renews.
struct Shown<'a> {
    /// The window's name; none where the budget does not renew, or no window was charged.
    window: Option<String>,
    /// What the ledger has of it: nothing where it was not charged.
    known: Option<&'a WindowStatus>,
    spent: Loss,
    left: Loss,
    /// In percent.
    part: f64,
    /// The guarantee over several windows.
    life: Option<WholeLife>,
}

impl<'a> Shown<'a> {
    /// The window that was asked for; else the last one, by its name, that was charged. No clock is asked.
    fn of(status: &'a Status, session: &Session, asked: Option<&str>) -> Result<Self, Failure> {
        let renewal = session.renewal();
        let window = match (&renewal, asked) {
            (None, None) => None,
            (None, Some(_)) => {
                return Err(Failure::Arguments("--window: this budget does not renew".to_owned()));
            }
            (Some(per), Some(name)) if per.named(name, ColumnType::Date).is_none() => {
                let every = per.window.name();
                return Err(Failure::Arguments(format!(
                    "--window: this budget renews by {every}, and this names none"
                )));
            }
            (Some(_), Some(name)) => Some(name.to_owned()),
            (Some(_), None) => status.windows.last().and_then(|last| last.window.clone()),
        };
        let known = status.windows.iter().find(|known| known.window == window);
        let zero = Loss::zero(status.rectangle.accounting());
        let (spent, left) = known.map_or((zero, status.rectangle), |window| (window.spent, window.left));
        let part = part_left(left, status.rectangle);
        let life = renewal.and_then(|per| over_windows(status.binding.ceiling, per.window.a_year().max(12)));
        Ok(Self { window, known, spent, left, part, life })
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
    fn of(window: &WindowStatus, part_left: f64) -> Option<Self> {
        Self::new(window.span?, part_left)
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

fn print(status: &Status, ceiling: Ceiling, shown: &Shown<'_>) {
    let unit = &status.binding.privacy_unit;
    match &status.binding.window {
        None => say!("{} · one person is one {unit}", status.binding.data),
        Some(window) => say!(
            "{} · one person is one {unit}, in one {} ({} in {})",
            status.binding.data,
            window.every,
            window.time,
            window.tz
        ),
    }
    let of_each = if status.binding.window.is_some() { " for each window" } else { "" };
    say!(
        "  ceiling   epsilon {}, delta {} ({} accounting){of_each}",
        ceiling.epsilon,
        ceiling.delta,
        ceiling.accounting
    );
    if let Some(life) = &shown.life {
        say!(
            "  life      a person with rows in {} windows: epsilon {} at delta {}; {}",
            life.windows,
            life.epsilon,
            life.at_delta,
            grows_as(ceiling.accounting)
        );
    }
    say!("  enforced  {}{of_each}", status.rectangle);
    if status.binding.window.is_some() {
        print_windows(status);
        match &shown.window {
            Some(window) => say!("  window    {window}"),
            None => say!("  window    none was charged yet"),
        }
    }
    say!(
        "  spent     {} in {} charge(s); an indication: epsilon {:.4} so far",
        shown.spent,
        status.charges,
        ceiling.epsilon_of(shown.spent)
    );
    say!("  left      {} ({:.1}%)", shown.left, shown.part);
    if let Some(window) = shown.known {
        if let Some(pace) = Pace::of(window, shown.part) {
            say!("  pace      {pace}");
        }
        for (analyst, loss) in &window.by_analyst {
            say!("  analyst   {}: {loss}", analyst.as_deref().unwrap_or("(not named)"));
        }
        for (purpose, loss) in &window.by_purpose {
            say!("  purpose   {purpose}: {loss}");
        }
    }
    for (whose, parts) in [("analyst", &status.analyst_ceilings), ("purpose", &status.purpose_ceilings)] {
        for (name, most) in parts {
            say!("  part      of {whose} {name}: at most {most}{of_each}");
        }
    }
    say!("  ledger    {}, {} entries", status.id, status.entries);
}

/// What is left of each window that was charged.
fn print_windows(status: &Status) {
    for known in &status.windows {
        let window = known.window.as_deref().unwrap_or_default();
        let part = part_left(known.left, status.rectangle);
        let pace = Pace::of(known, part).map_or_else(String::new, |pace| format!("; {pace}"));
        say!("  {window:<10}spent {}, left {part:.1}%{pace}", known.spent);
    }
}

fn as_json(status: &Status, ceiling: Ceiling, shown: &Shown<'_>) -> serde_json::Value {
    let by = |list: &[(String, Loss)]| {
        list.iter().map(|(name, loss)| json!({ "name": name, "loss": loss })).collect::<Vec<_>>()
    };
    let analysts = |window: &WindowStatus| -> Vec<(String, Loss)> {
        window.by_analyst.iter().map(|(name, loss)| (name.clone().unwrap_or_default(), *loss)).collect()
    };
    let window = |known: &WindowStatus| {
        let part = part_left(known.left, status.rectangle);
        json!({
            "window": known.window,
            "spent": known.spent,
            "left": known.left,
            "left_percent": part,
            "epsilon_so_far": ceiling.epsilon_of(known.spent),
            "by_analyst": by(&analysts(known)),
            "by_purpose": by(&known.by_purpose),
            "pace": Pace::of(known, part),
        })
    };
    let renewal = status.binding.window.as_ref().map(|renewal| {
        json!({
            "every": renewal.every,
            "time": renewal.time,
            "tz": renewal.tz,
            "whole_life": shown.life,
            "grows": grows_as(ceiling.accounting),
            "windows": status.windows.iter().map(window).collect::<Vec<_>>(),
        })
    });
    json!({
        "schema": "flockwise.budget/1",
        "data": status.binding.data,
        "unit": status.binding.privacy_unit,
        "ceiling": ceiling,
        "enforced": status.rectangle,
        "renewal": renewal,
        "window": shown.window,
        "spent": shown.spent,
        "left": shown.left,
        "left_percent": shown.part,
        "epsilon_so_far": ceiling.epsilon_of(shown.spent),
        "charges": status.charges,
        "entries": status.entries,
        "by_analyst": by(&shown.known.map(analysts).unwrap_or_default()),
        "by_purpose": by(&shown.known.map(|window| window.by_purpose.clone()).unwrap_or_default()),
        "analyst_parts": by(&status.analyst_ceilings),
        "purpose_parts": by(&status.purpose_ceilings),
        "pace": shown.known.and_then(|window| Pace::of(window, shown.part)),
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
