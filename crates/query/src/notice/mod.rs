//! The notice for the people in the data: what is computed about them, why, what protects them, and what they can do.
//!
//! The key decision: it is made from the policy and the jobs alone, so that it says what the engine holds itself to and
//! nothing else; and it is in plain words, without a formula, because the people whom it is for did not ask for one.

pub mod likelihood;
mod render;
mod words;

use flockwise_mechanisms::{Accounting, Ceiling};

use crate::job::Job;
use crate::policy::{Access, Budget, Consent, Policy, Renewal};
use likelihood::{chance, guess};

/// A notice: headings, each with what stands under it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notice {
    /// Its title.
    pub title: String,
    /// Its sections, in order.
    pub sections: Vec<Section>,
}

/// A part of a notice.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Section {
    /// The heading.
    pub heading: &'static str,
    /// What stands under it.
    pub blocks: Vec<Block>,
}

/// A paragraph or a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Block {
    /// A paragraph.
    Text(String),
    /// A list.
    List(Vec<String>),
}

fn text(words: impl Into<String>) -> Block {
    Block::Text(words.into())
}

impl Notice {
    /// The notice of a policy and of jobs that run under it. `contact` is whom the people may write to.
    #[must_use]
    pub fn new(policy: &Policy, jobs: &[Job], contact: Option<&str>) -> Self {
        let title = format!("How we use your data: {}", policy.data.name);
        let sections = vec![
            Section { heading: "In short", blocks: in_short(policy) },
            Section { heading: "What we look at", blocks: looked_at(policy) },
            Section { heading: "What we work out, and why", blocks: purposes(policy, jobs) },
            Section { heading: "What protects you", blocks: protection(policy) },
            Section { heading: "What this means for one person", blocks: one_person(policy) },
            Section { heading: "Your choice", blocks: choice(policy, contact) },
            Section { heading: "What this cannot do", blocks: limits(policy) },
        ];
        Self { title, sections }
    }
}

fn in_short(policy: &Policy) -> Vec<Block> {
    match &policy.access {
        Access::Budget(_) => vec![text(
            "We count what many people do together. We add chance to every number before anyone sees it. So the numbers tell \
             about the crowd, and there is a limit to what they can tell about you. Below we say what that limit is.",
        )],
        Access::NoPrivacy(open) => vec![text(format!(
            "These data are not protected by the method that this notice is about. The reason that was given: {}.",
            open.reason
        ))],
    }
}

fn looked_at(policy: &Policy) -> Vec<Block> {
    let mut columns: Vec<String> = policy.columns.keys().map(|name| words::spoken(name.as_str())).collect();
    columns.retain(|name| *name != words::spoken(policy.data.privacy_unit.as_str()));
    let private = policy.tables.values().filter(|table| table.private);
    columns.extend(private.flat_map(|table| table.columns.keys()).map(|name| words::spoken(name.as_str())));
    vec![
        text(format!(
            "Each record has a code that stands for one person ({}). It tells which records belong together. It is never \
             shown in a result.",
            words::spoken(policy.data.privacy_unit.as_str())
        )),
        text("Of each record we may use these parts, and no others:"),
        Block::List(columns),
    ]
}

fn purposes(policy: &Policy, jobs: &[Job]) -> Vec<Block> {
    let mut blocks = Vec::new();
    if policy.purposes.is_empty() {
        blocks.push(text("No purpose has been written down for these data. You may ask why they are used."));
    } else {
        blocks.push(text("We use the data for these purposes, and each use has to name one of them:"));
        let purpose = |(name, what): (&crate::names::Name, &String)| {
            format!("{}: {}", words::spoken(name.as_str()), what.trim_end_matches('.'))
        };
        blocks.push(Block::List(policy.purposes.iter().map(purpose).collect()));
    }
    if jobs.is_empty() {
        blocks.push(text(
            "We work out totals, averages and lists of what is popular. Each of them is about groups of people.",
        ));
    }
    for job in jobs {
        let purpose = job.purpose.as_ref().map_or("no stated purpose", |purpose| purpose.as_str());
        blocks.push(text(format!("For {} we work out:", words::spoken(purpose))));
        blocks.push(Block::List(job.releases.iter().map(words::release).collect()));
    }
    blocks
}

fn protection(policy: &Policy) -> Vec<Block> {
    let Access::Budget(budget) = &policy.access else {
        return vec![text("Nothing beyond the rules of those who hold the data.")];
    };
    let mut points = vec![
        "No one person can move a result by much. How much you can add to any number has a limit.".to_owned(),
        "We add chance to every number. So a result is never a sure sign of what one person did.".to_owned(),
        "A group that is too small does not show up at all, unless it was on a list before we looked.".to_owned(),
        "There is a limit on how much may be worked out in total. Each use is written into a log before it happens. \
         When the limit is reached, no more results come out."
            .to_owned(),
    ];
    if let Some(per) = &budget.per {
        let every = per.window.name();
        points.push(format!(
            "This limit starts anew in each {every}. What you did in one {every} is protected by the limit of that {every}. \
             Over many {every}s the protection gets weaker: below we say by how much."
        ));
    }
    vec![Block::List(points)]
}

