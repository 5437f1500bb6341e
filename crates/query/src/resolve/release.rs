//! One release: its statistic against the policy's columns, its labels, the names of its columns.

use std::collections::{BTreeMap, BTreeSet};

use flockwise_mechanisms::Accounting;

use super::keys::bin_count;
use super::{Checker, Key, Label, ResolvedRelease, Shape, ValueBounds, ValueColumn};
use crate::diagnostic::Code;
use crate::job::{Aggregate, By, Histogram, Measure, MechanismChoice, Release, Statistic, Summary};
use crate::names::{ColumnName, ColumnRef, Name};
use crate::policy::Access;
use crate::value::{ColumnType, Value};

/// A histogram has at most so many bars.
const MOST_BARS: u64 = 100_000;

pub(super) fn release(
    checker: &mut Checker<'_>,
    path: &str,
    release: &Release,
    params: Option<&BTreeMap<Name, (ColumnType, Value)>>,
) -> Option<ResolvedRelease> {
    let inner = |field: &str| format!("{path}.{field}");
    let mut joins = BTreeSet::new();
    let keys: Vec<Option<Key>> = release
        .statistic
        .keys()
        .into_iter()
        .map(|(field, by)| {
            let written = checker.written(path, &field);
            checker.key(&written, by, &mut joins)
        })
        .collect();
    let keys = keys.into_iter().collect::<Option<Vec<Key>>>();
    let value = if let Statistic::Summary(summary) = &release.statistic {
        checker.value(path, summary, &mut joins).map(Some)
    } else {
        Some(None)
    };
    let order_by = if let Statistic::Transitions(transitions) = &release.statistic {
        checker.order_by(&inner("order_by"), &transitions.order_by, &mut joins).map(Some)
    } else {
        Some(None)
    };
    let filter = match (&release.filter, params) {
        (None, _) => Some(None),
        (Some(text), Some(params)) => checker.filter(&inner("where"), text, params, &mut joins).map(Some),
        // The parameters are wrong, which has been said.
        (Some(_), None) => None,
    };
    checker.check_mechanism(path, release);
    let keys = keys?;
    checker.check_cells(path, &keys);
    checker.check_retention(path, release, &keys);
    checker.check_selection(path, &keys);
    checker.check_finish(path, release, &keys);
    let labels = checker.labels(&inner("label"), release, &keys);
    let outputs = outputs(&release.statistic);
    let labels = labels?;
    checker.check_names(path, release, &keys, &labels, &outputs);
    Some(ResolvedRelease {
        name: release.name.clone(),
        statistic: release.statistic.clone(),
        keys,
        value: value?,
        order_by: order_by?,
        filter: filter?,
        joins,
        labels,
        outputs,
        contribution: release.contribution,
        spend: release.spend,
        delta: release.delta,
        mechanism: release.mechanism,
        two_stage: release.two_stage,
        finish: release.finish,
    })
}

/// The computed columns of a statistic, in order; keys and labels come before them.
#[must_use]
pub fn outputs(statistic: &Statistic) -> Vec<String> {
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<String>>();
    match statistic {
        Statistic::Popularity(popularity) => {
            let totals = if popularity.consistent { total_names(&popularity.by) } else { Vec::new() };
            popularity.aggregates.iter().map(Aggregate::output).chain(totals).collect()
        }
        Statistic::Reach(reach) if reach.consistent => {
            words(&["people"]).into_iter().chain(total_names(&reach.by)).collect()
        }
        Statistic::TopK(_) => words(&["rank", "people"]),
        Statistic::Summary(summary) => summary.aggregates.iter().map(Aggregate::output).collect(),
        Statistic::CoOccurrence(co_occurrence) => {
            let name = |measure: &Measure| crate::job::word(&Measure::WORDS, *measure).to_owned();
            co_occurrence.measures.iter().map(name).collect()
        }
        Statistic::Transitions(_) | Statistic::Reach(_) => words(&["people"]),
        Statistic::Affinity(_) => words(&["people", "affinity"]),
        Statistic::Activity(_) => words(&["rows_from", "people"]),
        Statistic::Retention(_) => words(&["people", "retained"]),
    }
}

/// What totals over the leading parts of a key are called, from all parts but the last to none: `people_in_region`, named by
/// the last of the parts, and `people_in_all`.
#[must_use]
pub fn total_names(by: &[By]) -> Vec<String> {
    let name = |part: &By| part.alias.as_ref().unwrap_or(&part.column.column).to_string();
    let parts = by.iter().rev().skip(1).map(|part| format!("people_in_{}", name(part)));
    parts.chain((!by.is_empty()).then(|| "people_in_all".to_owned())).collect()
}

