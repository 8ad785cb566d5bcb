//! The chart: a row for each load, a dot for each peer, at its ratio to the best rival.
//!
//! The axis is logarithmic and left is better, whatever a metric counts.

use std::fmt::Write;

use super::results::Results;
use super::suite::{Better, Load, Metric, Role, Suite};

const ROW: f64 = 30.0;
const TOP: f64 = 78.0;
const BOTTOM: f64 = 44.0;
const LABELS: f64 = 300.0;
const PLOT: f64 = 520.0;
const WIDTH: f64 = LABELS + PLOT + 30.0;
/// Ratios with a line and a number.
const LINES: &[f64] = &[0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];
/// What the axis shows at least.
const AXIS_MIN: (f64, f64) = (0.5, 4.0);
/// One colour for each peer, ours first; all can be told apart by people who see no red or green.
const COLOURS: &[&str] =
    &["#d55e00", "#e69f00", "#666666", "#0072b2", "#009e73", "#cc79a7", "#56b4e9", "#b8a800"];

/// A row of the chart.
struct Row {
    label: String,
    /// Peer number and how many times the best rival's cost it has.
    dots: Vec<(usize, f64)>,
}

/// Draws what the suite's charted metrics came to.
pub fn draw(suite: &Suite, results: &Results) -> String {
    let rows: Vec<_> = suite
        .loads
        .iter()
        .flat_map(|load| load.metrics.iter().map(move |metric| (load, metric)))
        .filter(|(_, metric)| metric.charted)
        .map(|(load, metric)| row(suite, load, metric, results))
        .filter(|row| !row.dots.is_empty())
        .collect();
    let costs = rows.iter().flat_map(|row| row.dots.iter().map(|(_, cost)| *cost));
    let (low, high) = costs.fold(AXIS_MIN, |(low, high), cost| (low.min(cost), high.max(cost)));
    let axis = Axis { low: low.ln(), high: (high * 1.1).ln() };
    let height = TOP + rows.len() as f64 * ROW + BOTTOM;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"system-ui,sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"16\" y=\"26\" font-size=\"16\" font-weight=\"600\">{}</text>\n",
        escape(suite.title)
    );
    legend(&mut svg, suite);
    grid(&mut svg, &axis, height);
    for (number, row) in rows.iter().enumerate() {
        draw_row(&mut svg, &axis, row, TOP + (number as f64 + 0.5) * ROW);
    }
    svg + "</svg>\n"
}

struct Axis {
    low: f64,
    high: f64,
}

impl Axis {
    fn x(&self, cost: f64) -> f64 {
        LABELS + PLOT * (cost.ln() - self.low) / (self.high - self.low)
    }

    fn shows(&self, cost: f64) -> bool {
        (self.low..=self.high).contains(&cost.ln())
    }
}

fn row(suite: &Suite, load: &Load, metric: &Metric, results: &Results) -> Row {
    let cost = |(number, name): (usize, &'static str)| {
        let ratio = results.ratio(suite, load, name, metric).filter(|ratio| *ratio > 0.0)?;
        Some((number, if metric.better == Better::More { 1.0 / ratio } else { ratio }))
    };
    let names = suite.peers.iter().map(|peer| peer.name).enumerate();
    Row {
        label: format!("{}: {}", load.name, metric.label),
        dots: names.filter_map(cost).collect(),
    }
}

fn legend(svg: &mut String, suite: &Suite) {
    let mut x = 16.0;
    for (number, peer) in suite.peers.iter().enumerate() {
        let weight = if peer.role == Role::Ours { 600 } else { 400 };
        let _ = writeln!(
            svg,
            "<circle cx=\"{}\" cy=\"48\" r=\"6\" fill=\"{}\"/><text x=\"{}\" y=\"52\" \
             font-weight=\"{weight}\">{}</text>",
            x + 6.0,
            colour(number),
            x + 17.0,
            escape(peer.name)
        );
        x += 36.0 + 8.0 * peer.name.len() as f64;
    }
}

fn grid(svg: &mut String, axis: &Axis, height: f64) {
    let end = height - BOTTOM;
    for &line in LINES.iter().filter(|&&line| axis.shows(line)) {
        let (x, stroke) = (axis.x(line), if line == 1.0 { "#555" } else { "#ddd" });
        let _ = writeln!(
            svg,
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{}\" y2=\"{end}\" stroke=\"{stroke}\"/><text \
             x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\" fill=\"#555\">{line}</text>",
            TOP - 6.0,
            end + 16.0
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\" fill=\"#555\">times the best rival's \
         (left is better)</text>",
        LABELS + PLOT / 2.0,
        end + 34.0
    );
}

fn draw_row(svg: &mut String, axis: &Axis, row: &Row, y: f64) {
    let _ = writeln!(
        svg,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text><line x1=\"{LABELS}\" x2=\"{}\" \
         y1=\"{y}\" y2=\"{y}\" stroke=\"#eee\"/>",
        LABELS - 12.0,
        y + 4.0,
        escape(&row.label),
        LABELS + PLOT
    );
    // Ours last, so that they are on top.
    for (number, cost) in row.dots.iter().rev() {
        let _ = writeln!(
            svg,
            "<circle cx=\"{:.1}\" cy=\"{y}\" r=\"6\" fill=\"{}\" fill-opacity=\"0.9\"/>",
            axis.x(*cost),
            colour(*number)
        );
    }
}

fn colour(number: usize) -> &'static str {
    COLOURS[number % COLOURS.len()]
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_rival_stands_at_one_and_half_of_it_to_the_left() {
        let axis = Axis { low: 0.25_f64.ln(), high: 4.0_f64.ln() };
        assert!((axis.x(1.0) - (LABELS + PLOT / 2.0)).abs() < 0.01);
        assert!(axis.x(0.5) < axis.x(1.0));
        assert!(axis.shows(2.0) && !axis.shows(8.0));
    }
}
