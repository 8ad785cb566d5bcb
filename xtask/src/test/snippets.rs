//! The programs in the documents are programs: each is compiled as the project's own are.
//! Compiles only; a document's program may run until somebody stops it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::build::{self, CsharpProgram, Link};
use crate::error::{Context, Error, Result};
use crate::install::{self, Need};
use crate::paths::{Project, read};

/// The document in which every language must have a program.
const README: &str = "README.md";
/// Where the header's own program begins.
const HEADER_PROGRAM: &str = "A COMPLETE CLIENT";

/// A language of programs in documents.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Language {
    C,
    Csharp,
    Rust,
}

const LANGUAGES: &[Language] = &[Language::C, Language::Csharp, Language::Rust];

impl Language {
    /// What stands after the fence, which is the files' extension too.
    fn extension(self) -> &'static str {
        match self {
            Self::C => "c",
            Self::Csharp => "cs",
            Self::Rust => "rust",
        }
    }

    /// What only a whole program holds.
    fn mark(self) -> &'static str {
        match self {
            Self::C => "int main(",
            Self::Csharp => " Main(",
            Self::Rust => "fn main(",
        }
    }
}

/// Compiles every program of the documents and of the header; returns how many there are.
pub fn compile(project: &Project, documents: &[PathBuf]) -> Result<usize> {
    let mut found = Vec::new();
    for document in documents {
        let programs = programs(&read(&project.root.join(document))?);
        if document == Path::new(README) {
            for language in LANGUAGES {
                if !programs.iter().any(|(of, _)| of == language) {
                    let name = language.extension();
                    return Err(Error::new(format!("{README} has no program in {name}")));
                }
            }
        }
        let stem = document.display().to_string().replace(['/', '.', '-'], "_");
        let named = programs.into_iter().enumerate();
        found.extend(named.map(|(at, (of, text))| (format!("{stem}_{}", at + 1), of, text)));
    }
    let header = read(&project.file("include/netdriver.h")?)?;
    let program = header_program(&header);
    let program = program.ok_or_else(|| Error::new("the header's client is gone"))?;
    found.push(("header".to_owned(), Language::C, program));
    let folder = project.out("snippets")?;
    let library = build::test_library(project)?;
    if found.iter().any(|(_, of, _)| *of == Language::Csharp) {
        install::require(project, &[Need::Mono])?;
    }
    for (name, language, text) in &found {
        compile_one(project, &folder, &library, name, *language, text).context(name)?;
    }
    Ok(found.len())
}

fn compile_one(
    project: &Project,
    folder: &Path,
    library: &Path,
    name: &str,
    language: Language,
    text: &str,
) -> Result<()> {
    let source = folder.join(name).with_extension(language.extension());
    fs::write(&source, text).context(source.display())?;
    match language {
        Language::C => {
            let rpath = library.display().to_string();
            let link = Link::Shared(library, &rpath);
            build::compile_c(project, &source, &folder.join(name), &["-O1"], &link)
        }
        Language::Csharp => {
            let program = CsharpProgram { name: name.to_owned(), sources: vec![source] };
            build::csharp_program(project, &program, folder).map(|_| ())
        }
        Language::Rust => {
            let program = folder.join(name);
            build::compile_rust(project, "debug", &source, &program, &["--emit", "metadata"])
        }
    }
}

/// The fenced blocks of a document that are whole programs.
fn programs(text: &str) -> Vec<(Language, String)> {
    let mut found = Vec::new();
    let mut open: Option<(Option<Language>, String)> = None;
    for line in text.lines() {
        let fence = line.strip_prefix("```");
        match (&mut open, fence) {
            (None, Some(name)) => {
                let known = LANGUAGES.iter().find(|language| language.extension() == name.trim());
                open = Some((known.copied(), String::new()));
            }
            (Some(_), Some(_)) => {
                if let Some((Some(language), code)) = open.take()
                    && code.contains(language.mark())
                {
                    found.push((language, code));
                }
            }
            (Some((_, code)), None) => {
                code.push_str(line);
                code.push('\n');
            }
            (None, None) => {}
        }
    }
    found
}

/// The program in the header's first comment.
fn header_program(header: &str) -> Option<String> {
    let (_, rest) = header.split_once(HEADER_PROGRAM)?;
    let lines = rest.lines().skip(1).map(|line| line.trim_start().strip_prefix('*'));
    let code = lines.map_while(|line| line.filter(|line| !line.trim().is_empty()));
    let program: String = code.map(|line| format!("{line}\n")).collect();
    program.contains(Language::C.mark()).then_some(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_programs_are_found_and_pieces_are_not() {
        let text = "# x\n```c\nint main(void) {\n}\n```\n```c\nint piece;\n```\n```sh\nint main()\n\
                    ```\n```cs\nstatic void Main()\n```\n```\nfn main()\n```\nint main(void)\n";
        let found = programs(text);
        assert_eq!(
            found,
            [
                (Language::C, "int main(void) {\n}\n".to_owned()),
                (Language::Csharp, "static void Main()\n".to_owned())
            ]
        );
    }

    #[test]
    fn the_headers_program_ends_at_the_first_empty_line() {
        let header =
            "/* x\n *\n * A COMPLETE CLIENT\n *   int main(void) {\n *   }\n *\n * End. */\n";
        let program = header_program(header).expect("there");
        assert_eq!(program, "   int main(void) {\n   }\n");
        assert_eq!(header_program("/* A COMPLETE CLIENT\n *\n */"), None);
        assert_eq!(header_program("nothing"), None);
    }
}
