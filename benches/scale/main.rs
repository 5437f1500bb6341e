//! What the whole-process benchmark needs beside the program itself: made-up data, and the same question without privacy.
//!
//! `benches/scale/run.py` is the benchmark; it builds and runs this. On its own:
//!
//! ```text
//! scale generate FILE --rows N [--people N] [--items N] [--activity S] [--popularity S] [--seed N]
//! scale polars FILE [--streaming]     people and mean rating per item by Polars, with no privacy at all
//! scale flockwise                     where the program that was built with this is
//! ```

mod made_up;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use flockwise::polars::prelude::{Engine, LazyFrame, PlRefPath, ScanArgsParquet, col};

use made_up::MadeUp;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["generate", file, options @ ..] => generate(Path::new(file), options),
        ["polars", file] => polars(Path::new(file), Engine::InMemory),
        ["polars", file, "--streaming"] => polars(Path::new(file), Engine::Streaming),
        ["flockwise"] => {
            println!("{}", env!("CARGO_BIN_EXE_flockwise"));
            Ok(())
        }
        // What `cargo bench` asks of every benchmark.
        _ => {
            println!("a part of a benchmark of whole processes: run benches/scale/run.py");
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn generate(file: &Path, options: &[&str]) -> Result<(), Box<dyn Error>> {
    let mut made_up = MadeUp::default();
    let (mut people, mut items) = (None, None);
    for option in options.chunks(2) {
        let [name, value] = option else { return Err(format!("{} needs a value", option[0]).into()) };
        match *name {
            "--rows" => made_up.rows = value.parse()?,
            "--people" => people = Some(value.parse()?),
            "--items" => items = Some(value.parse()?),
            "--activity" => made_up.activity = value.parse()?,
            "--popularity" => made_up.popularity = value.parse()?,
            "--seed" => made_up.seed = value.parse()?,
            other => return Err(format!("there is no option {other}").into()),
        }
    }
    made_up.people = people.unwrap_or(made_up.rows / 10).max(1);
    made_up.items = items.unwrap_or((made_up.rows / 100).min(100_000)).max(1);
    made_up.write(file)
}

/// The query that privacy is compared with: how many people per item, and their mean rating.
fn polars(file: &Path, engine: Engine) -> Result<(), Box<dyn Error>> {
    let rows = LazyFrame::scan_parquet(PlRefPath::try_from_path(file)?, ScanArgsParquet::default())?;
    let query = rows.group_by([col("item")]).agg([col("user").n_unique(), col("rating").mean()]);
    let table = query.collect_with_engine(engine)?.unwrap_single();
    println!("{} items", table.height());
    Ok(())
}
