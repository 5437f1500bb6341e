//! Names down the side, each with its number as a bar or a point with an error bar.

use crate::frame::names_below;
use crate::markup::{Markup, Percent};
use crate::number::Estimate;
use crate::scale::{Axis, Scale};

/// How a number is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mark {
    /// A bar from nothing: for counts.
    Bar,
    /// A point: for what has no nothing, such as means.
    Point,
}

/// One name and its number.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    /// The parts of its name.
    pub name: Vec<String>,
    /// The number; `None` where it is not known.
    pub value: Option<Estimate>,
    /// The number as it is written.
    pub text: String,
}

/// Numbers by name.
#[derive(Clone, PartialEq, Debug)]
pub struct Rows {
    /// What the picture shows, in a sentence, for those who do not see it.
    pub says: String,
    /// What the numbers are of.
    pub of: String,
    /// How they are drawn.
    pub mark: Mark,
    /// The rows, from the top.
    pub rows: Vec<Row>,
    /// A number that stands for nothing special, such as a ratio of 1: a line is drawn there.
    pub even: Option<f64>,
}

impl Rows {
    /// As markup.
    pub fn draw(&self, out: &mut Markup) {
        let numbers = self.rows.iter().filter_map(|row| row.value).filter(Estimate::is_finite);
        let ends = numbers.flat_map(|value| [value.low, value.value, value.high]).chain(self.even);
        let axis = Axis::new(Scale::linear(ends, self.mark == Mark::Bar), &self.of);
        out.open("div", &[("class", &"rows"), ("role", &"img"), ("aria-label", &self.says)]);
        for row in &self.rows {
            self.row(out, row, &axis);
        }
        out.element("div", &[("class", &"of")], |of| of.name(&self.of));
        names_below(out, &axis);
        out.element("span", &[("class", &"rest")], |_| {});
        out.close("div");
    }

    fn row(&self, out: &mut Markup, row: &Row, axis: &Axis) {
        let name = row.name.join(" · ");
        out.element("span", &[("class", &"name"), ("title", &name)], |span| {
            for (at, part) in row.name.iter().enumerate() {
                if at > 0 {
                    span.words("i", "", " · ");
                }
                span.name(part);
            }
        });
        out.open("svg", &[("class", &"track s0"), ("aria-hidden", &"true")]);
        out.words("title", "", &format!("{name}: {}", row.text));
        let place = |number: f64| Percent(100.0 * axis.scale.within(number));
        for tick in &axis.ticks {
            let x = place(tick.at);
            out.empty("line", &[("class", &"rule"), ("x1", &x), ("x2", &x), ("y1", &"0%"), ("y2", &"100%")]);
        }
        if let Some(even) = self.even {
            let x = place(even);
            out.empty("line", &[("class", &"even"), ("x1", &x), ("x2", &x), ("y1", &"0%"), ("y2", &"100%")]);
        }
        if let Some(value) = row.value.filter(Estimate::is_finite) {
            self.mark(out, value, axis);
        }
        out.close("svg");
        out.words("span", "value", &row.text);
    }

    fn mark(&self, out: &mut Markup, value: Estimate, axis: &Axis) {
        let within = |number: f64| 100.0 * axis.scale.within(number);
        if self.mark == Mark::Bar {
            let (from, to) = (within(0.0).min(within(value.value)), within(0.0).max(within(value.value)));
            let (x, width) = (Percent(from), Percent(to - from));
            out.empty(
                "rect",
                &[("class", &"bar"), ("x", &x), ("width", &width), ("y", &"20%"), ("height", &"60%")],
            );
        }
        let (low, high) = (Percent(within(value.low)), Percent(within(value.high)));
        if value.low < value.high {
            out.empty(
                "line",
                &[("class", &"whisker"), ("x1", &low), ("x2", &high), ("y1", &"50%"), ("y2", &"50%")],
            );
            for end in [&low, &high] {
                out.empty(
                    "line",
                    &[("class", &"whisker"), ("x1", end), ("x2", end), ("y1", &"34%"), ("y2", &"66%")],
                );
            }
        }
        if self.mark == Mark::Point {
            let x = Percent(within(value.value));
            out.empty("circle", &[("class", &"mark"), ("cx", &x), ("cy", &"50%"), ("r", &"4")]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(mark: Mark, values: &[(f64, f64, f64)]) -> String {
        let rows = values.iter().map(|&(low, value, high)| Row {
            name: vec!["<b>\u{202e}name</b>".to_owned(), "x".repeat(5_000)],
            value: Some(Estimate { value, low, high }),
            text: format!("{value}"),
        });
        let rows = Rows {
            says: "People by \"name\"".to_owned(),
            of: "people".to_owned(),
            mark,
            rows: rows.collect(),
            even: None,
        };
        let mut out = Markup::default();
        rows.draw(&mut out);
        out.into_string()
    }

    #[test]
    fn a_bar_begins_at_nothing_and_ends_at_its_number() {
        let text = drawn(Mark::Bar, &[(40.0, 50.0, 60.0), (90.0, 100.0, 100.0)]);
        assert!(text.contains("class=\"bar\" x=\"0%\" width=\"50%\""), "{text}");
        assert!(text.contains("class=\"bar\" x=\"0%\" width=\"100%\""), "{text}");
        assert!(text.contains("class=\"whisker\" x1=\"40%\" x2=\"60%\""), "{text}");
    }

    #[test]
    fn a_noisy_count_below_nothing_goes_the_other_way() {
        let text = drawn(Mark::Bar, &[(-100.0, -50.0, 0.0), (50.0, 100.0, 100.0)]);
        assert!(text.contains("class=\"bar\" x=\"25%\" width=\"25%\""), "{text}");
    }

    #[test]
    fn every_row_has_its_mark_and_hostile_names_are_text() {
        let text = drawn(Mark::Point, &[(1.0, 2.0, 3.0); 7]);
        assert_eq!(text.matches("<circle").count(), 7);
        assert_eq!(text.matches("&lt;b&gt;").count(), 7 * 3);
        assert!(!text.contains("<b>"));
        assert_eq!(text.matches("role=\"img\"").count(), 1);
    }

    #[test]
    fn what_is_not_a_number_is_not_drawn() {
        let text = drawn(Mark::Point, &[(f64::NAN, 2.0, 3.0)]);
        assert!(!text.contains("<circle") && !text.contains("NaN"), "{text}");
    }
}
