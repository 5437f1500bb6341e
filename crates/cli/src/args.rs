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
    #[command(
        after_help = "Examples: flockwise plan job.toml --policy policy.toml\n          flockwise plan job.toml --policy policy.toml --target \"people within 50 for 95% of keys\"\n\nA target: [RELEASE.]COLUMN within N[%] for P% of keys [of SIZE people]."
    )]
    Plan(Plan),
    /// Charge a job, run it, print its releases.
    #[command(
        after_help = "Example: flockwise run job.toml --policy policy.toml --request-id popular-2026-11-24"
    )]
    Run(Run),
    /// Measure a job's accuracy against its budget, on data that may be looked at.
    #[command(
        after_help = "Example: flockwise bench job.toml --policy open.toml --epsilon 0.1,0.3,1,3 --sweep contribution=norm:1,4,16,auto\n\nOnly under a policy with no_privacy = \"reason\", or with --mock on made-up data. Nothing is released."
    )]
    Bench(Bench),
    /// For the curator only: does the source fit the policy? Exact rates, on the terminal alone.
    #[command(
        after_help = "Example: flockwise check policy.toml\n\nWhat it prints is exact and not private: keep it from analysts."
    )]
    Check(Check),
    /// Write the notice for the people in the data, in plain language.
    #[command(
        after_help = "Example: flockwise notice policy.toml --job job.toml --contact privacy@example.org --format html"
    )]
    Notice(Notice),
    /// Draw releases as one self-contained page with charts; costs nothing.
    #[command(
        after_help = "Example: flockwise run job.toml --policy policy.toml --format json --out released && flockwise report released"
    )]
    Report(Report),
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
    /// How exact a column is to be: answers with the epsilon that takes.
    #[arg(long, value_name = "TARGET")]
    pub target: Option<String>,
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
    /// How much memory people's rows may take, such as 4G; what does not fit is kept on disk, encrypted. By default half of
    /// the machine's.
    #[arg(long, env = "FLOCKWISE_MEMORY", value_name = "SIZE", value_parser = size)]
    pub memory: Option<u64>,
    /// Folder for what does not fit; by default the system's for temporary files.
    #[arg(long, env = "FLOCKWISE_TMP", value_name = "DIR")]
    pub temporary: Option<PathBuf>,
    /// Made-up data in the shape of the job, for building pipelines: no ledger, no charge, no reading of anybody's data.
    #[arg(long, conflicts_with = "request_id")]
    pub mock: bool,
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
pub(crate) struct Bench {
    /// The job.
    pub job: PathBuf,
    #[command(flatten)]
    pub under: UnderPolicy,
    /// The budgets: each is the ε of the whole job.
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "0.1,0.3,1,3")]
    pub epsilon: Vec<String>,
    /// Runs at each point, each with fresh noise.
    #[arg(long, default_value_t = 20)]
    pub trials: u32,
    /// A setting and its values: contribution, bounds, mechanism or max_rows_per_key; may be given several times.
    #[arg(long, value_name = "SETTING=VALUES")]
    pub sweep: Vec<String>,
    /// A parameter of the job.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// Made-up data in the shape of the job, under any policy: nobody's data are read.
    #[arg(long)]
    pub mock: bool,
    /// How the figures are written.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// The file; standard output unless given. Parquet takes one.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// A self-contained page with charts, beside the figures.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The policy.
    pub policy: PathBuf,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = PlanFormat::Table)]
    pub format: PlanFormat,
}

#[derive(Debug, Args)]
pub(crate) struct Notice {
    /// The policy.
    pub policy: PathBuf,
    /// A job whose results the notice names; may be given several times.
    #[arg(long = "job", value_name = "FILE")]
    pub jobs: Vec<PathBuf>,
    /// Whom to write to: an address or a link.
    #[arg(long, value_name = "TEXT")]
    pub contact: Option<String>,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = NoticeFormat::Markdown)]
    pub format: NoticeFormat,
}

