//! Windows of the calendar: from an instant or a day to the start of its window, never by the clock of the machine.

use chrono::{
    DateTime, Datelike as _, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone as _,
    Timelike as _,
};
use chrono_tz::Tz;

use crate::job::{EveryUnit, Weekday};
use crate::value::Value;

/// A kind of window.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Calendar {
    pub count: u32,
    pub unit: EveryUnit,
    pub starts: Weekday,
    pub tz: Tz,
}

/// Whether a day or moment lies in the years 0 to 9999 UTC: what a release can write, and far from where arithmetic on
/// moments ends. Any other value has no such question.
pub(crate) const fn on_calendar(value: &Value) -> bool {
    match value {
        Value::Date(days) => *days >= FIRST_DAY && *days <= LAST_DAY,
        Value::Datetime(micros) => *micros >= FIRST_DAY as i64 * DAY && *micros < (LAST_DAY as i64 + 1) * DAY,
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => true,
    }
}

impl Calendar {
    /// The start of the window that a day or instant lies in: a date for windows of days or longer, else an instant.
    /// Null for what lies outside the calendar.
    pub fn window(self, value: &Value) -> Value {
        if !on_calendar(value) {
            return Value::Null;
        }
        let local = match value {
            Value::Date(days) => midnight(*days),
            Value::Datetime(micros) => DateTime::from_timestamp_micros(*micros)
                .map(|moment| moment.with_timezone(&self.tz).naive_local()),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => None,
        };
        local.and_then(|local| self.start(local)).filter(on_calendar).unwrap_or(Value::Null)
    }

    fn start(self, local: NaiveDateTime) -> Option<Value> {
        let count = i64::from(self.count);
        let date = local.date();
        let days = i64::from(date.num_days_from_ce()) - i64::from(NaiveDate::default().num_days_from_ce());
        let months = i64::from(date.year()) * 12 + i64::from(date.month0());
        let from_months = |length: i64| {
            let first = months.div_euclid(length) * length;
            let (year, month) =
                (i32::try_from(first.div_euclid(12)).ok()?, u32::try_from(first.rem_euclid(12)).ok()?);
            as_date(NaiveDate::from_ymd_opt(year, month + 1, 1)?)
        };
        match self.unit {
            EveryUnit::Minute => self.instant(local, count),
            EveryUnit::Hour => self.instant(local, count * 60),
            EveryUnit::Day => day(days.div_euclid(count) * count),
            EveryUnit::Week => {
                // 1970-01-01 was a Thursday: day −3 a Monday.
                let shift = 3 - i64::from(self.starts.days_after_monday());
                let length = 7 * count;
                day((days + shift).div_euclid(length) * length - shift)
            }
            EveryUnit::Month => from_months(count),
            EveryUnit::Quarter => from_months(3 * count),
            EveryUnit::Year => from_months(12 * count),
        }
    }

    /// Windows of minutes count from local midnight.
    fn instant(self, local: NaiveDateTime, minutes: i64) -> Option<Value> {
        let minute = i64::from(local.num_seconds_from_midnight()) / 60;
        let start =
            local.date().and_time(NaiveTime::MIN) + TimeDelta::minutes(minute.div_euclid(minutes) * minutes);
        let moment = match self.tz.from_local_datetime(&start) {
            LocalResult::Single(moment) | LocalResult::Ambiguous(moment, _) => moment,
            // The clocks skip the start: the window starts where they go on.
            LocalResult::None => self.tz.from_local_datetime(&(start + TimeDelta::hours(1))).earliest()?,
        };
        Some(Value::Datetime(moment.timestamp_micros()))
    }

    /// Every window that meets the range from one day or instant until another, in order; at most `most`.
    pub fn windows(self, from: &Value, until: &Value, most: usize) -> Option<Vec<Value>> {
        let micros = |value: &Value| match value {
            Value::Date(days) => Some(i64::from(*days) * DAY),
            Value::Datetime(micros) => Some(*micros),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => None,
        };
        let like = |micros: i64| {
            if matches!(from, Value::Date(_)) {
                i32::try_from(micros.div_euclid(DAY)).map_or(Value::Null, Value::Date)
            } else {
                Value::Datetime(micros)
            }
        };
        let (mut at, end) = (micros(from)?, micros(until)?);
        let step = match (self.unit, from) {
            (EveryUnit::Minute, Value::Datetime(_)) => 60_000_000,
            (EveryUnit::Hour, Value::Datetime(_)) => 15 * 60_000_000,
            (EveryUnit::Day | EveryUnit::Week, Value::Datetime(_)) => 60 * 60_000_000,
            _ => DAY,
        };
        let mut windows: Vec<Value> = Vec::new();
        while at < end {
            let window = self.window(&like(at));
            if window != Value::Null && windows.last() != Some(&window) {
                windows.push(window);
            }
            if windows.len() > most {
                return None;
            }
            at += step;
        }
        windows.dedup();
        Some(windows)
    }
}

