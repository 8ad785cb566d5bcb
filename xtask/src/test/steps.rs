//! The table of steps, in the order in which they run: quick ones first, then what makes the
//! release library, then the steps with the other build, which run one behind the other and so must
//! not be kept waiting; then the others, the longest ones first, so that no lane is left with one.

use super::side_by_side::Build;
use super::{Outcome, abi, docs, models, native, peers, rust, sanitizer, windows};
use crate::bindgen;
use crate::conformance::{self, Cases};
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
    /// The build of the library that it makes or uses meanwhile.
    pub build: Build,
    /// The work.
    pub run: fn(&Project) -> Result<Outcome>,
}

const fn step(
    name: &'static str,
    about: &'static str,
    build: Build,
    needs: &'static [Need],
    run: fn(&Project) -> Result<Outcome>,
) -> Step {
    Step { name, about, needs, wishes: &[], build, run }
}

/// Every step.
pub const STEPS: &[Step] = &[
    step("fmt", "the sources are formatted", Build::Own, &[Need::Rustfmt], rust::format),
    step("docs", "links and names in the documents are right", Build::Own, &[], docs::check),
    step(
        "header",
        "the header compiles alone in C and C++ and describes all",
        Build::Own,
        &[Need::Cxx],
        abi::header,
    ),
    step(
        "symbols",
        "header = exported symbols = C# entry points",
        Build::Release,
        &[],
        abi::symbols,
    ),
    step("link", "shared and static library link and run", Build::Release, &[], native::link),
    step(
        "examples",
        "examples that need nobody else",
        Build::Release,
        &[Need::Mono],
        native::examples,
    ),
    step("clippy", "no lint speaks up", Build::Debug, &[Need::Clippy], rust::lint),
    step("bindgen", "committed bindings are the generated ones", Build::Debug, &[], bindings),
    step("rust", "unit, property, simulation and integration tests", Build::Debug, &[], rust::test),
    step(
        "c-valgrind",
        "the C tests under Valgrind",
        Build::Debug,
        &[Need::Valgrind],
        native::valgrind,
    ),
    step("c-asan", "the C tests under the address sanitizer", Build::Debug, &[], native::sanitized),
    step("csharp", "the C# tests on Mono", Build::Debug, &[Need::Mono], native::csharp),
    step(
        "unity",
        "the C# library as Unity compiles it, on a stand-in for its jobs",
        Build::Debug,
        &[Need::Mono],
        native::unity,
    ),
    step(
        "doc",
        "documentation builds without a warning, its examples run",
        Build::Debug,
        &[],
        rust::document,
    ),
    step("layout", "C and C# agree on every struct", Build::Debug, &[Need::Mono], abi::layout),
    step(
        "scenarios",
        "one script, three languages, one log",
        Build::Debug,
        &[Need::Mono],
        native::scenarios,
    ),
    step(
        "snippets",
        "the documents' programs compile",
        Build::Debug,
        &[Need::Mono],
        docs::programs,
    ),
    step("fuzz", "every parser for a few seconds", Build::Own, &[Need::Cxx], fuzzing),
    step(
        "conformance-slow",
        "the other Autobahn cases, for minutes",
        Build::Released,
        &[Need::Mono, Need::Python],
        |project| conform(project, Cases::Slow),
    ),
    step("tsan", "the tests about threads see no race", Build::Own, &[], sanitizer::threads),
    step(
        "windows",
        "the C tests on the library for Windows, in Wine",
        Build::Own,
        &[Need::Mingw, Need::Wine, Need::WindowsTarget],
        windows::check,
    ),
    step(
        "conformance",
        "the Autobahn cases but the slow ones with compression",
        Build::Released,
        &[Need::Mono, Need::Python],
        |project| conform(project, Cases::Quick),
    ),
    step("loom", "what threads share, in every order of theirs", Build::Own, &[], models::check),
    step(
        "edge-cost",
        "what calls cost in instructions, beside the table",
        Build::Released,
        edge::NEEDS,
        edge::check,
    ),
    step(
        "lines",
        "two threads, each past its first call, write no memory that both touch",
        Build::Released,
        edge::lines::NEEDS,
        edge::lines::check,
    ),
    step(
        "scale",
        "ten thousand connections on one driver",
        Build::Released,
        edge::scale::NEEDS,
        edge::scale::check,
    ),
    step(
        "allocations",
        "a million echoes over each interface allocate nothing",
        Build::Released,
        &[],
        edge::allocations,
    ),
    step(
        "foreign",
        "Python's websockets, Node's ws and a second UTP as peers",
        Build::Released,
        &[Need::Mono, Need::Node, Need::Python],
        peers::foreign,
    ),
    step(
        "wireshark",
        "the dissector on written and on recorded captures",
        Build::Released,
        &[Need::Mono, Need::Python, Need::Tshark],
        peers::wireshark,
    ),
    step(
        "nginx",
        "wss at nginx, ws behind, and the client's own address",
        Build::Released,
        &[Need::Mono, Need::Python, Need::Nginx],
        peers::nginx,
    ),
    step(
        "proxies",
        "a client behind tinyproxy and microsocks, and redirects",
        Build::Released,
        &[Need::Mono, Need::Python, Need::Proxies],
        peers::proxies,
    ),
    step(
        "godot",
        "Godot 3 as client and as server",
        Build::Released,
        &[Need::Mono, Need::Python, Need::Godot],
        peers::godot,
    ),
    step(
        "browser",
        "a browser's console against the echo server",
        Build::Released,
        &[Need::Mono, Need::Node, Need::Chromium],
        peers::browser,
    ),
    step(
        "chat",
        "a chat between pages in a browser and a C# program",
        Build::Released,
        &[Need::Mono, Need::Node, Need::Chromium],
        peers::chat,
    ),
    Step {
        name: "demo",
        about: "the demo with every kind of client",
        needs: &[Need::Mono, Need::Node],
        wishes: &[Need::Chromium],
        build: Build::Released,
        run: demonstrate,
    },
];

fn bindings(project: &Project) -> Result<Outcome> {
    bindgen::check(project)?;
    Ok(Outcome::Passed(Vec::new()))
}

fn conform(project: &Project, cases: Cases) -> Result<Outcome> {
    Ok(Outcome::Passed(conformance::run(project, cases)?))
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
