//! What the security page says of tests is so.

use std::collections::BTreeSet;
use std::path::Path;

fn sources(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_test_that_the_security_page_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/SECURITY.md")).unwrap();
    let promises =
        page.split("## Promises").nth(1).and_then(|part| part.split("## Excluded").next()).unwrap();
    let mut all = String::new();
    ["crates", "tests"].iter().for_each(|folder| sources(&root.join(folder), &mut all));
    let is_test = |name: &&str| {
        name.len() > 8
            && name.contains('_')
            && !name.contains(['/', '.'])
            && !["compile_fail", "no_privacy"].contains(name)
    };
    let named: BTreeSet<&str> =
        promises.split('`').skip(1).step_by(2).filter(is_test).chain(["who_takes_part"]).collect();
    assert!(named.len() > 40, "{}", named.len());
    let missing: Vec<_> = named.iter().filter(|name| !all.contains(&format!("fn {name}()"))).collect();
    assert!(missing.is_empty(), "no such tests: {missing:?}");
}
