//! Budgets that renew: the privacy unit is one person in one window of the data's time column.
//!
//! The key decision: **a job runs in one window at a time.** Two data sets are neighbours when they differ in all rows of
//! one person that lie in one window. A row's window is a function of that row's time alone, and of the policy's calendar;
//! rows without a time, or outside the windows that the job names, are dropped before anything else. Every release is then
//! made once for each window, from the rows of that window and from no others, with bounds, selection, bought bounds, keyed
//! hashes, draws of consent and noise of its own. From that follows:
//!
//! - *Within a window a person and a unit are the same thing*, so every bound, norm, cap and histogram is one of units, and
//!   every statistic keeps its meaning and its proof: reach counts people of that window, transitions and retention follow a
//!   person through that window, activity counts the rows of that window. Nothing links windows, because no computation
//!   ever sees rows of two of them. Removing a unit changes the input of one window's mechanisms by their declared
//!   sensitivity, and no other window's at all.
//! - *Each window that a job names is charged the whole loss of the job*, whether rows lie in it or not. So within one
//!   window losses add up to at most the ceiling, and (ε, δ) of the policy is the guarantee of one unit.
//! - *The whole life of one person over k windows is the composition of k ceilings*, and not group privacy of k units: the
//!   mechanisms of different windows are different mechanisms, each with noise of its own ([`over_windows`]). Had the rows
//!   of several windows been pooled under one noise, k units of one person would add up in one cell, and the loss under zCDP
//!   would grow with k² instead of k.
//! - *What is told of a person beside the rows* (consent, their own ε, rows of private tables) belongs to no window. For a
//!   unit it is as if it stood in each of its rows; its own protection is that of the whole life. Who allows less than the
//!   job's ε takes part by a draw for each window: were one draw shared, other windows' releases would tell how it fell.
//!
//! Windows come from the job's text and the policy, never from data and never from a clock.

use chrono::{DateTime, Datelike as _, Days, Months, NaiveDate, TimeDelta, TimeZone as _};
use chrono_tz::Tz;
use flockwise_mechanisms::{Accounting, Ceiling, Delta, Loss};
use serde::Serialize;

use crate::backend::on_calendar;
use crate::policy::{Renewal, RenewalWindow};
use crate::value::{ColumnType, Value};

/// The most windows that one job names.
pub const MOST_WINDOWS: usize = 400;

/// A renewal window: its name, and the rows it holds.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Window {
    /// `2026-11-24`, `2026-W48`, `2026-11`, `2026-Q4` or `2026`: in the order of time.
    pub name: String,
    /// The first day or moment, as the time column has them.
    pub from: Value,
    /// The first day or moment after.
    pub until: Value,
}

impl RenewalWindow {
    /// The word in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }

    /// The most windows that meet one year.
    #[must_use]
    pub const fn a_year(self) -> u64 {
        match self {
            Self::Day => 366,
            Self::Week => 53,
            Self::Month => 12,
            Self::Quarter => 4,
            Self::Year => 1,
        }
    }

