//! The command line; its sources are in `crates/cli`.

fn main() -> std::process::ExitCode {
    flockwise_cli::main()
}
