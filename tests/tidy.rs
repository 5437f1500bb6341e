//! The house stays clean: what a reader or a reviewer would otherwise have to check by eye.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of the project with one of these endings, build output left out.
fn files(endings: &[&str]) -> Vec<PathBuf> {
    fn walk(folder: &Path, endings: &[&str], found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("the project can be listed") {
            let path = entry.expect("the project can be listed").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                if name != "target" && !name.starts_with('.') && name != "node_modules" {
                    walk(&path, endings, found);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(root(), endings, &mut found);
    assert!(!found.is_empty(), "there are files ending in {endings:?}");
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_readme_has_exactly_two_commands_for_set_up_and_ci_runs_one_of_them() {
    let readme = read(&root().join("README.md"));
    let commands: Vec<&str> = readme.lines().filter(|line| line.starts_with("cargo ")).collect();
    assert_eq!(commands, ["cargo run -- demo", "cargo test --workspace"]);
    let ci = read(&root().join(".ci/run"));
    assert!(ci.contains("grep -m1 '^cargo test' README.md"), "CI takes the test command from the README");
}

#[test]
fn no_file_is_a_maze() {
    for path in files(&[".rs"]) {
        let lines = read(&path).lines().count();
        assert!(lines <= 500, "{} has {lines} lines: is it one room, or several?", path.display());
    }
}

#[test]
fn no_shipped_crate_can_replace_the_noise() {
    for path in files(&["Cargo.toml"]) {
        let text = read(&path);
        let name = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
        // The auditor and the fuzzers are tools for tests and are not shipped.
        if ["audit", "fuzz"].contains(&name.as_str()) {
            continue;
        }
        let mut section = "";
        let mut asks = false;
        for line in text.lines() {
            section = if line.starts_with('[') { line } else { section };
            let depends =
                section == "[dependencies]" && line.contains("flockwise-") && line.contains("\"audit\"");
            let by_default = section == "[features]" && line.starts_with("default") && line.contains("audit");
            asks |= depends || by_default;
        }
        assert!(!asks, "{} turns on the recording noise source outside of tests", path.display());
    }
}

#[test]
fn polars_is_named_in_one_room() {
    for path in files(&[".rs"]) {
        let inside = path.strip_prefix(root()).expect("a file of the project");
        let allowed = [
            "crates/query/src/frame",
            "crates/query/src/session",
            "crates/query/src/lib.rs",
            "crates/flockwise",
            "examples",
            "crates/query/tests",
            "tests",
            "benches",
            "crates/query/benches",
        ];
        if allowed.iter().any(|room| inside.starts_with(room)) {
            continue;
        }
        let names =
            read(&path).lines().any(|line| !line.trim_start().starts_with("//") && line.contains("polars::"));
        assert!(!names, "{} names Polars", inside.display());
    }
}

#[test]
fn what_is_written_for_readers_holds_no_path_of_a_machine() {
    let homes = [["/ro", "ot/"].concat(), ["/ho", "me/"].concat(), ["/wo", "rk/"].concat()];
    for path in files(&[".md", ".rs", ".toml", ".py", ".sh", ".html", ".js"]) {
        let text = read(&path);
        for home in &homes {
            let found = text.lines().position(|line| line.contains(home.as_str()));
            assert!(found.is_none(), "{} line {} holds {home}", path.display(), found.unwrap_or(0) + 1);
        }
    }
}

#[test]
fn a_waiver_is_asked_for_in_two_rooms() {
    let allowed = [
        "crates/mechanisms/src/waiver.rs",
        "crates/mechanisms/src/lib.rs",
        "crates/query/src/session/bench.rs",
        "crates/query/src/policy/mod.rs",
        "crates/query/src/bench",
    ];
    let words = [["wai", "ve("].concat(), ["Cura", "tor for"].concat(), ["Wai", "ver"].concat()];
    for path in files(&[".rs"]) {
        let inside = path.strip_prefix(root()).expect("a file of the project");
        if allowed.iter().any(|room| inside.starts_with(room)) {
            continue;
        }
        let code = read(&path);
        let named = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        let found = named.into_iter().any(|line| words.iter().any(|word| line.contains(word.as_str())));
        assert!(!found, "{} asks to look at exact results", inside.display());
    }
}
