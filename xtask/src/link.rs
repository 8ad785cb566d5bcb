//! The line that links a C program against the static library, as the compiler itself tells it.

use crate::build::{self, static_library};
use crate::cli::Args;
use crate::error::{Error, Result};
use crate::paths::Project;

const NOTE: &str = "native-static-libs:";

/// `cargo xtask link-line`.
pub fn command(project: &Project, _: &Args) -> Result<()> {
    println!("cc -I include PROGRAM.c {}", arguments(project)?.join(" "));
    Ok(())
}

/// The library and the native libraries it needs, in linking order.
pub fn arguments(project: &Project) -> Result<Vec<String>> {
    let libraries = native_libraries(&build::release_notes(project)?)?;
    let archive = project.shown(&static_library(project));
    Ok(std::iter::once(archive).chain(libraries).collect())
}

/// The libraries in rustc's note, each one once, at its last place: there it serves all that
/// stand before it.
pub fn native_libraries(text: &str) -> Result<Vec<String>> {
    let list = text.lines().find_map(|line| line.split_once(NOTE));
    let (_, list) =
        list.ok_or_else(|| Error::new(format!("rustc printed no line with \"{NOTE}\"")))?;
    let words: Vec<_> = list.split_whitespace().collect();
    let last = |(at, word): &(usize, &&str)| !words[at + 1..].contains(word);
    Ok(words.iter().enumerate().filter(last).map(|(_, word)| (*word).to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::native_libraries;

    #[test]
    fn reads_the_note_and_names_each_library_once() {
        let text = "   Compiling x\nnote: link against\n\n\
                    note: native-static-libs: -lgcc_s -lutil -lc -lm -lc\n";
        let expected = ["-lgcc_s", "-lutil", "-lm", "-lc"].map(str::to_owned);
        assert_eq!(native_libraries(text).expect("a note"), expected);
    }

    #[test]
    fn no_note_is_not_an_empty_list() {
        assert!(native_libraries("Finished\n").is_err());
        assert!(native_libraries("note: native-static-libs:\n").expect("a note").is_empty());
    }
}
