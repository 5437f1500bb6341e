//! How series are told apart: by colour (Okabe and Ito 2008), by mark, and by dash.

use crate::markup::{Markup, Percent};

/// So many series can be told apart; further ones begin again.
const SERIES: usize = 7;

/// Marks, each within −4..4 around its place, of about the same area.
const MARKS: [&str; SERIES] = [
    "M-3.5,0a3.5,3.5 0 1,0 7,0a3.5,3.5 0 1,0 -7,0",
    "M-3.2,-3.2h6.4v6.4h-6.4z",
    "M0,-4.4L4.2,3.2H-4.2z",
    "M0,-4.6L4.6,0L0,4.6L-4.6,0z",
    "M0,4.4L4.2,-3.2H-4.2z",
    "M-3.6,-1.4h2.2v-2.2h2.8v2.2h2.2v2.8h-2.2v2.2h-2.8v-2.2h-2.2z",
    "M-4,-2L-2,-4L0,-2L2,-4L4,-2L2,0L4,2L2,4L0,2L-2,4L-4,2L-2,0z",
];

/// Dashes, in pixels.
const DASHES: [&str; SERIES] = ["none", "7 3", "2 3", "9 3 2 3", "4 2", "12 4", "1 4"];

/// Classes that carry the colours, which are those of the page's scheme.
const CLASSES: [&str; SERIES] = ["s0", "s1", "s2", "s3", "s4", "s5", "s6"];

pub(crate) const fn class(series: usize) -> &'static str {
    CLASSES[series % SERIES]
}

pub(crate) const fn dash(series: usize) -> &'static str {
    DASHES[series % SERIES]
}

/// A mark at a place in percent, with what to say when it is pointed at.
pub(crate) fn mark(out: &mut Markup, series: usize, (x, y): (f64, f64), says: &str) {
    let place: [(&'static str, &dyn std::fmt::Display); 3] =
        [("class", &"at"), ("x", &Percent(x)), ("y", &Percent(y))];
    out.element("svg", &place, |svg| {
        svg.element("path", &[("class", &"mark"), ("d", &MARKS[series % SERIES])], |path| {
            path.words("title", "", says);
        });
    });
}

/// The names of series, each beside its line and mark.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Legend {
    names: Vec<(usize, String, Sample)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sample {
    Line,
    Fill,
}

impl Legend {
    /// Of lines, in the order of their series.
    #[must_use]
    pub fn of_lines(names: &[String]) -> Self {
        Self { names: names.iter().cloned().enumerate().map(|(at, name)| (at, name, Sample::Line)).collect() }
    }

    /// Of fills, in the order of their parts.
    #[must_use]
    pub fn of_fills(names: &[String]) -> Self {
        Self { names: names.iter().cloned().enumerate().map(|(at, name)| (at, name, Sample::Fill)).collect() }
    }

    /// As markup.
    pub fn draw(&self, out: &mut Markup) {
        out.element("div", &[("class", &"legend")], |legend| {
            for (series, name, sample) in &self.names {
                legend.open("span", &[("class", &class(*series))]);
                legend.open("svg", &[("width", &"28"), ("height", &"14"), ("aria-hidden", &"true")]);
                match sample {
                    Sample::Line => {
                        legend.empty(
                            "line",
                            &[
                                ("class", &"line"),
                                ("x1", &0),
                                ("x2", &28),
                                ("y1", &7),
                                ("y2", &7),
                                ("stroke-dasharray", &dash(*series)),
                            ],
                        );
                        mark(legend, *series, (50.0, 50.0), name);
                    }
                    Sample::Fill => fill(legend, *series, (0.0, 100.0), (1, 12), name),
                }
                legend.close("svg");
                legend.name(name);
                legend.close("span");
            }
        });
    }
}

/// A filled part of a bar, hatched in its own way, between two places in percent; its top and height are in pixels.
pub(crate) fn fill(
    out: &mut Markup,
    series: usize,
    (from, to): (f64, f64),
    (top, height): (u32, u32),
    says: &str,
) {
    let width = Percent((to - from).max(0.0));
    let place: [(&'static str, &dyn std::fmt::Display); 5] =
        [("class", &"fill"), ("x", &Percent(from)), ("width", &width), ("y", &top), ("height", &height)];
    out.element("rect", &place, |rect| rect.words("title", "", says));
    let hatch = format!("url(#hatch{})", series % SERIES);
    out.empty(
        "rect",
        &[
            ("class", &"hatch"),
            ("x", &Percent(from)),
            ("width", &width),
            ("y", &top),
            ("height", &height),
            ("fill", &hatch),
        ],
    );
}

/// The hatches of the fills: once a page.
pub(crate) fn hatches(out: &mut Markup) {
    const LINES: [&str; SERIES] =
        ["", "M0,8L8,0", "M0,4H8", "M4,0V8", "M0,0L8,8", "M0,8L8,0M0,0L8,8", "M2,2h1v1h-1zM6,6h1v1h-1z"];
    out.open("svg", &[("class", &"hatches"), ("width", &0), ("height", &0), ("aria-hidden", &"true")]);
    for (at, lines) in LINES.iter().enumerate() {
        let id = format!("hatch{at}");
        let pattern: [(&'static str, &dyn std::fmt::Display); 4] =
            [("id", &id), ("width", &8), ("height", &8), ("patternUnits", &"userSpaceOnUse")];
        out.element("pattern", &pattern, |pattern| {
            pattern.empty("path", &[("class", &"stroke"), ("d", lines)]);
        });
    }
    out.close("svg");
}
