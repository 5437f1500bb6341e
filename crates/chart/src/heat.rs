//! A grid of shaded cells, each with its number: which with which.

use crate::markup::Markup;

/// How cells are shaded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shade {
    /// From nothing to much: one colour, from pale to deep.
    Amount,
    /// Less than even and more than even: two colours, pale in the middle.
    Balance,
}

/// One cell.
#[derive(Clone, PartialEq, Debug)]
pub struct Cell {
    /// From 0 to 1; from −1 to 1 for a balance.
    pub depth: f64,
    /// The number in it.
    pub text: String,
    /// What it is, for who points at it.
    pub says: String,
    /// Whether the noise leaves no doubt that there is something.
    pub sure: bool,
}

/// A grid of cells.
#[derive(Clone, PartialEq, Debug)]
pub struct Heat {
    /// What stands above it, for those who read tables by ear.
    pub caption: String,
    /// How cells are shaded.
    pub shade: Shade,
    /// Names down the side.
    pub rows: Vec<String>,
    /// Names along the top.
    pub columns: Vec<String>,
    /// By row and column; `None` where there is no such cell.
    pub cells: Vec<Vec<Option<Cell>>>,
    /// Whether rows and columns are the same, so that numbers can stand for the names along the top.
    pub numbered: bool,
}

impl Heat {
    /// As markup: a table, so that it is read as one.
    pub fn draw(&self, out: &mut Markup) {
        out.open(
            "div",
            &[("class", &"wide"), ("tabindex", &0), ("role", &"group"), ("aria-label", &self.caption)],
        );
        out.open("table", &[("class", &"heat")]);
        out.words("caption", "unseen", &self.caption);
        out.raw("<thead><tr><td></td>");
        for (at, name) in self.columns.iter().enumerate() {
            out.element("th", &[("scope", &"col"), ("title", name)], |th| {
                if self.numbered {
                    th.text(&format!("{}", at + 1));
                    th.words("span", "unseen", name);
                } else {
                    th.element("span", &[("class", &"up")], |up| up.name(name));
                }
            });
        }
        out.raw("</tr></thead><tbody>");
        for (at, (name, cells)) in self.rows.iter().zip(&self.cells).enumerate() {
            out.open("tr", &[]);
            out.element("th", &[("scope", &"row"), ("title", name)], |th| {
                if self.numbered {
                    th.words("span", "number", &format!("{}", at + 1));
                }
                th.element("span", &[("class", &"name")], |span| span.name(name));
            });
            cells.iter().for_each(|cell| self.cell(out, cell.as_ref()));
            out.close("tr");
        }
        out.raw("</tbody></table>");
        out.close("div");
    }

    fn cell(&self, out: &mut Markup, cell: Option<&Cell>) {
        let Some(cell) = cell else {
            out.raw("<td class=\"none\"></td>");
            return;
        };
        let depth = if cell.depth.is_finite() { cell.depth.clamp(-1.0, 1.0) } else { 0.0 };
        let side = match (self.shade, depth < 0.0) {
            (Shade::Amount, _) => "amount",
            (Shade::Balance, false) => "more",
            (Shade::Balance, true) => "less",
        };
        let deep = if depth.abs() > 0.55 { " deep" } else { "" };
        let sure = if cell.sure { "" } else { " unsure" };
        let class = format!("{side}{deep}{sure}");
        let style = format!("--depth:{:.0}%", 100.0 * depth.abs());
        out.element("td", &[("class", &class), ("style", &style), ("title", &cell.says)], |td| {
            td.text(&cell.text)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_has_its_number_and_its_depth() {
        let cell =
            |depth, sure| Some(Cell { depth, text: format!("{depth}"), says: "a & b".to_owned(), sure });
        let names = vec!["<a>".to_owned(), "b".to_owned()];
        let heat = Heat {
            caption: "c".to_owned(),
            shade: Shade::Balance,
            rows: names.clone(),
            columns: names,
            cells: vec![vec![None, cell(0.9, true)], vec![cell(-0.25, false), None]],
            numbered: true,
        };
        let mut out = Markup::default();
        heat.draw(&mut out);
        let text = out.into_string();
        assert!(
            text.contains("<td class=\"more deep\" style=\"--depth:90%\" title=\"a &amp; b\">0.9</td>"),
            "{text}"
        );
        assert!(text.contains("<td class=\"less unsure\" style=\"--depth:25%\""), "{text}");
        assert_eq!(text.matches("<td class=\"none\">").count(), 2);
        assert!(!text.contains("<a>"));
    }
}
