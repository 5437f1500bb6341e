//! Releases of a budget that renews: each of them once for each window, on the rows of that window alone.
//!
//! A window is a part of the release's own filter, which is a function of one row: so nothing behind the filter needs to know
//! of windows, and nothing behind it can link two of them. Rows without a time fulfil no comparison, and count nowhere.

use flockwise_mechanisms::Loss;
use serde::Serialize;

use super::planner::PlanError;
use super::rows::{Cut, KeyPart};
use super::{KeyDomain, Plan, ReleasePlan};
use crate::backend::Calendar;
use crate::expr::{CompareOp, Expr, ExprKind};
use crate::names::{ColumnName, ColumnRef};
use crate::policy::Renewal;
use crate::renewal::{WholeLife, Window, over_windows};
use crate::resolve::Resolved;
use crate::value::{ColumnType, Value};

/// The windows of a job under a budget that renews.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Renewing {
    /// What the policy says.
    pub per: Renewal,
    /// The windows, in order: each is charged the whole loss.
    pub windows: Vec<Window>,
}

impl Renewing {
    pub(super) fn new(resolved: &Resolved, per: &Renewal) -> Result<Self, PlanError> {
        if resolved.windows.is_empty() {
            return Err(PlanError::Internal("a job under a budget that renews names its windows"));
        }
        Ok(Self { per: per.clone(), windows: resolved.windows.clone() })
    }

    /// The names of the windows.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.windows.iter().map(|window| window.name.as_str()).collect()
    }
}

impl Plan {
    /// Whose presence is hidden: one person, or one person in one window.
    #[must_use]
    pub fn protected_unit(&self) -> String {
        let window = self.renewing.as_ref().map(|renewing| format!(" in {}", renewing.per.spoken()));
        format!("one person ({}){}", self.unit, window.unwrap_or_default())
    }

    /// Where the budget renews: the ceiling over as many windows as meet a year, and at least over 12.
    #[must_use]
    pub fn whole_life(&self) -> Option<WholeLife> {
        let renewing = self.renewing.as_ref()?;
        over_windows(self.ceiling, renewing.per.window.a_year().max(12))
    }

    /// The releases by window, in the order of the windows; all of them where the budget does not renew.
    pub(crate) fn by_window(&self) -> Vec<&[ReleasePlan]> {
        let Some(renewing) = &self.renewing else { return vec![&self.releases] };
        let mut rest = self.releases.as_slice();
        let mut windows = Vec::with_capacity(renewing.windows.len());
        for window in &renewing.windows {
            let own = rest.iter().take_while(|release| release.window.as_ref() == Some(window)).count();
            let (releases, after) = rest.split_at(own);
            windows.push(releases);
            rest = after;
        }
        windows
    }

    /// The releases by reading of the rows: all at once, or one window at a time where people take part by chance.
    ///
    /// Who allows less than the job's ε takes part by one draw for each window. A draw that windows shared would be told by
    /// other windows' releases, and a unit whose draw is known is protected by its own ε no more. Read again, the rows may be
    /// newer ones: each window is a mechanism of its own, over whatever is there.
    pub(crate) fn by_reading(&self) -> Vec<Vec<&[ReleasePlan]>> {
        let drawn = self.scan.consent.as_ref().is_some_and(|consent| consent.limit.is_some());
        let windows = self.by_window();
        if drawn { windows.into_iter().map(|window| vec![window]).collect() } else { vec![windows] }
    }
}

/// The filter of a release in a window: its own, and the window's.
pub(super) fn within(
    filter: Option<Expr>,
    time: &ColumnName,
    column: ColumnType,
    window: &Window,
) -> Option<Expr> {
    let compare = |op, to: &Value| {
        let left = ExprKind::Column(ColumnRef { table: None, column: time.clone() });
        let right = ExprKind::Constant(to.clone());
        let expr = |kind| Box::new(Expr { kind, ty: column });
        let kind = ExprKind::Compare { op, left: expr(left), right: expr(right) };
        Expr { kind, ty: ColumnType::Bool }
    };
    let mut all =
        vec![compare(CompareOp::GreaterOrEqual, &window.from), compare(CompareOp::Less, &window.until)];
    all.extend(filter);
    Some(Expr { kind: ExprKind::And(all), ty: ColumnType::Bool })
}

/// Of a key that cuts the time column into declared windows, those that the renewal window meets: in any other no row can
/// lie, and its cell would be noise alone.
pub(super) fn meeting(part: &mut KeyPart, time: &ColumnName, window: &Window) {
    let (Some(declared), Cut::Window { count, unit, starts, tz }) = (&mut part.declared, &part.cut) else {
        return;
    };
    if part.column.table.is_some() || part.column.column != *time {
        return;
    }
    let calendar = Calendar { count: *count, unit: *unit, starts: *starts, tz: *tz };
    let last = match &window.until {
        Value::Date(days) => Value::Date(days.saturating_sub(1)),
        Value::Datetime(micros) => Value::Datetime(micros.saturating_sub(1)),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => {
            window.until.clone()
        }
    };
    let place = |value: &Value| match value {
        Value::Date(days) => Some(i64::from(*days)),
        Value::Datetime(micros) => Some(*micros),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => None,
    };
    let (first, last) = (place(&calendar.window(&window.from)), place(&calendar.window(&last)));
    declared.retain(|value| {
        let at = place(value);
        at.is_some() && first <= at && (last.is_none() || at <= last)
    });
}

/// The public cells of all windows: a plan writes them down.
pub(super) fn cells(plan: &[Vec<ReleasePlan>]) -> u64 {
    let of = |release: &ReleasePlan| match &release.stages.keys {
        KeyDomain::Public(keys) | KeyDomain::Under(_, keys) => keys.len() as u64,
        KeyDomain::Leading(leading) => leading.rows.iter().map(|row| row.len() as u64).sum(),
        KeyDomain::Private(_) | KeyDomain::Top(_) => 0,
    };
    plan.iter().flatten().map(of).sum()
}

/// What a job is charged in each window: the sum of its releases where they add up to most, in each part.
pub(super) fn charged(plan: &[Vec<ReleasePlan>], zero: Loss) -> Result<Loss, PlanError> {
    let mut most = zero;
    for releases in plan {
        let add = |sum: Loss, release: &ReleasePlan| sum.checked_add(release.loss);
        let sum = releases.iter().try_fold(zero, add).ok_or(PlanError::TooMuch)?;
        let amount = most.amount_units().max(sum.amount_units());
        let delta = most.delta().max(sum.delta());
        most = Loss::from_units(zero.accounting(), amount, delta).map_err(|_| PlanError::TooMuch)?;
    }
    Ok(most)
}
