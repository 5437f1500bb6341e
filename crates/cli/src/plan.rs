//! `flockwise plan`.

use std::collections::BTreeMap;

use flockwise_query::{Job, Session};

use crate::args::{Plan, PlanFormat};
use crate::failure::Failure;
use crate::say::say;

pub(crate) fn plan(args: &Plan) -> Result<(), Failure> {
    let session = Session::open(&args.under.policy)?;
    let job = Job::open(&args.job)?;
    let plan = session.plan_job(&job.value, &job.places, &settings(&args.set)?)?;
    match args.format {
        PlanFormat::Table => say!("{}", plan.to_string().trim_end()),
        PlanFormat::Json => say!("{}", plan.to_json()),
    }
    Ok(())
}

/// `NAME=VALUE`, each name once.
pub(crate) fn settings(set: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let mut settings = BTreeMap::new();
    for text in set {
        let (name, value) = text.split_once('=').ok_or_else(|| {
            Failure::Arguments("--set takes NAME=VALUE, such as --set day=2026-11-24".to_owned())
        })?;
        if settings.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(Failure::Arguments(format!("--set gives {name} twice")));
        }
    }
    Ok(settings)
}
