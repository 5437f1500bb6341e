//! What a run yields: the stored documents, and nothing else.

use std::fmt;

use flockwise_ledger::Receipt;
use polars::prelude::DataFrame;

use super::Error;
use crate::release::Document;
use crate::render::for_people;

/// The answer to a request: its stored releases. Running it again with the same request id gives the same bytes.
#[derive(Clone, Debug)]
pub struct Answer {
    bytes: Vec<u8>,
    documents: Vec<Document>,
    how: Answered,
    receipt: Receipt,
}

/// How a request was answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answered {
    /// It was charged now.
    Charged,
    /// It had been charged by a try that was never stored; this one is free.
    Retried,
    /// It had been answered before: these are the same bytes.
    Before,
}

impl Answer {
    pub(super) fn read(bytes: Vec<u8>, how: Answered, receipt: Receipt) -> Result<Self, Error> {
        let lines = bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        let documents = lines.map(serde_json::from_slice).collect::<Result<Vec<Document>, _>>();
        let documents =
            documents.map_err(|_| Error::Stored("it is no release of a known schema".to_owned()))?;
        Ok(Self { bytes, documents, how, receipt })
    }

    /// The stored bytes: one JSON document a line.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The releases, in the order of the job.
    #[must_use]
    pub fn releases(&self) -> &[Document] {
        &self.documents
    }

    /// Whether this run was charged.
    #[must_use]
    pub const fn answered(&self) -> Answered {
        self.how
    }

    /// Proof of the charge that paid for it.
    #[must_use]
    pub const fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// The table of the first release as a Polars frame.
    ///
    /// # Errors
    /// When the stored release cannot be read.
    pub fn to_frame(&self) -> Result<DataFrame, Error> {
        let document =
            self.documents.first().ok_or_else(|| Error::Stored("it holds no release".to_owned()))?;
        let table = document.table().map_err(|error| Error::Stored(error.to_string()))?;
        crate::frame::to_frame(&table).map_err(|error| Error::Stored(error.to_string()))
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, document) in self.documents.iter().enumerate() {
            let text = for_people(document).map_err(|_| fmt::Error)?;
            write!(f, "{}{text}", if at == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}
