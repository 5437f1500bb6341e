//! The command line of flockwise: arguments, rendering, exit codes. No statistics here.
//!
//! The key decision: what goes to standard output was read back from the store of releases, and what goes to standard
//! error says nothing that depends on anybody's data. Exit codes tell a scheduler what may be retried.

pub mod account;
mod args;
mod bench;
mod budget;
mod check;
mod demo;
mod failure;
mod init;
mod ledger;
pub mod local;
mod notice;
mod output;
mod parquet;
mod plan;
mod report;
mod run;
mod say;
mod watch;

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use clap::Parser as _;

use args::{Arguments, Command};
use failure::Failure;
use say::note;

/// Parses the arguments, does what they say, and turns what happened into an exit code.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut report = Report::default();
    // A panic is a bug, and even the line where it happened may hang on somebody's row: only an operator who asks is told.
    let tells = std::env::var_os("FLOCKWISE_PANICS").is_some();
    std::panic::set_hook(Box::new(move |panic| {
        if let Some(place) = panic.location().filter(|_| tells) {
            note!("flockwise: a check failed at {}:{}", place.file(), place.line());
        }
    }));
    let result = std::panic::catch_unwind(AssertUnwindSafe(|| dispatch(&arguments, &mut report)))
        .unwrap_or(Err(Failure::Bug));
    let code = match &result {
        Ok(()) => 0,
        Err(failure) => failure.exit_code(),
    };
    if let Err(failure) = &result {
        report.entry = report.entry.or(failure.charged_entry());
        match arguments.log {
            args::Log::Text => {
                let text = failure.to_string();
                note!("{}{text}", if text.starts_with("error") { "" } else { "error: " });
            }
            args::Log::Json => {
                note!("{}", serde_json::json!({ "event": "error", "message": failure.to_string() }))
            }
        }
    }
    if arguments.log == args::Log::Json {
        let last = serde_json::json!({
            "event": "end", "exit": code, "charged": report.charged || result.is_err() && report.entry.is_some(),
            "entry": report.entry,
        });
        note!("{last}");
    }
    ExitCode::from(code)
}

/// What the last line of the log says.
#[derive(Default)]
struct Report {
    charged: bool,
    entry: Option<u64>,
}

fn dispatch(arguments: &Arguments, report: &mut Report) -> Result<(), Failure> {
    // Words for people have no place in a log for programs.
    let quiet = arguments.quiet || arguments.log == args::Log::Json;
    match &arguments.command {
        Command::Demo(demo) => demo::demo(demo, arguments.quiet, report),
        Command::Init(init) => init::init(init, quiet),
        Command::Plan(plan) => plan::plan(plan),
        Command::Run(run) => run::run(run, arguments, report),
        Command::Bench(args) => bench::bench(args, arguments),
        Command::Check(args) => check::check(args, quiet),
        Command::Notice(args) => notice::notice(args),
        Command::Report(args) => report::report(args, quiet),
        Command::Budget(budget) => budget::budget(budget),
        Command::Ledger(ledger) => ledger::ledger(ledger, quiet),
        Command::Verify(verify) => ledger::verify_release(verify),
        Command::Account(args) => Ok(account::run(args, &mut std::io::stdout().lock())?),
        Command::Local(args) => Ok(local::run(args, &parquet::Files, &mut std::io::stdout().lock())?),
    }
}
