//! Row expressions: `where` and `derive`.
//!
//! An expression is a function of one row and of the job's parameters, and of nothing else: no aggregate, no window, no
//! random number, no clock can be written. So for every expression `f` and data sets `D` and `r`,
//! `f(D ∪ {r}) = f(D) ∪ f({r})`, and neighbouring data sets stay neighbouring. It is total: what has no value is null.
//!
//! Grammar, keywords in any case:
//!
//! ```text
//! or         = and ("or" and)*
//! and        = not ("and" not)*
//! not        = "not" not | comparison
//! comparison = sum [ ("=" | "==" | "!=" | "<" | "<=" | ">" | ">=") sum
//!                  | ["not"] "in" "(" sum ("," sum)* ")" | ["not"] "between" sum "and" sum
//!                  | ["not"] "starts_with" sum | "is" ["not"] "null" ]
//! sum        = product (("+" | "-") product)*
//! product    = unary (("*" | "/") unary)*
//! unary      = "-" unary | number | string | "true" | "false" | ("date" | "datetime") string | "$" name
//!            | column | table "." column | "starts_with" "(" sum "," sum ")" | "(" or ")"
//! ```
//!
//! Null: a comparison with null is null (unknown); `and`, `or` and `not` are Kleene's; a row counts only where the
//! predicate is true. NaN is null. Arithmetic that overflows, divides by zero or leaves the finite numbers is null.
//! `/` is always a division of floats; an int beside a float becomes the nearest float. Strings compare by their bytes.

mod check;
mod eval;
mod lexer;
mod syntax;

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::diagnostic::Code;
use crate::names::ColumnRef;
use crate::value::{ColumnType, Value};

pub use check::Scope;
pub use eval::eval;

/// An expression as it was written; it parses.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ExprText(String);

impl ExprText {
    /// Checks that a text is an expression.
    ///
    /// # Errors
    /// Where and why it is none.
    pub fn new(text: &str) -> Result<Self, ExprError> {
        syntax::parse(text)?;
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The expression in a scope: every name known, every type fitting.
    ///
    /// # Errors
    /// The first name or type that does not fit.
    pub fn resolve(&self, scope: &Scope<'_>) -> Result<Expr, ExprError> {
        check::check(&syntax::parse(&self.0)?, scope)
    }
}

impl fmt::Display for ExprText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ExprText {
    type Error = ExprError;
    fn try_from(text: String) -> Result<Self, ExprError> {
        Self::new(&text)
    }
}

impl From<ExprText> for String {
    fn from(expr: ExprText) -> Self {
        expr.0
    }
}

/// What is wrong with an expression, and where in it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message}")]
pub struct ExprError {
    /// In bytes of the expression's text.
    pub span: Range<usize>,
    /// What kind of problem.
    pub code: Code,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl ExprError {
    fn new(span: Range<usize>, code: Code, message: impl Into<String>, help: Option<String>) -> Self {
        Self { span, code, message: message.into(), help }
    }

    fn syntax(span: Range<usize>, message: &str, help: Option<String>) -> Self {
        Self::new(span, Code::Syntax, message, help)
    }

    fn too_large(span: Range<usize>, message: String) -> Self {
        Self::new(span, Code::TooLarge, message, None)
    }

    fn moved(self, by: usize) -> Self {
        Self { span: self.span.start + by..self.span.end + by, ..self }
    }
}

/// An expression in which every name is known and every type fits.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Expr {
    /// What it does.
    pub kind: ExprKind,
    /// What it yields, or null.
    pub ty: ColumnType,
}

/// What an expression does.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExprKind {
    /// The row's value in a column, after the normalization that the policy declares; NaN reads as null.
    Column(ColumnRef),
    /// The same in every row; never null.
    Constant(Value),
    /// The nearest float of an int.
    ToFloat(Box<Expr>),
    /// Both of one type.
    Compare {
        /// How.
        op: CompareOp,
        /// The left side.
        left: Box<Expr>,
        /// The right side.
        right: Box<Expr>,
    },
    /// Whether a value is among constants of its type.
    In {
        /// The value.
        operand: Box<Expr>,
        /// The constants; never null.
        list: Vec<Value>,
    },
    /// Whether a value is null: never null itself.
    IsNull(Box<Expr>),
    /// Whether a string starts with another.
    StartsWith {
        /// The string.
        operand: Box<Expr>,
        /// The constant.
        prefix: String,
    },
    /// All are true; Kleene's.
    And(Vec<Expr>),
    /// One is true; Kleene's.
    Or(Vec<Expr>),
    /// Kleene's.
    Not(Box<Expr>),
    /// Of two ints (not `/`) or two floats.
    Arithmetic {
        /// How.
        op: ArithmeticOp,
        /// The left side.
        left: Box<Expr>,
        /// The right side.
        right: Box<Expr>,
    },
}

/// A comparison.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CompareOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl CompareOp {
    /// Whether it is true of two values in this order.
    pub(crate) const fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// An operation on numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ArithmeticOp {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`: of floats.
    Divide,
}

impl Expr {
    /// The same as a column of a type: an int becomes a float where that is what is declared.
    ///
    /// # Errors
    /// Its own type, where it cannot.
    pub(crate) fn into_type(self, wanted: ColumnType) -> Result<Self, ColumnType> {
        match (self.ty, wanted) {
            (ColumnType::Int, ColumnType::Float) => Ok(check::to_float(self)),
            (ColumnType::Datetime(_), ColumnType::Datetime(_)) => Ok(Self { ty: wanted, ..self }),
            (own, _) if own == wanted => Ok(self),
            (own, _) => Err(own),
        }
    }

    /// The columns that are read.
    pub fn columns(&self, into: &mut std::collections::BTreeSet<ColumnRef>) {
        match &self.kind {
            ExprKind::Column(column) => {
                into.insert(column.clone());
            }
            ExprKind::Constant(_) => {}
            ExprKind::ToFloat(one) | ExprKind::IsNull(one) | ExprKind::Not(one) => one.columns(into),
            ExprKind::In { operand, .. } | ExprKind::StartsWith { operand, .. } => operand.columns(into),
            ExprKind::Compare { left, right, .. } | ExprKind::Arithmetic { left, right, .. } => {
                left.columns(into);
                right.columns(into);
            }
            ExprKind::And(all) | ExprKind::Or(all) => all.iter().for_each(|one| one.columns(into)),
        }
    }
}
