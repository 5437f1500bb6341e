//! `flockwise plan`.

use std::collections::BTreeMap;

use flockwise_query::target::Target;
use flockwise_query::{Error, Job, Parsed, Session};

use crate::args::{Plan, PlanFormat};
use crate::failure::Failure;
use crate::say::say;

pub(crate) fn plan(args: &Plan) -> Result<(), Failure> {
    let session = Session::open(&args.under.policy)?;
    let job = Job::open(&args.job)?;
    if let Some(target) = &args.target {
        return targeted(target, args, &session, &job);
    }
    let plan = session.plan_job(&job.value, &job.places, &settings(&args.set)?)?;
    match args.format {
        PlanFormat::Table => say!("{}", plan.to_string().trim_end()),
        PlanFormat::Json => say!("{}", plan.to_json()),
    }
    Ok(())
}

/// What epsilon a target takes.
fn targeted(target: &str, args: &Plan, session: &Session, job: &Parsed<Job>) -> Result<(), Failure> {
    let target: Target = target.parse().map_err(Error::from)?;
    let answers = session.target(&target, &job.value, &job.places, &settings(&args.set)?)?;
    match args.format {
        PlanFormat::Table => say!("{}", answers.to_string().trim_end()),
        PlanFormat::Json => say!("{}", answers.to_json()),
    }
    if answers.is_reached() { Ok(()) } else { Err(Failure::OutOfReach(answers.at_ceiling())) }
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
