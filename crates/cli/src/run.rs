//! `flockwise run`.

use std::io::Write as _;

use flockwise_ledger::RequestId;
use flockwise_query::release::Document;
use flockwise_query::{Answer, Answered, Job, Limits, Session};
use rand::TryRng as _;

use crate::Report;
use crate::args::{Arguments, Format, Log, Run};
use crate::failure::Failure;
use crate::output::{Folder, print};
use crate::plan::settings;
use crate::say::note;
use crate::watch::Watch;

pub(crate) fn run(args: &Run, all: &Arguments, report: &mut Report) -> Result<(), Failure> {
    let mut session = Session::open(&args.under.policy)?;
    if let Some(analyst) = &args.analyst {
        session = session.for_analyst(analyst)?;
    }
    session = session.within(Limits::new(args.memory, args.temporary.clone()));
    let job = Job::open(&args.job)?;
    let plan = session.plan_job(&job.value, &job.places, &settings(&args.set)?)?;
    if args.out.is_none()
        && (args.format == Format::Parquet || args.format == Format::Csv && plan.releases.len() > 1)
    {
        let message = "this format writes a file for each release: give --out DIR".to_owned();
        return Err(Failure::Arguments(message));
    }
    // Whatever can fail without the data fails before the charge.
    let folder = args.out.as_ref().map(|path| Folder::prepare(path)).transpose()?;
    let mut watch = Watch::new(all);
    watch.plan(&plan);
    if args.mock {
        let releases = session.mock(plan)?;
        watch.show();
        return show(&releases, folder.as_ref(), args.format).map_err(Failure::Mock);
    }
    let id = match &args.request_id {
        Some(id) => RequestId::new(id.as_str())?,
        None => fresh_id()?,
    };
    let answer = session.run_watched(plan, id.clone(), &mut |phase| watch.phase(phase))?;
    watch.show();
    report.charged = answer.answered() == Answered::Charged;
    report.entry = Some(answer.receipt().entry);
    let written = match (&folder, args.format) {
        // The stored bytes, as they are.
        (None, Format::Json) => std::io::stdout().lock().write_all(answer.bytes()),
        (folder, format) => show(answer.releases(), folder.as_ref(), format),
    };
    written.map_err(|source| Failure::Written {
        request: id.to_string(),
        entry: answer.receipt().entry,
        source,
    })?;
    if !all.quiet && all.log == Log::Text {
        say(&answer, &id, args);
    }
    Ok(())
}

fn show(releases: &[Document], folder: Option<&Folder>, format: Format) -> std::io::Result<()> {
    match folder {
        Some(folder) => folder.write(releases, format),
        None => print(releases, format),
    }
}

fn say(answer: &Answer, id: &RequestId, args: &Run) {
    let entry = answer.receipt().entry;
    let what = match answer.answered() {
        Answered::Charged => format!("charged as ledger entry {entry}"),
        Answered::Retried => format!("charged before, as ledger entry {entry}; this try was free"),
        Answered::Before => {
            format!("answered before, charged as ledger entry {entry}; these are the same bytes")
        }
    };
    note!("request {id}: {what}");
    if let Some(out) = &args.out {
        note!("written to {}", out.display());
    }
}

/// A name for a run that was given none: two such runs are two requests.
fn fresh_id() -> Result<RequestId, Failure> {
    let mut bytes = [0; 8];
    rand::rngs::SysRng.try_fill_bytes(&mut bytes).map_err(|_| {
        Failure::Arguments("the operating system gives no random bytes for a request id".to_owned())
    })?;
    Ok(RequestId::new(format!("run-{:016x}", u64::from_le_bytes(bytes)))?)
}
