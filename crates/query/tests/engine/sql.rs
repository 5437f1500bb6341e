//! The SQL of docs/scale.md, as it stands there, is a backend: run by SQLite it gives our own engine's integers.

use std::collections::BTreeMap;
use std::hash::Hasher as _;

use flockwise_mechanisms::audit::{Mode, Recorder};
use flockwise_mechanisms::{Key, Private};
use flockwise_query::engine::{Backend, ClipChoice, Extremes, Failed};
use flockwise_query::kernel::{Bound, Link, Moment, Rule};
use flockwise_query::plan::{BoughtRange, Channel, Over};
use rusqlite::Connection;
use siphasher::sip::SipHasher13;

use super::dice::Dice;
use super::plain::{Entry, stages_over};
use super::reference::{CASES, distinct_keys, entries, people, shapes, trace_of};
use super::world::{Setting, World, job};

/// The statements of the document, by name.
fn statements() -> BTreeMap<&'static str, &'static str> {
    let document = include_str!("../../../../docs/scale.md");
    let blocks = document.split("```sql\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.filter_map(|block| block.strip_prefix("-- name: ")?.split_once('\n')).collect()
}

/// SQLite over the rows that count.
struct Sql {
    database: Connection,
    statements: BTreeMap<&'static str, &'static str>,
}

/// Bytes in hexadecimal: text that SQLite orders and joins as it would the bytes.
fn hex(key: &[u8]) -> String {
    key.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Sql {
    fn new(entries: &[Entry]) -> Self {
        Self::with(entries, statements())
    }

    fn with(entries: &[Entry], statements: BTreeMap<&'static str, &'static str>) -> Self {
        let database = Connection::open_in_memory().expect("SQLite is built in");
        let made = database.execute_batch(
            "CREATE TABLE fact (person INTEGER, selected TEXT, whole TEXT, v0 INTEGER, v1 INTEGER);
             CREATE TABLE kept (place INTEGER, key TEXT);
             CREATE TABLE weight (m INTEGER, w INTEGER);
             CREATE TABLE bucket (b INTEGER, low INTEGER, high INTEGER);
             CREATE TABLE factor (square INTEGER, f INTEGER);
             CREATE TABLE keyed (person INTEGER, item TEXT, rank INTEGER);",
        );
        made.expect("six tables");
        let sql = Self { database, statements };
        for entry in entries {
            let values: Vec<Option<i64>> = (0..2).map(|at| entry.values.get(at).copied()).collect();
            let row = (entry.person as i64, hex(&entry.selected), hex(&entry.whole), values[0], values[1]);
            sql.insert("INSERT INTO fact VALUES (?1, ?2, ?3, ?4, ?5)", row);
        }
        sql.database.execute_batch(sql.statements["pairs"]).expect("two views");
        sql.rank("SELECT DISTINCT person, selected FROM fact UNION SELECT DISTINCT person, whole FROM fact");
        sql
    }

    /// What a function would answer: the keyed hash of each person and item.
    fn rank(&self, of: &str) {
        self.database.execute_batch("DELETE FROM keyed").expect("a table");
        let mut query = self.database.prepare(of).expect("people and items");
        let rows = query.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)));
        for row in rows.expect("people and items") {
            let (person, item) = row.expect("a person and an item");
            let mut hasher = SipHasher13::new_with_key(b"a secret of ours");
            hasher.write(format!("{person} {item}").as_bytes());
            let rank = hasher.finish() as i64;
            self.insert("INSERT INTO keyed VALUES (?1, ?2, ?3)", (person, item, rank));
        }
    }

    fn insert(&self, statement: &str, row: impl rusqlite::Params) {
        self.database.prepare_cached(statement).expect("a statement").execute(row).expect("a row");
    }

    fn keep(&self, keys: &[Key]) {
        self.database.execute_batch("DELETE FROM kept").expect("a table");
        for (place, key) in (0_i64..).zip(keys) {
            self.insert("INSERT INTO kept VALUES (?1, ?2)", (place, hex(key)));
        }
    }

    fn weigh(&self, bound: Bound, most: usize) {
        self.database.execute_batch("DELETE FROM weight").expect("a table");
        for keys in 1..=bound.cap.min(u32::try_from(most).expect("few keys")) {
            self.insert("INSERT INTO weight VALUES (?1, ?2)", (keys, bound.weight(keys)));
        }
    }

    /// Buckets that end at the given numbers; the last has no end.
    fn divide(&self, ends: impl ExactSizeIterator<Item = i64>) {
        self.database.execute_batch("DELETE FROM bucket").expect("a table");
        let (mut low, last) = (0, ends.len() as i64 - 1);
        for (at, end) in (0_i64..).zip(ends) {
            let high = if at == last { i64::MAX } else { end };
            self.insert("INSERT INTO bucket VALUES (?1, ?2, ?3)", (at, low, high));
            low = high;
        }
    }

    /// Runs a statement of the document: one row of text or integers, as strings.
    fn run(&self, name: &str, bound: Option<Bound>, limit: u32) -> Vec<Vec<String>> {
        let mut query = self.database.prepare(self.statements[name]).expect(name);
        let set = [
            (":cap", bound.map_or(0, |bound| i64::from(bound.cap))),
            (":unit", bound.map_or(1, |bound| i64::from(bound.unit()))),
            (":limit", i64::from(limit)),
        ];
        for (parameter, value) in set {
            if let Some(at) = query.parameter_index(parameter).expect("a name") {
                query.raw_bind_parameter(at, value).expect("a parameter of the statement");
            }
        }
        let columns = query.column_count();
        let mut found = Vec::new();
        let mut rows = query.raw_query();
        while let Some(row) = rows.next().expect(name) {
            let cell = |at| match row.get_ref(at).expect("a column") {
                rusqlite::types::ValueRef::Integer(number) => number.to_string(),
                rusqlite::types::ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                other @ (rusqlite::types::ValueRef::Null
                | rusqlite::types::ValueRef::Real(_)
                | rusqlite::types::ValueRef::Blob(_)) => panic!("{name} gives {other:?}"),
            };
            found.push((0..columns).map(cell).collect());
        }
        found
    }

    fn numbers(&self, name: &str, bound: Option<Bound>, limit: u32, column: usize) -> Vec<i128> {
        let rows = self.run(name, bound, limit);
        rows.iter().map(|row| row[column].parse().expect("an integer")).collect()
    }

    fn people(&self, keys: &[Key], bound: Bound) -> Vec<i128> {
        self.keep(keys);
        self.weigh(bound, keys.len());
        self.numbers("moments", Some(bound), 1, 1)
    }

    fn clipped(&self, power: u32, limit: u32) -> Vec<i128> {
        // What a function would answer: the factor of each squared norm, of which there are as many as people.
        self.database.execute_batch("DELETE FROM factor").expect("a table");
        let norms = self.statements["clipped"].split_once("), scaled").expect("a norm").0;
        let norms = format!("{norms}) SELECT DISTINCT square FROM norm");
        let mut query = self.database.prepare(&norms).expect("a part of the statement");
        let squares = query.query_map([i64::from(limit)], |row| row.get::<_, i64>(0)).expect("norms");
        for square in squares {
            let square = square.expect("a norm");
            let whole = 1_u128 << power;
            let factor = match square as u128 <= whole {
                true => 1 << 20,
                false => ((whole << 40) / square as u128).isqrt(),
            };
            self.insert("INSERT INTO factor VALUES (?1, ?2)", (square, factor as i64));
        }
        self.numbers("clipped", None, limit, 1)
    }
}

