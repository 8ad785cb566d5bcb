//! The table of steps, in the order in which they run: quick ones first, the demo near the end.

use super::{Outcome, abi, docs, native, peers, rust};
use crate::bindgen;
use crate::conformance;
use crate::demo;
use crate::edge;
use crate::error::Result;
use crate::fuzz;
use crate::install::{self, Need};
use crate::paths::Project;

/// How long each fuzz target runs in a test run, in seconds.
const FUZZ_SECONDS: u64 = 8;
/// How long the demo runs in a test run, in seconds.
const DEMO_SECONDS: u64 = 10;
/// How long the demo without a browser runs after that, in seconds.
const FALLBACK_SECONDS: u64 = 3;

/// One step of the ladder.
pub struct Step {
    /// Its name on the command line and in the summary.
    pub name: &'static str,
    /// One line for `--list`.
    pub about: &'static str,
    /// Without one of these it fails, or is skipped where the tool is optional.
    pub needs: &'static [Need],
    /// Optional tools that it uses when they are there.
    pub wishes: &'static [Need],
    /// The work.
    pub run: fn(&Project) -> Result<Outcome>,
}

const fn step(
    name: &'static str,
    about: &'static str,
    needs: &'static [Need],
    run: fn(&Project) -> Result<Outcome>,
) -> Step {
    Step { name, about, needs, wishes: &[], run }
}

/// Every step.
pub const STEPS: &[Step] = &[
    step("fmt", "the sources are formatted", &[Need::Rustfmt], rust::format),
    step("clippy", "no lint speaks up", &[Need::Clippy], rust::lint),
    step("bindgen", "committed bindings are the generated ones", &[], bindings),
    step("rust", "unit, property, simulation and integration tests", &[], rust::test),
    step("doc", "documentation builds without a warning, its examples run", &[], rust::document),
    step(
        "header",
        "the header compiles alone in C and C++ and describes all",
        &[Need::Cxx],
        abi::header,
    ),
    step("symbols", "header = exported symbols = C# entry points", &[], abi::symbols),
    step("layout", "C and C# agree on every struct", &[Need::Mono], abi::layout),
    step("link", "shared and static library link and run", &[], native::link),
    step("c-asan", "the C tests under the address sanitizer", &[], native::sanitized),
    step("c-valgrind", "the C tests under Valgrind", &[Need::Valgrind], native::valgrind),
    step(
        "edge-cost",
        "what calls cost in instructions, beside the table",
        edge::NEEDS,
        edge::check,
    ),
    step("scale", "ten thousand connections on one driver", edge::scale::NEEDS, edge::scale::check),
    step(
        "allocations",
        "a million echoes over each interface allocate nothing",
        &[],
        edge::allocations,
    ),
    step("csharp", "the C# tests on Mono", &[Need::Mono], native::csharp),
    step("scenarios", "one script, three languages, one log", &[Need::Mono], native::scenarios),
    step(
        "foreign",
        "Python's websockets, Node's ws and a second UTP as peers",
        &[Need::Mono, Need::Node, Need::Python],
        peers::foreign,
    ),
    step(
        "wireshark",
        "the dissector on written and on recorded captures",
        &[Need::Mono, Need::Python, Need::Tshark],
        peers::wireshark,
    ),
    step(
        "nginx",
        "wss at nginx, ws behind, and the client's own address",
        &[Need::Mono, Need::Python, Need::Nginx],
        peers::nginx,
    ),
    step(
        "proxies",
        "a client behind tinyproxy and microsocks, and redirects",
        &[Need::Mono, Need::Python, Need::Proxies],
        peers::proxies,
    ),
    step(
        "browser",
        "a browser's console against the echo server",
        &[Need::Mono, Need::Node, Need::Chromium],
        peers::browser,
    ),
    step(
        "chat",
        "a chat between pages in a browser and a C# program",
        &[Need::Mono, Need::Node, Need::Chromium],
        peers::chat,
    ),
    step(
        "conformance",
        "the Autobahn cases but the slow ones with compression",
        &[Need::Mono, Need::Python],
        conform,
    ),
    step(
        "conformance-all",
        "every Autobahn case, for minutes",
        &[Need::Mono, Need::Python],
        conform_wholly,
    ),
    step("fuzz", "every parser for a few seconds", &[Need::Cxx], fuzzing),
    Step {
        name: "demo",
        about: "the demo with every kind of client",
        needs: &[Need::Mono, Need::Node],
        wishes: &[Need::Chromium],
        run: demonstrate,
    },
    step("docs", "links and names in the documents are right", &[], docs::check),
    step("snippets", "the documents' programs compile", &[Need::Mono], docs::programs),
];

fn bindings(project: &Project) -> Result<Outcome> {
    bindgen::check(project)?;
    Ok(Outcome::Passed(Vec::new()))
}

fn conform(project: &Project) -> Result<Outcome> {
    Ok(Outcome::Passed(conformance::run(project, conformance::Cases::Quick)?))
}

fn conform_wholly(project: &Project) -> Result<Outcome> {
    Ok(Outcome::Passed(conformance::run(project, conformance::Cases::All)?))
}

fn fuzzing(project: &Project) -> Result<Outcome> {
    Ok(Outcome::Passed(fuzz::run(project, None, FUZZ_SECONDS)?))
}

fn demonstrate(project: &Project) -> Result<Outcome> {
    let play = |seconds, page| {
        let options =
            demo::Options { headless: true, seconds: Some(seconds), port: 0, page, quiet: true };
        demo::run(project, &options)
    };
    let mut notes = vec![play(DEMO_SECONDS, None)?];
    // Where there is a browser, what takes its place elsewhere would never be tried.
    if install::chromium().is_some() {
        notes.push(play(FALLBACK_SECONDS, Some(demo::Client::Node))?);
    }
    Ok(Outcome::Passed(notes))
}
