//! The notice is complete, in plain words, and safe to show.

use flockwise_query::notice::{Block, Notice};
use flockwise_query::{Job, Policy};

const POLICY: &str = include_str!("../examples/policy.toml");
const JOB: &str = include_str!("../examples/job.toml");

fn notice(policy: &str) -> Notice {
    let policy = Policy::parse("policy.toml", policy).unwrap_or_else(|error| panic!("{error}")).value;
    let job = Job::parse("job.toml", JOB).unwrap().value;
    Notice::new(&policy, &[job], Some("privacy@example.org"))
}

/// The grade of Kincaid et al. 1975: years of school that a text takes, with groups of vowels for syllables.
fn grade(text: &str) -> f64 {
    let words: Vec<&str> =
        text.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|word| !word.is_empty()).collect();
    let sentences =
        text.split(['.', '?', '!', ':', '\n']).filter(|part| part.split_whitespace().count() > 1).count();
    let syllables = |word: &&str| {
        let word = word.to_lowercase();
        let vowel = |c: char| "aeiouy".contains(c);
        let groups = word.split(|c| !vowel(c)).filter(|group| !group.is_empty()).count();
        let silent = usize::from(word.ends_with('e') && !word.ends_with("le") && groups > 1);
        (groups - silent.min(groups)).max(1)
    };
    let syllables: usize = words.iter().map(syllables).sum();
    let count = words.len() as f64;
    0.39 * count / sentences as f64 + 11.8 * syllables as f64 / count - 15.59
}

#[test]
fn a_newspaper_reader_can_read_it() {
    let text = notice(POLICY).markdown();
    let found = grade(&text);
    assert!((2.0..8.0).contains(&found), "grade {found}");
    for formula in ["=", "ε", "δ", "^", "≤", "exp(", "σ"] {
        assert!(!text.contains(formula), "{formula} in\n{text}");
    }
    // The measure can fail.
    let hard = "The aforementioned institution undertakes the systematic pseudonymization of individually attributable \
                telemetry, notwithstanding contractual obligations regarding interoperability considerations.";
    assert!(grade(hard) > 15.0);
}

#[test]
fn it_answers_every_question() {
    let text = notice(POLICY).markdown();
    for part in [
        "# How we use your data: films",
        "Which titles to show first",
        "only if you said yes",
        "no wins",
        "99 in 100",
        "36 in 100",
        "1 in 1 million",
        "privacy@example.org",
        "cannot be called back",
        "popular: how many people",
        "differential privacy",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert_eq!(notice(POLICY).sections.len(), 7);
    let granted = notice(&POLICY.replace("default = \"deny\"", "default = \"grant\"")).markdown();
    assert!(granted.contains("unless you said no"), "{granted}");
    let limited = POLICY.replace("granted = \"granted\"", "granted = \"granted\", epsilon = \"most\"");
    assert!(notice(&limited).markdown().contains("say yes to less"));
    let open = Policy::parse(
        "p",
        "version = 1\nno_privacy = \"made up\"\n[data]\nname = \"d\"\nsource = \"d.csv\"\nprivacy_unit = \"u\"",
    );
    let open = Notice::new(&open.unwrap_or_else(|error| panic!("{error}")).value, &[], None).markdown();
    assert!(open.contains("not protected") && !open.contains("We add chance to every number"), "{open}");
}

#[test]
fn nothing_that_a_file_says_is_markup() {
    let hostile =
        POLICY.replace("Which titles to show first", "<script>alert(1)</script> & [x](javascript:y)\\n# Z");
    assert_ne!(hostile, POLICY);
    let html = notice(&hostile).html();
    assert!(!html.contains("<script>") && html.contains("&lt;script&gt;"), "{html}");
    assert!(!html.contains("http:") && !html.contains("https:"), "the page loads nothing");
    let markdown = notice(&hostile).markdown();
    assert!(!markdown.contains("<script>") && !markdown.contains("\n# Z"), "{markdown}");
}

#[test]
fn markdown_and_page_say_the_same() {
    let notice = notice(POLICY);
    let html = notice.html();
    for section in &notice.sections {
        assert!(html.contains(section.heading));
        for block in &section.blocks {
            let texts = match block {
                Block::Text(text) => std::slice::from_ref(text),
                Block::List(points) => points,
            };
            assert!(texts.iter().all(|text| !text.is_empty()));
        }
    }
    let sections = |text: &str, mark: &str| text.matches(mark).count();
    assert_eq!(sections(&notice.markdown(), "\n## "), sections(&html, "<h2>"));
}
