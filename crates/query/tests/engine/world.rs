//! Small data sets with everything in them that ever broke an engine, and their neighbours.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use flockwise_query::diagnostic::Diagnostics;
use flockwise_query::plan::Plan;
use flockwise_query::{Error, Job, Session};
use tempfile::TempDir;

use super::dice::Dice;

/// One row, as it is written: person, item, rating, price, moment, country, tag.
pub type Row = [String; 7];

pub const HEADER: &str = "user_id,item,rating,price,at,country,tag";

/// What the curator chose.
#[derive(Clone, Debug)]
pub struct Setting {
    pub accounting: &'static str,
    pub ids_are_text: bool,
    pub on_null: &'static str,
    pub on_nan: &'static str,
    pub null_keys: &'static str,
    pub consent: Option<&'static str>,
}

impl Setting {
    pub fn random(dice: &mut Dice) -> Self {
        Self {
            accounting: dice.pick(&["zcdp", "pure", "gdp", "approx", "zcdp"]),
            ids_are_text: dice.one_in(2),
            on_null: dice.pick(&["\"drop\"", "{ value = -7 }"]),
            on_nan: dice.pick(&["\"drop\"", "{ value = 3 }"]),
            null_keys: dice.pick(&["\"drop\"", "\"keep\""]),
            consent: [None, None, Some("deny"), Some("grant")][dice.roll(4)],
        }
    }

    pub fn plain() -> Self {
        Self {
            accounting: "zcdp",
            ids_are_text: true,
            on_null: "\"drop\"",
            on_nan: "\"drop\"",
            null_keys: "\"drop\"",
            consent: None,
        }
    }

    pub fn policy(&self, source: &str) -> String {
        let id = if self.ids_are_text { "\"string\", normalize = [\"trim\"]" } else { "\"int\"" };
        let Self { accounting, on_null, on_nan, null_keys, .. } = self;
        let consent = self.consent.map_or(String::new(), |default| {
            format!(
                "[consent]\nsource = \"consent.csv\"\ncolumns = {{ person = \"user_id\", purpose = \"purpose\", granted = \"granted\", epsilon = \"own\" }}\ndefault = \"{default}\"\n"
            )
        });
        format!(
            r#"version = 1
[data]
name = "films"
source = "{source}"
privacy_unit = "user_id"
[budget]
epsilon = 4.0
delta = 1e-6
accounting = "{accounting}"
ledger = "films.ledger"
releases = "films.releases"
[columns]
user_id = {{ type = {id} }}
item = {{ type = "int", null_keys = {null_keys} }}
rating = {{ type = "float", bounds = [-7, 3], on_null = {on_null}, on_nan = {on_nan} }}
price = {{ type = "int", bounds = [0, 100], null_keys = {null_keys} }}
at = {{ type = "datetime", tz = "Europe/Amsterdam" }}
country = {{ type = "string", keys = ["NL", "BE"], null_keys = {null_keys}, normalize = ["nfc", "trim"] }}
tag = {{ type = "string", null_keys = {null_keys} }}
[derive]
worth = {{ expr = "rating * price", type = "float", bounds = [-100, 50] }}
loose = {{ expr = "rating * price + price", type = "float" }}
[tables.movies]
source = "movies.csv"
key = ["item"]
columns = {{ title = {{ type = "string" }}, genres = {{ type = "string", split = "|", null_keys = {null_keys} }} }}
[tables.people]
source = "people.csv"
private = true
key = ["user_id"]
columns = {{ region = {{ type = "string" }} }}
[purposes]
study = "To find holes"
{consent}"#
        )
    }
}

/// The rows of all that belongs to people.
#[derive(Clone, Debug, Default)]
pub struct People {
    pub rows: Vec<Row>,
    pub regions: Vec<[String; 2]>,
    pub consents: Vec<[String; 4]>,
}

pub const MOVIES: &str = "item,title,genres\n1,One,Drama\n2,Two,Drama|Comedy\n3,Three,Comedy|Horror|Drama\n4,Four,\n\
                          5,\"F,ive\",Horror | Drama|Horror\n6,Six,Ünique\n7,Seven,Drama\n7,Seven again,Comedy\n";

/// How often an id is spelled another way: the same person all the same.
fn spelled(dice: &mut Dice, person: usize, text: bool) -> String {
    match (text, dice.roll(4)) {
        (true, 0) => format!(" pé{person} "),
        (true, _) => format!("pé{person}"),
        (false, 0) => format!("+{person}"),
        (false, 1) => format!("{person}.0"),
        (false, _) => format!("{person}"),
    }
}

fn item(dice: &mut Dice) -> String {
    match dice.roll(12) {
        0 => dice
            .pick(&["", "x", "-0", "9223372036854775807", "-9223372036854775808", "1e300", "NaN"])
            .to_owned(),
        _ => (1 + dice.roll(9)).to_string(),
    }
}

fn number(dice: &mut Dice) -> String {
    let odd = ["", "NaN", "inf", "-inf", "-0.0", "1e308", "-1e308", "5e-324", "seven", "9223372036854775807"];
    match dice.roll(6) {
        0 => dice.pick(&odd).to_owned(),
        1 => format!("{}", dice.roll(120)),
        _ => format!("{}.{}", dice.roll(14) as i64 - 9, dice.roll(1000)),
    }
}

fn moment(dice: &mut Dice) -> String {
    match dice.roll(8) {
        0 => dice
            .pick(&[
                "",
                "yesterday",
                "9999-12-31T23:59:59Z",
                "0001-01-01T00:00:00Z",
                "2026-03-29T02:30:00",
                "2026-10-25T02:30:00",
                "0000-01-01T00:00:00Z",
                "2026-13-45",
            ])
            .to_owned(),
        _ => format!("2026-01-{:02}T{:02}:30:00Z", 1 + dice.roll(12), dice.roll(24)),
    }
}

