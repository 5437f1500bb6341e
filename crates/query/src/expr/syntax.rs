//! Parses an expression; names and types are not known here.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a parser asks whether a token is the one it can use; all others are alike"
)]

use std::ops::Range;

use super::lexer::{Token, tokens};
use super::{ArithmeticOp, CompareOp, ExprError};

/// Parentheses, `not` and signs may be nested this deep: a hostile text cannot exhaust the stack.
pub(super) const DEEPEST: usize = 48;

/// An expression as written.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Syntax {
    pub kind: Kind,
    pub span: Range<usize>,
}

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Kind {
    Number(String),
    String(String),
    Bool(bool),
    /// `date '…'` or `datetime '…'`
    Time {
        text: String,
        whole_day: bool,
    },
    Param(String),
    Column {
        table: Option<String>,
        column: String,
    },
    Compare(CompareOp, Box<Syntax>, Box<Syntax>),
    In {
        operand: Box<Syntax>,
        list: Vec<Syntax>,
        negated: bool,
    },
    Between {
        operand: Box<Syntax>,
        low: Box<Syntax>,
        high: Box<Syntax>,
        negated: bool,
    },
    IsNull {
        operand: Box<Syntax>,
        negated: bool,
    },
    StartsWith {
        operand: Box<Syntax>,
        prefix: Box<Syntax>,
        negated: bool,
    },
    And(Vec<Syntax>),
    Or(Vec<Syntax>),
    Not(Box<Syntax>),
    Negate(Box<Syntax>),
    Arithmetic(ArithmeticOp, Box<Syntax>, Box<Syntax>),
}

const KEYWORDS: [&str; 10] =
    ["and", "or", "not", "in", "between", "is", "null", "true", "false", "starts_with"];

pub(super) fn parse(text: &str) -> Result<Syntax, ExprError> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens, at: 0, depth: 0 };
    let whole = parser.or()?;
    match parser.peek() {
        Token::End => Ok(whole),
        Token::Symbol("&&") => Err(parser.unexpected("this is written `and`")),
        Token::Symbol("||") => Err(parser.unexpected("this is written `or`")),
        Token::Symbol("<>") => Err(parser.unexpected("this is written `!=`")),
        Token::Symbol("." | "(") => Err(parser.unexpected("there are no functions but starts_with")),
        _ => Err(parser.unexpected("the expression ended before this; is `and` missing?")),
    }
}

