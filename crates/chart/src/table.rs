//! Tables, for those who want the numbers.

use crate::markup::Markup;

/// A column of a table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What is said about it: its unit, what its bars cover.
    pub note: String,
    /// Whether it holds numbers, which stand on the right.
    pub number: bool,
}

/// A table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Table {
    /// What it is.
    pub caption: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// As markup; wide ones scroll within the page.
    pub fn draw(&self, out: &mut Markup) {
        out.open(
            "div",
            &[("class", &"wide"), ("tabindex", &0), ("role", &"group"), ("aria-label", &self.caption)],
        );
        out.open("table", &[("class", &"data")]);
        out.words("caption", "unseen", &self.caption);
        out.raw("<thead><tr>");
        for column in &self.columns {
            let class = if column.number { "number" } else { "" };
            out.element("th", &[("scope", &"col"), ("class", &class)], |th| {
                th.name(&column.name);
                if !column.note.is_empty() {
                    th.words("small", "", &column.note);
                }
            });
        }
        out.raw("</tr></thead><tbody>");
        for row in &self.rows {
            out.open("tr", &[]);
            for (cell, column) in row.iter().zip(&self.columns) {
                if column.number {
                    out.words("td", "number", cell);
                } else {
                    out.element("td", &[], |td| td.name(cell));
                }
            }
            out.close("tr");
        }
        out.raw("</tbody></table>");
        out.close("div");
    }
}
