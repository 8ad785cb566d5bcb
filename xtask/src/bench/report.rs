//! Results for people and for programs: tables, JSON, the files in `docs/`.

use std::fs;

use serde_json::{Map, Value, json};

use super::Options;
use super::chart;
use super::results::Results;
use super::suite::{Load, Metric, Peer, Role, Suite};
use crate::error::{Context, Error, Result};
use crate::paths::{Project, read};
use crate::shell::Run;
use crate::table::{Align, Table};

/// The document that shows the results.
const DOCUMENT: &str = "docs/PERFORMANCE.md";
/// Where its charts are.
const CHARTS: &str = "docs/performance";

/// The tables of all loads.
pub fn terminal(suite: &Suite, results: &Results) -> Vec<String> {
    let mut lines = Vec::new();
    for load in &suite.loads {
        let mut columns = vec![("peer", Align::Left)];
        columns.extend(heads(suite, load, results).into_iter().map(|head| (head, Align::Right)));
        let mut table = Table::new(&columns);
        for peer in measured(suite, load, results) {
            table.row(cells(suite, load, peer, results));
        }
        lines.extend([String::new(), load.title.clone()]);
        lines.extend(table.lines());
    }
    lines.push(String::new());
    lines.push("(in brackets: the median of the rounds' ratios to the best rival)".to_owned());
    lines
}

/// What to make of results of a machine that had other things to do.
pub fn warning(others: f64) -> String {
    format!(
        "Others took {:.0} % of the machine: processor time per message can be \
         compared, messages per second and times hardly.",
        others * 100.0
    )
}

/// The same for a document.
fn markdown(suite: &Suite, options: &Options, others: Option<f64>, results: &Results) -> String {
    let mut text = format!(
        "Medians of {} rounds on {}; in brackets the median of the rounds' ratios to the best \
         rival.{}\n\n![{}]({}.svg)\n",
        options.rounds,
        machine(),
        others.map(|others| format!(" {}", warning(others))).unwrap_or_default(),
        suite.title,
        CHARTS.trim_start_matches("docs/").to_owned() + "/" + suite.name,
    );
    for load in &suite.loads {
        let heads = heads(suite, load, results);
        text += &format!("\n**{}**\n\n| peer | {} |\n", load.title, heads.join(" | "));
        text += &format!("|---|{}\n", "--:|".repeat(heads.len()));
        for peer in measured(suite, load, results) {
            text += &format!("| {} |\n", cells(suite, load, peer, results).join(" | "));
        }
    }
    text
}

fn measured<'a>(
    suite: &'a Suite,
    load: &'a Load,
    results: &'a Results,
) -> impl Iterator<Item = &'a Peer> {
    suite.peers.iter().filter(|peer| results.samples(load.name, peer.name).len() > 0)
}

/// The headings of a load's table, without that of the names.
fn heads(suite: &Suite, load: &Load, results: &Results) -> Vec<&'static str> {
    let bounded = is_bounded(suite, load, results);
    let columns = load
        .metrics
        .iter()
        .flat_map(|metric| std::iter::once(metric.label).chain(metric.bound.filter(|_| bounded)));
    columns.collect()
}

/// Was the bound measured under this load?
fn is_bounded(suite: &Suite, load: &Load, results: &Results) -> bool {
    measured(suite, load, results).any(|peer| peer.role == Role::Bound)
}

fn cells(suite: &Suite, load: &Load, peer: &Peer, results: &Results) -> Vec<String> {
    let bounded = is_bounded(suite, load, results);
    let mut cells = vec![peer.name.to_owned()];
    for metric in load.metrics {
        cells.push(cell(suite, load, peer, metric, results));
        if bounded && metric.bound.is_some() {
            let ratio = results.of_bound(suite, load, peer.name, metric);
            cells.push(ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}")));
        }
    }
    cells
}

fn cell(suite: &Suite, load: &Load, peer: &Peer, metric: &Metric, results: &Results) -> String {
    let Some(value) = results.median(load.name, peer.name, metric.key) else {
        return "–".to_owned();
    };
    let value = format!("{:.*}", metric.digits, value / metric.unit);
    match results.ratio(suite, load, peer.name, metric) {
        Some(ratio) => format!("{value} ({ratio:.2})"),
        None => value,
    }
}