fn one_person(policy: &Policy) -> Vec<Block> {
    let Access::Budget(budget) = &policy.access else { return Vec::new() };
    let epsilon = budget.epsilon.to_f64();
    let mut blocks = vec![
        text(
            "Think of someone who wants to find out whether you are in these data, or what you did. They see every result \
             that will ever come out. How much surer can they get?",
        ),
        Block::List(vec![
            format!(
                "Say they think it is as likely as not, like the toss of a coin: 50 in 100. After all results they can be \
                 at most {} sure.",
                guess(0.5, epsilon)
            ),
            format!(
                "Say they think the chance is 1 in 100. After all results it can be at most {}.",
                guess(0.01, epsilon)
            ),
        ]),
        text(strictness(epsilon)),
        text(
            "This is the worst that can happen, when they know everything about everybody else. In most cases they learn \
             far less. And they would learn things about the crowd even if you were not in the data: say, that people \
             who like one film often like another.",
        ),
    ];
    if budget.accounting != Accounting::Pure || !budget.delta.is_zero() {
        blocks.push(text(format!(
            "There is a small chance that this promise does not hold for you: {}.",
            chance(budget.delta.to_f64())
        )));
    }
    if let Some(per) = &budget.per {
        blocks.extend(over_windows(budget, per));
    }
    blocks.push(text(exact(budget)));
    blocks
}

/// What a limit that starts anew means over more than one window.
fn over_windows(budget: &Budget, per: &Renewal) -> Vec<Block> {
    let every = per.window.name();
    let mut blocks = vec![text(format!(
        "These figures are for what you did in one {every}. Over more {every}s they get worse."
    ))];
    let ceiling = Ceiling { accounting: budget.accounting, epsilon: budget.epsilon, delta: budget.delta };
    let windows = per.window.a_year().max(12);
    if let Some(life) = crate::renewal::over_windows(ceiling, windows) {
        blocks.push(text(format!(
            "Say you have records in {windows} {every}s, and they see all results of all of them. Then 50 in 100 can become \
             {}. The method calls that epsilon {} at delta {}.",
            guess(0.5, life.epsilon),
            life.epsilon,
            life.at_delta
        )));
    }
    blocks
}

/// How much a ceiling promises, by what it does to the toss of a coin.
fn strictness(epsilon: f64) -> &'static str {
    match epsilon {
        epsilon if epsilon <= 0.5 => "This is a strict limit.",
        epsilon if epsilon <= 2.0 => "This is a limit of middle strength.",
        epsilon if epsilon <= 6.0 => {
            "This is a loose limit: it leaves room for a lot in the very worst case."
        }
        _ => "This is a very loose limit: in the very worst case it hides almost nothing.",
    }
}

fn exact(budget: &Budget) -> String {
    format!(
        "For those who know the method: it is called differential privacy. Here epsilon is {} and delta is {}, for one \
         person{} and all results together.",
        budget.epsilon,
        budget.delta,
        budget.per.as_ref().map_or_else(String::new, |per| format!(" in one {}", per.window.name()))
    )
}

fn choice(policy: &Policy, contact: Option<&str>) -> Vec<Block> {
    let mut blocks = Vec::new();
    match &policy.consent {
        Some(Consent { default_granted: false, .. }) => {
            blocks.push(text("Your records are used only if you said yes to the purpose. If you said nothing, they are left out."));
        }
        Some(Consent { default_granted: true, .. }) => {
            blocks.push(text("Your records are used unless you said no to the purpose. If you say no, they are left out."));
        }
        None => blocks.push(text(
            "The software keeps no list of who said no. Those who hold your data have to take your records out \
             themselves.",
        )),
    }
    if let Some(consent) = &policy.consent {
        blocks.push(text(
            "You can change your mind at any time. It counts from the next time that numbers are worked out. If there are two \
             answers from you, no wins.",
        ));
        if consent.epsilon.is_some() {
            blocks.push(text(
                "You can also say yes to less. Then your records are used only in some of the runs, by chance, and nobody can \
                 tell in which. The less you allow, the more rarely they are used.",
            ));
        }
    }
    blocks.push(text(match contact {
        Some(contact) => format!("To say no, to ask what we hold about you, or to have it deleted, write to: {contact}"),
        None => "To say no, to ask what we hold about you, or to have it deleted, write to those who gave you this notice."
            .to_owned(),
    }));
    blocks
}

fn limits(policy: &Policy) -> Vec<Block> {
    let mut points = vec![
        "Results that are out cannot be called back. When you say no, or your records are deleted, old results stay as \
         they are."
            .to_owned(),
        "Those who hold the data can see them. The protection is for what comes out, not for what is stored.".to_owned(),
        "It hides what one person did. It does not hide what is true of a whole group, and you may be in that group."
            .to_owned(),
        "If data about you are kept in another place too, with a limit of their own, what is learnt adds up.".to_owned(),
        "The numbers are not exact. We say with each of them how far off it may be.".to_owned(),
    ];
    if let Access::NoPrivacy(_) = &policy.access {
        points.truncate(0);
        points.push("None of the protection that this kind of notice tells about applies here.".to_owned());
    }
    vec![Block::List(points)]
}
