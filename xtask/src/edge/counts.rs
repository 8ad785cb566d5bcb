//! The table of counts: instructions of user space for each language, carrier and operation, and
//! what a comparison of two tables says.

use std::collections::BTreeSet;

use crate::error::{Context, Error, Result};

/// A count may differ by so many percent before it is news.
const TOLERANCE_PERCENT: u64 = 5;
/// The same where another compiler made the library.
const TOLERANCE_OTHER_COMPILER_PERCENT: u64 = 20;
/// What a call may cost at most: language, carriers (none: all of them), operation, instructions.
const AIMS: &[(&str, &[&str], &str, u64)] = &[
    ("c", &[], "pop-64", 150),
    ("c", UNRELIABLE, "send", 270),
    ("c", &["udp-reliable"], "send", 320),
    ("c", &["udp-session-reliable"], "send", 260),
    ("c", UNRELIABLE, "send-client", 300),
    ("c", UNRELIABLE, "send-text", 280),
    ("c", UNRELIABLE, "send-to-many", 250),
    ("c", UNRELIABLE, "begin-end-send", 440),
    ("c", RELIABLE, "begin-end-send", 560),
    ("c", &[], "beside-pop-8", 110),
    ("c", &[], "beside-pop", 220),
    ("c", UNRELIABLE, "beside-send", 260),
    ("c", RELIABLE, "beside-send", 330),
    ("c", UNRELIABLE, "beside-begin-end", 450),
    ("c", RELIABLE, "beside-begin-end", 540),
];
/// Carriers without a pipeline.
const UNRELIABLE: &[&str] = &["udp", "udp-session", "ipc", "tcp", "websocket-utp", "websocket"];
/// Those with one.
const RELIABLE: &[&str] = &["udp-reliable", "udp-session-reliable"];
/// What to do about a number that has changed.
const HINT: &str = "cargo xtask edge --write writes the new table";
const HEADER: &str = "\
# Instructions of user space for one call, or one event popped: language, carrier, operation, count.
# Written by cargo xtask edge --write; cargo xtask test --only edge-cost compares.
";

/// One number.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Count {
    language: String,
    carrier: String,
    operation: String,
    instructions: u64,
}

impl Count {
    fn key(&self) -> (&str, &str, &str) {
        (&self.language, &self.carrier, &self.operation)
    }

    fn shown(&self) -> String {
        format!("{} {} {}", self.language, self.carrier, self.operation)
    }
}

/// The table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    compiler: String,
    rows: Vec<Count>,
}

impl Counts {
    /// Nothing counted yet.
    pub const fn new(compiler: String) -> Self {
        Self { compiler, rows: Vec::new() }
    }

    /// Takes a dump in: its name is carrier, operation, and how often it was done.
    pub fn add(&mut self, language: &str, name: &str, total: u64) -> Result<()> {
        let words: Vec<_> = name.split(' ').collect();
        let [carrier, operation, times] = words[..] else {
            return Err(Error::new(format!("\"{name}\" is no name of a dump")));
        };
        let times: u64 = times.parse().context(name)?;
        if times == 0 || total == 0 {
            return Err(Error::new(format!("{name}: nothing was counted")));
        }
        self.rows.push(Count {
            language: language.to_owned(),
            carrier: carrier.to_owned(),
            operation: operation.to_owned(),
            instructions: total.div_ceil(times),
        });
        Ok(())
    }

    /// The table as it is committed.
    pub fn text(&self) -> String {
        let mut text = format!("{HEADER}rustc {}\n", self.compiler);
        for row in &self.rows {
            let Count { language, carrier, operation, instructions } = row;
            text += &format!("{language:<2} {carrier:<20} {operation:<18} {instructions:>5}\n");
        }
        text
    }

