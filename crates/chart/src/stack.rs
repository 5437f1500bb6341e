//! Bars of several parts: what something is made of.

use crate::frame::names_below;
use crate::markup::{Markup, Percent};
use crate::number::compact;
use crate::palette::{Legend, class, fill};
use crate::scale::{Axis, Scale};

/// A bar of several parts.
#[derive(Clone, PartialEq, Debug)]
pub struct Stacked {
    /// Its name.
    pub name: String,
    /// Its parts, in the order of the legend, each at least 0.
    pub parts: Vec<f64>,
    /// What stands behind it.
    pub text: String,
}

/// Bars of the same parts, below each other.
#[derive(Clone, PartialEq, Debug)]
pub struct Stack {
    /// What the picture shows, in a sentence, for those who do not see it.
    pub says: String,
    /// What the lengths are of.
    pub of: String,
    /// The names of the parts.
    pub parts: Vec<String>,
    /// The bars, from the top.
    pub bars: Vec<Stacked>,
}

impl Stack {
    /// As markup.
    pub fn draw(&self, out: &mut Markup) {
        Legend::of_fills(&self.parts).draw(out);
        let totals = self.bars.iter().map(|bar| bar.parts.iter().copied().map(length).sum());
        let axis = Axis::new(Scale::linear(totals, true), &self.of);
        out.open("div", &[("class", &"rows"), ("role", &"img"), ("aria-label", &self.says)]);
        for bar in &self.bars {
            out.element("span", &[("class", &"name")], |span| span.name(&bar.name));
            out.open("svg", &[("class", &"track"), ("aria-hidden", &"true")]);
            for tick in &axis.ticks {
                let x = Percent(100.0 * axis.scale.within(tick.at));
                out.empty(
                    "line",
                    &[("class", &"rule"), ("x1", &x), ("x2", &x), ("y1", &"0%"), ("y2", &"100%")],
                );
            }
            let mut from = 0.0;
            for (at, (part, name)) in bar.parts.iter().zip(&self.parts).enumerate() {
                let part = length(*part);
                let place = |number: f64| 100.0 * axis.scale.within(number);
                out.open("g", &[("class", &class(at))]);
                fill(
                    out,
                    at,
                    (place(from), place(from + part)),
                    (4, 16),
                    &format!("{name}: {}", compact(part)),
                );
                out.close("g");
                from += part;
            }
            out.close("svg");
            out.words("span", "value", &bar.text);
        }
        out.element("div", &[("class", &"of")], |of| of.name(&self.of));
        names_below(out, &axis);
        out.element("span", &[("class", &"rest")], |_| {});
        out.close("div");
    }
}

/// What is no length has none.
fn length(part: f64) -> f64 {
    if part.is_finite() { part.max(0.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_follow_each_other() {
        let bar = Stacked { name: "a".to_owned(), parts: vec![10.0, f64::NAN, 30.0], text: "40".to_owned() };
        let parts = ["noise", "bound", "clamp"].map(str::to_owned).to_vec();
        let stack = Stack { says: "s".to_owned(), of: "error".to_owned(), parts, bars: vec![bar] };
        let mut out = Markup::default();
        stack.draw(&mut out);
        let text = out.into_string();
        assert!(text.contains("class=\"fill\" x=\"0%\" width=\"25%\" y=\"4\""), "{text}");
        assert!(text.contains("class=\"fill\" x=\"25%\" width=\"75%\" y=\"4\""), "{text}");
        assert!(text.contains("url(#hatch2)"));
    }
}
