//! `flockwise demo`: a small synthetic streaming service, its policy, its jobs, and their tables.

use std::path::Path;

use flockwise_ledger::RequestId;
use flockwise_query::table::{ColumnKind, Table, TableColumn};
use flockwise_query::value::Value;
use flockwise_query::{Answered, Job, Session, frame};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use rand_distr::{Distribution as _, Normal, Zipf};

use crate::Report;
use crate::args::Demo;
use crate::failure::Failure;
use crate::say::say;

const POLICY: &str = include_str!("demo/policy.toml");
const JOB: &str = include_str!("demo/job.toml");

pub(crate) fn demo(args: &Demo, quiet: bool, report: &mut Report) -> Result<(), Failure> {
    let folder = &args.folder;
    std::fs::create_dir_all(folder).map_err(Failure::Demo)?;
    let policy = folder.join("policy.toml");
    if !policy.exists() {
        data(folder).map_err(Failure::Demo)?;
        std::fs::write(folder.join("job.toml"), JOB).map_err(Failure::Demo)?;
        std::fs::write(&policy, POLICY).map_err(Failure::Demo)?;
        let id = Session::open(&policy)?.init()?;
        let pinned = POLICY.replace(
            "ledger = \"films.ledger\"",
            &format!("ledger = \"films.ledger\"\nledger_id = \"{id}\""),
        );
        std::fs::write(&policy, pinned).map_err(Failure::Demo)?;
    }
    let session = Session::open(&policy)?;
    let job = Job::open(&folder.join("job.toml"))?;
    let plan = session.plan_job(&job.value, &job.places, &std::collections::BTreeMap::new())?;
    let answer = session.run(plan, RequestId::new(concat!("demo-", env!("CARGO_PKG_VERSION")))?)?;
    report.charged = answer.answered() == Answered::Charged;
    report.entry = Some(answer.receipt().entry);
    let next = if quiet { String::new() } else { next(folder) };
    say!("{}", format!("{answer}{next}").trim_end());
    Ok(())
}

fn next(folder: &Path) -> String {
    let at = folder.display();
    let policy = format!("{at}/policy.toml");
    let hints = [
        (format!("plan {at}/job.toml --policy {policy}"), "what it costs, before it costs anything"),
        (format!("run {at}/job.toml --policy {policy}"), "ask anew: new noise, a new charge"),
        (format!("budget {policy}"), "what is left"),
        (format!("ledger log {policy}"), "who spent what"),
    ];
    let width = hints.iter().map(|(command, _)| command.chars().count()).max().unwrap_or(0);
    let hints: String =
        hints.iter().map(|(command, what)| format!("  flockwise {command:width$}   {what}\n")).collect();
    format!(
        "\nThese are made-up people in {at}/. Running the demo again shows the same tables and charges nothing:\n\
         the request is answered already. What to try next:\n{hints}"
    )
}

const GENRES: [&str; 8] =
    ["Drama", "Comedy", "Action", "Thriller", "Romance", "Documentary", "Animation", "Horror"];
const COUNTRIES: [(&str, f64); 4] = [("NL", 0.45), ("DE", 0.3), ("BE", 0.2), ("LU", 0.05)];
const PEOPLE: usize = 5_000;
const FILMS: usize = 400;

/// Made-up people and what they watched. The seed makes data, never noise.
fn data(folder: &Path) -> std::io::Result<()> {
    #[expect(
        clippy::disallowed_methods,
        reason = "made-up data, not noise: the demo shows the same films everywhere"
    )]
    let mut rng = StdRng::seed_from_u64(2026);
    let popularity = Zipf::new(FILMS as f64, 1.05).map_err(std::io::Error::other)?;
    let activity = Zipf::new(200.0, 1.6).map_err(std::io::Error::other)?;
    let taste = Normal::new(0.0, 1.4).map_err(std::io::Error::other)?;
    let films: Vec<(Vec<&str>, f64)> = (0..FILMS)
        .map(|_| {
            let first = GENRES[rng.random_range(0..GENRES.len())];
            let second = GENRES[rng.random_range(0..GENRES.len())];
            let genres =
                if rng.random_bool(0.5) && second != first { vec![first, second] } else { vec![first] };
            (genres, taste.sample(&mut rng))
        })
        .collect();
    let mut rows = Vec::new();
    for person in 0..PEOPLE {
        let mut pick: f64 = rng.random();
        let country = COUNTRIES.iter().find(|(_, share)| {
            pick -= share;
            pick < 0.0
        });
        let country = country.map_or("NL", |(country, _)| country);
        let watched = activity.sample(&mut rng) as usize + 1;
        for _ in 0..watched {
            let film = popularity.sample(&mut rng) as usize - 1;
            let rating = (6.8 + films[film].1 + taste.sample(&mut rng)).round().clamp(1.0, 10.0);
            let moment = 1_764_547_200_000_000 + rng.random_range(0..28_i64 * 86_400) * 1_000_000;
            rows.push(vec![
                Value::Int(1000 + person as i64),
                Value::Int(film as i64),
                Value::Int(rating as i64),
                Value::Datetime(moment),
                Value::String(country.to_owned()),
            ]);
        }
    }
    let column = |name, kind| TableColumn::key(name, kind);
    let columns = vec![
        column("user_id", ColumnKind::Int),
        column("movie_id", ColumnKind::Int),
        column("rating", ColumnKind::Int),
        column("timestamp", ColumnKind::Datetime),
        column("country", ColumnKind::String),
    ];
    frame::write_parquet(&Table { columns, rows }, &folder.join("ratings.parquet"))?;
    let rows = films.iter().enumerate().map(|(film, (genres, _))| {
        vec![Value::Int(film as i64), Value::String(title(film)), Value::String(genres.join("|"))]
    });
    let columns = vec![
        column("movie_id", ColumnKind::Int),
        column("title", ColumnKind::String),
        column("genres", ColumnKind::String),
    ];
    frame::write_parquet(&Table { columns, rows: rows.collect() }, &folder.join("movies.parquet"))
}

/// A title for every film: adjective and noun, all different.
fn title(film: usize) -> String {
    const FIRST: [&str; 20] = [
        "The Silent",
        "A Crooked",
        "The Last",
        "Midnight",
        "The Paper",
        "Golden",
        "The Hidden",
        "Winter's",
        "The Seventh",
        "Blue",
        "The Wandering",
        "An Honest",
        "The Glass",
        "Distant",
        "The Broken",
        "Summer's",
        "The Patient",
        "Electric",
        "The Northern",
        "Second",
    ];
    const SECOND: [&str; 20] = [
        "Harbour",
        "Feather",
        "Parade",
        "Orchard",
        "Signal",
        "Lantern",
        "River",
        "Flock",
        "Witness",
        "Garden",
        "Horizon",
        "Letter",
        "Kingdom",
        "Mirror",
        "Tide",
        "Station",
        "Voyage",
        "Shadow",
        "Anthem",
        "Migration",
    ];
    // 7 and 20 have no common factor, so the films run through all pairs.
    format!("{} {}", FIRST[film % 20], SECOND[(film / 20 + film * 7) % 20])
}
