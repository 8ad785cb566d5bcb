//! `cargo xtask edge`: what calls through C and through C# cost in instructions, counted by
//! callgrind and compared with a committed table. The counts are the same on every run, whatever
//! else the machine does.
//!
//! | module | what |
//! |---|---|
//! | `count` | builds and runs the programs of `tests/edge`, and reads callgrind's dumps |
//! | `allocations` | runs the program that counts allocations |
//! | `lines` | sees that two threads, each past its first call, share no cache line they write |
//! | `scale` | ten thousand connections on one driver: the step and the benchmark |
//! | `counts` | the table: its file, what a comparison says, how the document shows it |

mod allocations;
mod count;
mod counts;
pub mod lines;
pub mod scale;

use std::fs;

use crate::cli::{Args, Flag};
use crate::error::{Context, Error, Result};
use crate::install::{self, Need};
use crate::paths::{Project, read};
use crate::test::Outcome;

pub use allocations::check as allocations;
use counts::Counts;

/// The committed table.
const TABLE: &str = "tests/edge/instructions.txt";
/// The document that shows it.
const DOCUMENT: &str = "docs/PERFORMANCE.md";

/// What the programs need.
pub const NEEDS: &[Need] = &[Need::C, Need::Valgrind, Need::Mono];

/// The flags of the command.
pub const FLAGS: &[Flag] =
    &[Flag::switch("--write", "write the table, and show it in docs/PERFORMANCE.md")];

/// `cargo xtask edge [--write]`.
pub fn command(project: &Project, args: &Args) -> Result<()> {
    install::require(project, NEEDS)?;
    let counted = count::run(project)?;
    println!("{}", counted.markdown().trim_end());
    if args.has("--write") {
        let path = project.path(TABLE);
        fs::write(&path, counted.text()).context(path.display())?;
        let document = project.file(DOCUMENT)?;
        let shown = show(&read(&document)?, &counted)?;
        fs::write(&document, shown).context(document.display())?;
        println!("wrote {TABLE} and {DOCUMENT}");
        return Ok(());
    }
    for line in compare(project, &counted)? {
        println!("{line}");
    }
    Ok(())
}

/// The step of the ladder.
pub fn check(project: &Project) -> Result<Outcome> {
    let counted = count::run(project)?;
    Ok(Outcome::Passed(compare(project, &counted)?))
}

fn compare(project: &Project, counted: &Counts) -> Result<Vec<String>> {
    let table = Counts::parse(&read(&project.file(TABLE)?)?).context(TABLE)?;
    let document = read(&project.file(DOCUMENT)?)?;
    if show(&document, &table)? != document {
        return Err(Error::new(format!(
            "{DOCUMENT} does not show what is in {TABLE}, or not the aims; cargo xtask edge \
             --write puts both there"
        )));
    }
    table.compare(counted)
}

/// The document with the table and the aims between their marks.
fn show(document: &str, table: &Counts) -> Result<String> {
    between(&between(document, "edge", &table.markdown())?, "aims", &counts::aims())
}

/// The document with a text between the marks of a name.
fn between(document: &str, name: &str, text: &str) -> Result<String> {
    let (begin, end) = (format!("<!-- {name}: begin -->\n"), format!("<!-- {name}: end -->"));
    let missing = || Error::new(format!("{DOCUMENT} has no {} … {end}", begin.trim_end()));
    let (before, rest) = document.split_once(&begin).ok_or_else(missing)?;
    let (_, after) = rest.split_once(&end).ok_or_else(missing)?;
    Ok(format!("{before}{begin}{text}{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOWN: &str = include_str!("../../../docs/PERFORMANCE.md");
    const COMMITTED: &str = include_str!("../../../tests/edge/instructions.txt");

    #[test]
    fn the_document_shows_the_committed_table_and_the_aims() {
        let table = Counts::parse(COMMITTED).expect("is a table");
        let shown = show(SHOWN, &table).expect("has the marks");
        assert!(shown == SHOWN, "{DOCUMENT} is another one: cargo xtask edge --write");
    }

    #[test]
    fn what_is_between_the_marks_is_replaced_and_a_mark_that_is_missing_is_named() {
        let text = "a\n<!-- x: begin -->\nold\n<!-- x: end -->\nb\n";
        let new = between(text, "x", "new\n").expect("has the marks");
        assert_eq!(new, "a\n<!-- x: begin -->\nnew\n<!-- x: end -->\nb\n");
        let error = between(text, "y", "").expect_err("has no such marks").to_string();
        assert!(error.contains("<!-- y: begin -->"), "{error}");
    }
}
