//! The exact integers equal those of a plain slow reference, written from the documents: people's facts as they are, one
//! loop for each sentence.

use std::collections::{BTreeMap, BTreeSet};

use flockwise_mechanisms::Key;
use flockwise_mechanisms::audit::{Mode, Recorder, Trace};
use flockwise_query::key::encode;
use flockwise_query::plan::{Channel, Plan, ReleasePlan};
use flockwise_query::value::Value;

use super::dice::Dice;
use super::plain::{Defect, Entry, Plain, stages_over};
use super::world::{People, Setting, World, job};

/// One row, as the reference sees it.
#[derive(Clone, Debug)]
pub struct Fact {
    pub person: usize,
    pub item: i64,
    pub rating: Option<f64>,
    pub price: i64,
    pub country: &'static str,
}

/// What a fact becomes in a release.
pub struct Case {
    pub release: &'static str,
    /// Keys from the data; none where every part is declared.
    private: Option<fn(&Fact) -> Vec<Value>>,
    /// Declared keys; none where every part is from the data.
    public: Option<fn(&Fact) -> Vec<Value>>,
    /// The value; none where none is read.
    value: Option<fn(&Fact) -> Option<f64>>,
    counts: fn(&Fact) -> bool,
    /// Whether a person's values in a key are averaged first.
    averaged: bool,
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn item(fact: &Fact) -> Vec<Value> {
    vec![Value::Int(fact.item)]
}

fn genres(fact: &Fact) -> Vec<Value> {
    let genres: &[&str] = match fact.item {
        1 => &["Drama"],
        2 => &["Drama", "Comedy"],
        3 => &["Comedy", "Horror", "Drama"],
        5 => &["Horror", "Drama"],
        6 => &["Ünique"],
        // Of two rows of the table the one of smaller bytes is joined: Comedy before Drama.
        7 => &["Comedy"],
        _ => &[],
    };
    genres.iter().map(|genre| text(genre)).collect()
}

fn country(fact: &Fact) -> Vec<Value> {
    ["NL", "BE"].iter().filter(|listed| **listed == fact.country).map(|listed| text(listed)).collect()
}

fn listed(fact: &Fact) -> Vec<Value> {
    (1..=3).filter(|listed| *listed == fact.item).map(Value::Int).collect()
}

fn rating(fact: &Fact) -> Option<f64> {
    fact.rating
}

fn price(fact: &Fact) -> Option<f64> {
    Some(fact.price as f64)
}

fn all(_: &Fact) -> bool {
    true
}

pub const CASES: [Case; 14] = [
    Case {
        release: "statistic = \"popularity\"\nby = [\"item\"]\naggregates = [\"people\", \"rows\"]\nmax_rows_per_key = 3",
        private: Some(item),
        public: None,
        value: None,
        counts: all,
        averaged: false,
    },
    Case {
        release: "statistic = \"popularity\"\nby = [{ column = \"movies.genres\", keys = \"table\" }]",
        private: None,
        public: Some(genres),
        value: None,
        counts: all,
        averaged: false,
    },
    Case {
        release: "statistic = \"summary\"\nby = [\"country\"]\ncolumn = \"price\"\naggregates = [\"people\", \"rows\", \"sum\", \"mean\", \"variance\"]\nmax_rows_per_key = 2",
        private: None,
        public: Some(country),
        value: Some(price),
        counts: all,
        averaged: false,
    },
    Case {
        release: "statistic = \"summary\"\nby = [{ column = \"movies.genres\", keys = \"table\" }, \"item\"]\ncolumn = \"rating\"\naggregates = [\"mean\"]",
        private: Some(item),
        public: Some(genres),
        value: Some(rating),
        counts: all,
        averaged: false,
    },
    Case {
        release: "statistic = \"reach\"",
        private: None,
        public: None,
        value: None,
        counts: all,
        averaged: false,
    },
    Case {
        release: "statistic = \"top_k\"\nk = 2\nitem = \"item\"\nby = [\"country\"]",
        private: Some(item),
        public: Some(country),
        value: None,
        counts: all,
        averaged: false,
    },
    Case {
        release: "statistic = \"summary\"\nby = [\"item\"]\ncolumn = \"rating\"\naggregates = [\"sum\"]\nmax_rows_per_key = 4",
        private: Some(item),
        public: None,
        value: Some(rating),
        counts: all,
        averaged: false,
    },
    Case {
        release: "statistic = \"popularity\"\nby = [\"item\"]\nwhere = \"rating >= 0 and price < 60\"",
        private: Some(item),
        public: None,
        value: None,
        counts: |fact| fact.rating.is_some_and(|rating| rating >= 0.0) && fact.price < 60,
        averaged: false,
    },
    Case {
        release: "statistic = \"co_occurrence\"\nitem = \"item\"\nmeasures = [\"people\", \"lift\", \"cosine\"]",
        private: Some(item),
        public: None,
        value: None,
        counts: all,
        averaged: false,
    },
    Case {
        release: "statistic = \"summary\"\nby = [\"country\"]\ncolumn = \"price\"\nper = \"person\"\naggregates = [\"people\", \"sum\", \"mean\", \"variance\"]",
        private: None,
        public: Some(country),
        value: Some(price),
        counts: all,
        averaged: true,
    },
    Case {
        release: "statistic = \"summary\"\nby = [\"item\"]\ncolumn = \"rating\"\nper = \"person\"\naggregates = [\"deviation\"]",
        private: Some(item),
        public: None,
        value: Some(rating),
        counts: all,
        averaged: true,
    },
    Case {
        release: "statistic = \"popularity\"\nby = [\"item\", \"country\"]\nconsistent = true",
        private: Some(item),
        public: Some(country),
        value: None,
        counts: all,
        averaged: false,
    },
    Case {
        release: "statistic = \"top_k\"\nk = 3\nitem = \"item\"\nmechanism = \"gumbel\"",
        private: Some(item),
        public: None,
        value: None,
        counts: all,
        averaged: false,
    },
    Case {
        release: "statistic = \"top_k\"\nk = 2\nitem = { column = \"item\", keys = [1, 2, 3] }\nby = []\nmechanism = \"gumbel\"",
        private: None,
        public: Some(listed),
        value: None,
        counts: all,
        averaged: false,
    },
];

/// Clamp, centre, grid: in the words of the documents.
fn on_grid(channel: &Channel, value: f64) -> i64 {
    let clamped = if value < channel.low {
        channel.low
    } else if value > channel.high {
        channel.high
    } else {
        value
    };
    ((clamped - channel.centre) * channel.steps).round() as i64
}

pub fn entries(case: &Case, facts: &[Fact], release: &ReleasePlan) -> Vec<Entry> {
    let mut entries = Vec::new();
    for fact in facts.iter().filter(|fact| (case.counts)(fact)) {
        let mut values = Vec::new();
        if let Some(value) = case.value {
            let Some(value) = value(fact) else { continue };
            let channel = &release.stages.channels[0];
            let (x, r) = (on_grid(channel, value), i64::from(channel.radius));
            values.push(x);
            values.push(2 * x * x / r - r);
        }
        let parts = |part: Option<fn(&Fact) -> Vec<Value>>| {
            part.map_or(vec![Key::new()], |part| {
                let keys: BTreeSet<Key> = part(fact).iter().map(key).collect();
                keys.into_iter().collect()
            })
        };
        for selected in parts(case.private) {
            for under in parts(case.public) {
                let whole = [&selected[..], &under].concat();
                let person = fact.person;
                entries.push(Entry { person, selected: selected.clone(), whole, values: values.clone() });
            }
        }
    }
    if !case.averaged {
        return entries;
    }
    let mut values: BTreeMap<(usize, Key, Key), Vec<i64>> = BTreeMap::new();
    for entry in entries {
        values.entry((entry.person, entry.selected, entry.whole)).or_default().push(entry.values[0]);
    }
    let average = |((person, selected, whole), values): ((usize, Key, Key), Vec<i64>)| {
        let r = i64::from(release.stages.channels[0].radius);
        let x = values.iter().sum::<i64>() / values.len() as i64;
        Entry { person, selected, whole, values: vec![x, 2 * x * x / r - r] }
    };
    values.into_iter().map(average).collect()
}

fn key(value: &Value) -> Key {
    let mut key = Key::new();
    encode(value, &mut key);
    key
}

pub fn people(facts: &[Fact]) -> People {
    let row = |fact: &Fact| {
        let rating = fact.rating.map_or(String::new(), |rating| rating.to_string());
        let cells = [fact.person.to_string(), fact.item.to_string(), rating, fact.price.to_string()];
        let [person, item, rating, price] = cells;
        [format!("p{person}"), item, rating, price, String::new(), fact.country.to_owned(), String::new()]
    };
    People { rows: facts.iter().map(row).collect(), ..People::default() }
}

fn random(dice: &mut Dice, person: usize) -> Fact {
    Fact {
        person,
        item: 1 + dice.roll(9) as i64,
        rating: (!dice.one_in(6)).then(|| dice.roll(80) as f64 / 4.0 - 10.0),
        price: dice.roll(140) as i64 - 20,
        country: dice.pick(&["NL", "BE", "DE"]),
    }
}

pub fn shapes(dice: &mut Dice) -> Vec<(&'static str, Vec<Fact>)> {
    let crowd: Vec<Fact> = (0..300).map(|_| random(dice, 0)).collect();
    let with = |change: &dyn Fn(usize, &mut Fact)| {
        let mut facts = crowd.clone();
        facts.iter_mut().enumerate().for_each(|(at, fact)| change(at, fact));
        facts
    };
    vec![
        ("random", with(&|at, fact| fact.person = at * at % 37)),
        ("one person", crowd.clone()),
        ("one key", with(&|at, fact| (fact.person, fact.item, fact.country) = (at % 40, 3, "NL"))),
        ("all distinct", with(&|at, fact| (fact.person, fact.item) = (at, at as i64 - 100))),
        ("nulls", with(&|at, fact| (fact.person, fact.rating, fact.country) = (at % 9, None, "DE"))),
        ("clamped", with(&|at, fact| (fact.person, fact.rating, fact.price) = (at % 9, Some(1e300), -5))),
        ("empty", Vec::new()),
    ]
}

pub fn trace_of(world: &World, plan: &Plan) -> Trace {
    let mut recorder = Recorder::new(Mode::Open);
    world.session().rehearse(plan.clone(), &mut recorder).expect("made-up data");
    recorder.into_trace()
}

#[test]
fn exact_integers_equal_the_reference() {
    let mut dice = Dice::new(11);
    let bounds =
        ["", "contribution = { norm = 1 }", "contribution = { norm = 3 }", "contribution = { keep = 400 }"];
    let mut compared = 0;
    for (shape, facts) in shapes(&mut dice) {
        for accounting in ["zcdp", "pure", "gdp"] {
            let world = World::new(&Setting { accounting, ..Setting::plain() }, &people(&facts));
            for case in &CASES {
                let bound = bounds[dice.roll(bounds.len())];
                // Cells that add up are bounded by their sum.
                let bound = if case.release.contains("consistent") {
                    bound.replace("keep", "norm")
                } else {
                    bound.to_owned()
                };
                let plan = world.plan(&job(&[&format!("{}\n{bound}", case.release)])).expect(case.release);
                let entries = entries(case, &facts, &plan.releases[0]);
                if distinct_keys(&entries) > 64 {
                    // A subset by keyed hash: the auditor's matter.
                    continue;
                }
                let mut recorder = Recorder::new(Mode::Open);
                stages_over(&plan, &mut Plain { entries, defect: Defect::None }, &mut recorder);
                let (ours, reference) = (trace_of(&world, &plan), recorder.into_trace());
                assert_eq!(ours, reference, "{shape}, {accounting}, {bound}: {}", case.release);
                compared += 1;
            }
        }
    }
    assert!(compared > 200, "{compared} were compared");
}

/// The most distinct private keys of one person.
pub fn distinct_keys(entries: &[Entry]) -> usize {
    let mut keys: BTreeMap<usize, BTreeSet<&Key>> = BTreeMap::new();
    for entry in entries {
        keys.entry(entry.person).or_default().insert(&entry.selected);
    }
    keys.values().map(BTreeSet::len).max().unwrap_or(0)
}

/// Facts, plan and entries for the controls: the release of a case under a bound.
pub fn controlled(case: usize, bound: &str, facts: &[Fact]) -> (Plan, Vec<Entry>) {
    let world = World::new(&Setting::plain(), &People::default());
    let plan = world.plan(&job(&[&format!("{}\n{bound}", CASES[case].release)])).expect("a case of our own");
    let entries = entries(&CASES[case], facts, &plan.releases[0]);
    (plan, entries)
}

#[test]
fn s7_asymmetric_bounds_clamp_what_is_summed() {
    // By hand, with no help from the plan but its grid: rating in [-7, 3] has its middle at -2 and reaches 5 from there.
    let values = [-100.0, -7.0, -6.5, -2.0, 0.25, 3.0, 1e300];
    let fact = |(person, value): (usize, &f64)| Fact {
        person,
        item: 1,
        rating: Some(*value),
        price: [-50, 0, 1, 50, 99, 100, 101][person],
        country: "NL",
    };
    let facts: Vec<Fact> = values.iter().enumerate().map(fact).collect();
    let world = World::new(&Setting::plain(), &people(&facts));
    let summary = |column: &str, aggregate: &str| {
        let release = format!(
            "statistic = \"summary\"\nby = [\"country\"]\ncolumn = \"{column}\"\naggregates = [\"{aggregate}\"]\ncontribution = {{ keep = 1 }}"
        );
        let plan = world.plan(&job(&[&release])).expect("a plan");
        let channel = plan.releases[0].stages.channels[0];
        let trace = trace_of(&world, &plan);
        let sum = trace.events().last().expect("a sum is measured").0.clone();
        let flockwise_mechanisms::audit::Question::Add { exact, .. } = sum else {
            panic!("a sum is a vector")
        };
        // Keys in order of their bytes: BE, then NL.
        assert_eq!(exact.len(), 2);
        (exact[1] as f64 / channel.steps, channel)
    };
    let (mean, channel) = summary("rating", "mean");
    assert_eq!((channel.centre, f64::from(channel.radius) / channel.steps), (-2.0, 5.0));
    assert!((mean - (-5.0 - 5.0 - 4.5 + 0.0 + 2.25 + 5.0 + 5.0)).abs() < 1e-9, "{mean}");
    let (sum, channel) = summary("rating", "sum");
    assert_eq!((channel.centre, f64::from(channel.radius) / channel.steps), (0.0, 7.0));
    assert!((sum - (-7.0 - 7.0 - 6.5 - 2.0 + 0.25 + 3.0 + 3.0)).abs() < 1e-9, "{sum}");
    let (mean, channel) = summary("price", "mean");
    assert_eq!((channel.centre, f64::from(channel.radius) / channel.steps), (50.0, 50.0));
    assert!((mean - (-50.0 - 50.0 - 49.0 + 0.0 + 49.0 + 50.0 + 50.0)).abs() < 1e-9, "{mean}");
}
