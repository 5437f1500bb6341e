//! The collection file.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use flockwise_local::{
    CollectionId, Epsilon, HadamardSketch, Input, Kind, OneBitMean, Scheme, Shape, Sketch, choose,
};
use serde::Deserialize;

use super::LocalError;

/// What devices and collector agree on: a name, a scheme, and what answers mean.
#[derive(Debug)]
pub struct CollectionFile {
    name: String,
    scheme: Scheme,
    why: Option<String>,
    answers: Answers,
}

/// What an answer is.
#[derive(Debug)]
pub enum Answers {
    /// One of these items.
    Items {
        /// Their names, in the order of their indices.
        names: Vec<String>,
        /// Index of each name.
        index: HashMap<String, u32>,
    },
    /// A decimal number with so many decimals.
    Numbers {
        /// Digits behind the point.
        decimals: u8,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    version: u32,
    collection: String,
    epsilon: String,
    #[serde(default)]
    scheme: Option<String>,
    #[serde(default)]
    most_bytes: Option<usize>,
    #[serde(default)]
    items: Option<RawItems>,
    #[serde(default)]
    numbers: Option<RawNumbers>,
    #[serde(default)]
    sketch: Option<RawSketch>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawItems {
    Count(u32),
    Names(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawNumbers {
    low: String,
    high: String,
    #[serde(default)]
    decimals: u8,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSketch {
    hashes: u32,
    width: u32,
    #[serde(default)]
    seed: u64,
}

impl CollectionFile {
    /// Reads a collection file.
    ///
    /// # Errors
    /// [`LocalError::Read`], [`LocalError::Collection`].
    pub fn read(path: &Path) -> Result<Self, LocalError> {
        let text = fs::read_to_string(path)
            .map_err(|source| LocalError::Read { path: path.to_path_buf(), source })?;
        Self::parse(&text).map_err(|reason| LocalError::Collection { path: path.to_path_buf(), reason })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let raw: Raw = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if raw.version != 1 {
            return Err("version must be 1".to_owned());
        }
        CollectionId::new(&raw.collection).map_err(|error| error.to_string())?;
        let epsilon: Epsilon = raw.epsilon.parse().map_err(|error| format!("epsilon: {error}"))?;
        let kind = match raw.scheme.as_deref() {
            None | Some("auto") => None,
            Some(name) => Some(name.parse::<Kind>().map_err(|error| error.to_string())?),
        };
        let (scheme, why, answers) = match (raw.items, raw.numbers) {
            (Some(items), None) => of_items(items, epsilon, kind, raw.most_bytes, raw.sketch)?,
            (None, Some(numbers))
                if matches!(kind, None | Some(Kind::OneBitMean)) && raw.sketch.is_none() =>
            {
                of_numbers(&numbers, epsilon)?
            }
            (None, Some(_)) => {
                return Err("numbers are reported by the scheme one-bit-mean, without a sketch".to_owned());
            }
            (Some(_), Some(_)) | (None, None) => return Err("give either items or numbers".to_owned()),
        };
        Ok(Self { name: raw.collection, scheme, why, answers })
    }

    /// The collection's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The scheme.
    #[must_use]
    pub const fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// Why the scheme was chosen, where it was.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        self.why.as_deref()
    }

    /// What answers mean.
    #[must_use]
    pub const fn answers(&self) -> &Answers {
        &self.answers
    }

    /// A line of a file of values as a device would take it: what is not in the collection is no answer.
    #[must_use]
    pub fn input(&self, text: &str) -> Input {
        match &self.answers {
            Answers::Items { index, .. } => index.get(text).map_or(Input::Nothing, |item| Input::Item(*item)),
            Answers::Numbers { decimals } => decimal(text, *decimals).map_or(Input::Nothing, Input::Number),
        }
    }
}

type Resolved = (Scheme, Option<String>, Answers);

fn of_items(
    items: RawItems,
    epsilon: Epsilon,
    kind: Option<Kind>,
    most_bytes: Option<usize>,
    sketch: Option<RawSketch>,
) -> Result<Resolved, String> {
    let names = match items {
        // More than a scheme takes is refused below; do not name them first.
        RawItems::Count(count) if count > flockwise_local::MOST_ITEMS => {
            return Err("too many items".to_owned());
        }
        RawItems::Count(count) => (0..count).map(|item| item.to_string()).collect(),
        RawItems::Names(names) => names,
    };
    let index: HashMap<String, u32> = names.iter().cloned().zip(0..).collect();
    if index.len() != names.len() {
        return Err("an item is listed twice".to_owned());
    }
    let count = u32::try_from(names.len()).map_err(|_| "too many items".to_owned())?;
    let told = |error: flockwise_local::BadScheme| error.to_string();
    let shape = |raw: RawSketch| Shape::new(raw.hashes, raw.width, raw.seed).map_err(told);
    let (scheme, why) = match (kind, sketch) {
        (Some(Kind::Sketch), Some(raw)) => {
            (Sketch::new(count, epsilon, shape(raw)?).map(Scheme::Sketch), None)
        }
        (Some(Kind::HadamardSketch), Some(raw)) => {
            (HadamardSketch::new(count, epsilon, shape(raw)?).map(Scheme::HadamardSketch), None)
        }
        (_, Some(_)) => {
            return Err("only the scheme count-mean-sketch or hadamard-sketch takes a sketch".to_owned());
        }
        (Some(kind), None) => (Scheme::of_kind(kind, count, epsilon), None),
        (None, None) => {
            let choice = choose(count, epsilon, most_bytes).map_err(told)?;
            (Ok(choice.scheme), Some(choice.why))
        }
    };
    let scheme = scheme.map_err(told)?;
    if most_bytes.is_some_and(|most| scheme.report_bytes() > most) {
        return Err(format!("reports of {} have {} bytes", scheme.kind(), scheme.report_bytes()));
    }
    Ok((scheme, why, Answers::Items { names, index }))
}

fn of_numbers(numbers: &RawNumbers, epsilon: Epsilon) -> Result<Resolved, String> {
    let bound = |text: &str| {
        decimal(text, numbers.decimals)
            .ok_or_else(|| "bounds are plain decimals with no more digits than decimals says".to_owned())
    };
    let scheme = OneBitMean::new(bound(&numbers.low)?, bound(&numbers.high)?, epsilon);
    let scheme = scheme.map_err(|error| error.to_string())?;
    Ok((Scheme::OneBitMean(scheme), None, Answers::Numbers { decimals: numbers.decimals }))
}

/// A plain decimal, exactly, in units of 10^−decimals; finer digits are dropped, toward zero. `None` for anything else,
/// and beyond ±2^62.
fn decimal(text: &str, decimals: u8) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !plain(whole) || !plain(fraction) || decimals > 15 {
        return None;
    }
    let fraction = fraction.bytes().chain(std::iter::repeat(b'0')).take(usize::from(decimals));
    let mut units: i64 = 0;
    for digit in whole.bytes().chain(fraction) {
        units =
            units.checked_mul(10)?.checked_add(i64::from(digit - b'0')).filter(|units| *units < 1 << 62)?;
    }
    Some(sign * units)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        assert_eq!(decimal("7.25", 1), Some(72));
        assert_eq!(decimal("-7.2", 3), Some(-7200));
        assert_eq!(decimal(".5", 1), Some(5));
        for text in ["", "-", ".", "1e3", "NaN", "inf", "9999999999999999999", " 1", "+1"] {
            assert_eq!(decimal(text, 0), None, "{text:?}");
        }
    }

    #[test]
    fn wrong_collections_are_refused_with_the_reason() {
        let of = |rest: &str| {
            CollectionFile::parse(&format!(r#"{{"version": 1, "collection": "c", "epsilon": "1", {rest}}}"#))
                .map(|_| ())
        };
        assert_eq!(of(r#""items": ["a", "b"]"#), Ok(()));
        assert_eq!(of(r#""items": 20, "scheme": "unary""#), Ok(()));
        assert_eq!(of(r#""numbers": {"low": "0", "high": "10", "decimals": 1}"#), Ok(()));
        for (rest, reason) in [
            (r#""items": ["a", "a"]"#, "twice"),
            (r#""items": ["a"]"#, "between 2"),
            (r#""items": 5000000"#, "too many"),
            (r#""items": 5, "scheme": "rot13""#, "the schemes are"),
            (r#""items": 5, "numbers": {"low": "0", "high": "1"}"#, "either"),
            (r#""numbers": {"low": "1", "high": "1"}"#, "lower bound"),
            (r#""numbers": {"low": "0", "high": "x"}"#, "plain decimals"),
            (r#""items": 5, "sketch": {"hashes": 4, "width": 8}"#, "only the scheme"),
            (r#""items": 500, "scheme": "unary", "most_bytes": 3"#, "63 bytes"),
            (r#""itms": 5"#, "unknown field"),
        ] {
            let error = of(rest).unwrap_err();
            assert!(error.contains(reason), "{rest}: {error}");
        }
        assert!(
            CollectionFile::parse(r#"{"version": 2, "collection": "c", "epsilon": "1", "items": 3}"#)
                .is_err()
        );
    }
}
