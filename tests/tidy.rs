//! The sources stay readable: files, functions and lines have a size, documents one heading, and
//! no text speaks of what does not belong in it.

use std::fs;
use std::path::{Path, PathBuf};

/// Lines of the longest file.
const FILE_LINES_MAX: usize = 600;
/// Lines of the longest function, from its first line to its closing brace.
const FUNCTION_LINES_MAX: usize = 70;
/// Columns of the longest line.
const COLUMNS_MAX: usize = 100;

/// Files that are longer, and how long they may be. The numbers may only fall.
const LONG_FILES: &[(&str, usize)] = &[];
/// Files with longer functions, and how long those may be. The numbers may only fall.
const LONG_FUNCTIONS: &[(&str, usize)] = &[];
/// Files with longer lines, and how many columns those may have. The numbers may only fall.
const LONG_LINES: &[(&str, usize)] = &[
    ("csharp/tests/EventTests.cs", 101),
    ("csharp/tests/SettingsTests.cs", 109),
    ("examples/csharp/ArenaBot.cs", 116),
    ("src/ffi/connections.rs", 101),
    ("xtask/src/test/abi.rs", 102),
];

/// Folders that hold nothing hand-written.
const SKIPPED: &[&str] = &["target", "node_modules", "bin", "obj", "corpus", "artifacts"];
/// What a machine has written.
const GENERATED: &[&str] = &["bindings/csharp/NativeMethods.g.cs", "include/netdriver.h"];

/// A text file of the project.
struct Source {
    name: String,
    text: String,
}

impl Source {
    fn extension(&self) -> &str {
        self.name.rsplit_once('.').map_or("", |(_, extension)| extension)
    }

