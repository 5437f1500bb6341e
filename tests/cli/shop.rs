//! A small shop in a temporary folder, and one helper that runs the binary in it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// What a run of the binary left.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// Fails unless the run ended with this code.
    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    /// Fails unless standard error says each of these.
    #[track_caller]
    pub fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.err.contains(part), "{part:?} in\n{}", self.err);
        }
        self
    }
}

pub struct Shop {
    folder: TempDir,
}

pub const POLICY: &str = r#"version = 1
[data]
name = "shop"
source = "sales.csv"
privacy_unit = "customer"
[budget]
epsilon = 1.0
delta = 1e-6
accounting = "zcdp"
ledger = "shop.ledger"
releases = "shop.releases"
[columns]
customer = { type = "string" }
country = { type = "string", keys = ["NL", "BE"] }
article = { type = "int" }
price = { type = "float", bounds = [0, 100] }
[purposes]
stock = "What to order"
"#;

/// Spends `epsilon` of the shop's 1.
pub fn job(epsilon: &str) -> String {
    format!(
        r#"version = 1
data = "shop"
purpose = "stock"
[job]
epsilon = {epsilon}
[[release]]
name = "where"
statistic = "summary"
by = ["country"]
column = "price"
aggregates = ["people", "mean"]
[[release]]
name = "what"
statistic = "popularity"
by = ["article"]
"#
    )
}

pub const HEADER: &str = "customer,country,article,price\n";

/// 400 customers, all of whom bought article 1.
pub fn sales() -> String {
    let mut text = HEADER.to_owned();
    for customer in 0..400 {
        let country = if customer % 3 == 0 { "BE" } else { "NL" };
        let _ = writeln!(text, "c{customer},{country},1,{}.5", customer % 90);
        let _ = writeln!(text, "c{customer},{country},{},20", 2 + customer % 40);
    }
    text
}

impl Shop {
    /// With data and policy, and no ledger.
    pub fn closed() -> Self {
        let shop = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        shop.write("policy.toml", POLICY);
        shop.write("sales.csv", sales());
        shop.write("job.toml", job("0.5"));
        std::fs::create_dir(shop.path("tmp")).expect("a temporary folder can be written");
        shop
    }

    /// With a ledger.
    pub fn open() -> Self {
        let shop = Self::closed();
        shop.run(&["init", "policy.toml"]).ends(0);
        shop
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).expect("a temporary folder can be written");
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Runs the binary with these arguments in the shop's folder.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        let output = Command::new(env!("CARGO_BIN_EXE_flockwise"))
            .args(arguments)
            .current_dir(self.root())
            .env("FLOCKWISE_POLICY", "policy.toml")
            .env("TMPDIR", self.path("tmp"))
            .env_remove("FLOCKWISE_ANALYST")
            .output()
            .expect("the binary is there");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is text");
        Ran { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }

    /// What `budget` says, as JSON.
    pub fn budget(&self) -> serde_json::Value {
        let ran = self.run(&["budget", "policy.toml", "--format", "json"]).ends(0);
        serde_json::from_str(&ran.out).expect("budget writes JSON")
    }

    /// How many charges the ledger has.
    pub fn charges(&self) -> u64 {
        self.budget()["charges"].as_u64().expect("a count of charges")
    }
}