/// How a notice is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum NoticeFormat {
    /// Markdown.
    Markdown,
    /// One self-contained page.
    Html,
}

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// A folder that `run --out` wrote, or a file of releases as JSON lines; `-` is standard input.
    #[arg(value_name = "DIR")]
    pub releases: PathBuf,
    /// The page; `-` is standard output. By default report.html in the folder, or standard output for a file.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Budget {
    /// The policy.
    pub policy: PathBuf,
    /// Exit with code 3 when less than this part is left.
    #[arg(long, value_name = "PERCENT")]
    pub fail_below: Option<String>,
    /// Of a budget that renews: the window that is meant, such as 2026-11; by default the last one that was charged.
    #[arg(long, value_name = "WINDOW")]
    pub window: Option<String>,
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
    /// Check the whole chain, and that the ledger holds every entry that an anchor proves.
    #[command(
        after_help = "Example: flockwise ledger verify policy.toml --anchor /mnt/elsewhere/films.anchor"
    )]
    Verify(LedgerVerify),
    /// Write every entry for an auditor, as JSON lines or CSV.
    #[command(after_help = "Example: flockwise ledger export policy.toml --format csv --out ledger.csv")]
    Export(LedgerExport),
    /// Copy the ledger to a new file, checked and durable. An old copy must never be put back: it has forgotten charges.
    #[command(after_help = "Example: flockwise ledger backup policy.toml backups/films-2026-11-24.ledger")]
    Backup(LedgerBackup),
    /// Change what is not bound: parts of analysts and purposes, and data sets about the same people.
    #[command(
        after_help = "Example: flockwise ledger amend policy.toml --analyst ann --part 25%\n\nParts divide the one ceiling; they never add to it."
    )]
    Amend(LedgerAmend),
    /// Append the head to an anchor: a file elsewhere that proves what the ledger held.
    #[command(after_help = "Example: flockwise ledger anchor policy.toml /mnt/elsewhere/films.anchor")]
    Anchor(LedgerAnchor),
    /// Bring the file to the newest format, after checking all of it.
    #[command(after_help = "Example: flockwise ledger upgrade policy.toml")]
    Upgrade(LedgerAt),
}

#[derive(Debug, Args)]
pub(crate) struct LedgerVerify {
    #[command(flatten)]
    pub at: LedgerAt,
    /// An anchor that was written earlier.
    #[arg(long, value_name = "FILE")]
    pub anchor: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct LedgerAnchor {
    /// The policy.
    pub policy: PathBuf,
    /// The anchor's file; it is made if it is not there.
    pub to: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct LedgerExport {
    /// The policy.
    pub policy: PathBuf,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = ExportFormat::Json)]
    pub format: ExportFormat,
    /// The file, which must not exist; standard output unless given.
    #[arg(long)]
    pub out: Option<PathBuf>,
}

/// How entries are exported.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum ExportFormat {
    /// One JSON object a line.
    Json,
    /// CSV with a header.
    Csv,
}

#[derive(Debug, Args)]
pub(crate) struct LedgerBackup {
    /// The policy.
    pub policy: PathBuf,
    /// The copy, which must not exist.
    pub to: PathBuf,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("whose").required(true))]
pub(crate) struct LedgerAmend {
    /// The policy.
    pub policy: PathBuf,
    /// The analyst whose part is set.
    #[arg(long, group = "whose", value_name = "NAME")]
    pub analyst: Option<String>,
    /// The purpose whose part is set.
    #[arg(long, group = "whose", value_name = "NAME")]
    pub purpose: Option<String>,
    /// Another data set about the same people, to be charged here too.
    #[arg(long, group = "whose", value_name = "NAME", conflicts_with_all = ["part", "no_limit"])]
    pub data: Option<String>,
    /// The part of the whole ceiling, in percent.
    #[arg(long, value_name = "PERCENT", conflicts_with = "no_limit")]
    pub part: Option<String>,
    /// Lift the limit.
    #[arg(long)]
    pub no_limit: bool,
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

/// A number of bytes: `4G`, `512M`, `65536`.
fn size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "B" => Some(1),
        "K" | "KiB" => Some(1 << 10),
        "M" | "MiB" => Some(1 << 20),
        "G" | "GiB" => Some(1 << 30),
        "T" | "TiB" => Some(1 << 40),
        _ => None,
    };
    let bytes = digits.parse().ok().zip(unit).and_then(|(number, unit): (u64, u64)| number.checked_mul(unit));
    bytes
        .filter(|&bytes| bytes > 0)
        .ok_or_else(|| "a size is a number with K, M, G or T behind it: 4G".to_owned())
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_read_or_refused() {
        assert_eq!(["65536", "1K", "512M", "4G"].map(size), [65536, 1 << 10, 512 << 20, 4 << 30].map(Ok));
        for wrong in ["", "G", "-1", "0", "4 G", "1.5G", "4X", "99999999999T"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
