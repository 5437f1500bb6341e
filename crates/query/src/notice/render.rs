//! A notice as Markdown and as a page.

use std::fmt::Write as _;

use super::{Block, Notice};

/// The look of the page: nothing is loaded from anywhere.
const STYLE: &str = "body{font:1.1rem/1.6 system-ui,sans-serif;max-width:38rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;\
                     background:#fff}h1{font-size:1.6rem;line-height:1.25}h2{font-size:1.2rem;margin-top:2rem}li{margin:.4rem 0}\
                     @media(prefers-color-scheme:dark){body{color:#e8e8e8;background:#181818}}";

impl Notice {
    /// The notice as Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut out = format!("# {}\n", plain(&self.title));
        for section in &self.sections {
            let _ = write!(out, "\n## {}\n", section.heading);
            for block in &section.blocks {
                match block {
                    Block::Text(text) => {
                        let _ = write!(out, "\n{}\n", plain(text));
                    }
                    Block::List(points) => {
                        out.push('\n');
                        points.iter().for_each(|point| {
                            let _ = writeln!(out, "- {}", plain(point));
                        });
                    }
                }
            }
        }
        out
    }

    /// The notice as one self-contained page.
    #[must_use]
    pub fn html(&self) -> String {
        let title = escaped(&self.title);
        let mut out = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
             <style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
        );
        for section in &self.sections {
            let _ = writeln!(out, "<h2>{}</h2>", escaped(section.heading));
            for block in &section.blocks {
                match block {
                    Block::Text(text) => {
                        let _ = writeln!(out, "<p>{}</p>", escaped(text));
                    }
                    Block::List(points) => {
                        out.push_str("<ul>\n");
                        points.iter().for_each(|point| {
                            let _ = writeln!(out, "<li>{}</li>", escaped(point));
                        });
                        out.push_str("</ul>\n");
                    }
                }
            }
        }
        out.push_str("</main>\n</body>\n</html>\n");
        out
    }
}

/// Text on one line, in which nothing is markup: names and descriptions are the curator's and the analyst's.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            c if c.is_control() => out.push(' '),
            '\\' | '`' | '*' | '_' | '<' | '>' | '[' | ']' | '#' | '|' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
