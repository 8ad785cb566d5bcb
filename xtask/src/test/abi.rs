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
    let header = preprocessed(project)?;
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

/// The header as the compiler sees it: without comments and directives.
fn preprocessed(project: &Project) -> Result<String> {
    let header = project.file("include/netdriver.h")?;
    Run::new("cc").args(["-E", "-P"]).arg(header).output(project, "header-preprocessed")
}

/// Runs the two programs that print sizes and offsets, compares what they print with each other,
/// and what they speak of with what the header declares.
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
    let declared = ("the header", struct_members(&preprocessed(project)?));
    let printed = ("tests/c/layout.c", printed_members(&c_says));
    let problems = disagreements(&[declared, printed]);
    if !problems.is_empty() {
        let problems = problems.join("\n");
        return Err(Error::new(format!("tests/c/layout.c is not the header's\n{problems}")));
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

/// `nd_name.field` for each field of each struct, and `nd_name size` for each struct.
fn struct_members(text: &str) -> BTreeSet<String> {
    let mut members = BTreeSet::new();
    for part in text.split("typedef struct ").skip(1) {
        let Some((name, rest)) = part.split_once('{').map(|(name, rest)| (name.trim(), rest))
        else {
            continue;
        };
        let body = rest.split('}').next().unwrap_or_default();
        // System headers have structs of their own; a struct without a body ends before the brace.
        if !name.starts_with("nd_") || name.contains(';') {
            continue;
        }
        members.insert(format!("{name} size"));
        for field in body.split(';').filter(|field| !field.trim().is_empty()) {
            let field = field.split('[').next().unwrap_or_default().trim_end();
            let word = |letter: char| !(letter.is_ascii_alphanumeric() || letter == '_');
            let at = field.rfind(word).map_or(0, |at| at + 1);
            members.insert(format!("{name}.{}", &field[at..]));
        }
    }
    members
}

/// What the lines of a layout program speak of: `nd_name.field OFFSET SIZE`, `nd_name size N`.
fn printed_members(text: &str) -> BTreeSet<String> {
    let number = |word: &&str| word.parse::<u64>().is_err();
    let lines = text.lines().map(|line| line.split(' ').filter(number).collect::<Vec<_>>());
    lines.map(|words| words.join(" ")).filter(|name| !name.is_empty()).collect()
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
            problems.push(format!("    {place} has nothing at all"));
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
        let header = "typedef struct nd_event nd_event;\n\
                      nd_result nd_driver_create(nd_driver **d);\n\
                      uint32_t\nnd_abi_version (void);\nvoid xnd_other(void);\n";
        assert_eq!(header_functions(header), set(&["nd_driver_create", "nd_abi_version"]));
    }

    #[test]
    fn structs_are_known_by_their_fields_and_their_size() {
        let header = "typedef struct nd_driver nd_driver;\n\
            typedef struct { int val; } other;\n\
            typedef struct nd_endpoint {\n uint8_t address[60];\n const char *name;\n\
            } nd_endpoint;\n\
            typedef void (*nd_callback)(void *user);\n";
        let expected = set(&["nd_endpoint.address", "nd_endpoint.name", "nd_endpoint size"]);
        assert_eq!(struct_members(header), expected);
        let printed = "nd_endpoint.address 0 60\nnd_endpoint.name 64 8\nnd_endpoint size 72\n";
        assert_eq!(printed_members(printed), expected);
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
            ["    B has no y", "    C has nothing at all", "    C has no x", "    C has no y"]
        );
        assert!(disagreements(&[("A", set(&["x"])), ("B", set(&["x"]))]).is_empty());
    }
}
