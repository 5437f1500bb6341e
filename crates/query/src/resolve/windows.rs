//! Which renewal windows a job is about: from its own public text, never from data and never from a clock.
//!
//! Either `[job]` names them, or every release has a range of the time column in its `where`, or in windows that it declares
//! as keys. A range that is read off an expression holds every row for which it is true, so that no row a job asks for is
//! dropped unseen; for the promise it does not matter, since rows outside the windows that are charged are dropped whatever
//! the expression says.

use std::collections::BTreeMap;

use super::{Checker, Domain, ResolvedRelease, Shape};
use crate::diagnostic::Code;
use crate::expr::{CompareOp, Expr, ExprKind};
use crate::job::{Job, MOST_RELEASES, Statistic, WindowRequest};
use crate::names::{ColumnName, ColumnRef, Name};
use crate::policy::{Access, Renewal};
use crate::renewal::{MOST_WINDOWS, Window};
use crate::value::{ColumnType, Value};

/// Values of the time column, as numbers: from one (included) to another (excluded).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Span {
    from: i128,
    until: i128,
}

impl Span {
    const ALL: Self = Self { from: i128::MIN, until: i128::MAX };
    const NONE: Self = Self { from: 0, until: 0 };

    const fn is_empty(self) -> bool {
        self.from >= self.until
    }

    fn and(self, other: Self) -> Self {
        Self { from: self.from.max(other.from), until: self.until.min(other.until) }
    }

    fn or(self, other: Self) -> Self {
        match (self.is_empty(), other.is_empty()) {
            (true, _) => other,
            (_, true) => self,
            (false, false) => Self { from: self.from.min(other.from), until: self.until.max(other.until) },
        }
    }

    fn compared(op: CompareOp, to: i128) -> Self {
        match op {
            CompareOp::Equal => Self { from: to, until: to + 1 },
            CompareOp::NotEqual => Self::ALL,
            CompareOp::Less => Self { until: to, ..Self::ALL },
            CompareOp::LessOrEqual => Self { until: to + 1, ..Self::ALL },
            CompareOp::Greater => Self { from: to + 1, ..Self::ALL },
            CompareOp::GreaterOrEqual => Self { from: to, ..Self::ALL },
        }
    }
}

const fn number(value: &Value) -> Option<i128> {
    match value {
        Value::Date(days) => Some(*days as i128),
        Value::Datetime(micros) => Some(*micros as i128),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => None,
    }
}

const fn negated(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Equal => CompareOp::NotEqual,
        CompareOp::NotEqual => CompareOp::Equal,
        CompareOp::Less => CompareOp::GreaterOrEqual,
        CompareOp::LessOrEqual => CompareOp::Greater,
        CompareOp::Greater => CompareOp::LessOrEqual,
        CompareOp::GreaterOrEqual => CompareOp::Less,
    }
}

const fn turned(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Equal | CompareOp::NotEqual => op,
        CompareOp::Less => CompareOp::Greater,
        CompareOp::LessOrEqual => CompareOp::GreaterOrEqual,
        CompareOp::Greater => CompareOp::Less,
        CompareOp::GreaterOrEqual => CompareOp::LessOrEqual,
    }
}