const DAY: i64 = 86_400_000_000;
/// 0000-01-01.
const FIRST_DAY: i32 = -719_528;
/// 9999-12-31.
const LAST_DAY: i32 = 2_932_896;

fn midnight(days: i32) -> Option<NaiveDateTime> {
    Some(NaiveDate::default().checked_add_signed(TimeDelta::days(i64::from(days)))?.and_time(NaiveTime::MIN))
}

fn day(days: i64) -> Option<Value> {
    i32::try_from(days).ok().map(Value::Date)
}

fn as_date(date: NaiveDate) -> Option<Value> {
    day(i64::from(date.num_days_from_ce()) - i64::from(NaiveDate::default().num_days_from_ce()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{date, datetime};

    fn window(unit: EveryUnit, count: u32, starts: Weekday, tz: Tz, moment: &str) -> String {
        let calendar = Calendar { count, unit, starts, tz };
        crate::release::text(&calendar.window(&Value::Datetime(datetime(moment, Tz::UTC).unwrap())))
    }

    #[test]
    fn windows_follow_the_calendar_of_their_zone() {
        let monday = Weekday::Monday;
        // 2026-11-24 is a Tuesday.
        assert_eq!(window(EveryUnit::Week, 1, monday, Tz::UTC, "2026-11-24T10:00:00Z"), "2026-11-23");
        assert_eq!(
            window(EveryUnit::Week, 1, Weekday::Sunday, Tz::UTC, "2026-11-24T10:00:00Z"),
            "2026-11-22"
        );
        assert_eq!(
            window(EveryUnit::Week, 1, Weekday::Wednesday, Tz::UTC, "2026-11-24T10:00:00Z"),
            "2026-11-18"
        );
        assert_eq!(window(EveryUnit::Month, 1, monday, Tz::UTC, "1969-02-10T10:00:00Z"), "1969-02-01");
        assert_eq!(window(EveryUnit::Quarter, 1, monday, Tz::UTC, "2026-11-24T10:00:00Z"), "2026-10-01");
        assert_eq!(
            window(EveryUnit::Day, 1, monday, Tz::Europe__Amsterdam, "2026-11-24T23:30:00Z"),
            "2026-11-25"
        );
        let amsterdam = Tz::Europe__Amsterdam;
        assert_eq!(
            window(EveryUnit::Hour, 6, monday, amsterdam, "2026-11-24T10:00:00Z"),
            "2026-11-24T05:00:00Z"
        );
        assert_eq!(
            window(EveryUnit::Minute, 15, monday, Tz::UTC, "2026-11-24T10:29:59Z"),
            "2026-11-24T10:15:00Z"
        );
    }

    #[test]
    fn the_calendar_ends_where_a_release_can_no_longer_write_it() {
        assert_eq!(Value::Date(date("0000-01-01").unwrap()), Value::Date(FIRST_DAY));
        assert_eq!(Value::Date(date("9999-12-31").unwrap()), Value::Date(LAST_DAY));
        let last = datetime("9999-12-31T23:59:59.999999Z", Tz::UTC).unwrap();
        assert!(on_calendar(&Value::Datetime(last)) && !on_calendar(&Value::Datetime(last + 1)));
        let first = datetime("0000-01-01T00:00:00Z", Tz::UTC).unwrap();
        assert!(on_calendar(&Value::Datetime(first)) && !on_calendar(&Value::Datetime(first - 1)));
    }

    #[test]
    fn a_range_lists_its_windows() {
        let weeks = Calendar { count: 1, unit: EveryUnit::Week, starts: Weekday::Monday, tz: Tz::UTC };
        let (from, until) =
            (Value::Date(date("2026-11-01").unwrap()), Value::Date(date("2026-12-01").unwrap()));
        let listed = weeks.windows(&from, &until, 100).unwrap();
        let texts: Vec<_> = listed.iter().map(crate::release::text).collect();
        assert_eq!(
            texts,
            ["2026-10-26", "2026-11-02", "2026-11-09", "2026-11-16", "2026-11-23", "2026-11-30"]
        );
        assert!(weeks.windows(&from, &until, 3).is_none());
    }
}
