//! Settings that are swept: which values, and what each makes of a release.

use std::collections::BTreeMap;

use super::report::Axis;
use crate::job::{Contribution, Limit, MechanismChoice, Statistic};
use crate::resolve::{ResolvedRelease, ValueBounds};
use crate::value::Bounds;

/// A setting and its values, as `contribution=norm:1,2,4,auto`.
#[derive(Clone, PartialEq, Debug)]
pub struct Sweep {
    name: &'static str,
    values: Vec<(String, Setting)>,
}

/// One value of a setting.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Setting {
    Contribution(Contribution),
    /// None: bought.
    Bounds(Option<Bounds>),
    Mechanism(MechanismChoice),
    Rows(Limit),
}

/// A sweep that cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadSweep {
    /// Not a setting with values.
    #[error(
        "a sweep is SETTING=VALUES, such as contribution=norm:1,2,4,8,auto; settings are contribution, bounds, mechanism and max_rows_per_key"
    )]
    Form,
    /// A value of contribution.
    #[error(
        "contribution takes auto, norm:B and keep:K, each from 1 to 1048576, such as contribution=norm:1,2,4,8,auto"
    )]
    Contribution,
    /// A value of bounds.
    #[error("bounds takes LOW:HIGH and auto, such as bounds=0:10,0:100,auto")]
    Bounds,
    /// A value of mechanism.
    #[error("mechanism takes auto, laplace, gaussian, gumbel and exponential")]
    Mechanism,
    /// A value of the number of rows.
    #[error("max_rows_per_key takes numbers from 1 to 1048576")]
    Rows,
    /// The same twice.
    #[error("{0} is there twice")]
    Twice(String),
}

impl Sweep {
    /// Reads `SETTING=VALUE,VALUE,…`. A number without a word is of the rule before it: `norm:1,2,4`.
    ///
    /// ```
    /// use flockwise_query::bench::Sweep;
    /// let sweep = Sweep::parse("contribution=norm:1,2,keep:8,auto")?;
    /// assert_eq!(sweep.axis().values, ["norm:1", "norm:2", "keep:8", "auto"]);
    /// # Ok::<(), flockwise_query::bench::BadSweep>(())
    /// ```
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, BadSweep> {
        let (name, list) = text.split_once('=').ok_or(BadSweep::Form)?;
        let name = match name.trim() {
            "contribution" => "contribution",
            "bounds" => "bounds",
            "mechanism" => "mechanism",
            "max_rows_per_key" => "max_rows_per_key",
            _ => return Err(BadSweep::Form),
        };
        let mut rule = "norm";
        let mut values: Vec<(String, Setting)> = Vec::new();
        for value in list.split(',').map(str::trim) {
            let read = match name {
                "contribution" => contribution(value, &mut rule)?,
                "bounds" => bounds(value)?,
                "mechanism" => mechanism(value)?,
                _ => (value.to_owned(), Setting::Rows(limit(value).ok_or(BadSweep::Rows)?)),
            };
            if values.iter().any(|(known, _)| *known == read.0) {
                return Err(BadSweep::Twice(read.0));
            }
            values.push(read);
        }
        Ok(Self { name, values })
    }

    /// Its name and values.
    #[must_use]
    pub fn axis(&self) -> Axis {
        let values = self.values.iter().map(|(text, _)| text.clone()).collect();
        Axis { name: self.name.to_owned(), values }
    }

    /// Whether a release has a use for this setting.
    fn is_of(&self, release: &ResolvedRelease) -> bool {
        match self.name {
            "contribution" => !release.keys.is_empty(),
            "bounds" => release.value.as_ref().is_some_and(|value| value.bounds.is_some()),
            "max_rows_per_key" => {
                matches!(release.statistic, Statistic::Summary(_) | Statistic::Popularity(_))
            }
            _ => true,
        }
    }
}

fn limit(text: &str) -> Option<Limit> {
    text.parse().ok().and_then(|number| Limit::new(number).ok())
}

fn contribution(text: &str, rule: &mut &'static str) -> Result<(String, Setting), BadSweep> {
    if text == "auto" {
        return Ok((text.to_owned(), Setting::Contribution(Contribution::Auto)));
    }
    let number = match text.split_once(':') {
        Some(("norm", number)) => {
            *rule = "norm";
            number
        }
        Some(("keep", number)) => {
            *rule = "keep";
            number
        }
        Some(_) => return Err(BadSweep::Contribution),
        None => text,
    };
    let size = limit(number.trim()).ok_or(BadSweep::Contribution)?;
    let value = if *rule == "keep" { Contribution::Keep(size) } else { Contribution::Norm(size) };
    Ok((format!("{rule}:{}", size.get()), Setting::Contribution(value)))
}

