//! Running a plan for an auditor: the path of [`Session::run`] without a ledger, and with a recorder for a noise source.
//!
//! A feature that no shipped crate turns on, like the recorder itself: what it answers is not private.

use flockwise_mechanisms::audit::Recorder;
use flockwise_mechanisms::{Digest, Ledger, Loss, charge};

use super::{Error, Session};
use crate::engine::Failed;
use crate::plan::Plan;

impl Session {
    /// The documents that [`Session::run`] would store, one a line, without their receipts.
    ///
    /// # Errors
    /// Those of [`Session::run`], but for the ledger's.
    pub fn rehearse(&self, plan: Plan, noise: &mut Recorder) -> Result<Vec<u8>, Error> {
        let source = self.source()?;
        let preflight = self.preflight(&plan, &source)?;
        let (charged, ()) = charge(&mut KeepsNothing, plan, &())
            .unwrap_or_else(|never: std::convert::Infallible| match never {});
        let plan = charged.plan().clone();
        let after_charge =
            |source: Failed| Error::AfterCharge { request: "rehearsal".to_owned(), entry: 0, source };
        let released = super::run::compute(charged, &source, &preflight, &self.base, &self.limits, noise)
            .map_err(after_charge)?;
        let mut bytes = Vec::new();
        for (release, measured) in plan.releases.iter().zip(released) {
            let table = self.table(release, measured);
            let document = super::run::document(&plan, release, &table, None);
            serde_json::to_writer(&mut bytes, &document).map_err(|error| Error::Stored(error.to_string()))?;
            bytes.push(b'\n');
        }
        Ok(bytes)
    }
}

struct KeepsNothing;

impl Ledger for KeepsNothing {
    type Error = std::convert::Infallible;
    type Request = ();
    type Receipt = ();

    fn record(&mut self, _: Loss, _: Digest, (): &()) -> Result<(), Self::Error> {
        Ok(())
    }
}