impl Backend for Sql {
    fn extremes(&mut self, _: &BoughtRange) -> Result<Extremes, Failed> {
        panic!("no case buys a range")
    }

    fn regrid(&mut self, _: Channel) -> Result<(), Failed> {
        panic!("no case buys a range")
    }

    fn candidates(&mut self, bound: Bound) -> Result<Private<Vec<(Key, i128)>>, Failed> {
        self.weigh(bound, 10_000);
        let byte = |text: &str, at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("our own digits");
        let key = |text: &str| (0..text.len()).step_by(2).map(|at| byte(text, at)).collect::<Key>();
        let rows = self.run("candidates", Some(bound), 1);
        Ok(Private::new(rows.iter().map(|row| (key(&row[0]), row[1].parse().expect("an integer"))).collect()))
    }

    fn scores(&mut self, rows: &[Vec<Key>]) -> Result<Private<Vec<Vec<i128>>>, Failed> {
        let mut count = |row: &Vec<Key>| {
            self.keep(row);
            self.numbers("scores", None, 1, 1)
        };
        Ok(Private::new(rows.iter().map(&mut count).collect()))
    }

    fn activity(
        &mut self,
        keys: &[Key],
        link: Option<Link>,
        buckets: usize,
    ) -> Result<Private<Vec<i128>>, Failed> {
        assert_eq!(link, None, "no case counts steps");
        self.keep(keys);
        self.divide((0..buckets).map(|bucket| 1 << bucket.min(62)));
        Ok(Private::new(self.numbers("activity", None, 1, 1)))
    }

