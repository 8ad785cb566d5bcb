//! The documents tell the truth: links lead somewhere, names exist, nothing is left unfinished.
//! Reads the committed text files; never changes one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Outcome, snippets};
use crate::error::{Error, Result};
use crate::paths::{Project, read};
use crate::shell::Run;

/// Marks of unfinished text. The letters are apart so that this file passes its own check.
const UNFINISHED: &[&str] =
    &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("lorem", " ipsum")];
/// Beginnings of paths that exist on one person's machine only.
const MACHINE_PATHS: &[&str] =
    &[concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("/Us", "ers/")];
/// Documents that must be there.
const REQUIRED: &[&str] =
    &["README.md", "CHANGELOG.md", "docs/ARCHITECTURE.md", "docs/PROTOCOL.md"];

/// Checks every document, and every text file for words that do not belong in one.
pub fn check(project: &Project) -> Result<Outcome> {
    let files = tracked(project)?;
    let header = read(&project.file("include/netdriver.h")?)?;
    let mut problems = Vec::new();
    for name in REQUIRED {
        if !project.path(name).is_file() {
            problems.push(format!("there is no {name}"));
        }
    }
    let mut documents = 0;
    for file in &files {
        let Ok(text) = read(&project.root.join(file)) else {
            continue;
        };
        let shown = file.display().to_string();
        problems.extend(unwanted_words(&text).into_iter().map(|what| format!("{shown}{what}")));
        if is_document(file) {
            documents += 1;
            let text = without_code_blocks(&text);
            for link in broken_links(&project.root, file, &text) {
                problems.push(format!("{shown}: the link {link} leads nowhere"));
            }
            for name in unknown_names(&text, &header) {
                problems.push(format!("{shown}: the header has no {name}"));
            }
        }
    }
    if problems.is_empty() {
        return Ok(Outcome::Passed(vec![format!("{documents} documents, {} files", files.len())]));
    }
    let count = problems.len();
    Err(Error::new(format!("{count} problems in the documents\n    {}", problems.join("\n    "))))
}

/// The programs in the documents compile.
pub fn programs(project: &Project) -> Result<Outcome> {
    let mut documents = tracked(project)?;
    documents.retain(|file| is_document(file) && project.root.join(file).is_file());
    let count = snippets::compile(project, &documents)?;
    Ok(Outcome::Passed(vec![format!("{count} programs")]))
}

fn is_document(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "md")
}

/// The files that git knows, and those that it would take on.
fn tracked(project: &Project) -> Result<Vec<PathBuf>> {
    let output = Run::new("git")
        // Whoever owns the folder, as in a container: only names are read here.
        .args(["-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard"])
        .dir(&project.root)
        .output(project, "docs-files")?;
    Ok(output.lines().map(PathBuf::from).collect())
}

/// Places of words that no finished text of the project contains, as `:LINE: what`.
fn unwanted_words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        for word in UNFINISHED.iter().chain(MACHINE_PATHS) {
            if line.contains(word) {
                found.push(format!(":{}: \"{word}\" does not belong here", at + 1));
            }
        }
    }
    found
}

/// The text with the lines of fenced code left empty.
fn without_code_blocks(text: &str) -> String {
    let mut inside = false;
    let mut out = String::new();
    for line in text.lines() {
        let fence = line.trim_start().starts_with("```");
        if !inside && !fence {
            out += line;
        }
        inside ^= fence;
        out.push('\n');
    }
    out
}

/// The relative links of a document whose file or heading is not there.
fn broken_links(root: &Path, document: &Path, text: &str) -> Vec<String> {
    let folder = root.join(document.parent().unwrap_or(Path::new("")));
    let leads = |target: &str| {
        let (file, heading) = target.split_once('#').unwrap_or((target, ""));
        let path = if file.is_empty() { root.join(document) } else { folder.join(file) };
        match (path.exists(), heading) {
            (exists, "") => exists,
            (exists, heading) => {
                exists && read(&path).is_ok_and(|text| has_heading(&text, heading))
            }
        }
    };
    let outside = |target: &str| target.contains("://") || target.starts_with("mailto:");
    let links = link_targets(text).into_iter();
    links.filter(|target| !outside(target) && !leads(target)).collect()
}

/// What stands in the parentheses of `[text](target)`.
fn link_targets(text: &str) -> Vec<String> {
    let parts = text.split("](").skip(1);
    let targets = parts.filter_map(|part| part.split_once(')')).map(|(target, _)| target);
    let plain = targets.map(|target| target.split_whitespace().next().unwrap_or_default());
    plain.map(str::to_owned).collect()
}

/// Whether a document has a heading with this anchor, as code hosts make anchors.
fn has_heading(text: &str, anchor: &str) -> bool {
    let text = without_code_blocks(text);
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| slug(line.trim_start_matches('#').trim())).any(|slug| slug == anchor)
}

fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).flat_map(char::to_lowercase).collect()
}

/// Names of the C ABI in backticks that the header does not have.
fn unknown_names(text: &str, header: &str) -> BTreeSet<String> {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let known: BTreeSet<_> = header.split(|letter| !is_word(letter)).collect();
    let code = text.split('`').skip(1).step_by(2);
    let words = code.flat_map(|code| code.split(|letter| !is_word(letter)));
    let ours = words.filter(|word| word.starts_with("nd_") || word.starts_with("ND_"));
    // A name that ends in an underscore stands for a family: `nd_driver_*`.
    let family =
        |word: &str| word.ends_with('_') && known.iter().any(|name| name.starts_with(word));
    ours.filter(|word| !known.contains(word) && !family(word)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_outside_of_code() {
        let text = "see [a](b.md#c) and [d](<e>) \n```\n[x](y)\n```\n[f](g.md \"title\")";
        assert_eq!(link_targets(&without_code_blocks(text)), ["b.md#c", "<e>", "g.md"]);
    }

    #[test]
    fn anchors_are_made_as_code_hosts_make_them() {
        let text = "# Title\n## The path of a packet, in `C`\n```\n# no heading\n```\n";
        assert!(has_heading(text, "the-path-of-a-packet-in-c"));
        assert!(has_heading(text, "title"));
        assert!(!has_heading(text, "no-heading"));
    }

    #[test]
    fn names_must_be_in_the_header() {
        let header = "nd_result nd_driver_send(nd_driver *driver);\n#define ND_OK 0\n";
        let text = "`nd_driver_send()` gives `ND_OK`, `nd_driver_*`; nd_prose; `nd_lost` `nd_x_*`";
        let expected: BTreeSet<_> = ["nd_lost", "nd_x_"].map(str::to_owned).into();
        assert_eq!(unknown_names(text, header), expected);
    }

    #[test]
    fn unwanted_words_are_reported_with_their_line() {
        let text = format!("fine\n{} later\n", UNFINISHED[0]);
        assert_eq!(unwanted_words(&text).len(), 1);
        assert!(unwanted_words(&text)[0].starts_with(":2: "));
        assert!(unwanted_words("the work/day is done, todo lists are fine").is_empty());
    }

    #[test]
    fn a_link_to_a_missing_file_is_broken_and_a_web_address_is_not_checked() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let text = "[a](src/main.rs) [b](src/none.rs) [c](https://example.org/x)";
        assert_eq!(broken_links(root, Path::new("X.md"), text), ["src/none.rs"]);
    }
}
