//! Row expressions: `where` and `derive`.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::diagnostic::Code;

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
        if text.trim().is_empty() {
            return Err(ExprError {
                span: 0..text.len(),
                code: Code::Syntax,
                message: "an expression is missing".to_owned(),
                help: None,
            });
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
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
