//! The ε that a target takes: planning, and nothing else.

use std::collections::BTreeMap;

use super::{Error, Session, placed};
use crate::document::Places;
use crate::job::Job;
use crate::resolve::resolve;
use crate::target::{Answers, Asked, Target, answer};

impl Session {
    /// The ε that it takes for a column to be as exact as the target says: found among plans, without looking at data, free
    /// any number of times.
    ///
    /// # Errors
    /// When the job does not fit the policy, no release has the column, or what noise does to it hangs on the data.
    pub fn target(
        &self,
        target: &Target,
        job: &Job,
        places: &Places,
        settings: &BTreeMap<String, String>,
    ) -> Result<Answers, Error> {
        let ceiling = self.ceiling()?;
        let resolved = resolve(job, places, &self.policy, settings)?;
        let asked = Asked { target, resolved: &resolved, policy: &self.policy, base: &self.base, ceiling };
        answer(&asked)
            .map_err(|error| if let Error::Plan(error) = error { placed(error, job, places) } else { error })
    }
}
