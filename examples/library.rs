//! The library in fifteen lines: a policy, a question, a plan, a charge, a table with error bars.
//!
//! `cargo run --example library` after `cargo run -- demo`, which makes the data and the policy.

use flockwise::{Query, RequestId, Session};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let policy = std::env::args().nth(1).unwrap_or_else(|| "flockwise-demo/policy.toml".to_owned());
    let session = Session::open(policy)?.for_purpose("recommendations"); // the curator's side
    let plan = session.plan(&Query::popularity(["movie_id"]).epsilon(0.5))?; // free, any number of times
    println!("{plan}"); // cost, noise, expected error
    let popular = session.run(plan, RequestId::new("popular-2026-11-24")?)?; // charges, once per id
    println!("{popular}"); // a table with error bars and the guarantee under it
    let frame = popular.to_frame()?; // polars, re-exported as flockwise::polars
    println!("{} rows, {} columns", frame.height(), frame.width());
    Ok(())
}
