//! Which columns exist for a job, and what reading them entails.

use std::collections::{BTreeMap, BTreeSet};

use super::Checker;
use crate::diagnostic::{Code, suggestion};
use crate::expr::{Expr, ExprText, Scope};
use crate::names::{ColumnName, ColumnRef, Name};
use crate::policy::{Column, Table};
use crate::value::{ColumnType, Value};

impl<'a> Checker<'a> {
    /// A column that exists for a job.
    pub(super) fn column(&mut self, path: &str, name: &ColumnRef) -> Option<&'a Column> {
        let policy = self.policy;
        let found = match &name.table {
            None => policy.column(name.column.as_str()),
            Some(table) => self.table(path, table)?.columns.get(&name.column),
        };
        if found.is_some() {
            return found;
        }
        if let Some(table) = &name.table
            && policy.tables[table].key.contains(&name.column)
        {
            let help = format!("it is a column of the data too: `{}`", name.column);
            return self.fail(
                path,
                Code::UnknownName,
                format!("`{name}` is what the table is joined on"),
                help,
            );
        }
        let names: Vec<String> = self.all_columns().keys().map(ToString::to_string).collect();
        let help = suggestion(&name.to_string(), names.iter().map(String::as_str));
        self.fail(path, Code::UnknownName, format!("there is no column `{name}`"), help)
    }

    /// A table that exists for a job.
    pub(super) fn table(&mut self, path: &str, name: &Name) -> Option<&'a Table> {
        let policy = self.policy;
        let found = policy.tables.get(name);
        if found.is_none() {
            let help = suggestion(name.as_str(), policy.tables.keys().map(Name::as_str));
            self.report(path, Code::UnknownName, format!("there is no table `{name}`"), help);
        }
        found
    }

    /// Every column that exists, by the name a job uses.
    pub(super) fn all_columns(&self) -> BTreeMap<ColumnRef, &'a Column> {
        let policy = self.policy;
        let listed = policy.columns.iter();
        let derived = policy.derived.iter().map(|(name, derived)| (name, &derived.column));
        let own = listed.chain(derived).map(|(name, column)| (ColumnRef::of_data(name.clone()), column));
        let joined = policy.tables.iter().flat_map(|(table, content)| {
            content.columns.iter().map(|(name, column)| {
                (ColumnRef { table: Some(table.clone()), column: name.clone() }, column)
            })
        });
        own.chain(joined).collect()
    }

    /// Notes that a column is read for every row, with what it is made from or joined through.
    pub(super) fn read(&mut self, name: &ColumnRef, joins: &mut BTreeSet<Name>) {
        match &name.table {
            None => self.read_data(&name.column),
            Some(table) => {
                joins.insert(table.clone());
                self.read_table(table, &name.column);
                let policy = self.policy;
                for key in &policy.tables[table].key {
                    self.read_data(key);
                }
            }
        }
    }

    fn read_data(&mut self, name: &ColumnName) {
        let policy = self.policy;
        match policy.derived.get(name) {
            None => {
                self.reads.data.insert(name.clone());
            }
            Some(derived) => {
                self.reads.derived.insert(name.clone());
                let mut sources = BTreeSet::new();
                derived.expr.columns(&mut sources);
                self.reads.data.extend(sources.into_iter().map(|source| source.column));
            }
        }
    }

    /// Notes that a column of a table is read, but not joined to rows.
    pub(super) fn read_table(&mut self, table: &Name, column: &ColumnName) {
        let policy = self.policy;
        let columns = self.reads.tables.entry(table.clone()).or_default();
        columns.extend(policy.tables[table].key.iter().cloned());
        columns.insert(column.clone());
    }

    /// A predicate over rows.
    pub(super) fn filter(
        &mut self,
        path: &str,
        text: &ExprText,
        params: &BTreeMap<Name, (ColumnType, Value)>,
        joins: &mut BTreeSet<Name>,
    ) -> Option<Expr> {
        let all = self.all_columns();
        // A split column holds many values in a row: what its comparison means is not one thing.
        let types = all.iter().filter(|(_, column)| column.split.is_none());
        let types: BTreeMap<ColumnRef, ColumnType> =
            types.map(|(name, column)| (name.clone(), column.kind)).collect();
        let error = match text.resolve(&Scope { columns: &types, params }) {
            Ok(expr) if expr.ty == ColumnType::Bool => {
                let mut columns = BTreeSet::new();
                expr.columns(&mut columns);
                for column in &columns {
                    self.read(column, joins);
                }
                return Some(expr);
            }
            Ok(expr) => crate::expr::ExprError {
                span: 0..text.as_str().len(),
                code: Code::WrongType,
                message: format!("where must be true or false, and this is {}", expr.ty.name()),
                help: None,
            },
            Err(error) => error,
        };
        let mut diagnostic = self.places.diagnostic(path, error.code, error.message, error.help);
        diagnostic.span = self.places.find_within(path, error.span);
        self.found.push(diagnostic);
        None
    }
}