/// The names under which a key or its label stands in the release: pairs have two of each.
fn columns_of(statistic: &Statistic, name: &ColumnName) -> Vec<String> {
    match statistic {
        Statistic::CoOccurrence(_) => vec![format!("{name}_a"), format!("{name}_b")],
        Statistic::Transitions(_) => vec![format!("{name}_from"), format!("{name}_to")],
        Statistic::Popularity(_)
        | Statistic::TopK(_)
        | Statistic::Summary(_)
        | Statistic::Affinity(_)
        | Statistic::Activity(_)
        | Statistic::Reach(_)
        | Statistic::Retention(_) => vec![name.to_string()],
    }
}

impl Checker<'_> {
    /// The path of a key's field as the file has it: `by = "column"` without brackets has no item.
    fn written(&self, release: &str, field: &str) -> String {
        let path = format!("{release}.{field}");
        let bare = format!("{release}.by");
        if field == "by[0]" && !self.places.has(&path) && self.places.has(&bare) { bare } else { path }
    }

    fn value(&mut self, path: &str, summary: &Summary, joins: &mut BTreeSet<Name>) -> Option<ValueColumn> {
        let column_path = format!("{path}.column");
        let name = &summary.column;
        let column = self.column(&column_path, name)?;
        if !column.kind.is_numeric() {
            let message = format!("`{name}` is {}, and only numbers are summarized", column.kind.name());
            return self.fail(&column_path, Code::WrongType, message, None);
        }
        let read = summary.aggregates.iter().any(Aggregate::reads_values);
        let bounds = match (column.bounds, summary.auto_bounds) {
            (bounds, true) => Some(ValueBounds::Bought(bounds)),
            (Some(bounds), false) => Some(ValueBounds::Declared(bounds)),
            (None, false) if !read => None,
            (None, false) => {
                let help = format!(
                    "declare bounds in the policy: {} = {{ type = \"{}\", bounds = [0, 10] }}; or buy them with a part \
                     of the budget: bounds = \"auto\"",
                    name.column,
                    column.kind.name()
                );
                let message = format!("`{name}` has no bounds: one person's value could be anything");
                return self.fail(&column_path, Code::MissingBounds, message, help);
            }
        };
        self.histograms(path, summary, bounds);
        self.read(name, joins);
        let (on_null, on_nan) = (column.on_null, column.on_nan);
        Some(ValueColumn { column: name.clone(), column_type: column.kind, bounds, on_null, on_nan })
    }

    fn histograms(&mut self, path: &str, summary: &Summary, bounds: Option<ValueBounds>) {
        for (index, aggregate) in summary.aggregates.iter().enumerate() {
            let Aggregate::Histogram(Histogram { width, .. }) = aggregate else { continue };
            let at = format!("{path}.aggregates[{index}]");
            match bounds {
                Some(ValueBounds::Declared(bounds) | ValueBounds::Bought(Some(bounds))) => {
                    if bin_count(bounds, *width).is_none_or(|bars| bars > MOST_BARS) {
                        let message = format!("this histogram has more than {MOST_BARS} bars");
                        self.report(&at, Code::TooLarge, message, "make width larger".to_owned());
                    }
                }
                Some(ValueBounds::Bought(None)) | None => {
                    let message = "a histogram needs bounds that the policy declares: its bars are public";
                    self.report(&at, Code::MissingBounds, message, None);
                }
            }
        }
    }

    fn order_by(
        &mut self,
        path: &str,
        name: &ColumnRef,
        joins: &mut BTreeSet<Name>,
    ) -> Option<(ColumnName, ColumnType)> {
        let column = self.column(path, name)?;
        if name.table.is_some() {
            return self.fail(path, Code::Unsupported, "rows are ordered by a column of the data", None);
        }
        if !column.kind.is_time() && column.kind != ColumnType::Int {
            let message = format!(
                "`{name}` is {}: rows are ordered by a date, a datetime or an int",
                column.kind.name()
            );
            return self.fail(path, Code::WrongType, message, None);
        }
        self.read(name, joins);
        Some((name.column.clone(), column.kind))
    }

    fn check_mechanism(&mut self, path: &str, release: &Release) {
        let at = format!("{path}.mechanism");
        let ranked = matches!(release.statistic, Statistic::TopK(_));
        let quantile = matches!(&release.statistic, Statistic::Summary(summary)
            if summary.aggregates.iter().any(|aggregate| matches!(aggregate, Aggregate::Quantile(_))));
        match release.mechanism {
            MechanismChoice::Auto | MechanismChoice::Laplace => {}
            MechanismChoice::Gaussian => {
                if let Access::Budget(budget) = &self.policy.access
                    && budget.accounting == Accounting::Pure
                {
                    let message = "no Gaussian noise is pure: accounting = \"pure\" takes Laplace noise";
                    self.report(&at, Code::Unsupported, message, "mechanism = \"auto\"".to_owned());
                }
            }
            MechanismChoice::Gumbel if ranked => {}
            MechanismChoice::Gumbel => {
                let message = "gumbel ranks: it is for statistic = \"top_k\"";
                self.report(&at, Code::Unsupported, message, "mechanism = \"auto\"".to_owned());
            }
            MechanismChoice::Exponential if ranked || quantile => {}
            MechanismChoice::Exponential => {
                let message = "exponential picks: it is for statistic = \"top_k\" and for quantiles";
                self.report(&at, Code::Unsupported, message, "mechanism = \"auto\"".to_owned());
            }
        }
    }

    /// A grid of cohorts and periods is public.
    fn check_retention(&mut self, path: &str, release: &Release, keys: &[Key]) {
        if !matches!(release.statistic, Statistic::Retention(_)) {
            return;
        }
        for (key, field) in keys.iter().zip(["cohort", "period"]).filter(|(key, _)| !key.domain.is_public()) {
            let message = format!("retention needs public keys, and those of `{}` are not", key.column);
            let help = match key.shape {
                Shape::Window { .. } => "add from and until",
                Shape::Bin { .. } => "add bounds",
                Shape::AsIs => "add keys",
            };
            self.report(&format!("{path}.{field}"), Code::Unsupported, message, help.to_owned());
        }
    }

    /// Which keys appear is itself an output: unless they are public, it takes a δ.
    fn check_selection(&mut self, path: &str, keys: &[Key]) {
        let Access::Budget(budget) = &self.policy.access else { return };
        if let (true, Some(key)) = (budget.delta.is_zero(), keys.iter().find(|key| !key.domain.is_public())) {
            let message =
                format!("the keys of `{}` are private, and selecting them takes a delta", key.column);
            let help = "name the keys; or ask the curator for a delta in the budget".to_owned();
            self.report(path, Code::Unsupported, message, help);
        }
    }

    fn labels(&mut self, path: &str, release: &Release, keys: &[Key]) -> Option<Vec<Label>> {
        let mut labels = Some(Vec::new());
        for (index, name) in release.label.iter().enumerate() {
            match (self.label(&format!("{path}[{index}]"), name, keys), labels.as_mut()) {
                (Some(label), Some(labels)) => labels.push(label),
                _ => labels = None,
            }
        }
        labels
    }

    fn label(&mut self, path: &str, name: &ColumnRef, keys: &[Key]) -> Option<Label> {
        let Some(table_name) = &name.table else {
            let help = format!("label = [\"table.{}\"]", name.column);
            return self.fail(path, Code::BadValue, "a label is a column of a public table", help);
        };
        self.column(path, name)?;
        let table = self.table(path, table_name)?;
        if table.private {
            let message = format!("the table `{table_name}` is private: a label would show people's rows");
            return self.fail(path, Code::Unsupported, message, None);
        }
        let mut on = Vec::new();
        for key in &table.key {
            let part = keys.iter().find(|part| {
                part.shape == Shape::AsIs && part.column.table.is_none() && part.column.column == *key
            });
            let Some(part) = part else {
                let message =
                    format!("the table `{table_name}` is joined on `{key}`, which is not among the keys");
                return self.fail(path, Code::Unsupported, message, format!("add \"{key}\" to by"));
            };
            on.push(part.name.clone());
        }
        self.read_table(table_name, &name.column);
        Some(Label { table: table_name.clone(), column: name.column.clone(), on })
    }

    /// No two columns of a release have one name, bars and all.
    fn check_names(
        &mut self,
        path: &str,
        release: &Release,
        keys: &[Key],
        labels: &[Label],
        outputs: &[String],
    ) {
        let mut seen = BTreeSet::new();
        let keys = keys.iter().map(|key| &key.name);
        let labels = labels.iter().map(|label| &label.column);
        let named = keys.chain(labels).flat_map(|name| columns_of(&release.statistic, name));
        let barred =
            outputs.iter().flat_map(|name| [name.clone(), format!("{name}_low"), format!("{name}_high")]);
        for name in named.chain(barred) {
            if !seen.insert(name.clone()) {
                let message = format!("two columns of this release would be called `{name}`");
                self.report(path, Code::Duplicate, message, "name one with as = \"...\"".to_owned());
            }
        }
    }
}
