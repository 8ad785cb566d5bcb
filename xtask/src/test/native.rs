//! The steps that compile and run programs of C and C# against the library.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Outcome;
use crate::build::{self, CsharpProgram, Link};
use crate::error::{Context, Error, Result};
use crate::link;
use crate::paths::{Project, stem};
use crate::shell::{Run, difference};

/// How long one test program may take.
const PROGRAM_LIMIT: Duration = Duration::from_secs(600);
/// Programs of `tests/c` that other steps run.
const OTHER_STEPS: &[&str] = &["layout", "smoke"];
/// Examples that are server and client in one.
const EXAMPLES: &[&str] = &[
    "stage_xor",
    "custom_interface",
    "extension_xor",
    "jobified_server",
    "PolledEcho.exe",
    "JobifiedServer.exe",
];
/// What is defined in Unity's editor, without and with com.unity.collections.
const UNITY: &[(&str, &[&str])] = &[
    ("Unity", &["UNITY_5_3_OR_NEWER", "ENABLE_UNITY_COLLECTIONS_CHECKS"]),
    (
        "UnityCollections",
        &["UNITY_5_3_OR_NEWER", "ENABLE_UNITY_COLLECTIONS_CHECKS", "NETDRIVER_COLLECTIONS"],
    ),
];
const SANITIZE: &[&str] = &[
    "-O1",
    "-g",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
    "-fno-omit-frame-pointer",
];

/// Links one small program with the shared and with the static library, and runs both.
pub fn link(project: &Project) -> Result<Outcome> {
    let source = project.file("tests/c/smoke.c")?;
    let folder = project.out("link-test")?;
    build::release(project)?;
    let library = project.target.join("release");
    let shared = folder.join("smoke-shared");
    let rpath = library.display().to_string();
    build::compile_c(project, &source, &shared, &["-O2"], &Link::Shared(&library, &rpath))?;
    run_program(project, Run::new(&shared), "link-shared")?;
    let line = link::arguments(project)?;
    let fixed = folder.join("smoke-static");
    build::compile_c(project, &source, &fixed, &["-O2"], &Link::Static(&line))?;
    run_program(project, Run::new(&fixed), "link-static")?;
    Ok(Outcome::Passed(vec![line.join(" ")]))
}

/// The C tests under the address and undefined-behaviour sanitizers.
pub fn sanitized(project: &Project) -> Result<Outcome> {
    let programs = compile_tests(project, "c-asan", SANITIZE)?;
    let mut notes = Vec::new();
    for program in &programs {
        let run = Run::new(program)
            .env("ASAN_OPTIONS", "detect_leaks=1:strict_string_checks=1")
            .env("UBSAN_OPTIONS", "print_stacktrace=1");
        notes.push(run_test(project, run, "c-asan", program)?);
    }
    Ok(Outcome::Passed(notes))
}

/// The C tests under Valgrind.
pub fn valgrind(project: &Project) -> Result<Outcome> {
    let programs = compile_tests(project, "c-valgrind", &["-O1", "-g"])?;
    let mut notes = Vec::new();
    for program in &programs {
        // ring's AES-GCM is assembly whose masked loads and stores Valgrind takes for values that
        // were never set; invalid accesses and leaks are still looked for there.
        let undefined = if program.ends_with("tls") { "no" } else { "yes" };
        let run = Run::new("valgrind")
            .args(["--leak-check=full", "--error-exitcode=9", "-q"])
            .arg(format!("--undef-value-errors={undefined}"))
            .arg(program);
        notes.push(run_test(project, run, "c-valgrind", program)?);
    }
    Ok(Outcome::Passed(notes))
}

/// Examples that need nobody else, and end with 0 when they did what they show.
pub fn examples(project: &Project) -> Result<Outcome> {
    let folder = build::examples(project)?;
    for name in EXAMPLES {
        let program = build::program(&folder, name)?;
        let run = match program.extension() {
            None => Run::new(&program),
            Some(_) => build::mono(&program, &folder),
        };
        run_program(project, run, &format!("example-{}", stem(&program)))?;
    }
    Ok(Outcome::Passed(vec![EXAMPLES.join(", ")]))
}

/// The C# library and its samples as Unity compiles them, with a stand-in for what Unity has, on
/// Mono.
pub fn unity(project: &Project) -> Result<Outcome> {
    let folder = project.out("unity-test")?;
    let library = build::test_library(project)?;
    let sources = project.sources("tests/unity", "cs")?;
    let mut notes = Vec::new();
    for (name, symbols) in UNITY {
        let program = CsharpProgram { name: (*name).to_owned(), sources: sources.clone() };
        let exe = build::csharp_program_with(project, &program, symbols, &folder)?;
        let log = run_program(project, build::mono(&exe, &library), &name.to_lowercase())?;
        notes.push(format!("{name}: {}", closing_line(&log)?));
    }
    Ok(Outcome::Passed(notes))
}

