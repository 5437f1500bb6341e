//! The arguments, as they are typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Learn what the flock likes, never what one bird did.
///
/// Differentially private statistics over columnar data, each charged to a durable budget.
#[derive(Debug, Parser)]
#[command(name = "flockwise", version, after_help = "Example: flockwise demo")]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Print nothing but results.
    #[arg(long, global = true)]
    pub quiet: bool,
    /// How messages on standard error are written.
    #[arg(long, global = true, value_enum, default_value_t = Log::Text)]
    pub log: Log,
}

/// How messages are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Log {
    /// For people.
    Text,
    /// One JSON object a line; the last one says whether anything was charged.
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a small synthetic streaming service, run its jobs, print the tables.
    #[command(after_help = "Example: flockwise demo my-demo")]
    Demo(Demo),
    /// Make the ledger of a policy, once.
    #[command(after_help = "Example: flockwise init policy.toml")]
    Init(Init),
    /// Say what a job would cost, what noise it would have, which keys are likely to appear; touches no data, costs nothing.
    #[command(after_help = "Example: flockwise plan job.toml --policy policy.toml")]
    Plan(Plan),
    /// Charge a job, run it, print its releases.
    #[command(
        after_help = "Example: flockwise run job.toml --policy policy.toml --request-id popular-2026-11-24"
    )]
    Run(Run),
    /// Show what is spent and what is left.
    #[command(after_help = "Example: flockwise budget policy.toml --fail-below 20%")]
    Budget(Budget),
    /// Look into the ledger.
    #[command(after_help = "Example: flockwise ledger verify policy.toml")]
    Ledger(Ledger),
    /// Check that a release is what was charged.
    #[command(after_help = "Example: flockwise verify popular.json --policy policy.toml")]
    Verify(Verify),
    /// Account for mechanisms: compose, calibrate, convert.
    #[command(after_help = "Example: flockwise account compose --gaussian sigma=50,count=1000 --delta 1e-6")]
    Account(crate::account::AccountArgs),
    /// On-device randomizers and the collector's estimators.
    #[command(after_help = "Example: flockwise local simulate --help")]
    Local(crate::local::LocalArgs),
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Folder for the demo.
    #[arg(default_value = "flockwise-demo")]
    pub folder: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The policy.
    pub policy: PathBuf,
}

/// Which policy a job runs under: the operator's to say, never the job's.
#[derive(Debug, Args)]
pub(crate) struct UnderPolicy {
    /// The policy.
    #[arg(long, env = "FLOCKWISE_POLICY")]
    pub policy: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// The job.
    pub job: PathBuf,
    #[command(flatten)]
    pub under: UnderPolicy,
    /// A parameter of the job.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// How the plan is written.
    #[arg(long, value_enum, default_value_t = PlanFormat::Table)]
    pub format: PlanFormat,
}

/// How a plan or a budget is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum PlanFormat {
    /// For people.
    Table,
    /// For programs.
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The job.
    pub job: PathBuf,
    #[command(flatten)]
    pub under: UnderPolicy,
    /// Who asks; it stands in the ledger.
    #[arg(long, env = "FLOCKWISE_ANALYST")]
    pub analyst: Option<String>,
    /// Folder for the releases; files appear whole, `_SUCCESS` last.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// How releases are written.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Names this run: the same job and id give the same bytes and one charge.
    #[arg(long)]
    pub request_id: Option<String>,
    /// A parameter of the job.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub set: Vec<String>,
}

/// How releases are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// One document a line.
    Json,
    /// The table.
    Csv,
    /// The table, into `--out`.
    Parquet,
}

#[derive(Debug, Args)]
pub(crate) struct Budget {
    /// The policy.
    pub policy: PathBuf,
    /// Exit with code 3 when less than this part is left.
    #[arg(long, value_name = "PERCENT")]
    pub fail_below: Option<String>,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = PlanFormat::Table)]
    pub format: PlanFormat,
}

#[derive(Debug, Args)]
pub(crate) struct Ledger {
    /// What to do.
    #[command(subcommand)]
    pub command: LedgerCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    /// Print every entry: who, when, for which purpose, which releases, what loss.
    Log(LedgerAt),
    /// Check the whole chain.
    Verify(LedgerAt),
}

#[derive(Debug, Args)]
pub(crate) struct LedgerAt {
    /// The policy.
    pub policy: PathBuf,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = PlanFormat::Table)]
    pub format: PlanFormat,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The release, as JSON.
    pub release: PathBuf,
    #[command(flatten)]
    pub under: UnderPolicy,
}