    fn norms(
        &mut self,
        keys: &[Key],
        clip: ClipChoice,
        buckets: usize,
    ) -> Result<Private<Vec<i128>>, Failed> {
        self.keep(keys);
        self.divide((0..buckets).map(|bucket| 1 << (clip.first as usize + bucket).min(62)));
        Ok(Private::new(self.numbers("norms", None, clip.limit, 1)))
    }

    fn linked(&mut self, keys: &[Key], link: Link, bound: Bound) -> Result<Private<Vec<i128>>, Failed> {
        assert_eq!(link, Link::Pairs, "no case is about steps");
        self.keep(keys);
        self.weigh(bound, link.cells(keys.len()));
        self.rank(
            "SELECT DISTINCT a.person, a.whole || b.whole FROM fact AS a JOIN fact AS b USING (person)
             WHERE a.whole < b.whole",
        );
        let sums = self.numbers("linked", Some(bound), 1, 2);
        self.rank("SELECT DISTINCT person, whole FROM fact");
        Ok(Private::new(sums))
    }

    fn margin(&mut self, over: Over, keys: &[Key], bound: Bound) -> Result<Private<Vec<i128>>, Failed> {
        Ok(Private::new(match over {
            Over::Keys => self.people(keys, bound),
            Over::Everyone => self.numbers("everyone", None, 1, 0),
            // Sums of cells, in the order in which their leading parts first stand among the keys.
            Over::Totals(parts) => {
                let mut totals: Vec<(&[u8], i128)> = Vec::new();
                for (key, cell) in keys.iter().zip(self.people(keys, bound)) {
                    let leading = flockwise_query::key::prefix(key, parts as usize);
                    match totals.iter_mut().find(|(known, _)| *known == leading) {
                        Some((_, total)) => *total += cell,
                        None => totals.push((leading, cell)),
                    }
                }
                totals.into_iter().map(|(_, total)| total).collect()
            }
            Over::FirstPart => panic!("no case has cohorts"),
        }))
    }

    fn moments(
        &mut self,
        keys: &[Key],
        bound: Bound,
        moments: &[Moment],
    ) -> Result<Vec<Private<Vec<i128>>>, Failed> {
        self.keep(keys);
        self.weigh(bound, keys.len());
        let vector = |&moment: &Moment| {
            Private::new(match (moment, bound.rule) {
                (Moment::People, _) => self.numbers("moments", Some(bound), 1, 1),
                (Moment::Rows { limit }, _) => self.numbers("moments", Some(bound), limit, 2),
                (Moment::Value { limit, .. }, Rule::Clip(power)) => self.clipped(power, limit),
                (Moment::Value { channel, limit }, _) => {
                    self.numbers("moments", Some(bound), limit, 3 + channel)
                }
                (Moment::Nodes { .. }, _) => panic!("no case is about distributions"),
            })
        };
        Ok(moments.iter().map(vector).collect())
    }
}

