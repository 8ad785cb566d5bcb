//! The behaviour checklist names tests that exist: each is looked up in its file.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const CHECKLIST: &str = "tests/CHECKLIST.md";
/// What the list holds at least; fewer would mean that it is no longer read as it is written.
const ITEMS_MIN: usize = 100;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The items of the list: is it ticked, what does it say?
fn items(text: &str) -> Vec<(bool, &str)> {
    let item = |line: &'_ str| -> Option<(bool, usize)> {
        let done = line.starts_with("- [x] ");
        (done || line.starts_with("- [ ] ")).then_some((done, "- [x] ".len()))
    };
    text.lines().filter_map(|line| item(line).map(|(done, at)| (done, &line[at..]))).collect()
}

/// `path::name` of every test that an item names.
fn tests_of(item: &str) -> Vec<(&str, &str)> {
    item.split('`').skip(1).step_by(2).filter_map(|code| code.split_once("::")).collect()
}

/// How the declaration of a test begins in the language of its file.
fn declaration(path: &str, name: &str) -> Option<String> {
    let (_, extension) = path.rsplit_once('.')?;
    match extension {
        "rs" => Some(format!("#[test]\nfn {name}(")),
        "c" | "cs" => Some(format!("void {name}(")),
        "py" => Some(format!("def {name}(")),
        _ => None,
    }
}

/// Does the file declare the test? Rust's attribute may stand deeper and apart from the function.
fn declares(text: &str, path: &str, name: &str) -> bool {
    let Some(declaration) = declaration(path, name) else { return false };
    let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
    lines.join("\n").contains(&declaration)
}

#[test]
fn every_test_on_the_checklist_exists() {
    let text = fs::read_to_string(root().join(CHECKLIST)).expect("is there");
    let mut wrong = Vec::new();
    for (done, item) in items(&text) {
        let tests = tests_of(item);
        if done && tests.is_empty() {
            wrong.push(format!("nothing shows: {item}"));
        }
        if !done && !item.contains(": open") {
            wrong.push(format!("not ticked and not open: {item}"));
        }
        for (path, name) in tests {
            let found =
                fs::read_to_string(root().join(path)).is_ok_and(|text| declares(&text, path, name));
            if !found {
                wrong.push(format!("{path} has no test {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_checklist_is_read_as_it_is_written() {
    let text = fs::read_to_string(root().join(CHECKLIST)).expect("is there");
    let all = items(&text);
    assert!(all.len() >= ITEMS_MIN, "only {} items", all.len());
    let boxes = text.lines().filter(|line| line.trim_start().starts_with("- [")).count();
    assert_eq!(boxes, all.len(), "every box is an item");
    let words: BTreeSet<&str> = all.iter().map(|(_, item)| *item).collect();
    assert_eq!(words.len(), all.len(), "no item stands there twice");
    let missing = declares("#[test]\nfn other() {}", "a.rs", "this");
    assert!(!missing && declares("    #[test]\n    fn this() {}", "a.rs", "this"));
}