/// A range that holds the time of every row for which an expression may be `wanted`.
fn span(expr: &Expr, time: &ColumnName, wanted: bool) -> Span {
    let is_time = |expr: &Expr| matches!(&expr.kind, ExprKind::Column(ColumnRef { table: None, column }) if column == time);
    let all =
        |parts: &[Expr]| parts.iter().fold(Span::ALL, |so_far, part| so_far.and(span(part, time, wanted)));
    let any =
        |parts: &[Expr]| parts.iter().fold(Span::NONE, |so_far, part| so_far.or(span(part, time, wanted)));
    match &expr.kind {
        ExprKind::And(parts) if wanted => all(parts),
        ExprKind::Or(parts) if !wanted => all(parts),
        ExprKind::And(parts) | ExprKind::Or(parts) => any(parts),
        ExprKind::Not(one) => span(one, time, !wanted),
        ExprKind::Constant(Value::Bool(always)) if *always != wanted => Span::NONE,
        ExprKind::Compare { op, left, right } => {
            let (op, to) = match (&left.kind, &right.kind) {
                (_, ExprKind::Constant(to)) if is_time(left) => (*op, number(to)),
                (ExprKind::Constant(to), _) if is_time(right) => (turned(*op), number(to)),
                _ => return Span::ALL,
            };
            to.map_or(Span::ALL, |to| Span::compared(if wanted { op } else { negated(op) }, to))
        }
        ExprKind::In { operand, list } if wanted && is_time(operand) => {
            let one =
                |value: &Value| number(value).map_or(Span::ALL, |at| Span::compared(CompareOp::Equal, at));
            list.iter().fold(Span::NONE, |so_far, value| so_far.or(one(value)))
        }
        ExprKind::Column(_)
        | ExprKind::Constant(_)
        | ExprKind::ToFloat(_)
        | ExprKind::In { .. }
        | ExprKind::IsNull(_)
        | ExprKind::StartsWith { .. }
        | ExprKind::Arithmetic { .. } => Span::ALL,
    }
}

/// The range of a release: of its `where`, and of the windows that its keys declare.
fn asked(release: &ResolvedRelease, time: &ColumnName) -> Span {
    let filter = release.filter.as_ref().map_or(Span::ALL, |filter| span(filter, time, true));
    release.keys.iter().fold(filter, |so_far, key| match (&key.domain, &key.shape) {
        (Domain::Windows { from, until }, Shape::Window { .. })
            if key.column.table.is_none() && key.column.column == *time =>
        {
            let declared = number(from).zip(number(until)).map(|(from, until)| Span { from, until });
            so_far.and(declared.unwrap_or(Span::ALL))
        }
        _ => so_far,
    })
}

