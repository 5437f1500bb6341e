//! Charts and self-contained pages: HTML and SVG without scripts, fonts or anything else from the network.
//!
//! The key decision: markup is a type. [`Markup`] takes tags and attribute names as `&'static str` and everything else as
//! text that it escapes, so a title, a key or a label can be anything and is never markup. Charts know numbers and words,
//! and nothing of releases: what they show was released, or measured where nothing is private, before it comes here.
//!
//! Drawing is in percent of the width at hand with text of a fixed size, so that one page fits a telephone, a screen and
//! paper. Colours are those of Okabe and Ito (2008), and nothing is told by colour alone: series have marks and dashes,
//! cells have their numbers, and every chart has a table.

mod columns;
mod frame;
mod heat;
mod lines;
mod markup;
mod number;
mod page;
mod palette;
mod rows;
mod scale;
mod stack;
mod table;

pub use columns::{Bar, Columns};
pub use heat::{Cell, Heat, Shade};
pub use lines::{Lines, Point, Series};
pub use markup::{Markup, Percent};
pub use number::{Estimate, compact, figures};
pub use page::Page;
pub use palette::Legend;
pub use rows::{Mark, Row, Rows};
pub use scale::{Axis, Scale, Tick};
pub use stack::{Stack, Stacked};
pub use table::{Column, Table};
