//! The frame of a plot: its axes, its grid, and the room for marks between them.

use std::fmt::Display;

use crate::markup::{Markup, Percent};
use crate::scale::{Axis, Tick};

/// The two axes of a plot.
pub(crate) struct Frame<'a> {
    /// What the picture shows, in a sentence, for those who do not see it.
    pub says: &'a str,
    /// Along the bottom.
    pub x: &'a Axis,
    /// Up the side.
    pub y: &'a Axis,
}

impl Frame<'_> {
    /// The frame with what `marks` draws in it.
    pub fn draw(&self, out: &mut Markup, marks: impl FnOnce(&mut Markup)) {
        out.open("div", &[("class", &"plot"), ("role", &"img"), ("aria-label", &self.says)]);
        if !self.y.of.is_empty() {
            out.element("div", &[("class", &"of-y")], |of| of.name(&self.y.of));
        }
        out.open("svg", &[("class", &"ticks-y"), ("aria-hidden", &"true")]);
        for tick in &self.y.ticks {
            let y = Percent(self.up(tick));
            out.element(
                "text",
                &[("x", &"100%"), ("y", &y), ("dy", &"0.32em"), ("text-anchor", &"end")],
                |text| {
                    text.text(&tick.text);
                },
            );
        }
        out.close("svg");
        out.open("svg", &[("class", &"area"), ("aria-hidden", &"true")]);
        for tick in &self.y.ticks {
            rule(out, ("0%", "100%"), (Percent(self.up(tick)), Percent(self.up(tick))));
        }
        for tick in &self.x.ticks {
            let x = Percent(100.0 * self.x.scale.within(tick.at));
            rule(out, (x, x), ("0%", "100%"));
        }
        marks(out);
        out.close("svg");
        names_below(out, self.x);
        if !self.x.of.is_empty() {
            out.element("div", &[("class", &"of-x")], |of| of.name(&self.x.of));
        }
        out.close("div");
    }

    fn up(&self, tick: &Tick) -> f64 {
        100.0 - 100.0 * self.y.scale.within(tick.at)
    }
}

/// A line of the grid.
fn rule<X: Display, Y: Display>(out: &mut Markup, (x1, x2): (X, X), (y1, y2): (Y, Y)) {
    out.empty("line", &[("class", &"rule"), ("x1", &x1), ("x2", &x2), ("y1", &y1), ("y2", &y2)]);
}

/// What stands below an axis.
pub(crate) fn names_below(out: &mut Markup, axis: &Axis) {
    out.open("svg", &[("class", &"ticks-x"), ("aria-hidden", &"true")]);
    for tick in &axis.ticks {
        let place = axis.scale.within(tick.at);
        // What stands at an end leans inward, so that nothing is cut off.
        let anchor = match place {
            place if place < 0.06 => "start",
            place if place > 0.94 => "end",
            _ => "middle",
        };
        let class = if tick.minor { "minor" } else { "" };
        let x = Percent(100.0 * place);
        out.element(
            "text",
            &[("class", &class), ("x", &x), ("y", &"1em"), ("text-anchor", &anchor)],
            |text| {
                text.text(&tick.text);
            },
        );
    }
    out.close("svg");
}

/// An error bar that stands upright at a place in percent.
pub(crate) fn whisker(out: &mut Markup, x: f64, (low, high): (f64, f64)) {
    let (x, low, high) = (Percent(x), Percent(low), Percent(high));
    out.empty("line", &[("class", &"whisker"), ("x1", &x), ("x2", &x), ("y1", &low), ("y2", &high)]);
}
