//! The steps that hold the three faces of the ABI together: header, symbols, C# externs.
//! What the header says is another step's business (`manual`).

use std::collections::BTreeSet;
use std::fs;

use super::{Outcome, manual};
use crate::build::{self, C_WARNINGS, CsharpProgram, Link};
use crate::error::{Context, Error, Result};
use crate::paths::{Project, read};
use crate::shell::{Run, difference};

/// The languages in which the header must compile alone.
const STANDARDS: &[(&str, &str, &str)] =
    &[("cc", "c", "c99"), ("cc", "c", "c11"), ("cc", "c", "c17"), ("c++", "c++", "c++11")];

/// Compiles a file that holds nothing but the header, in each language, and sees that the header
/// describes every function.
pub fn header(project: &Project) -> Result<Outcome> {
    let text = read(&project.file("include/netdriver.h")?)?;
    let folder = project.out("header-test")?;
    for (compiler, language, standard) in STANDARDS {
        let source = folder.join(format!("{standard}.{language}"));
        // Twice: the second time must change nothing.
        let text = "#include \"netdriver.h\"\n#include \"netdriver.h\"\n";
        fs::write(&source, text).context(source.display())?;
        Run::new(compiler)
            .args(["-x", language, &format!("-std={standard}"), "-fsyntax-only"])
            .args(C_WARNINGS)
            .arg("-I")
            .arg(project.path("include"))
            .arg(&source)
            .quiet(project, &format!("header-{standard}"))?;
    }
    let gaps = manual::gaps(&text);
    if !gaps.is_empty() {
        let gaps = gaps.join("\n");
        return Err(Error::new(format!("the header does not describe everything\n{gaps}")));
    }
    let names: Vec<_> = STANDARDS.iter().map(|(_, _, standard)| *standard).collect();
    let count = manual::count(&text);
    Ok(Outcome::Passed(vec![format!("{}; {count} functions described", names.join(", "))]))
}

/// The header's functions, the shared library's symbols and the C# entry points are one set.
pub fn symbols(project: &Project) -> Result<Outcome> {
    let library = build::release(project)?;
    let header = Run::new("cc")
        .args(["-E", "-P"])
        .arg(project.file("include/netdriver.h")?)
        .output(project, "symbols-header")?;
    let nm = Run::new("nm").args(["-D", "--defined-only"]).arg(&library);
    let nm = nm.output(project, "symbols-nm")?;
    let externs = read(&project.file("bindings/csharp/NativeMethods.g.cs")?)?;
    let sets = [
        ("the header", header_functions(&header)),
        ("the library", library_symbols(&nm)),
        ("C#", entry_points(&externs)),
    ];
    let problems = disagreements(&sets);
    if problems.is_empty() {
        return Ok(Outcome::Passed(vec![format!("{} functions", sets[0].1.len())]));
    }
    Err(Error::new(format!("the ABI's faces disagree\n{}", problems.join("\n"))))
}

/// Runs the two programs that print sizes and offsets, and compares what they print.
pub fn layout(project: &Project) -> Result<Outcome> {
    let folder = project.out("layout-test")?;
    let library = build::test_library(project)?;
    let c = folder.join("layout");
    let rpath = library.display().to_string();
    let link = Link::Shared(&library, &rpath);
    build::compile_c(project, &project.file("tests/c/layout.c")?, &c, &[], &link)?;
    let sources = vec![project.file("csharp/tests/programs/Layout.cs")?];
    let program = CsharpProgram { name: "Layout".to_owned(), sources };
    let csharp = build::csharp_program(project, &program, &folder)?;
    let c_says = Run::new(&c).output(project, "layout-c")?;
    let csharp_says = build::mono(&csharp, &library).output(project, "layout-csharp")?;
    let files = [folder.join("c.txt"), folder.join("csharp.txt")];
    for (file, text) in files.iter().zip([&c_says, &csharp_says]) {
        fs::write(file, text).context(file.display())?;
    }
    if c_says.trim().is_empty() {
        return Err(Error::new("tests/c/layout.c printed nothing"));
    }
    match difference(&files[0], &files[1])? {
        None => Ok(Outcome::Passed(vec![format!("{} lines agree", c_says.lines().count())])),
        Some(text) => Err(Error::new(format!("C and C# disagree on the layout\n{text}"))),
    }
}

/// The `nd_…` names that are followed by a parenthesis in preprocessed text without comments.
pub fn header_functions(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in text.match_indices("nd_") {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_') {
            continue;
        }
        let rest = &text[at..];
        let word = |letter: char| !(letter.is_ascii_alphanumeric() || letter == '_');
        let name = &rest[..rest.find(word).unwrap_or(rest.len())];
        if rest[name.len()..].trim_start().starts_with('(') {
            names.insert(name.to_owned());
        }
    }
    names
}

fn library_symbols(nm: &str) -> BTreeSet<String> {
    let names = nm.lines().filter_map(|line| line.split_whitespace().last());
    names.filter(|name| name.starts_with("nd_")).map(str::to_owned).collect()
}

fn entry_points(source: &str) -> BTreeSet<String> {
    let parts = source.split("EntryPoint").skip(1);
    let quoted = parts.filter_map(|part| part.split('"').nth(1));
    quoted.map(str::to_owned).collect()
}

/// One line for each name that is not everywhere.
fn disagreements(sets: &[(&str, BTreeSet<String>)]) -> Vec<String> {
    let all: BTreeSet<_> = sets.iter().flat_map(|(_, set)| set).collect();
    let mut problems = Vec::new();
    for (place, set) in sets {
        if set.is_empty() {
            problems.push(format!("    {place} has no function at all"));
        }
        let lacking = all.iter().filter(|name| !set.contains(name.as_str()));
        problems.extend(lacking.map(|name| format!("    {place} has no {name}")));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn functions_are_the_names_before_a_parenthesis() {
        let header = "typedef struct nd_event nd_event;\nnd_result nd_driver_create(nd_driver **d);\n\
                      uint32_t\nnd_abi_version (void);\nvoid xnd_other(void);\n";
        assert_eq!(header_functions(header), set(&["nd_driver_create", "nd_abi_version"]));
    }

    #[test]
    fn symbols_and_entry_points_are_found_in_their_files() {
        let nm = "0000000000012340 T nd_driver_create\n0000000000012350 T rust_thing\n";
        assert_eq!(library_symbols(nm), set(&["nd_driver_create"]));
        let source = "[DllImport(Dll, EntryPoint = \"nd_driver_create\", CallingConvention = C)]\n\
                      [DllImport(Dll, EntryPoint=\"nd_abi_version\")]";
        assert_eq!(entry_points(source), set(&["nd_driver_create", "nd_abi_version"]));
    }

    #[test]
    fn a_name_that_is_not_everywhere_is_reported_where_it_lacks() {
        let sets = [("A", set(&["x", "y"])), ("B", set(&["x"])), ("C", set(&[]))];
        assert_eq!(
            disagreements(&sets),
            ["    B has no y", "    C has no function at all", "    C has no x", "    C has no y"]
        );
        assert!(disagreements(&[("A", set(&["x"])), ("B", set(&["x"]))]).is_empty());
    }
}
