//! A small shop in a folder of its own: policy, data, ledger.

use std::path::{Path, PathBuf};

use flockwise_ledger::RequestId;
use flockwise_query::{Answer, Error, Job, Session};
use tempfile::TempDir;

/// Planted in the data; it must show up nowhere.
pub const CANARY: &str = "canary-7f3a";

pub const POLICY: &str = r#"
version = 1
[data]
name = "shop"
source = "rows.csv"
privacy_unit = "who"
[budget]
epsilon = 1000
delta = 1e-6
[columns]
who = { type = "string" }
item = { type = "string" }
price = { type = "float", bounds = [0, 10] }
at = { type = "datetime", tz = "UTC" }
[purposes]
ads = "What to show"
"#;

pub const JOB: &str = r#"
version = 1
data = "shop"
purpose = "ads"
[job]
epsilon = 0.5
[[release]]
name = "popular"
statistic = "popularity"
by = ["item"]
[[release]]
name = "paid"
statistic = "summary"
by = [{ column = "at", every = "1d", from = 2026-01-01, until = 2026-01-04 }]
column = "price"
aggregates = ["people", "sum", "mean"]
"#;

pub struct Shop {
    pub folder: TempDir,
    pub policy: PathBuf,
}

impl Shop {
    pub fn new(policy: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("policy.toml");
        std::fs::write(&path, policy).unwrap();
        Self { folder, policy: path }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    pub fn init(&self) {
        Session::open(&self.policy).unwrap().init().unwrap();
    }

    pub fn run(&self, job: &str, id: &str) -> Result<Answer, Error> {
        let session = Session::open(&self.policy)?;
        let job = Job::parse("job.toml", job)?;
        let plan = session.plan_job(&job.value, &job.places, &std::collections::BTreeMap::new())?;
        session.run(plan, RequestId::new(id)?)
    }

    /// Neither the message nor any file beside the data holds the canary.
    pub fn keeps_the_secret(&self, case: &str, outcome: &Result<Answer, Error>) {
        self.says_nothing(case, outcome);
        for name in ["shop.ledger", "shop.releases"] {
            let bytes = std::fs::read(self.path(name)).unwrap_or_default();
            let found = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
            assert!(!found, "{case}: the canary is in {name}");
        }
    }

    /// The message or the answer does not hold the canary.
    pub fn says_nothing(&self, case: &str, outcome: &Result<Answer, Error>) {
        let shown = match outcome {
            Ok(answer) => format!("{answer}\n{answer:?}\n{}", String::from_utf8_lossy(answer.bytes())),
            Err(error) => format!("{error}\n{error:?}"),
        };
        assert!(!shown.contains(CANARY), "{case}: the canary shows in\n{shown}");
    }
}

/// The exit code that an outcome means.
pub fn code(outcome: &Result<Answer, Error>) -> u8 {
    outcome.as_ref().map_or_else(Error::exit_code, |_| 0)
}

pub fn rows(people: usize) -> String {
    let mut text = "who,item,price,at\n".to_owned();
    for person in 0..people {
        text += &format!("p{person},book,{}.5,2026-01-0{}T12:00:00Z\n", person % 9, person % 3 + 1);
    }
    text
}

pub fn exists(path: &Path) -> bool {
    path.exists()
}
