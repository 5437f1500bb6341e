//! Lines with bands: numbers over time, or over a budget.

use std::fmt::Write as _;

use crate::frame::{Frame, whisker};
use crate::markup::Markup;
use crate::number::Estimate;
use crate::palette::{class, dash, mark};
use crate::scale::{Axis, Scale};

/// A point of a line.
#[derive(Clone, PartialEq, Debug)]
pub struct Point {
    /// Where.
    pub x: f64,
    /// The number, and the ends of its band.
    pub y: Estimate,
    /// What it is, for who points at it.
    pub says: String,
}

/// A line.
#[derive(Clone, PartialEq, Debug)]
pub struct Series {
    /// Which of the colours, marks and dashes it has.
    pub look: usize,
    /// Its points, from left to right.
    pub points: Vec<Point>,
}

/// Lines in one frame.
#[derive(Clone, PartialEq, Debug)]
pub struct Lines {
    /// What the picture shows, in a sentence, for those who do not see it.
    pub says: String,
    /// Along the bottom.
    pub x: Axis,
    /// Up the side.
    pub y: Axis,
    /// The lines.
    pub series: Vec<Series>,
    /// A number that something should be, such as 95% of bars that cover: a line is drawn there.
    pub even: Option<f64>,
}

/// Side of the square in which paths are drawn before they are stretched.
const SIDE: f64 = 1000.0;

impl Lines {
    /// As markup.
    pub fn draw(&self, out: &mut Markup) {
        let frame = Frame { says: &self.says, x: &self.x, y: &self.y };
        frame.draw(out, |out| {
            let square = format!("0 0 {SIDE} {SIDE}");
            out.open(
                "svg",
                &[("class", &"stretched"), ("viewBox", &square), ("preserveAspectRatio", &"none")],
            );
            if let Some(even) = self.even {
                let y = SIDE - SIDE * self.y.scale.within(even);
                out.empty("path", &[("class", &"even"), ("d", &format!("M0,{y:.1}H{SIDE}"))]);
            }
            for series in &self.series {
                self.paths(out, series);
            }
            out.close("svg");
            for series in &self.series {
                out.open("g", &[("class", &class(series.look))]);
                for point in series.points.iter().filter(|point| point.y.is_finite()) {
                    let up = |number: f64| 100.0 - 100.0 * self.y.scale.within(number);
                    let x = 100.0 * self.x.scale.within(point.x);
                    if self.series.len() == 1 && point.y.low < point.y.high {
                        whisker(out, x, (up(point.y.low), up(point.y.high)));
                    }
                    mark(out, series.look, (x, up(point.y.value)), &point.says);
                }
                out.close("g");
            }
        });
    }

    /// The band and the line.
    fn paths(&self, out: &mut Markup, series: &Series) {
        let place = |point: &Point, number: f64| {
            let x = SIDE * self.x.scale.within(point.x);
            let y = SIDE - SIDE * self.y.scale.within(number);
            format!("{x:.1},{y:.1}")
        };
        let points: Vec<&Point> = series.points.iter().filter(|point| point.y.is_finite()).collect();
        if points.len() < 2 {
            return;
        }
        let line = |of: &mut dyn Iterator<Item = String>| {
            let mut path = String::new();
            of.enumerate().for_each(|(at, place)| {
                let _ = write!(path, "{}{place}", if at == 0 { 'M' } else { 'L' });
            });
            path
        };
        let upper = points.iter().map(|point| place(point, point.y.high));
        let lower = points.iter().rev().map(|point| place(point, point.y.low));
        let band = line(&mut upper.chain(lower)) + "Z";
        let middle = line(&mut points.iter().map(|point| place(point, point.y.value)));
        out.open("g", &[("class", &class(series.look))]);
        out.empty("path", &[("class", &"band"), ("d", &band)]);
        out.empty("path", &[("class", &"line"), ("d", &middle), ("stroke-dasharray", &dash(series.look))]);
        out.close("g");
    }

    /// An axis that holds every band of these lines, from nothing where `zero`.
    #[must_use]
    pub fn axis_for<'a>(series: impl IntoIterator<Item = &'a Series>, of: &str, zero: bool) -> Axis {
        let ends = series.into_iter().flat_map(|series| &series.points).filter(|point| point.y.is_finite());
        Axis::new(Scale::linear(ends.flat_map(|point| [point.y.low, point.y.value, point.y.high]), zero), of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(count: usize, points: usize) -> Lines {
        let point = |at: usize| Point {
            x: at as f64,
            y: Estimate { value: 10.0, low: 5.0, high: 15.0 },
            says: format!("point {at}"),
        };
        let series: Vec<Series> =
            (0..count).map(|look| Series { look, points: (0..points).map(point).collect() }).collect();
        Lines {
            says: "lines".to_owned(),
            x: Axis::new(Scale::linear([0.0, points as f64 - 1.0], false), "x"),
            y: Lines::axis_for(&series, "y", true),
            series,
            even: None,
        }
    }

    fn drawn(lines: &Lines) -> String {
        let mut out = Markup::default();
        lines.draw(&mut out);
        out.into_string()
    }

    #[test]
    fn a_line_has_a_band_and_a_mark_for_each_point() {
        let text = drawn(&lines(1, 3));
        assert_eq!(text.matches("class=\"band\"").count(), 1);
        assert_eq!(text.matches("class=\"mark\"").count(), 3);
        assert_eq!(text.matches("class=\"whisker\"").count(), 3);
        // From 0 to 15: the band's corners are at 0, two thirds of the height.
        assert!(text.contains("M0.0,0.0L500.0,0.0L1000.0,0.0L1000.0,666.7L500.0,666.7L0.0,666.7Z"), "{text}");
    }

    #[test]
    fn several_lines_differ_in_more_than_colour() {
        let text = drawn(&lines(3, 4));
        let marks: std::collections::BTreeSet<&str> =
            text.split("class=\"mark\" d=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let dashes: std::collections::BTreeSet<&str> =
            text.split("stroke-dasharray=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert_eq!((marks.len(), dashes.len()), (3, 3));
    }

    #[test]
    fn one_point_is_a_mark_and_no_line() {
        let text = drawn(&lines(1, 1));
        assert!(text.contains("class=\"mark\"") && !text.contains("class=\"band\""), "{text}");
    }
}