    /// The first day of the window that a day lies in.
    fn start(self, day: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Day => Some(day),
            Self::Week => day.checked_sub_days(Days::new(u64::from(day.weekday().num_days_from_monday()))),
            Self::Month => day.with_day(1),
            Self::Quarter => NaiveDate::from_ymd_opt(day.year(), day.month0() / 3 * 3 + 1, 1),
            Self::Year => NaiveDate::from_ymd_opt(day.year(), 1, 1),
        }
    }

    /// The first day of the window after the one that starts on a day.
    fn next(self, start: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Day => start.succ_opt(),
            Self::Week => start.checked_add_days(Days::new(7)),
            Self::Month => start.checked_add_months(Months::new(1)),
            Self::Quarter => start.checked_add_months(Months::new(3)),
            Self::Year => start.checked_add_months(Months::new(12)),
        }
    }

    /// The name of the window that starts on a day.
    fn title(self, start: NaiveDate) -> String {
        let year = start.year();
        match self {
            Self::Day => format!("{year:04}-{:02}-{:02}", start.month(), start.day()),
            Self::Week => format!("{:04}-W{:02}", start.iso_week().year(), start.iso_week().week()),
            Self::Month => format!("{year:04}-{:02}", start.month()),
            Self::Quarter => format!("{year:04}-Q{}", start.month0() / 3 + 1),
            Self::Year => format!("{year:04}"),
        }
    }

    /// A day in the window of this name.
    fn titled(self, name: &str) -> Option<NaiveDate> {
        let number = |text: &str| text.parse::<u32>().ok();
        let year = |text: &str| text.parse::<i32>().ok();
        let mut parts = name.split('-');
        let day = match (self, parts.next()?, parts.next(), parts.next(), parts.next()) {
            (Self::Day, y, Some(m), Some(d), None) => {
                NaiveDate::from_ymd_opt(year(y)?, number(m)?, number(d)?)
            }
            (Self::Week, y, Some(w), None, None) => {
                NaiveDate::from_isoywd_opt(year(y)?, number(w.strip_prefix('W')?)?, chrono::Weekday::Mon)
            }
            (Self::Month, y, Some(m), None, None) => NaiveDate::from_ymd_opt(year(y)?, number(m)?, 1),
            (Self::Quarter, y, Some(q), None, None) => {
                let quarter = number(q.strip_prefix('Q')?)?;
                NaiveDate::from_ymd_opt(year(y)?, quarter.checked_sub(1)?.checked_mul(3)?.checked_add(1)?, 1)
            }
            (Self::Year, y, None, None, None) => NaiveDate::from_ymd_opt(year(y)?, 1, 1),
            _ => None,
        }?;
        // One spelling for each window: "2026-1" is none.
        (self.title(self.start(day)?) == name).then_some(day)
    }
}

impl Renewal {
    /// The window of a name, over a time column of this type.
    #[must_use]
    pub fn named(&self, name: &str, column: ColumnType) -> Option<Window> {
        self.window(self.window.titled(name)?, column)
    }

    /// The window that a day or moment lies in.
    #[must_use]
    pub fn of(&self, value: &Value, column: ColumnType) -> Option<Window> {
        self.window(self.day(value)?, column)
    }

    /// Every window that meets the days or moments from one (included) until another (excluded), in order; `None` when
    /// they are more than [`MOST_WINDOWS`], or lie outside the calendar.
    #[must_use]
    pub fn meeting(&self, from: &Value, until: &Value, column: ColumnType) -> Option<Vec<Window>> {
        let at = |value: &Value| moment(value);
        let end = at(until)?;
        let mut windows = Vec::new();
        let mut next = self.window.start(self.day(from)?)?;
        loop {
            let window = self.window(next, column)?;
            if at(&window.from)? >= end {
                return Some(windows);
            }
            if windows.len() == MOST_WINDOWS {
                return None;
            }
            next = self.window.next(next)?;
            // A day that a zone's clocks skipped holds no moment, but keeps its name.
            windows.push(window);
        }
    }

    /// The unit and its window, for documents: `one month (timestamp in UTC)`.
    #[must_use]
    pub fn spoken(&self) -> String {
        format!("one {} ({} in {})", self.window.name(), self.time, self.tz)
    }

    fn day(&self, value: &Value) -> Option<NaiveDate> {
        if !on_calendar(value) {
            return None;
        }
        match value {
            Value::Date(days) => NaiveDate::default().checked_add_signed(TimeDelta::days(i64::from(*days))),
            Value::Datetime(micros) => {
                Some(DateTime::from_timestamp_micros(*micros)?.with_timezone(&self.tz).date_naive())
            }
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => None,
        }
    }

    fn window(&self, day: NaiveDate, column: ColumnType) -> Option<Window> {
        let start = self.window.start(day)?;
        let end = self.window.next(start)?;
        let (from, until) = (bound(start, column, self.tz)?, bound(end, column, self.tz)?);
        on_calendar(&from).then(|| Window { name: self.window.title(start), from, until })
    }
}

/// The first moment of a day, or the day, as the column has them.
fn bound(day: NaiveDate, column: ColumnType, tz: Tz) -> Option<Value> {
    if column == ColumnType::Date {
        let days = day.signed_duration_since(NaiveDate::default()).num_days();
        return i32::try_from(days).ok().map(Value::Date);
    }
    // Where clocks skip midnight, or the day, the day begins where they go on.
    let midnight = day.and_hms_opt(0, 0, 0)?;
    let starts = (0..=96).map(|half_hours| midnight + TimeDelta::minutes(30 * half_hours));
    let start = starts.filter_map(|local| tz.from_local_datetime(&local).earliest()).next()?;
    Some(Value::Datetime(start.timestamp_micros()))
}

