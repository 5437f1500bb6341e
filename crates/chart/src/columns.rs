//! Upright bars: a distribution.

use crate::frame::{Frame, whisker};
use crate::markup::{Markup, Percent};
use crate::number::Estimate;
use crate::scale::{Axis, Scale};

/// One bar.
#[derive(Clone, PartialEq, Debug)]
pub struct Bar {
    /// What it is of.
    pub name: String,
    /// How many.
    pub value: Option<Estimate>,
    /// What it is, for who points at it.
    pub says: String,
}

/// A distribution.
#[derive(Clone, PartialEq, Debug)]
pub struct Columns {
    /// What the picture shows, in a sentence, for those who do not see it.
    pub says: String,
    /// What is counted, and the scale of it, which neighbouring pictures share.
    pub y: Axis,
    /// What the bars are of.
    pub of: String,
    /// The bars, from left to right.
    pub bars: Vec<Bar>,
}

impl Columns {
    /// As markup.
    pub fn draw(&self, out: &mut Markup) {
        let count = self.bars.len().max(1) as f64;
        let middle = |at: usize| (at as f64 + 0.5) / count;
        let names: Vec<(f64, String)> =
            self.bars.iter().enumerate().map(|(at, bar)| (middle(at), bar.name.clone())).collect();
        let mut x = Axis::named(Scale::Linear { from: 0.0, to: 1.0 }, &self.of, &names);
        let ticks = std::mem::take(&mut x.ticks);
        // Bars need no rules between them: their names stand below.
        let named = Axis { ticks, ..x.clone() };
        let frame = Frame { says: &self.says, x: &named, y: &self.y };
        frame.draw(out, |out| {
            out.open("g", &[("class", &"s0")]);
            for (at, bar) in self.bars.iter().enumerate() {
                self.bar(out, bar, (at as f64 / count, 1.0 / count));
            }
            out.close("g");
        });
    }

    fn bar(&self, out: &mut Markup, bar: &Bar, (left, width): (f64, f64)) {
        let Some(value) = bar.value.filter(Estimate::is_finite) else { return };
        let up = |number: f64| 100.0 - 100.0 * self.y.scale.within(number);
        let (top, foot) = (up(value.value).min(up(0.0)), up(value.value).max(up(0.0)));
        let (x, wide) = (Percent(100.0 * (left + 0.08 * width)), Percent(84.0 * width));
        let (y, height) = (Percent(top), Percent(foot - top));
        let place: [(&'static str, &dyn std::fmt::Display); 5] =
            [("class", &"bar"), ("x", &x), ("width", &wide), ("y", &y), ("height", &height)];
        out.element("rect", &place, |rect| rect.words("title", "", &bar.says));
        if value.low < value.high {
            whisker(out, 100.0 * (left + 0.5 * width), (up(value.low), up(value.high)));
        }
    }

    /// An axis from nothing that holds every bar of these.
    #[must_use]
    pub fn axis_for<'a>(bars: impl IntoIterator<Item = &'a Bar>, of: &str) -> Axis {
        let values = bars.into_iter().filter_map(|bar| bar.value).filter(Estimate::is_finite);
        Axis::new(Scale::linear(values.flat_map(|value| [value.low, value.value, value.high]), true), of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_fill_the_width_and_stand_on_nothing() {
        let bars: Vec<Bar> = [10.0, 20.0, 0.0, 40.0]
            .iter()
            .map(|&value| Bar {
                name: format!("{value}"),
                value: Some(Estimate { value, low: value, high: value + 1e-9 }),
                says: "<i>".to_owned(),
            })
            .collect();
        let columns = Columns {
            says: "s".to_owned(),
            y: Columns::axis_for(&bars, "people"),
            of: "score".to_owned(),
            bars,
        };
        let mut out = Markup::default();
        columns.draw(&mut out);
        let text = out.into_string();
        assert_eq!(text.matches("<rect").count(), 4);
        assert!(text.contains("x=\"27%\" width=\"21%\" y=\"60%\" height=\"40%\""), "{text}");
        assert!(!text.contains("<i>"));
    }
}
