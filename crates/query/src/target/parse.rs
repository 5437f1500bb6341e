//! The little language of targets: `[RELEASE.]COLUMN within N[%] for P% of keys [of SIZE [people|rows]]`.

use std::fmt;
use std::str::FromStr;

use super::{Target, TargetError};

/// No target is longer.
const LONGEST: usize = 1_024;

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let form = TargetError::Form;
        if text.len() > LONGEST {
            return Err(form("it is too long"));
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        let [column, within, error, until, keys, of, all, size @ ..] = words.as_slice() else {
            return Err(form("it ends too early"));
        };
        let are = |word: &str, known: &str| word.eq_ignore_ascii_case(known);
        if !are(within, "within") {
            return Err(form("`within` follows the column"));
        }
        if !are(until, "for") || !are(of, "of") || !are(all, "keys") {
            return Err(form("`for P% of keys` follows the error"));
        }
        let (within, relative) = match error.strip_suffix('%') {
            Some(percent) => (number(percent), true),
            None => (number(error), false),
        };
        let within = within.ok_or(form("the error is a positive number, in percent or not"))?;
        let keys = keys.strip_suffix('%').and_then(number);
        let keys = keys.filter(|keys| (0.1..=99.9999).contains(keys));
        let keys = keys.ok_or(form("the share of keys is from 0.1% to 99.9999%"))?;
        let size = match size {
            [] => None,
            [of, size] if are(of, "of") => Some(*size),
            [of, size, what] if are(of, "of") && (are(what, "people") || are(what, "rows")) => Some(*size),
            _ => return Err(form("nothing but `of SIZE people` follows the keys")),
        };
        let size = size.map(|size| number(size).ok_or(form("the size of a key is a positive number")));
        let (release, column) = match column.split_once('.') {
            Some((release, column)) => (Some(release.to_owned()), column),
            None => (None, *column),
        };
        if column.is_empty() || release.as_ref().is_some_and(String::is_empty) {
            return Err(form("the column has a name"));
        }
        Ok(Self { release, column: column.to_owned(), within, relative, keys, size: size.transpose()? })
    }
}

/// A positive decimal of common size.
fn number(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number: f64 = plain.then(|| text.parse().ok()).flatten()?;
    (1e-9..=1e15).contains(&number).then_some(number)
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(release) = &self.release {
            write!(f, "{release}.")?;
        }
        let percent = if self.relative { "%" } else { "" };
        write!(f, "{} within {}{percent} for {}% of keys", self.column, self.within, self.keys)?;
        self.size.map_or(Ok(()), |size| write!(f, " of {size} people"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn targets_are_read() {
        let plain: Target = "people within 50 for 95% of keys".parse().expect("a target");
        let expected = Target {
            release: None,
            column: "people".to_owned(),
            within: 50.0,
            relative: false,
            keys: 95.0,
            size: None,
        };
        assert_eq!(plain, expected);
        let full: Target =
            "  liked.mean WITHIN 0.25 for 99.5% of keys of 200 rows ".parse().expect("a target");
        assert_eq!((full.release.as_deref(), full.column.as_str()), (Some("liked"), "mean"));
        assert_eq!((full.within, full.keys, full.size), (0.25, 99.5, Some(200.0)));
        assert!("people within 10% for 90% of keys of 1000".parse::<Target>().expect("a target").relative);
    }

    #[test]
    fn what_is_no_target_is_refused() {
        for wrong in [
            "",
            "people",
            "people within for 95% of keys",
            "people within 50 for 95 of keys",
            "people within -5 for 95% of keys",
            "people within 0 for 95% of keys",
            "people within nan for 95% of keys",
            "people within inf for 95% of keys",
            "people within 1e3 for 95% of keys",
            "people within 50 for 100% of keys",
            "people within 50 for 0% of keys",
            "people within 50 for 95% of rows",
            "people within 50 for 95% of keys of",
            "people within 50 for 95% of keys of many people",
            "people within 50 for 95% of keys of 10 birds",
            "people within 50 for 95% of keys of 10 people today",
            ".people within 50 for 95% of keys",
            "liked. within 50 for 95% of keys",
        ] {
            assert!(matches!(wrong.parse::<Target>(), Err(TargetError::Form(_))), "{wrong}");
        }
        assert!("x".repeat(2_000).parse::<Target>().is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_and_what_is_read_is_said_again(text in "[a-z.% 0-9-]{0,40}|(people|a\\.b) within [0-9.]{1,4}%? for [0-9.]{1,5}% of keys( of [0-9]{1,4}( people| rows)?)?|\\PC{0,60}") {
            if let Ok(target) = text.parse::<Target>() {
                prop_assert_eq!(target.to_string().parse::<Target>(), Ok(target));
            }
        }
    }
}
