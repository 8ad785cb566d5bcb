//! Tables as text, and a block of text that stays in one place on a terminal.
//! Knows nothing of what the cells mean.

use std::io::{IsTerminal, Write, stdout};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Without a terminal a block is printed this often at most.
const PLAIN_INTERVAL: Duration = Duration::from_secs(3);
/// Rows and columns of a terminal that does not tell.
const SIZE_DEFAULT: (usize, usize) = (24, 80);

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
    printed: Instant,
}

impl Live {
    /// Nothing drawn yet.
    pub fn new() -> Self {
        Self { terminal: stdout().is_terminal(), drawn: 0, printed: Instant::now() }
    }

    /// Shows the block's new state, which is made for so many lines.
    pub fn show(&mut self, lines: impl FnOnce(usize) -> Vec<String>) {
        let mut out = stdout().lock();
        if self.terminal {
            let (rows, columns) = terminal_size();
            // One line stays for the cursor.
            let lines = lines(rows.saturating_sub(1));
            let text = redraw(self.drawn, &lines, rows, columns);
            // A terminal that is gone shows nothing; the run goes on.
            let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
            self.drawn = lines.len();
        } else if self.printed.elapsed() >= PLAIN_INTERVAL {
            let _ = writeln!(out, "{}", lines(usize::MAX).join("\n"));
            self.printed = Instant::now();
        }
    }
}

/// Rows and columns of the terminal, which may change from one drawing to the next.
fn terminal_size() -> (usize, usize) {
    // `stty` looks at its standard input; asking the terminal ourselves would need unsafe code.
    let output = Command::new("stty").arg("size").stdin(Stdio::inherit()).output();
    let text = output.map(|output| output.stdout).unwrap_or_default();
    parse_size(&String::from_utf8_lossy(&text)).unwrap_or(SIZE_DEFAULT)
}

fn parse_size(text: &str) -> Option<(usize, usize)> {
    let (rows, columns) = text.trim().split_once(' ')?;
    let size = (rows.parse().ok()?, columns.parse().ok()?);
    (size.0 > 0 && size.1 > 0).then_some(size)
}

/// Moves up over the `drawn` lines and writes the new ones over them, none wider than the
/// terminal: a line that wraps would be two when the next drawing moves up.
fn redraw(drawn: usize, lines: &[String], rows: usize, columns: usize) -> String {
    let mut text = String::new();
    let up = drawn.min(rows.saturating_sub(1));
    if up > 0 {
        text += &format!("\x1b[{up}A\r");
    }
    for line in lines.iter().take(rows.saturating_sub(1)) {
        text.extend(line.chars().take(columns.saturating_sub(1)));
        text += "\x1b[K\n";
    }
    text + "\x1b[J"
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
        let drawn = "x\x1b[K\ny\x1b[K\n\x1b[J";
        assert_eq!(redraw(0, &lines, 24, 80), drawn);
        assert_eq!(redraw(3, &lines, 24, 80), format!("\x1b[3A\r{drawn}"));
    }

    #[test]
    fn a_redraw_stays_within_the_terminal() {
        let lines = ["xyz".to_owned(), "y".to_owned()];
        assert_eq!(redraw(9, &lines, 2, 3), "\x1b[1A\rxy\x1b[K\n\x1b[J");
    }

    #[test]
    fn a_terminals_size_is_read_or_assumed() {
        assert_eq!(parse_size("50 132\n"), Some((50, 132)));
        assert_eq!(parse_size("0 0\n"), None);
        assert_eq!(parse_size("stty: not a terminal\n"), None);
    }

    #[test]
    fn bytes_keep_their_digits_until_they_are_many() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(10_239), "10239 B");
        assert_eq!(bytes(10_240), "10 KiB");
        assert_eq!(bytes(50 << 20), "50 MiB");
    }
}
