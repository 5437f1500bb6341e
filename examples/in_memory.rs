//! A question about a frame that is in memory already: the same policy, ledger and guarantee.
//!
//! `cargo run --example in_memory`

use flockwise::polars::prelude::{DataFrame, IntoLazy as _, NamedFrom as _, Series};
use flockwise::{Query, RequestId, Session};

const POLICY: &str = r#"
version = 1
[data]
name = "listening"
source = "listening.parquet"      # not read here: the frame takes its place
privacy_unit = "person"
[budget]
epsilon = 2.0
delta = 1e-6
ledger = "listening.ledger"
[columns]
genre = { type = "string", keys = ["jazz", "folk", "techno"] }
minutes = { type = "float", bounds = [0, 60] }
"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join(format!("flockwise-in-memory-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let policy = folder.join("policy.toml");
    std::fs::write(&policy, POLICY)?;

    // Three thousand made-up people, each with two or three plays.
    let person: Vec<i64> = (0..8_000).map(|row| row % 3_000).collect();
    let genre: Vec<&str> =
        (0..8_000).map(|row| ["jazz", "folk", "techno"][(row * row % 7 % 3) as usize]).collect();
    let minutes: Vec<f64> = (0..8_000).map(|row| f64::from(row * 37 % 55)).collect();
    let columns = [
        Series::new("person".into(), person),
        Series::new("genre".into(), genre),
        Series::new("minutes".into(), minutes),
    ];
    let frame = DataFrame::new(8_000, columns.into_iter().map(Into::into).collect())?.lazy();

    let session = Session::open_with_frame(&policy, frame)?;
    session.init()?;
    let query = Query::summary("minutes").by(["genre"]).aggregates(["people", "mean"]).epsilon(0.5);
    let answer = session.run(session.plan(&query)?, RequestId::new("minutes-per-genre")?)?;
    println!("{answer}");
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
