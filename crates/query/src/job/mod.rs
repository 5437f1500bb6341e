//! The analyst's file: what is asked, of which data, for which purpose, at what cost.
//!
//! A job is plain Rust: it may be read from TOML or JSON, or built in code, and means the same. Its [`Job`] value holds
//! no places of a file; those are [`Places`], used for messages only.

mod by;
mod finish;
mod parse;
mod query;
mod spending;
mod statistic;
mod types;
mod windows;
mod write;

use std::collections::BTreeMap;
use std::path::Path;

use flockwise_mechanisms::{Delta, Epsilon, Rho};

use crate::diagnostic::{Diagnostics, SourceFile};
use crate::document::{self, Places, Reader};
use crate::expr::ExprText;
use crate::names::{ColumnRef, Name};
use crate::policy::Parsed;
use crate::value::ColumnType;

pub use by::{Bins, By, Every, EveryUnit, KeyRequest, NullKeyRequest, Weekday, Window};
pub use finish::{Finish, Round};
pub use query::{Part, Query};
pub use statistic::{
    Activity, Affinity, Aggregate, CoOccurrence, Histogram, Measure, Per, Popularity, Quantile, Reach,
    Retention, Statistic, Summary, TopK, Transitions,
};
pub(crate) use types::word;
pub use types::{Contribution, Count, Limit, MechanismChoice, OutOfRange, Share, TwoStage};
pub use windows::WindowRequest;

/// The most releases of one job.
pub const MOST_RELEASES: usize = 1_000;

/// A job.
#[derive(Clone, PartialEq, Debug)]
pub struct Job {
    /// Which data, by the name their policy gives them.
    pub data: Name,
    /// For which purpose.
    pub purpose: Option<Name>,
    /// What the whole job may cost; `None` when every release carries its own.
    pub total: Option<Amount>,
    /// The δ of the whole job; `None`: in proportion to the loss.
    pub delta: Option<Delta>,
    /// Where the budget renews: which windows this is about; `None` where `where` or keys tell.
    pub windows: Option<Vec<WindowRequest>>,
    /// Parameters and their types; the values come with the run.
    pub params: BTreeMap<Name, ColumnType>,
    /// What is asked: at least one.
    pub releases: Vec<Release>,
}

/// An amount of loss, as a job states it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Amount {
    /// ε of the whole, at the δ that goes with it.
    Epsilon(Epsilon),
    /// ρ of zCDP.
    Rho(Rho),
}

/// What one release may cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Spend {
    /// Its part of the job's total, against the other releases' shares.
    Share(Share),
    /// An amount of its own.
    Own(Amount),
}

impl Default for Spend {
    fn default() -> Self {
        Self::Share(Share::ONE)
    }
}

/// One question.
#[derive(Clone, PartialEq, Debug)]
pub struct Release {
    /// Its name, and the name of its files.
    pub name: Name,
    /// What is asked.
    pub statistic: Statistic,
    /// Which rows count.
    pub filter: Option<ExprText>,
    /// Columns of public tables, joined on after the noise, free.
    pub label: Vec<ColumnRef>,
    /// How a person's contribution is bounded.
    pub contribution: Contribution,
    /// What it may cost.
    pub spend: Spend,
    /// Its own δ; `None`: in proportion to the loss.
    pub delta: Option<Delta>,
    /// Which mechanism.
    pub mechanism: MechanismChoice,
    /// Whether keys are selected first and measured after.
    pub two_stage: TwoStage,
    /// What is done to released numbers before they are shown.
    pub finish: Finish,
}

impl Release {
    /// A question with every default: all rows, a bound that is bought, one share, the mechanism of least error.
    #[must_use]
    pub fn new(name: Name, statistic: Statistic) -> Self {
        Self {
            name,
            statistic,
            filter: None,
            label: Vec::new(),
            contribution: Contribution::default(),
            spend: Spend::default(),
            delta: None,
            mechanism: MechanismChoice::default(),
            two_stage: TwoStage::default(),
            finish: Finish::default(),
        }
    }
}

impl Job {
    /// Reads a job from TOML; `name` is what messages call the file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(name: &str, text: &str) -> Result<Parsed<Self>, Diagnostics> {
        let file = SourceFile::new(name, text);
        let root = document::parse_toml(&file)?;
        Self::from_tree(file, root)
    }

    /// Reads a job from JSON: the same fields.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse_json(name: &str, text: &str) -> Result<Parsed<Self>, Diagnostics> {
        let file = SourceFile::new(name, text);
        let root = document::parse_json(&file)?;
        Self::from_tree(file, root)
    }

    /// Reads a job file: JSON if its name ends in `.json`, else TOML.
    ///
    /// # Errors
    /// When it cannot be read, or everything that is wrong with it.
    pub fn open(path: &Path) -> Result<Parsed<Self>, Diagnostics> {
        let text = document::read_file(path)?;
        let name = path.display().to_string();
        let json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        if json { Self::parse_json(&name, &text) } else { Self::parse(&name, &text) }
    }

    fn from_tree(file: SourceFile, root: document::Node) -> Result<Parsed<Self>, Diagnostics> {
        let mut reader = Reader::new(&file, &root);
        let job = parse::job(&mut reader, &root);
        let value = reader.finish(job)?;
        Ok(Parsed { value, places: Places::new(file, root) })
    }

    /// Holds a job that was built in code to what a file must fulfil: a list that may not be empty is not, a width is a
    /// positive number, and so on.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn check(&self) -> Result<(), Diagnostics> {
        // Through the same reader as a file, so that the two can never differ in what they accept.
        let root = document::Node::from_json(self.to_json());
        Self::from_tree(SourceFile::new("job", ""), root).map(|_| ())
    }

    /// The job as JSON: [`Job::parse_json`] reads it back.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        write::job(self)
    }
}

impl serde::Serialize for Job {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

impl<'de> serde::Deserialize<'de> for Job {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let root = <document::Node as serde::Deserialize>::deserialize(deserializer)?;
        Self::from_tree(SourceFile::new("job", ""), root)
            .map(|parsed| parsed.value)
            .map_err(serde::de::Error::custom)
    }
}
