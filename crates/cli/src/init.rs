//! `flockwise init`.

use flockwise_query::Session;

use crate::args::Init;
use crate::failure::Failure;
use crate::say::say;

pub(crate) fn init(args: &Init, quiet: bool) -> Result<(), Failure> {
    let session = Session::open(&args.policy)?;
    let id = session.init()?;
    say!("{id}");
    if !quiet {
        eprintln!(
            "The ledger is made. Pin it in {} under [budget]:\n  ledger_id = \"{id}\"",
            args.policy.display()
        );
    }
    Ok(())
}
