//! Which renewal windows a job is about: its own public text, never data and never a clock.

use std::fmt;

use crate::diagnostic::Code;
use crate::document::{Node, Reader};
use crate::names::Name;
use crate::renewal::MOST_WINDOWS;

/// A renewal window, as a job names it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WindowRequest {
    /// By its name: `2026-11`.
    Named(String),
    /// The one that a parameter names, or in which its day or moment lies: `$month`.
    Param(Name),
}

impl fmt::Display for WindowRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name),
            Self::Param(name) => write!(f, "${name}"),
        }
    }
}

pub(super) fn windows(reader: &mut Reader<'_>, node: &Node) -> Option<Vec<WindowRequest>> {
    let items = reader.items(node, "windows")?;
    if items.is_empty() || items.len() > MOST_WINDOWS {
        let message = format!("windows names from 1 to {MOST_WINDOWS}");
        return reader.fail(node, Code::TooLarge, message, None);
    }
    let mut all = Some(Vec::with_capacity(items.len()));
    for item in items {
        match (window(reader, item), all.as_mut()) {
            (Some(window), Some(all)) => all.push(window),
            _ => all = None,
        }
    }
    all
}

fn window(reader: &mut Reader<'_>, item: &Node) -> Option<WindowRequest> {
    let text = reader.string(item, "the name of a window")?;
    let Some(name) = text.strip_prefix('$') else { return Some(WindowRequest::Named(text.to_owned())) };
    match name.parse() {
        Ok(name) => Some(WindowRequest::Param(name)),
        Err(_) => reader.fail(item, Code::BadValue, "this names no parameter", "\"$month\"".to_owned()),
    }
}
