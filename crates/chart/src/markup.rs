//! Markup that escapes by construction.

use std::fmt::{self, Display, Write as _};

/// A piece of HTML or SVG. Tags and attribute names are the program's own; everything else is text, and is escaped.
///
/// ```
/// use flockwise_chart::Markup;
/// let mut page = Markup::default();
/// page.element("p", &[("title", &"a \"quoted\" title")], |p| p.text("<script>alert(1)</script>"));
/// assert_eq!(
///     page.as_str(),
///     "<p title=\"a &quot;quoted&quot; title\">&lt;script&gt;alert(1)&lt;/script&gt;</p>"
/// );
/// ```
///
/// Text that is not the program's own has no way in as markup:
///
/// ```compile_fail
/// use flockwise_chart::Markup;
/// let title = String::from("<script>alert(1)</script>");
/// Markup::default().raw(&title);
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Markup(String);

/// A part of a length, in percent with two decimals.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Percent(pub f64);

impl Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Far outside the picture is outside the picture; −0 is 0.
        let part = (self.0.clamp(-1e4, 1e4) * 100.0).round() / 100.0 + 0.0;
        write!(f, "{part}%")
    }
}

impl Markup {
    /// The markup.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The markup, as a string.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Markup of the program itself.
    pub fn raw(&mut self, markup: &'static str) {
        self.0.push_str(markup);
    }

    /// Text.
    pub fn text(&mut self, text: &str) {
        escape(text, &mut self.0);
    }

    /// Text from elsewhere on its way into a line of ours: isolated, so that its direction stays its own.
    pub fn name(&mut self, text: &str) {
        self.element("bdi", &[], |bdi| bdi.text(text));
    }

    /// Markup that was made before.
    pub fn push(&mut self, markup: &Self) {
        self.0.push_str(&markup.0);
    }

    /// An opening tag; values are escaped.
    pub fn open(&mut self, tag: &'static str, attributes: &[(&'static str, &dyn Display)]) {
        self.start(tag, attributes);
        self.0.push('>');
    }

    /// A closing tag.
    pub fn close(&mut self, tag: &'static str) {
        let _ = write!(self.0, "</{tag}>");
    }

    /// An element without content: `<line …/>`.
    pub fn empty(&mut self, tag: &'static str, attributes: &[(&'static str, &dyn Display)]) {
        self.start(tag, attributes);
        self.0.push_str("/>");
    }

    /// An element with what `content` puts in it.
    pub fn element(
        &mut self,
        tag: &'static str,
        attributes: &[(&'static str, &dyn Display)],
        content: impl FnOnce(&mut Self),
    ) {
        self.open(tag, attributes);
        content(self);
        self.close(tag);
    }

    /// An element with text in it.
    pub fn words(&mut self, tag: &'static str, class: &'static str, text: &str) {
        if class.is_empty() {
            self.element(tag, &[], |element| element.text(text));
        } else {
            self.element(tag, &[("class", &class)], |element| element.text(text));
        }
    }

    fn start(&mut self, tag: &'static str, attributes: &[(&'static str, &dyn Display)]) {
        self.0.push('<');
        self.0.push_str(tag);
        for (name, value) in attributes {
            let _ = write!(self.0, " {name}=\"");
            // An attribute has no element around it that would keep its direction to itself.
            let value: String = value.to_string().chars().filter(|c| !directs(*c)).collect();
            escape(&value, &mut self.0);
            self.0.push('"');
        }
    }
}

/// Whether a character changes the direction of what follows it.
const fn directs(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // No parser takes these for text.
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_never_markup() {
        let hostile =
            "</title></style><script>alert('x')</script><img src=x onerror=\"alert(1)\">&amp;\0\r\n";
        let mut markup = Markup::default();
        markup.element("svg", &[("aria-label", &hostile)], |svg| {
            svg.words("title", "", hostile);
            svg.name(hostile);
        });
        let text = markup.as_str();
        assert_eq!(text.matches('<').count(), 6, "{text}");
        assert!(!text.contains("<script") && !text.contains("<img"), "{text}");
        assert_eq!(text.matches('"').count(), 2, "{text}");
        assert!(!text.contains('\0') && !text.contains('\n') && !text.contains('\''), "{text}");
    }

    #[test]
    fn an_attribute_cannot_turn_its_neighbours_around() {
        let mut markup = Markup::default();
        markup.empty("i", &[("title", &"a\u{202e}b\u{2067}c")]);
        assert_eq!(markup.as_str(), "<i title=\"abc\"/>");
    }

    #[test]
    fn percentages_are_short_and_never_minus_nothing() {
        let written = [33.333_33, -0.000_01, 100.0, f64::INFINITY].map(|part| Percent(part).to_string());
        assert_eq!(written, ["33.33%", "0%", "100%", "10000%"]);
    }
}