fn row(dice: &mut Dice, person: usize, text: bool) -> Row {
    let country = dice.pick(&["NL", "BE", " NL", "DE", "", "nl"]).to_owned();
    let tag = dice.pick(&["a", "b", "ü", "u\u{308}", "", "\"quoted\"", "a,b", "\u{202e}x", "0"]).to_owned();
    [spelled(dice, person, text), item(dice), number(dice), number(dice), moment(dice), country, tag]
}

/// Everything about one person: nothing, little, or as much as an attacker would bring.
pub fn person(dice: &mut Dice, person: usize, setting: &Setting, heavy: bool) -> People {
    let text = setting.ids_are_text;
    let mut rows = Vec::new();
    match if heavy { dice.roll(6) } else { 5 } {
        0 => {
            // Every key at once, new ones too.
            for new in 0..150 {
                let mut all = row(dice, person, text);
                all[1] = (1 + new).to_string();
                all[6] = format!("tag {new}");
                rows.push(all);
            }
        }
        1 => {
            let same = row(dice, person, text);
            rows.extend(std::iter::repeat_n(same, 300));
        }
        2 => {
            let (value, price) = (dice.pick(&["3", "1e308", "-1e308", "-7"]), dice.pick(&["100", "-5", "0"]));
            for at in 0..40 {
                let mut all = row(dice, person, text);
                (all[1], all[2], all[3]) = ((1 + at % 10).to_string(), value.to_owned(), price.to_owned());
                rows.push(all);
            }
        }
        3 => {
            let mut one = row(dice, person, text);
            (one[1], one[2], one[3], one[5]) =
                ("1".to_owned(), "3".to_owned(), "100".to_owned(), "NL".to_owned());
            rows.push(one);
        }
        _ => {
            for _ in 0..dice.roll(9) {
                rows.push(row(dice, person, text));
            }
        }
    }
    let mut all = People { rows, ..People::default() };
    for _ in 0..dice.roll(3) {
        let region = dice.pick(&["north", "south", "", "only mine"]).to_owned();
        all.regions.push([spelled(dice, person, text), region]);
    }
    for _ in 0..dice.roll(4) {
        let granted = dice.pick(&["true", "true", "true", "false", "", "maybe"]).to_owned();
        let purpose = dice.pick(&["study", "study", "other", ""]).to_owned();
        // How much of one job: nothing said, less than the job spends (0.6 takes part under the recorder, 0.1 does not), more.
        let own = dice.pick(&["", "", "0.6", "0.1", "5", "NaN", "-1", "much"]).to_owned();
        all.consents.push([spelled(dice, person, text), purpose, granted, own]);
    }
    all
}

impl People {
    pub fn extend(&mut self, other: Self) {
        self.rows.extend(other.rows);
        self.regions.extend(other.regions);
        self.consents.extend(other.consents);
    }

    pub fn shuffle(&mut self, dice: &mut Dice) {
        dice.shuffle(&mut self.rows);
        dice.shuffle(&mut self.regions);
        dice.shuffle(&mut self.consents);
    }
}

/// A random crowd, among them rows of nobody.
pub fn crowd(dice: &mut Dice, setting: &Setting) -> People {
    let mut all = People::default();
    for somebody in 0..dice.roll(12) {
        let heavy = dice.one_in(8);
        all.extend(person(dice, somebody, setting, heavy));
    }
    for _ in 0..dice.roll(4) {
        let mut nobody = row(dice, 0, setting.ids_are_text);
        nobody[0] =
            if setting.ids_are_text { String::new() } else { dice.pick(&["", "nobody", "1.5"]).to_owned() };
        all.rows.push(nobody);
    }
    all
}

fn csv<const N: usize>(header: &str, rows: &[[String; N]]) -> String {
    let mut text = format!("{header}\n");
    for row in rows {
        let quoted = row.iter().map(|cell| match cell.contains([',', '"']) {
            true => format!("\"{}\"", cell.replace('"', "\"\"")),
            false => cell.clone(),
        });
        let _ = writeln!(text, "{}", quoted.collect::<Vec<_>>().join(","));
    }
    text
}

/// A folder with a policy and its data.
pub struct World {
    pub folder: TempDir,
}

impl World {
    pub fn new(setting: &Setting, people: &People) -> Self {
        let world = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        world.write("policy.toml", setting.policy("ratings.csv"));
        world.write("ratings.csv", csv(HEADER, &people.rows));
        world.write("people.csv", csv("user_id,region", &people.regions));
        world.write("consent.csv", csv("user_id,purpose,granted,own", &people.consents));
        world.write("movies.csv", MOVIES);
        world
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path().join(name), bytes).expect("a temporary folder can be written");
    }

    pub fn session(&self) -> Session {
        Session::open(self.path().join("policy.toml")).unwrap_or_else(|error| panic!("{error}"))
    }

    pub fn plan(&self, job: &str) -> Result<Plan, Error> {
        planned(&self.session(), job)
    }
}

/// A job's plan under a session.
pub fn planned(session: &Session, job: &str) -> Result<Plan, Error> {
    let job = Job::parse("job.toml", job).map_err(|error: Diagnostics| Error::from(error))?;
    session.plan_job(&job.value, &job.places, &BTreeMap::new())
}

/// A job of these releases: the fields of each, without its name and its loss.
pub fn job(releases: &[&str]) -> String {
    let mut text = "version = 1\ndata = \"films\"\npurpose = \"study\"\n[job]\nepsilon = 1.0\n".to_owned();
    for (at, release) in releases.iter().enumerate() {
        let _ = write!(text, "[[release]]\nname = \"r{at}\"\n{release}\n");
    }
    text
}