    /// Reads a table.
    pub fn parse(text: &str) -> Result<Self> {
        let mut counts = Self::new(String::new());
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            match line.split_whitespace().collect::<Vec<_>>()[..] {
                ["rustc", version] => version.clone_into(&mut counts.compiler),
                [language, carrier, operation, instructions] => counts.rows.push(Count {
                    language: language.to_owned(),
                    carrier: carrier.to_owned(),
                    operation: operation.to_owned(),
                    instructions: instructions.parse().context(line)?,
                }),
                _ => return Err(Error::new(format!("\"{line}\" is no row of the table"))),
            }
        }
        Ok(counts)
    }

    /// Compares what was counted with this table. An error names what has become worse, or is
    /// above its aim, and what has become better: what it gained could be lost again unseen while
    /// the table says the old number. With another compiler the lines say what is better, because
    /// the table is not this one's.
    pub fn compare(&self, counted: &Self) -> Result<Vec<String>> {
        let same = self.compiler == counted.compiler;
        let tolerance = if same { TOLERANCE_PERCENT } else { TOLERANCE_OTHER_COMPILER_PERCENT };
        let mut notes = Vec::new();
        if !same {
            let (theirs, ours) = (&self.compiler, &counted.compiler);
            notes.push(format!(
                "the table was counted with rustc {theirs}, this is {ours}: {tolerance} % are let \
                 pass; {HINT}"
            ));
        }
        let mut worse = counted.above_aim();
        let mut better = Vec::new();
        for row in &counted.rows {
            let Some(old) = self.rows.iter().find(|old| old.key() == row.key()) else {
                worse.push(format!("{} is not in the table; {HINT}", row.shown()));
                continue;
            };
            let (was, is) = (old.instructions, row.instructions);
            let text = format!("{}: {is} instructions, {was} in the table", row.shown());
            if is * 100 > was * (100 + tolerance) {
                worse.push(text);
            } else if is * 100 < was * (100 - tolerance) {
                better.push(text);
            }
        }
        for old in &self.rows {
            if !counted.rows.iter().any(|row| row.key() == old.key()) {
                worse.push(format!("{} was not counted; {HINT}", old.shown()));
            }
        }
        if !same {
            notes.extend(better.drain(..).map(|text| format!("better, {text}; {HINT}")));
        }
        let mut news = Vec::new();
        if !worse.is_empty() {
            let list = worse.join("\n");
            news.push(format!(
                "calls cost more than they did (callgrind_annotate of target/edge/dumps says \
                 where); if they must, {HINT}\n{list}"
            ));
        }
        if !better.is_empty() {
            let list = better.join("\n");
            news.push(format!("calls cost less than the table says; {HINT}\n{list}"));
        }
        if news.is_empty() {
            notes.insert(0, format!("{} operations within {tolerance} %", counted.rows.len()));
            return Ok(notes);
        }
        Err(Error::new(news.join("\n")))
    }

    fn above_aim(&self) -> Vec<String> {
        let mut found = Vec::new();
        for row in &self.rows {
            let aim = AIMS.iter().find(|(language, carriers, operation, _)| {
                let carrier = carriers.is_empty() || carriers.contains(&&*row.carrier);
                carrier && (*language, *operation) == (&*row.language, &*row.operation)
            });
            if let Some(&(.., aim)) = aim.filter(|aim| row.instructions > aim.3) {
                let is = row.instructions;
                found.push(format!("{}: {is} instructions, and {aim} is the aim", row.shown()));
            }
        }
        found
    }

    /// The table as a document shows it: a line for each operation, a column for each carrier.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        for (language, title) in [("c", "C"), ("c#", "C# on Mono")] {
            let rows: Vec<_> = self.rows.iter().filter(|row| row.language == language).collect();
            let carriers = distinct(rows.iter().map(|row| &*row.carrier));
            let operations = distinct(rows.iter().map(|row| &*row.operation));
            text += &format!("**{title}**\n\n| call | {} |\n", carriers.join(" | "));
            text += &format!("|---|{}\n", "--:|".repeat(carriers.len()));
            for operation in operations {
                let cells = carriers.iter().map(|carrier| {
                    let key = (language, *carrier, operation);
                    let row = rows.iter().find(|row| row.key() == key);
                    row.map_or_else(|| "–".to_owned(), |row| row.instructions.to_string())
                });
                let cells: Vec<_> = cells.collect();
                text += &format!("| {operation} | {} |\n", cells.join(" | "));
            }
            text.push('\n');
        }
        text
    }
}

/// What a call may cost at most, as a document shows it: a line for each aim.
pub fn aims() -> String {
    let mut text = "| call | carriers | at most |\n|---|---|--:|\n".to_owned();
    for (language, carriers, operation, most) in AIMS {
        let carriers = if carriers.is_empty() { "all".to_owned() } else { carriers.join(", ") };
        let language = language.to_uppercase();
        text += &format!("| `{operation}` in {language} | {carriers} | {most} |\n");
    }
    text
}