    fn is_code(&self) -> bool {
        matches!(self.extension(), "rs" | "c" | "cs" | "mjs" | "py" | "lua")
            && !GENERATED.contains(&self.name.as_str())
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("is a folder") {
        let path = entry.expect("is readable").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with('.') && name != ".ci" || SKIPPED.contains(&name) {
            continue;
        }
        if path.is_dir() {
            walk(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// Every text file, in order of names.
fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    walk(root(), &mut found);
    found.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).ok()?;
        let name = path.strip_prefix(root()).expect("is inside").to_str()?.replace('\\', "/");
        Some(Source { name, text })
    };
    let all: Vec<Source> = found.into_iter().filter_map(read).collect();
    assert!(all.len() > 100, "only {} files; the scan looks at the wrong place", all.len());
    all
}

/// A complaint about a file that has more than it may.
fn allowed(exceptions: &[(&str, usize)], name: &str, max: usize, found: usize) -> Option<String> {
    let exception = exceptions.iter().find(|exception| exception.0 == name);
    match exception {
        None if found > max => Some(format!("{name}: {found}, at most {max}")),
        None => None,
        Some(&(_, bound)) if found > bound => Some(format!("{name}: {found}, at most {bound}")),
        Some(_) => None,
    }
}

fn check(exceptions: &[(&str, usize)], max: usize, measure: impl Fn(&Source) -> usize) {
    let all = sources();
    let code = all.iter().filter(|source| source.is_code());
    let wrong: Vec<String> =
        code.filter_map(|source| allowed(exceptions, &source.name, max, measure(source))).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (name, _) in exceptions {
        assert!(all.iter().any(|source| source.name == *name), "{name} is gone");
    }
}

#[test]
fn files_are_short() {
    check(LONG_FILES, FILE_LINES_MAX, |source| source.text.lines().count());
}

#[test]
fn lines_are_short() {
    check(LONG_LINES, COLUMNS_MAX, |source| {
        source.text.lines().map(|line| line.chars().count()).max().unwrap_or_default()
    });
}

#[test]
fn functions_are_short() {
    check(LONG_FUNCTIONS, FUNCTION_LINES_MAX, |source| {
        functions(source).into_iter().map(|function| function.1).max().unwrap_or_default()
    });
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Does a function start in this line?
fn starts_function(extension: &str, line: &str, next: &str) -> bool {
    let text = line.trim_start();
    match extension {
        "rs" => {
            let qualifiers = text.split_once("fn ").map(|(before, _)| before);
            let known = ["const", "async", "unsafe", "extern", "\"C\""];
            qualifiers.is_some_and(|before| {
                before
                    .split_whitespace()
                    .all(|word| word.starts_with("pub") || known.contains(&word))
            }) && !text.ends_with(';')
        }
        "c" => {
            let plain = indent(line) == 0 && line.contains('(') && !line.starts_with(['#', '/']);
            plain && (line.ends_with('{') || line.ends_with(','))
        }
        "cs" => {
            let method = indent(line) == 8 && line.contains('(') && !text.starts_with(['/', '[']);
            method && !line.ends_with(';') && (next.trim() == "{" || line.ends_with('('))
        }
        "mjs" => text.contains("function ") && text.ends_with('{'),
        "py" => text.starts_with("def ") || text.starts_with("async def "),
        "lua" => text.starts_with("function ") || text.starts_with("local function "),
        _ => false,
    }
}

/// Functions by name of their first line, and how many lines each has.
fn functions(source: &Source) -> Vec<(String, usize)> {
    let lines: Vec<&str> = source.text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let next = lines.get(start + 1).copied().unwrap_or_default();
        if !starts_function(source.extension(), line, next) {
            continue;
        }
        let depth = indent(line);
        let rest = &lines[start + 1..];
        let ends = |line: &&str| {
            if source.extension() == "py" {
                !line.trim().is_empty() && indent(line) <= depth && !line.trim().starts_with(')')
            } else if source.extension() == "lua" {
                indent(line) == depth && line.trim() == "end"
            } else {
                indent(line) == depth && line.trim_start().starts_with('}')
            }
        };
        let length = rest.iter().position(ends).unwrap_or(rest.len()) + 2;
        let one_line = line.trim_end().ends_with('}') && line.contains('{');
        found.push((line.trim().to_owned(), if one_line { 1 } else { length }));
    }
    found
}

#[test]
fn the_scan_for_functions_finds_them_in_every_language() {
    let cases = [
        ("a.rs", "    pub(crate) const fn f(\n        a: u8,\n    ) {\n        a\n    }\n", 5),
        ("a.rs", "fn f() {}\nfn g() {\n    1\n}\n", 3),
        ("a.c", "static int f(int a,\n             int b) {\n  return a;\n}\n", 4),
        ("a.cs", "        public int F()\n        {\n            return 1;\n        }\n", 4),
        ("a.mjs", "export async function f() {\n  g();\n}\n", 3),
        ("a.lua", "local function f()\n    if g() then\n        h()\n    end\nend\n", 5),
    ];
    for (name, text, expected) in cases {
        let source = Source { name: name.to_owned(), text: text.to_owned() };
        let longest = functions(&source).into_iter().map(|function| function.1).max();
        assert_eq!(longest, Some(expected), "{text}");
    }
    let all = sources();
    for extension in ["rs", "c", "cs", "mjs", "py", "lua"] {
        let of_kind = all.iter().filter(|source| source.extension() == extension);
        let count: usize = of_kind.map(|source| functions(source).len()).sum();
        assert!(count > 5, "only {count} functions in *.{extension}");
    }
}

#[test]
fn no_test_is_switched_off() {
    let mark = concat!("#[ign", "ore");
    for source in sources().iter().filter(|source| source.extension() == "rs") {
        assert!(!source.text.contains(mark), "{} switches a test off", source.name);
    }
}

#[test]
fn every_document_has_one_title() {
    for source in sources().iter().filter(|source| source.extension() == "md") {
        let mut in_code = false;
        let titles = source.text.lines().filter(|line| {
            if line.trim_start().starts_with("```") {
                in_code = !in_code;
            }
            !in_code && line.starts_with("# ")
        });
        assert_eq!(titles.count(), 1, "{} has one title", source.name);
    }
}

#[test]
fn texts_speak_of_the_project_alone() {
    // The words are cut so that this file does not find itself.
    let words = [
        concat!("/wo", "rk/"),
        concat!("sub", "agent"),
        concat!("iss", "ue #"),
        concat!("lorem ", "ipsum"),
        concat!("co-authored", "-by"),
        concat!("language ", "model"),
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X:"),
    ];
    let mut wrong = Vec::new();
    for source in sources() {
        for (number, line) in source.text.lines().enumerate() {
            let lower = line.to_lowercase();
            for word in words {
                let shouted = word.chars().all(|letter| !letter.is_lowercase());
                let found = if shouted && !word.starts_with('/') {
                    line.contains(word)
                } else {
                    lower.contains(word)
                };
                if found {
                    wrong.push(format!("{}:{}: {word:?}", source.name, number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn sources_end_with_one_newline_and_hold_no_tabs_or_trailing_blanks() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| source.is_code()) {
        let ends = source.text.ends_with('\n') && !source.text.ends_with("\n\n");
        if !source.text.is_empty() && !ends {
            wrong.push(format!("{}: ends with exactly one newline", source.name));
        }
        for (number, line) in source.text.lines().enumerate() {
            if line.ends_with([' ', '\t']) || line.contains('\t') {
                wrong.push(format!("{}:{}: a tab or a blank at the end", source.name, number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_source_file_says_what_it_is_for() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| source.name.starts_with("src/")) {
        let of_tests = source.name.ends_with("/tests.rs");
        if !of_tests && !source.text.starts_with("//! ") {
            wrong.push(source.name.clone());
        }
    }
    assert!(wrong.is_empty(), "no module documentation in {}", wrong.join(", "));
}