impl Checker<'_> {
    /// The windows of a job under a budget that renews, in order; none under one that does not.
    pub(super) fn renewal(
        &mut self,
        job: &Job,
        releases: &[Option<ResolvedRelease>],
        params: &BTreeMap<Name, (ColumnType, Value)>,
    ) -> Vec<Window> {
        let Access::Budget(budget) = &self.policy.access else { return Vec::new() };
        let Some(per) = &budget.per else {
            if job.windows.is_some() {
                let message = "this policy's budget does not renew, and has no windows";
                self.report("job.windows", Code::Unsupported, message, "remove windows".to_owned());
            }
            return Vec::new();
        };
        let Some(column) = self.policy.columns.get(&per.time).map(|column| column.kind) else {
            return Vec::new();
        };
        let windows = match &job.windows {
            Some(named) => self.named(per, column, named, params),
            None => self.found(per, column, releases),
        };
        if windows.len() * job.releases.len() > MOST_RELEASES {
            let message = format!(
                "{} releases in each of {} windows are more than {MOST_RELEASES}",
                job.releases.len(),
                windows.len()
            );
            self.report("release", Code::TooLarge, message, "make it several jobs".to_owned());
            return Vec::new();
        }
        self.check_linked(per, job, &windows);
        windows
    }

    fn named(
        &mut self,
        per: &Renewal,
        column: ColumnType,
        named: &[WindowRequest],
        params: &BTreeMap<Name, (ColumnType, Value)>,
    ) -> Vec<Window> {
        let mut windows = BTreeMap::new();
        for (at, request) in named.iter().enumerate() {
            let path = format!("job.windows[{at}]");
            let window = match request {
                WindowRequest::Named(name) => per.named(name, column),
                WindowRequest::Param(name) => match params.get(name) {
                    Some((_, Value::String(name))) => per.named(name, column),
                    Some((_, value)) => per.of(value, column),
                    None => {
                        let help = format!("declare it: [params] {name} = \"string\"");
                        self.report(
                            &path,
                            Code::UnknownName,
                            format!("there is no parameter `{name}`"),
                            help,
                        );
                        continue;
                    }
                },
            };
            let Some(window) = window else {
                let example = example(per);
                let message = format!("this names no {}", per.window.name());
                self.report(&path, Code::BadValue, message, format!("such as \"{example}\""));
                continue;
            };
            if windows.insert(window.name.clone(), window).is_some() {
                self.report(&path, Code::Duplicate, "windows names this twice", None);
            }
        }
        windows.into_values().collect()
    }

    fn found(
        &mut self,
        per: &Renewal,
        column: ColumnType,
        releases: &[Option<ResolvedRelease>],
    ) -> Vec<Window> {
        let mut windows: Option<Vec<Window>> = None;
        for (at, release) in releases.iter().enumerate() {
            let Some(release) = release else { continue };
            let path = format!("release[{at}]");
            let Some(own) = self.of_release(&path, per, column, release) else { return Vec::new() };
            if windows.as_ref().is_some_and(|windows| *windows != own) {
                let message =
                    format!("this release is about other {}s than those before it", per.window.name());
                let help = "every window that a job names is charged its whole loss: make it a job of its own, or name the \
                            windows in [job]";
                self.report(&path, Code::Conflict, message, help.to_owned());
                return Vec::new();
            }
            windows = Some(own);
        }
        windows.unwrap_or_default()
    }

    fn of_release(
        &mut self,
        path: &str,
        per: &Renewal,
        column: ColumnType,
        release: &ResolvedRelease,
    ) -> Option<Vec<Window>> {
        let span = asked(release, &per.time);
        let (every, time) = (per.window.name(), &per.time);
        if span.is_empty() {
            let message = "no time fulfils what this release asks of its rows";
            return self.fail(path, Code::BadValue, message, None);
        }
        let value = |at: i128| {
            let number = i64::try_from(at).ok()?;
            match column {
                ColumnType::Date => i32::try_from(number).ok().map(Value::Date),
                ColumnType::Int
                | ColumnType::Float
                | ColumnType::String
                | ColumnType::Bool
                | ColumnType::Datetime(_) => Some(Value::Datetime(number)),
            }
        };
        let (Some(from), Some(until)) = (value(span.from), value(span.until)) else {
            let message = format!(
                "this budget renews by {every}, and nothing says which {every}s this release is about"
            );
            let help = format!(
                "windows = [\"{}\"] in [job]; or a where that bounds `{time}` from below and above",
                example(per)
            );
            return self.fail(path, Code::MissingField, message, help);
        };
        let windows = per.meeting(&from, &until, column);
        if windows.is_none() {
            let message = format!("these are more than {MOST_WINDOWS} {every}s, or outside the calendar");
            self.report(path, Code::TooLarge, message, format!("bound `{time}` more narrowly"));
        }
        windows
    }

    /// What follows a person from period to period would follow them from window to window.
    fn check_linked(&mut self, per: &Renewal, job: &Job, windows: &[Window]) {
        if windows.len() < 2 {
            return;
        }
        for (at, release) in job.releases.iter().enumerate() {
            if matches!(release.statistic, Statistic::Retention(_)) {
                let every = per.window.name();
                let message = format!(
                    "retention links windows, and this policy's budget renews by window: it can be asked of one {every} alone"
                );
                let help =
                    format!("windows = [\"{}\"] in [job], or a where within one {every}", windows[0].name);
                self.report(&format!("release[{at}]"), Code::Unsupported, message, help);
            }
        }
    }
}

/// A window's name, for messages.
fn example(per: &Renewal) -> &'static str {
    use crate::policy::RenewalWindow;
    match per.window {
        RenewalWindow::Day => "2026-11-24",
        RenewalWindow::Week => "2026-W48",
        RenewalWindow::Month => "2026-11",
        RenewalWindow::Quarter => "2026-Q4",
        RenewalWindow::Year => "2026",
    }
}