#[test]
fn the_sql_of_the_documents_gives_our_integers() {
    let mut dice = Dice::new(23);
    let bounds =
        ["", "contribution = { norm = 1 }", "contribution = { norm = 3 }", "contribution = { keep = 400 }"];
    let mut compared = 0;
    for (shape, facts) in shapes(&mut dice) {
        let world = |accounting| World::new(&Setting { accounting, ..Setting::plain() }, &people(&facts));
        let worlds = ["pure", "gdp"].map(world);
        for case in &CASES {
            let (world, bound) = (&worlds[dice.roll(2)], bounds[dice.roll(bounds.len())]);
            let plan = world.plan(&job(&[&format!("{}\n{bound}", case.release)])).expect(case.release);
            let entries = entries(case, &facts, &plan.releases[0]);
            if distinct_keys(&entries) > 64 {
                // Which keys are kept hangs on the hash: see the next test.
                continue;
            }
            let mut recorder = Recorder::new(Mode::Open);
            stages_over(&plan, &mut Sql::new(&entries), &mut recorder);
            assert_eq!(trace_of(world, &plan), recorder.into_trace(), "{shape}, {bound}: {}", case.release);
            compared += 1;
        }
    }
    assert!(compared > 45, "{compared} were compared");
}

#[test]
fn beyond_a_cap_the_sql_keeps_as_many_keys_and_a_choice_of_each_persons_own() {
    let entry = |person: usize, item: u8| Entry {
        person,
        selected: vec![item],
        whole: vec![item],
        values: vec![1, 1],
    };
    // Person p has the items 0..=4p.
    let all: Vec<Entry> =
        (0..6).flat_map(|person| (0..=4 * person as u8).map(move |item| entry(person, item))).collect();
    let keys: Vec<Key> = (0..=20).map(|item| vec![item]).collect();
    let bound = Bound::keep(3);
    let people = |entries: &[Entry]| Sql::new(entries).people(&keys, bound);
    let together = people(&all);
    assert_eq!(together.iter().sum::<i128>(), 1 + 5 * 3, "each at most three");
    let mut apart = vec![0; keys.len()];
    for person in 0..6 {
        let own: Vec<Entry> = all.iter().filter(|entry| entry.person == person).cloned().collect();
        let own = people(&own);
        assert!(own.iter().all(|&counts| counts <= 1));
        apart.iter_mut().zip(own).for_each(|(sum, counts)| *sum += counts);
    }
    assert_eq!(together, apart, "nobody's choice depends on others");
}

#[test]
fn control_a_statement_that_is_wrong_is_caught() {
    let wrong = [
        ("pairs", "COUNT(*) AS n", "1 AS n"),
        ("candidates", "SUM(w.w)", "COUNT(*)"),
        ("activity", "mine.m <= b.high", "mine.m < b.high"),
        ("moments", "SUM(w * counted)", "SUM(w * n)"),
        ("moments", "s0 * counted / n", "s0"),
        ("moments", "s1 * counted / n", "s0 * counted / n"),
        ("scores", "COUNT(p.person)", "COUNT(DISTINCT p.person) + 1"),
        ("everyone", "COUNT(DISTINCT person)", "COUNT(person)"),
        ("norms", "SUM(v * v)", "SUM(v)"),
        ("clipped", "vector.v * f.f / 1048576", "vector.v"),
        ("linked", "COUNT(*) OVER (PARTITION BY a.person)", "1"),
    ];
    let (_, facts) = shapes(&mut Dice::new(23)).swap_remove(0);
    let world = World::new(&Setting { accounting: "gdp", ..Setting::plain() }, &people(&facts));
    let traces = CASES.iter().map(|case| {
        let plan = world.plan(&job(&[case.release])).expect(case.release);
        let entries = entries(case, &facts, &plan.releases[0]);
        (trace_of(&world, &plan), plan, entries)
    });
    let traces: Vec<_> = traces.collect();
    for (name, right, broken) in wrong {
        let mut statements = statements();
        let statement = statements[name];
        assert!(statement.contains(right), "{name} has {right}");
        statements.insert(name, Box::leak(statement.replace(right, broken).into_boxed_str()));
        let caught = traces.iter().any(|(ours, plan, entries)| {
            let mut recorder = Recorder::new(Mode::Open);
            stages_over(plan, &mut Sql::with(entries, statements.clone()), &mut recorder);
            *ours != recorder.into_trace()
        });
        assert!(caught, "{name} with {broken} passes");
    }
}
