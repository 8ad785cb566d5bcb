//! What a benchmark is: peers, loads, and what is measured. Data only.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What one trial measured, by key.
pub type Sample = BTreeMap<String, f64>;

/// A benchmark.
pub struct Suite {
    /// Its name on the command line and in file names.
    pub name: &'static str,
    /// The chart's heading.
    pub title: &'static str,
    /// Who takes part, in the order of the tables.
    pub peers: Vec<Peer>,
    /// What they do, in the order of the tables.
    pub loads: Vec<Load>,
    /// The program that plays a bad network, if loads want one.
    pub network: Option<PathBuf>,
}

/// What a peer is to the comparison.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// netdriver.
    Ours,
    /// What people would use instead: ratios are to the best of these.
    Rival,
    /// Not a library but a bound: system calls and nothing else.
    Bound,
}

/// A server and a client of its kind.
pub struct Peer {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub role: Role,
    /// The program that serves, with what it needs in front of the load's arguments.
    pub server: Program,
    /// The program that makes the load.
    pub client: Program,
    /// The loads that it cannot take, by the beginning of their names.
    pub without: &'static [&'static str],
}

impl Peer {
    /// Can it take the load?
    pub fn takes(&self, load: &Load) -> bool {
        !self.without.iter().any(|beginning| load.name.starts_with(beginning))
    }
}

/// A program and its fixed part.
#[derive(Clone)]
pub struct Program {
    /// The file.
    pub path: PathBuf,
    /// Arguments in front of the load's.
    pub args: Vec<String>,
    /// Variables that tell it where things are.
    pub env: Vec<(&'static str, PathBuf)>,
}

impl Program {
    /// A program without arguments of its own.
    pub const fn new(path: PathBuf) -> Self {
        Self { path, args: Vec::new(), env: Vec::new() }
    }

    /// The same with these arguments too.
    pub fn with(&self, args: &[&str]) -> Self {
        let mut program = self.clone();
        program.args.extend(args.iter().map(|&word| word.to_owned()));
        program
    }

    /// The same, finding libraries in this folder before it looks beside itself.
    pub fn with_libraries(&self, folder: &Path) -> Self {
        let mut program = self.clone();
        program.env.push(("LD_LIBRARY_PATH", folder.to_path_buf()));
        program
    }
}

/// Whose result ends a trial.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// The client ends by itself; the server has measured its own part.
    Client,
    /// The client ends by itself and has measured the server's process too, whose number it gets.
    /// The server knows nothing of it and is ended.
    ClientAlone,
    /// The client is told to end once the server has its result.
    Server,
}

/// A bad network between client and server.
#[derive(Clone, Copy, Debug)]
pub struct Network {
    /// Each way.
    pub delay_ms: u32,
    /// Percent of the datagrams, each way.
    pub loss: u32,
}

/// What the peers do.
pub struct Load {
    /// Its name on the command line.
    pub name: &'static str,
    /// The heading of its table.
    pub title: String,
    /// The server's arguments.
    pub server: Vec<String>,
    /// The client's; the server's port comes behind them.
    pub client: Vec<String>,
    /// Seconds that are measured.
    pub seconds: f64,
    /// Whose result ends it.
    pub ending: Ending,
    /// What lies between the sides, if anything.
    pub network: Option<Network>,
    /// All peers at once: for loads that leave the machine idle.
    pub together: bool,
    /// Nothing may be lost and everything is in order.
    pub reliable: bool,
    /// Bytes of messages per second, where the rate is fixed.
    pub payload_per_s: f64,
    /// The columns of its table; the chart shows the one marked.
    pub metrics: &'static [Metric],
}

#[cfg(test)]
impl Load {
    /// One that is called "x", for a second and without a network.
    pub fn nothing() -> Self {
        Self {
            name: "x",
            title: "x".to_owned(),
            server: Vec::new(),
            client: Vec::new(),
            seconds: 1.0,
            ending: Ending::Client,
            network: None,
            together: false,
            reliable: false,
            payload_per_s: 0.0,
            metrics: &[],
        }
    }
}

/// Which way is better.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Better {
    /// More.
    More,
    /// Less.
    Less,
}

/// A column.
#[derive(Clone, Copy)]
pub struct Metric {
    /// The key in a sample.
    pub key: &'static str,
    /// The heading.
    pub label: &'static str,
    /// What one unit of the column is in units of the sample.
    pub unit: f64,
    /// Digits behind the point.
    pub digits: usize,
    /// Which way is better.
    pub better: Better,
    /// In the chart.
    pub charted: bool,
    /// The heading of a column with the ratio to the bound, where a load has one.
    pub bound: Option<&'static str>,
}

impl Metric {
    /// A column that is in no chart and is compared with no bound.
    pub const fn new(
        key: &'static str,
        label: &'static str,
        unit: f64,
        digits: usize,
        better: Better,
    ) -> Self {
        Self { key, label, unit, digits, better, charted: false, bound: None }
    }

    /// The same in the chart.
    pub const fn charted(self) -> Self {
        Self { charted: true, ..self }
    }

    /// The same beside the bound that is called `bare`.
    pub const fn of_bare(self) -> Self {
        Self { bound: Some("of bare"), ..self }
    }
}

/// Options with numbers, as words of a command line.
pub fn words(list: &[(&str, f64)]) -> Vec<String> {
    list.iter().flat_map(|(name, value)| [(*name).to_owned(), value.to_string()]).collect()
}
