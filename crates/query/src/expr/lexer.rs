//! Cuts an expression into tokens.

use std::ops::Range;

use super::ExprError;

/// An expression of more tokens is refused: it bounds every recursion over a chain of operators.
pub(super) const MOST_TOKENS: usize = 512;
/// A longer text is refused.
pub(super) const LONGEST: usize = 16 * 1024;

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Token {
    /// Digits, with a point or exponent.
    Number(String),
    /// In single or double quotes.
    String(String),
    /// A word; keywords are told apart by the parser.
    Word(String),
    /// In backticks: a name, whatever it looks like.
    Quoted(String),
    /// `$name`
    Param(String),
    /// An operator or a bracket.
    Symbol(&'static str),
    End,
}

/// Longest first, so that `<=` is not `<`.
const SYMBOLS: [&str; 17] =
    ["==", "!=", "<=", ">=", "<>", "&&", "||", "=", "<", ">", "(", ")", ",", "+", "-", "*", "/"];

pub(super) fn tokens(text: &str) -> Result<Vec<(Token, Range<usize>)>, ExprError> {
    if text.len() > LONGEST {
        return Err(ExprError::too_large(
            0..text.len(),
            format!("an expression has at most {LONGEST} bytes"),
        ));
    }
    let mut all = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let (token, length) = token(&text[at..], first).map_err(|error| error.moved(at))?;
        all.push((token, at..at + length));
        at += length;
        if all.len() > MOST_TOKENS {
            let message = format!("an expression has at most {MOST_TOKENS} words and signs");
            return Err(ExprError::too_large(0..text.len(), message));
        }
    }
    all.push((Token::End, text.len()..text.len()));
    Ok(all)
}

fn token(rest: &str, first: char) -> Result<(Token, usize), ExprError> {
    if first == '\'' || first == '"' || first == '`' {
        return quoted(rest, first);
    }
    if first == '$' {
        let length = word_length(&rest[1..]);
        if length == 0 {
            return Err(ExprError::syntax(0..1, "a parameter is $ and its name", None));
        }
        return Ok((Token::Param(rest[1..=length].to_owned()), length + 1));
    }
    if first.is_ascii_digit() || (first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit())) {
        return number(rest);
    }
    if first == '.' {
        return Ok((Token::Symbol("."), 1));
    }
    if first.is_alphabetic() || first == '_' {
        let length = word_length(rest);
        return Ok((Token::Word(rest[..length].to_owned()), length));
    }
    match SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
        Some(symbol) => Ok((Token::Symbol(symbol), symbol.len())),
        None => {
            let help = "a name with other signs goes in backticks: `order-date`".to_owned();
            Err(ExprError::syntax(0..first.len_utf8(), "this sign has no meaning here", Some(help)))
        }
    }
}

fn word_length(text: &str) -> usize {
    text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len())
}

/// The quote doubled stands for itself.
fn quoted(rest: &str, quote: char) -> Result<(Token, usize), ExprError> {
    let mut value = String::new();
    let mut characters = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        if c != quote {
            value.push(c);
        } else if characters.next_if(|(_, next)| *next == quote).is_some() {
            value.push(quote);
        } else {
            let token = if quote == '`' { Token::Quoted(value) } else { Token::String(value) };
            return Ok((token, at + 1));
        }
    }
    Err(ExprError::syntax(0..rest.len(), "the closing quote is missing", None))
}

fn number(rest: &str) -> Result<(Token, usize), ExprError> {
    let digits = |from: usize| from + rest[from..].bytes().take_while(u8::is_ascii_digit).count();
    let mut end = digits(0);
    if rest[end..].starts_with('.') {
        end = digits(end + 1);
    }
    if rest[end..].starts_with(['e', 'E']) {
        let sign = usize::from(rest[end + 1..].starts_with(['+', '-']));
        let exponent_end = digits(end + 1 + sign);
        if exponent_end > end + 1 + sign {
            end = exponent_end;
        }
    }
    if rest[end..].starts_with(|c: char| c.is_alphanumeric() || c == '_') {
        let length = end + word_length(&rest[end..]);
        return Err(ExprError::syntax(0..length, "this is neither a number nor a name", None));
    }
    Ok((Token::Number(rest[..end].to_owned()), end))
}