/// Writes the results to `target/bench/`, and with `--write` into `docs/`.
pub fn write(
    project: &Project,
    suite: &Suite,
    options: &Options,
    others: Option<f64>,
    results: &Results,
) -> Result<()> {
    let out = project.out("bench")?;
    let put = |path: &std::path::Path, text: &str| {
        fs::write(path, text).context(path.display())?;
        println!("wrote {}", project.shown(path));
        Ok(())
    };
    let table = markdown(suite, options, others, results);
    let drawing = chart::draw(suite, results);
    let mut values = json(suite, options, results);
    values["taken_by_others"] = json!(others);
    let values = serde_json::to_string_pretty(&values).context("the results")?;
    put(&out.join(format!("{}.json", suite.name)), &(values + "\n"))?;
    put(&out.join(format!("{}.md", suite.name)), &table)?;
    put(&out.join(format!("{}.svg", suite.name)), &drawing)?;
    if !options.write {
        return Ok(());
    }
    let document = project.file(DOCUMENT)?;
    put(&document, &replace(&read(&document)?, suite.name, &table)?)?;
    fs::create_dir_all(project.path(CHARTS)).context(CHARTS)?;
    put(&project.path(CHARTS).join(format!("{}.svg", suite.name)), &drawing)
}

/// Puts a table between the marks of its benchmark.
fn replace(document: &str, name: &str, table: &str) -> Result<String> {
    let (begin, end) = (format!("<!-- {name}: begin -->"), format!("<!-- {name}: end -->"));
    let missing = || Error::new(format!("{DOCUMENT} has no {begin} … {end}"));
    let (before, rest) = document.split_once(&begin).ok_or_else(missing)?;
    let (_, after) = rest.split_once(&end).ok_or_else(missing)?;
    Ok(format!("{before}{begin}\n{table}{end}{after}"))
}

/// Processor and system, as a reader wants to know them.
fn machine() -> String {
    let file = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let text = file("/proc/cpuinfo");
    let model = text.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split_once(':')).map_or("?", |(_, name)| name.trim());
    let kernel = file("/proc/sys/kernel/osrelease");
    let kernel: Vec<_> = kernel.trim().split('.').take(2).collect();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{cores} cores of an {model}, Linux {}", kernel.join("."))
}

fn json(suite: &Suite, options: &Options, results: &Results) -> Value {
    let mut loads = Map::new();
    for load in &suite.loads {
        let mut peers = Map::new();
        for peer in measured(suite, load, results) {
            let mut metrics = Map::new();
            for metric in load.metrics {
                let median = results.median(load.name, peer.name, metric.key);
                let ratio = results.ratio(suite, load, peer.name, metric);
                metrics.insert(metric.key.to_owned(), json!({"median": median, "ratio": ratio}));
            }
            let samples: Vec<_> = results.samples(load.name, peer.name).collect();
            let role = format!("{:?}", peer.role).to_lowercase();
            let entry = json!({"role": role, "metrics": metrics, "samples": samples});
            peers.insert(peer.name.to_owned(), entry);
        }
        loads.insert(load.name.to_owned(), json!({"title": load.title, "peers": peers}));
    }
    json!({
        "suite": suite.name,
        "machine": machine(),
        "rounds": options.rounds,
        "seconds": options.seconds,
        "commit": commit(),
        "loads": loads,
    })
}

/// What was measured; nothing outside a repository.
fn commit() -> Option<String> {
    let project = Project::find().ok()?;
    let run = Run::new("git").args(["describe", "--always", "--dirty"]).dir(&project.root);
    run.output(&project, "bench-commit").ok().map(|text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_replaces_the_one_between_its_marks() {
        let document = "a\n<!-- udp: begin -->\nold\n<!-- udp: end -->\nb\n";
        let expected = "a\n<!-- udp: begin -->\nnew\n<!-- udp: end -->\nb\n";
        assert_eq!(replace(document, "udp", "new\n").expect("has marks"), expected);
        assert!(replace(document, "websocket", "new\n").is_err());
    }
}
