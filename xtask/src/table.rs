//! Tables as text, and a block of text that stays in one place on a terminal.
//! Knows nothing of what the cells mean.

use std::io::{IsTerminal, Write, stdout};
use std::time::{Duration, Instant};

/// Without a terminal a block is printed this often at most.
const PLAIN_INTERVAL: Duration = Duration::from_secs(5);

/// On which side of its column a cell stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A table with a head; columns are as wide as their widest cell.
pub struct Table {
    columns: Vec<(&'static str, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table with these columns.
    pub fn new(columns: &[(&'static str, Align)]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row; missing cells stay empty.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table as lines without an end.
    pub fn lines(&self) -> Vec<String> {
        let head: Vec<_> = self.columns.iter().map(|(name, _)| (*name).to_owned()).collect();
        let rows = || std::iter::once(&head).chain(&self.rows);
        let width = |column: usize| {
            rows().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
        };
        let widths: Vec<_> =
            (0..self.columns.len()).map(|column| width(column).unwrap_or(0)).collect();
        rows().map(|row| self.line(row, &widths)).collect()
    }

    fn line(&self, row: &[String], widths: &[usize]) -> String {
        let mut line = String::new();
        for (column, ((_, align), width)) in self.columns.iter().zip(widths).enumerate() {
            let cell = row.get(column).map_or("", String::as_str);
            let padded = match align {
                Align::Left => format!("{cell:<width$}"),
                Align::Right => format!("{cell:>width$}"),
            };
            line += "  ";
            line += &padded;
        }
        line.trim_end().to_owned()
    }
}

/// A block that is drawn over its last drawing on a terminal, and printed now and then elsewhere.
pub struct Live {
    terminal: bool,
    drawn: usize,
    printed: Option<Instant>,
}

impl Live {
    /// Nothing drawn yet.
    pub fn new() -> Self {
        Self { terminal: stdout().is_terminal(), drawn: 0, printed: None }
    }

    /// Shows the block's new state.
    pub fn show(&mut self, lines: &[String]) {
        let mut out = stdout().lock();
        if self.terminal {
            let text = redraw(self.drawn, lines);
            // A terminal that is gone shows nothing; the run goes on.
            let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
            self.drawn = lines.len();
        } else if self.printed.is_none_or(|time| time.elapsed() >= PLAIN_INTERVAL) {
            let _ = writeln!(out, "{}", lines.join("\n"));
            self.printed = Some(Instant::now());
        }
    }
}

/// Moves up over the `drawn` lines, clears them and writes the new ones.
fn redraw(drawn: usize, lines: &[String]) -> String {
    let mut text = String::new();
    if drawn > 0 {
        text += &format!("\x1b[{drawn}A\x1b[J");
    }
    for line in lines {
        text += line;
        text += "\n";
    }
    text
}

/// Bytes for a person: three digits at least, in powers of 1024.
pub fn bytes(count: u64) -> String {
    const UNITS: &[&str] = &["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = count;
    let mut unit = 0;
    while value >= 10_240 && unit + 1 < UNITS.len() {
        value /= 1024;
        unit += 1;
    }
    format!("{value} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&[("name", Align::Left), ("n", Align::Right)]);
        table.row(["a".to_owned(), "100".to_owned()]);
        table.row(["longer".to_owned(), "7".to_owned()]);
        table.row(["é".to_owned()]);
        assert_eq!(table.lines(), ["  name      n", "  a       100", "  longer    7", "  é"]);
    }

    #[test]
    fn a_redraw_covers_exactly_the_lines_drawn_before() {
        let lines = ["x".to_owned(), "y".to_owned()];
        assert_eq!(redraw(0, &lines), "x\ny\n");
        assert_eq!(redraw(2, &lines), "\x1b[2A\x1b[Jx\ny\n");
    }

    #[test]
    fn bytes_keep_their_digits_until_they_are_many() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(10_239), "10239 B");
        assert_eq!(bytes(10_240), "10 KiB");
        assert_eq!(bytes(50 << 20), "50 MiB");
    }
}
