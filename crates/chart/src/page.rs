//! The page around charts: one file that asks nobody for anything.

use crate::markup::Markup;
use crate::palette::hatches;

/// The look of a page, in both schemes and on paper.
const STYLE: &str = include_str!("style.css");

/// Nothing may be loaded from anywhere, and nothing may run: browsers hold the page to it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// A page.
#[derive(Clone, PartialEq, Debug)]
pub struct Page {
    /// Its title.
    pub title: String,
    /// What stands in it.
    pub body: Markup,
}

impl Page {
    /// The whole file.
    #[must_use]
    pub fn html(&self) -> String {
        let mut out = Markup::default();
        out.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        out.open("meta", &[("http-equiv", &"Content-Security-Policy"), ("content", &POLICY)]);
        out.raw("\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
        out.raw("<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n");
        out.words("title", "", &self.title);
        out.raw("\n<style>\n");
        out.raw(STYLE);
        out.raw("</style>\n</head>\n<body>\n");
        hatches(&mut out);
        out.raw("\n<main>\n");
        out.element("h1", &[], |h1| h1.name(&self.title));
        out.push(&self.body);
        out.raw("\n</main>\n</body>\n</html>\n");
        out.into_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_one_file_and_asks_nobody() {
        let page = Page { title: "a</title><script>x</script>".to_owned(), body: Markup::default() };
        let html = page.html();
        assert!(!html.contains("<script") && !html.contains("<link") && !html.contains("@import"));
        assert!(!html.contains("http://") && !html.contains("https://") && !html.contains("url(h"));
        assert_eq!(html.matches("</title>").count(), 1);
        assert!(!STYLE.contains("</"), "the style ends where it should");
        assert!(html.contains("default-src &#39;none&#39;"));
    }
}
