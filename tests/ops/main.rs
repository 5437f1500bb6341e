//! Operations through the binary: check, mock, notice, the ledger's commands, the log, consent at the next run.

mod consent;
mod curator;
mod docs;
mod ledger;
mod logs;
mod renewal;
mod retries;

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value as Json;
use tempfile::TempDir;

const POLICY: &str = r#"
version = 1
[data]
name = "shop"
source = "rows.csv"
privacy_unit = "who"
[budget]
epsilon = 100
delta = 1e-6
[columns]
who = { type = "string" }
item = { type = "string", keys = ["book", "film"] }
price = { type = "float", bounds = [0, 10] }
[purposes]
ads = "What to show"
"#;

const JOB: &str = r#"
version = 1
data = "shop"
purpose = "ads"
[job]
epsilon = 20
[[release]]
name = "items"
statistic = "popularity"
by = ["item"]
contribution = { keep = 1 }
"#;

/// A folder with a policy, data and a job.
struct Shop {
    folder: TempDir,
}

/// What a command did.
struct Done {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Done {
    fn is(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    fn json(&self) -> Json {
        serde_json::from_str(self.out.trim()).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }
}

impl Shop {
    fn new(policy: &str) -> Self {
        let shop = Self { folder: TempDir::new().unwrap() };
        shop.write("policy.toml", policy);
        shop.write("job.toml", JOB);
        shop.write("rows.csv", rows(200));
        shop
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn flockwise(&self, args: &[&str]) -> Done {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flockwise"));
        let Output { status, stdout, stderr } = command
            .args(args)
            .current_dir(self.folder.path())
            .env_remove("FLOCKWISE_ANALYST")
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Done { code: status.code(), out: text(stdout), err: text(stderr) }
    }

    fn init(&self) {
        self.flockwise(&["init", "policy.toml", "--quiet"]).is(0);
    }

    fn run(&self, args: &[&str]) -> Done {
        self.flockwise(&[&["run", "job.toml", "--policy", "policy.toml"], args].concat())
    }

    fn entries(&self) -> Vec<Json> {
        let done = self.flockwise(&["ledger", "log", "policy.toml", "--format", "json"]).is(0);
        done.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn rows(people: usize) -> String {
    let row =
        |person| format!("p{person},{},{}\n", if person % 2 == 0 { "book" } else { "film" }, person % 12);
    format!("who,item,price\n{}", (0..people).map(row).collect::<String>())
}