/// A day or moment as a number to compare with others of its type.
const fn moment(value: &Value) -> Option<i64> {
    match value {
        Value::Date(days) => Some(*days as i64),
        Value::Datetime(micros) => Some(*micros),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => None,
    }
}

/// A guarantee over several windows.
#[derive(Clone, PartialEq, Debug, Serialize, serde::Deserialize)]
pub struct WholeLife {
    /// How many windows a person has rows in.
    pub windows: u64,
    /// ε of all releases ever made about them.
    pub epsilon: f64,
    /// The δ at which it holds.
    pub at_delta: String,
}

/// What the ceiling of one window is over k windows of one person: the composition of k ceilings, at k·δ.
///
/// The releases of different windows are mechanisms of their own, so what adds up adds up: kε under `pure` and `approx`
/// (basic composition), k·ρ under `zcdp`, k·μ² under `gdp`, and k times the δ of selections; of k·δ one half is kept for
/// the conversion, as of δ in the ceiling itself. It holds for adaptively chosen jobs, since the sum over a person's k
/// windows never exceeds k times the fixed rectangle (a filter of a constant: Whitehouse, Ramdas, Rogers, Wu 2023).
/// `None` where k·δ is no chance any more, or the sum over every limit.
#[must_use]
pub fn over_windows(ceiling: Ceiling, windows: u64) -> Option<WholeLife> {
    let delta = Delta::from_units(ceiling.delta.units().checked_mul(windows)?).ok()?;
    let rectangle = ceiling.rectangle();
    let amount = rectangle.amount_units().checked_mul(windows)?;
    let whole = Loss::from_units(ceiling.accounting, amount, Delta::ZERO).ok()?;
    let epsilon = Ceiling { delta, ..ceiling }.epsilon_of(whole);
    Some(WholeLife { windows, epsilon: crate::release::figures(epsilon), at_delta: delta.to_string() })
}