fn bounds(text: &str) -> Result<(String, Setting), BadSweep> {
    if text == "auto" {
        return Ok((text.to_owned(), Setting::Bounds(None)));
    }
    let (low, high) = text.split_once(':').ok_or(BadSweep::Bounds)?;
    let number = |text: &str| text.trim().parse::<f64>().map_err(|_| BadSweep::Bounds);
    let read = Bounds::new(number(low)?, number(high)?).map_err(|_| BadSweep::Bounds)?;
    Ok((format!("{}:{}", read.low(), read.high()), Setting::Bounds(Some(read))))
}

fn mechanism(text: &str) -> Result<(String, Setting), BadSweep> {
    let known = MechanismChoice::WORDS.iter().find(|(word, _)| *word == text);
    known.map(|&(word, choice)| (word.to_owned(), Setting::Mechanism(choice))).ok_or(BadSweep::Mechanism)
}

/// One combination of values: a place in each sweep.
pub(super) type Places = Vec<usize>;

/// Every combination, the last sweep fastest.
pub(super) fn combinations(sweeps: &[Sweep]) -> Vec<Places> {
    sweeps.iter().fold(vec![Vec::new()], |all, sweep| {
        let longer = |places: &Places| {
            (0..sweep.values.len()).map(|at| [&places[..], &[at]].concat()).collect::<Vec<_>>()
        };
        all.iter().flat_map(longer).collect()
    })
}

/// The settings that a release has a use for; none where another combination says the same of it.
pub(super) fn settings(
    sweeps: &[Sweep],
    places: &Places,
    release: &ResolvedRelease,
) -> Option<BTreeMap<String, String>> {
    let mut settings = BTreeMap::new();
    for (sweep, &at) in sweeps.iter().zip(places) {
        if sweep.is_of(release) {
            settings.insert(sweep.name.to_owned(), sweep.values[at].0.clone());
        } else if at > 0 {
            return None;
        }
    }
    Some(settings)
}

/// Gives a release the values of a combination.
pub(super) fn apply(sweeps: &[Sweep], places: &Places, release: &mut ResolvedRelease) {
    for (sweep, &at) in sweeps.iter().zip(places) {
        if !sweep.is_of(release) {
            continue;
        }
        match (sweep.values[at].1, &mut release.statistic, &mut release.value) {
            (Setting::Contribution(contribution), ..) => release.contribution = contribution,
            (Setting::Mechanism(mechanism), ..) => release.mechanism = mechanism,
            (Setting::Bounds(bounds), _, Some(value)) => {
                let declared = match value.bounds {
                    Some(ValueBounds::Declared(bounds)) => Some(bounds),
                    Some(ValueBounds::Bought(bounds)) => bounds,
                    None => None,
                };
                value.bounds = Some(bounds.map_or(ValueBounds::Bought(declared), ValueBounds::Declared));
            }
            (Setting::Rows(rows), Statistic::Summary(summary), _) => summary.max_rows_per_key = rows,
            (Setting::Rows(rows), Statistic::Popularity(popularity), _) => {
                popularity.max_rows_per_key = rows;
            }
            (Setting::Bounds(_) | Setting::Rows(_), ..) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sweeps_are_read_or_refused() {
        let values = |text: &str| Sweep::parse(text).map(|sweep| sweep.axis().values);
        assert_eq!(
            values("contribution=1,2,keep:3,4,auto").unwrap(),
            ["norm:1", "norm:2", "keep:3", "keep:4", "auto"]
        );
        assert_eq!(values("bounds=0:10,-1:2.5,auto").unwrap(), ["0:10", "-1:2.5", "auto"]);
        assert_eq!(values("mechanism=laplace,gaussian").unwrap(), ["laplace", "gaussian"]);
        assert_eq!(values("max_rows_per_key=1,5").unwrap(), ["1", "5"]);
        let wrong = [
            ("contribution", BadSweep::Form),
            ("epsilon=1", BadSweep::Form),
            ("contribution=0", BadSweep::Contribution),
            ("contribution=mass:2", BadSweep::Contribution),
            ("contribution=", BadSweep::Contribution),
            ("bounds=10:0", BadSweep::Bounds),
            ("bounds=nan:1", BadSweep::Bounds),
            ("mechanism=magic", BadSweep::Mechanism),
            ("max_rows_per_key=-1", BadSweep::Rows),
            ("contribution=norm:2,2", BadSweep::Twice("norm:2".to_owned())),
        ];
        for (text, error) in wrong {
            assert_eq!(Sweep::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn combinations_are_a_grid() {
        let sweeps = [Sweep::parse("contribution=1,2").unwrap(), Sweep::parse("bounds=0:1,0:2,0:3").unwrap()];
        assert_eq!(combinations(&sweeps).len(), 6);
        assert_eq!(combinations(&sweeps)[1], [0, 1]);
        assert_eq!(combinations(&[]), [Vec::<usize>::new()]);
    }
}