/// The C# tests on Mono.
pub fn csharp(project: &Project) -> Result<Outcome> {
    let folder = project.out("csharp-tests")?;
    let library = build::test_library(project)?;
    let sources = project.sources("csharp/tests", "cs")?;
    let program = CsharpProgram { name: "Tests".to_owned(), sources };
    let exe = build::csharp_program(project, &program, &folder)?;
    let log = run_program(project, build::mono(&exe, &library), "csharp-tests")?;
    Ok(Outcome::Passed(vec![closing_line(&log)?]))
}

/// One script through three languages: the logs are equal, and equal to what is expected.
pub fn scenarios(project: &Project) -> Result<Outcome> {
    let scripts = project.sources("tests/scenario", "txt")?;
    let folder = project.out("scenario-test")?;
    let library = build::test_library(project)?;
    let players = scenario_players(project, &folder, &library)?;
    let mut problems = String::new();
    for script in &scripts {
        let expected = script.with_extension("expected");
        for (language, player) in &players {
            let name = format!("{}-{language}", stem(script));
            let run = player().arg(script).limit(PROGRAM_LIMIT);
            let log = run.output(project, &format!("scenario-{name}"))?;
            let actual = folder.join(format!("{name}.log"));
            fs::write(&actual, log).context(actual.display())?;
            if let Some(text) = difference(&expected, &actual)? {
                problems += &format!("{} in {language}:\n{text}", stem(script));
            }
        }
    }
    if problems.is_empty() {
        return Ok(Outcome::Passed(vec![format!("{} scripts", scripts.len())]));
    }
    Err(Error::new(format!("the event logs differ from what is expected\n{problems}")))
}

type Player = Box<dyn Fn() -> Run>;

/// The three programs that play a scenario script.
fn scenario_players(
    project: &Project,
    folder: &Path,
    library: &Path,
) -> Result<[(&'static str, Player); 3]> {
    build::debug(project).quiet(project, "cargo-build-scenario")?;
    let rust = project.target.join("debug/examples/scenario");
    let c = folder.join("scenario");
    let rpath = library.display().to_string();
    let source = project.file("tests/scenario/scenario.c")?;
    build::compile_c(project, &source, &c, &["-g"], &Link::Shared(library, &rpath))?;
    let sources = project.sources("tests/scenario", "cs")?;
    let program = CsharpProgram { name: "Scenario".to_owned(), sources };
    let exe = build::csharp_program(project, &program, folder)?;
    let library = library.to_path_buf();
    Ok([
        ("rust", Box::new(move || Run::new(&rust))),
        ("c", Box::new(move || Run::new(&c))),
        ("csharp", Box::new(move || build::mono(&exe, &library))),
    ])
}

/// Compiles every test of `tests/c` that is not another step's into `target/FOLDER`.
fn compile_tests(project: &Project, folder: &str, flags: &[&str]) -> Result<Vec<PathBuf>> {
    let folder = project.out(folder)?;
    let library = build::test_library(project)?;
    let rpath = library.display().to_string();
    let mut sources = project.sources("tests/c", "c")?;
    sources.retain(|source| !OTHER_STEPS.contains(&stem(source).as_str()));
    if sources.is_empty() {
        return Err(Error::new("there is no test in tests/c"));
    }
    let mut programs = Vec::new();
    for source in sources {
        let program = folder.join(stem(&source));
        let mut flags = flags.to_vec();
        flags.push("-DND_TEST_HOOKS");
        let link = Link::Shared(&library, &rpath);
        build::compile_c(project, &source, &program, &flags, &link)?;
        programs.push(program);
    }
    Ok(programs)
}

/// Runs a test program in the project's folder, where it finds the tables that it reads.
fn run_program(project: &Project, run: Run, name: &str) -> Result<String> {
    run.dir(&project.root).limit(PROGRAM_LIMIT).quiet(project, name)
}

/// Runs one of the C tests; returns how many of its checks passed.
pub fn run_test(project: &Project, run: Run, step: &str, program: &Path) -> Result<String> {
    let name = stem(program);
    let log = run_program(project, run, &format!("{step}-{name}"))?;
    Ok(format!("{name}: {}", closing_line(&log).context(&name)?))
}

/// The line in which a test program says how much it checked; checking nothing is a failure.
pub fn closing_line(log: &str) -> Result<String> {
    let line = log.lines().rev().find(|line| line.contains(" passed, "));
    let line = line.ok_or_else(|| Error::new("it did not say how much it checked"))?.trim();
    if line.starts_with("0 passed") {
        return Err(Error::new("it checked nothing"));
    }
    Ok(line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::closing_line;

    #[test]
    fn a_program_that_checks_nothing_or_says_nothing_fails() {
        assert_eq!(closing_line("x\n 3 passed, 0 failed\n\n").expect("fine"), "3 passed, 0 failed");
        assert!(closing_line("0 passed, 0 failed\n").is_err());
        assert!(closing_line("done\n").is_err());
    }
}