/// Each name once, in the order in which they come.
fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = BTreeSet::new();
    names.filter(|name| seen.insert(*name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(pop: u64, send: u64) -> Counts {
        let mut counts = Counts::new("1.95.0".to_owned());
        counts.add("c", "udp pop-64 64", pop * 64).expect("is a name");
        counts.add("c", "udp send 64", send * 64).expect("is a name");
        counts
    }

    #[test]
    fn a_table_is_read_as_it_was_written() {
        let table = table(100, 200);
        assert_eq!(Counts::parse(&table.text()).expect("is a table"), table);
        assert!(Counts::parse("c udp pop\n").is_err());
    }

    #[test]
    fn a_dump_without_a_count_is_an_error() {
        let mut counts = Counts::new(String::new());
        assert!(counts.add("c", "udp pop 0", 1).is_err());
        assert!(counts.add("c", "udp pop 64", 0).is_err());
        assert!(counts.add("c", "udp 64", 1).is_err());
    }

    #[test]
    fn more_than_five_percent_fail_whether_it_is_more_or_less() {
        let old = table(100, 200);
        assert_eq!(old.compare(&table(105, 190)).expect("is near").len(), 1);
        let worse = old.compare(&table(106, 200)).expect_err("is worse").to_string();
        assert!(worse.starts_with("calls cost more"), "{worse}");
        assert!(worse.contains("c udp pop-64: 106 instructions, 100 in the table"), "{worse}");
        let better = old.compare(&table(94, 200)).expect_err("is better").to_string();
        assert!(better.starts_with("calls cost less"), "{better}");
        assert!(better.contains("c udp pop-64: 94 instructions, 100 in the table"), "{better}");
        let both = old.compare(&table(94, 211)).expect_err("is both").to_string();
        assert!(both.starts_with("calls cost more") && both.contains("calls cost less"), "{both}");
    }

    #[test]
    fn what_is_missing_on_either_side_fails() {
        let whole = table(100, 200);
        let half = Counts { rows: whole.rows[..1].to_vec(), ..whole.clone() };
        assert!(whole.compare(&half).is_err());
        assert!(half.compare(&whole).is_err());
    }

    #[test]
    fn another_compiler_is_told_and_gets_more_room() {
        let old = table(100, 200);
        let other = Counts { compiler: "1.96.0".to_owned(), ..table(115, 200) };
        assert!(old.compare(&other).expect("is near")[1].contains("1.96.0"));
        let other = Counts { compiler: "1.96.0".to_owned(), ..table(121, 200) };
        assert!(old.compare(&other).is_err());
        let other = Counts { compiler: "1.96.0".to_owned(), ..table(79, 200) };
        let better = old.compare(&other).expect("is better, with another compiler");
        assert!(better[2].starts_with("better, c udp pop-64: 79"), "{better:?}");
    }

    #[test]
    fn what_is_above_its_aim_fails_even_where_the_table_allows_it() {
        let mut far = table(151, 301);
        far.add("c", "udp-reliable send-text 64", 400 * 64).expect("is a name");
        let text = far.compare(&far).expect_err("is above").to_string();
        assert!(text.contains("udp pop-64: 151 instructions, and 150 is the aim"), "{text}");
        assert!(text.contains("udp send: 301 instructions, and 270 is the aim"), "{text}");
        assert!(!text.contains("udp-reliable"), "{text}");
    }

    #[test]
    fn the_committed_table_is_within_every_aim_and_has_a_call_for_each() {
        let text = include_str!("../../../tests/edge/instructions.txt");
        let committed = Counts::parse(text).expect("is a table");
        assert_eq!(committed.text(), text);
        assert_eq!(committed.above_aim(), Vec::<String>::new());
        for (language, carriers, operation, _) in AIMS {
            let of_this = |row: &&Count| row.language == *language && row.operation == *operation;
            let mut rows = committed.rows.iter().filter(of_this);
            let aimed = |row: &Count| carriers.is_empty() || carriers.contains(&&*row.carrier);
            assert!(rows.any(aimed), "{language} {operation} is never counted");
        }
    }

    #[test]
    fn the_document_names_every_aim() {
        let text = aims();
        assert_eq!(text.lines().count(), 2 + AIMS.len());
        assert!(text.contains("| `pop-64` in C | all | 150 |\n"), "{text}");
        assert!(text.contains("| `send` in C | udp-session-reliable | 260 |\n"), "{text}");
    }

    #[test]
    fn the_document_has_a_column_for_each_carrier() {
        let mut counts = table(100, 200);
        counts.add("c", "ipc send 64", 6400).expect("is a name");
        let text = counts.markdown();
        assert!(text.contains("| call | udp | ipc |\n|---|--:|--:|\n"), "{text}");
        assert!(text.contains("| pop-64 | 100 | – |\n| send | 200 | 100 |\n"), "{text}");
    }
}