struct Parser {
    tokens: Vec<(Token, Range<usize>)>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.at].0
    }

    fn span(&self) -> Range<usize> {
        self.tokens[self.at].1.clone()
    }

    fn next(&mut self) -> (Token, Range<usize>) {
        let token = self.tokens[self.at].clone();
        // The last token is End, and stays.
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    fn symbol(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Token::Symbol(found) if *found == symbol);
        if found {
            self.next();
        }
        found
    }

    fn is_word(&self, at: usize, word: &str) -> bool {
        matches!(self.tokens.get(at), Some((Token::Word(found), _)) if found.eq_ignore_ascii_case(word))
    }

    fn word(&mut self, word: &str) -> bool {
        let found = self.is_word(self.at, word);
        if found {
            self.next();
        }
        found
    }

    fn unexpected(&self, message: &str) -> ExprError {
        ExprError::syntax(self.span(), message, None)
    }

    fn expect(&mut self, symbol: &'static str) -> Result<Range<usize>, ExprError> {
        let span = self.span();
        if self.symbol(symbol) {
            Ok(span)
        } else {
            Err(self.unexpected(&format!("`{symbol}` is missing here")))
        }
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, ExprError>) -> Result<T, ExprError> {
        if self.depth == DEEPEST {
            return Err(ExprError::too_large(self.span(), format!("nested deeper than {DEEPEST}")));
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    fn or(&mut self) -> Result<Syntax, ExprError> {
        let first = self.and()?;
        let mut all = vec![first];
        while self.word("or") {
            all.push(self.and()?);
        }
        Ok(joined(all, Kind::Or))
    }

    fn and(&mut self) -> Result<Syntax, ExprError> {
        let first = self.not()?;
        let mut all = vec![first];
        while self.word("and") {
            all.push(self.not()?);
        }
        Ok(joined(all, Kind::And))
    }

    fn not(&mut self) -> Result<Syntax, ExprError> {
        let start = self.span().start;
        if self.word("not") {
            let operand = self.nested(Self::not)?;
            let span = start..operand.span.end;
            return Ok(Syntax { kind: Kind::Not(Box::new(operand)), span });
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Syntax, ExprError> {
        let left = self.sum()?;
        if self.word("is") {
            let negated = self.word("not");
            let end = self.span().end;
            if !self.word("null") {
                return Err(self.unexpected("after `is` comes `null` or `not null`"));
            }
            let span = left.span.start..end;
            return Ok(Syntax { kind: Kind::IsNull { operand: Box::new(left), negated }, span });
        }
        let negated = self.is_word(self.at, "not") && {
            let following = ["in", "between", "starts_with"];
            following.iter().any(|word| self.is_word(self.at + 1, word)) && self.word("not")
        };
        if self.word("in") {
            return self.in_list(left, negated);
        }
        if self.word("between") {
            let low = Box::new(self.sum()?);
            if !self.word("and") {
                return Err(self.unexpected("between has two ends: between 1 and 5"));
            }
            let high = Box::new(self.sum()?);
            let span = left.span.start..high.span.end;
            return Ok(Syntax { kind: Kind::Between { operand: Box::new(left), low, high, negated }, span });
        }
        if self.word("starts_with") {
            let prefix = Box::new(self.sum()?);
            let span = left.span.start..prefix.span.end;
            return Ok(Syntax { kind: Kind::StartsWith { operand: Box::new(left), prefix, negated }, span });
        }
        let Some(op) = self.compare_op() else { return Ok(left) };
        let right = self.sum()?;
        if self.compare_op().is_some() {
            self.at -= 1;
            return Err(self.unexpected("comparisons do not chain: write `a < b and b < c`"));
        }
        let span = left.span.start..right.span.end;
        Ok(Syntax { kind: Kind::Compare(op, Box::new(left), Box::new(right)), span })
    }

    fn compare_op(&mut self) -> Option<CompareOp> {
        let Token::Symbol(symbol) = self.peek() else { return None };
        let op = match *symbol {
            "=" | "==" => CompareOp::Equal,
            "!=" => CompareOp::NotEqual,
            "<" => CompareOp::Less,
            "<=" => CompareOp::LessOrEqual,
            ">" => CompareOp::Greater,
            ">=" => CompareOp::GreaterOrEqual,
            _ => return None,
        };
        self.next();
        Some(op)
    }

    fn in_list(&mut self, operand: Syntax, negated: bool) -> Result<Syntax, ExprError> {
        self.expect("(")?;
        let mut list = vec![self.sum()?];
        while self.symbol(",") {
            list.push(self.sum()?);
        }
        let end = self.expect(")")?.end;
        let span = operand.span.start..end;
        Ok(Syntax { kind: Kind::In { operand: Box::new(operand), list, negated }, span })
    }

    fn sum(&mut self) -> Result<Syntax, ExprError> {
        let mut left = self.product()?;
        loop {
            let op = match self.peek() {
                Token::Symbol("+") => ArithmeticOp::Add,
                Token::Symbol("-") => ArithmeticOp::Subtract,
                _ => return Ok(left),
            };
            self.next();
            left = arithmetic(op, left, self.product()?);
        }
    }

    fn product(&mut self) -> Result<Syntax, ExprError> {
        let mut left = self.unary()?;
        loop {
            let op = match self.peek() {
                Token::Symbol("*") => ArithmeticOp::Multiply,
                Token::Symbol("/") => ArithmeticOp::Divide,
                _ => return Ok(left),
            };
            self.next();
            left = arithmetic(op, left, self.unary()?);
        }
    }

    fn unary(&mut self) -> Result<Syntax, ExprError> {
        let start = self.span().start;
        if !self.symbol("-") {
            return self.primary();
        }
        let operand = self.nested(Self::unary)?;
        let span = start..operand.span.end;
        Ok(Syntax { kind: Kind::Negate(Box::new(operand)), span })
    }

    fn primary(&mut self) -> Result<Syntax, ExprError> {
        let (token, span) = self.next();
        let kind = match token {
            Token::Number(text) => Kind::Number(text),
            Token::String(text) => Kind::String(text),
            Token::Param(name) => Kind::Param(name),
            Token::Quoted(name) => return self.column(name, span),
            Token::Word(word) => return self.after_word(word, span),
            Token::Symbol("(") => {
                let inner = self.nested(Self::or)?;
                let end = self.expect(")")?.end;
                return Ok(Syntax { kind: inner.kind, span: span.start..end });
            }
            Token::Symbol(_) => {
                return Err(ExprError::syntax(span, "a column or a value is missing before this", None));
            }
            Token::End => {
                return Err(ExprError::syntax(span, "the expression ends where a value must come", None));
            }
        };
        Ok(Syntax { kind, span })
    }

    fn after_word(&mut self, word: String, span: Range<usize>) -> Result<Syntax, ExprError> {
        let lower = word.to_ascii_lowercase();
        if let (true, Token::String(text)) = (lower == "date" || lower == "datetime", self.peek().clone()) {
            let end = self.next().1.end;
            return Ok(Syntax {
                kind: Kind::Time { text, whole_day: lower == "date" },
                span: span.start..end,
            });
        }
        match lower.as_str() {
            "true" | "false" => Ok(Syntax { kind: Kind::Bool(lower == "true"), span }),
            "null" => Err(ExprError::syntax(
                span,
                "a comparison with null is never true",
                Some("use `is null`".to_owned()),
            )),
            "starts_with" if matches!(self.peek(), Token::Symbol("(")) => self.starts_with_call(span),
            keyword if KEYWORDS.contains(&keyword) => {
                let help = format!("a column of that name goes in backticks: `{word}`");
                Err(ExprError::syntax(span, "a column or a value is missing before this", Some(help)))
            }
            _ => self.column(word, span),
        }
    }

    fn starts_with_call(&mut self, span: Range<usize>) -> Result<Syntax, ExprError> {
        self.expect("(")?;
        let operand = Box::new(self.nested(Self::sum)?);
        self.expect(",")?;
        let prefix = Box::new(self.nested(Self::sum)?);
        let end = self.expect(")")?.end;
        Ok(Syntax { kind: Kind::StartsWith { operand, prefix, negated: false }, span: span.start..end })
    }

    fn column(&mut self, first: String, span: Range<usize>) -> Result<Syntax, ExprError> {
        if !self.symbol(".") {
            return Ok(Syntax { kind: Kind::Column { table: None, column: first }, span });
        }
        match self.next() {
            (Token::Word(column) | Token::Quoted(column), end) => {
                Ok(Syntax { kind: Kind::Column { table: Some(first), column }, span: span.start..end.end })
            }
            (_, end) => Err(ExprError::syntax(end, "after the dot comes a column of the table", None)),
        }
    }
}

fn arithmetic(op: ArithmeticOp, left: Syntax, right: Syntax) -> Syntax {
    let span = left.span.start..right.span.end;
    Syntax { kind: Kind::Arithmetic(op, Box::new(left), Box::new(right)), span }
}

fn joined(mut all: Vec<Syntax>, join: fn(Vec<Syntax>) -> Kind) -> Syntax {
    if all.len() == 1 {
        return all.remove(0);
    }
    let span = all[0].span.start..all[all.len() - 1].span.end;
    Syntax { kind: join(all), span }
}