/// How the guarantee grows with the number of windows, as a formula.
#[must_use]
pub const fn grows_as(accounting: Accounting) -> &'static str {
    match accounting {
        Accounting::Pure | Accounting::Approx => "over k windows: epsilon and delta k times",
        Accounting::Zcdp => "over k windows: rho and delta k times",
        Accounting::Gdp => "over k windows: mu squared and delta k times",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{date, datetime};

    fn renewal(window: RenewalWindow, tz: Tz) -> Renewal {
        Renewal { window, time: "at".parse().unwrap(), tz }
    }

    const ALL: [RenewalWindow; 5] = [
        RenewalWindow::Day,
        RenewalWindow::Week,
        RenewalWindow::Month,
        RenewalWindow::Quarter,
        RenewalWindow::Year,
    ];

    fn at(text: &str) -> Value {
        Value::Datetime(datetime(text, Tz::UTC).unwrap())
    }

    #[test]
    fn windows_tile_time_and_each_has_one_name() {
        let zones =
            [Tz::UTC, Tz::Europe__Amsterdam, Tz::America__Havana, Tz::Pacific__Apia, Tz::Asia__Kolkata];
        for tz in zones {
            for window in ALL {
                let renewal = renewal(window, tz);
                let column = ColumnType::Datetime(Tz::UTC);
                let mut end: Option<Value> = None;
                let listed =
                    renewal.meeting(&at("2011-12-20T00:00:00Z"), &at("2012-04-20T00:00:00Z"), column);
                for listed in listed.unwrap() {
                    assert!(end.as_ref().is_none_or(|end| *end == listed.from), "{tz} {listed:?}");
                    assert_eq!(renewal.named(&listed.name, column).as_ref(), Some(&listed), "{tz}");
                    let (Value::Datetime(from), Value::Datetime(until)) = (&listed.from, &listed.until)
                    else {
                        panic!("{listed:?}");
                    };
                    for inside in [*from, (*from + *until) / 2, *until - 1].iter().filter(|_| from < until) {
                        assert_eq!(renewal.of(&Value::Datetime(*inside), column).unwrap(), listed, "{tz}");
                    }
                    end = Some(listed.until);
                }
            }
        }
    }

    #[test]
    fn a_moment_has_the_window_of_its_zone() {
        let moment = at("2026-01-31T23:30:00Z");
        let column = ColumnType::Datetime(Tz::UTC);
        let of = |window, tz| renewal(window, tz).of(&moment, column).unwrap().name;
        assert_eq!(of(RenewalWindow::Month, Tz::UTC), "2026-01");
        assert_eq!(of(RenewalWindow::Month, Tz::Europe__Amsterdam), "2026-02");
        assert_eq!(of(RenewalWindow::Quarter, Tz::UTC), "2026-Q1");
        assert_eq!(of(RenewalWindow::Year, Tz::UTC), "2026");
        assert_eq!(of(RenewalWindow::Week, Tz::UTC), "2026-W05");
        assert_eq!(of(RenewalWindow::Week, Tz::Europe__Amsterdam), "2026-W05");
        assert_eq!(of(RenewalWindow::Day, Tz::Europe__Amsterdam), "2026-02-01");
        let day = Value::Date(date("2026-12-31").unwrap());
        assert_eq!(
            renewal(RenewalWindow::Week, Tz::UTC).of(&day, ColumnType::Date).unwrap().name,
            "2026-W53"
        );
    }

    #[test]
    fn what_is_no_name_and_no_window_is_none() {
        let column = ColumnType::Date;
        for (window, name) in [
            (RenewalWindow::Month, "2026-1"),
            (RenewalWindow::Month, "2026-13"),
            (RenewalWindow::Month, "2026"),
            (RenewalWindow::Month, "2026-01-01"),
            (RenewalWindow::Month, "+2026-01"),
            (RenewalWindow::Quarter, "2026-Q5"),
            (RenewalWindow::Quarter, "2026-Q0"),
            (RenewalWindow::Week, "2025-W53"),
            (RenewalWindow::Day, "2026-02-30"),
            (RenewalWindow::Year, "99999"),
            (RenewalWindow::Year, ""),
        ] {
            assert!(renewal(window, Tz::UTC).named(name, column).is_none(), "{name}");
        }
        let months = renewal(RenewalWindow::Month, Tz::UTC);
        assert!(months.of(&Value::Date(i32::MAX), column).is_none());
        assert!(months.of(&Value::Null, column).is_none());
        let (first, last) =
            (Value::Date(date("0001-01-01").unwrap()), Value::Date(date("9999-12-31").unwrap()));
        assert!(months.meeting(&first, &last, column).is_none(), "too many");
        assert_eq!(months.meeting(&last, &first, column), Some(Vec::new()));
    }

    #[test]
    fn the_whole_life_is_the_composition_of_its_windows() {
        let ceiling = |accounting, delta: &str| Ceiling {
            accounting,
            epsilon: "1".parse().unwrap(),
            delta: delta.parse().unwrap_or(Delta::ZERO),
        };
        let pure = over_windows(ceiling(Accounting::Pure, "none"), 12).unwrap();
        assert!(
            (pure.epsilon - 12.0).abs() < 1e-4 && pure.epsilon >= 12.0 && pure.at_delta == "0",
            "{pure:?}"
        );
        let approx = over_windows(ceiling(Accounting::Approx, "1e-6"), 3).unwrap();
        assert!((approx.epsilon - 3.0).abs() < 1e-4 && approx.at_delta == "3e-6", "{approx:?}");
        for accounting in [Accounting::Zcdp, Accounting::Gdp] {
            let ceiling = ceiling(accounting, "1e-6");
            let one = over_windows(ceiling, 1).unwrap();
            assert!((one.epsilon - 1.0).abs() < 1e-4, "{one:?}");
            let year = over_windows(ceiling, 12).unwrap();
            // Better than adding ε up, as composition is, and worse than √12.
            assert!(year.epsilon > 3.4 && year.epsilon < 6.0, "{year:?}");
        }
        assert!(over_windows(ceiling(Accounting::Gdp, "0.1"), 12).is_none(), "no chance is above one");
    }
}
