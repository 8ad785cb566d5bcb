//! Builds what people and tests run: the library, the C programs, the C# programs.
//! Compiles only; whoever wants a program run does that.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::cli::Args;
use crate::error::{Error, Result};
use crate::install::{self, Need};
use crate::paths::{Project, copy_stale, copy_tree, read, replace, stale, stem};
use crate::shell::Run;

/// Warnings are errors in every C program of the project, in every mode.
pub const C_WARNINGS: &[&str] = &["-Wall", "-Wextra", "-Wpedantic", "-Werror"];
/// What `-std` a C program of the project is written for.
pub const C_STANDARD: &str = "-std=c99";
/// The compiler's switches for the C# subset that Unity, .NET and Mono have in common.
const CSHARP_FLAGS: &[&str] =
    &["-unsafe", "-langversion:Experimental", "-nologo", "-optimize+", "-debug"];
/// The features of the library that the tests run against.
const TEST_FEATURES: &str = "netdriver/test-hooks,netdriver/fuzzing";
/// The features of the library where it is not built with those of `debug`: all but what makes the
/// bindings anew, which takes more crates than the library does.
pub const LIBRARY_FEATURES: [&str; 3] = ["--no-default-features", "--features", "ring"];
/// Who makes the release library or the examples: steps that only use them run side by side, and
/// where none has made them before, the first to come does, and the others find them made.
static MAKING: Mutex<()> = Mutex::new(());
/// Folders of `csharp/` that are not part of the library.
const CSHARP_OTHER: &[&str] = &["tests", "bin", "obj"];

/// `cargo xtask examples`.
pub fn command(project: &Project, _: &Args) -> Result<()> {
    install::require(project, &[Need::C, Need::Mono])?;
    examples(project)?;
    println!("the examples are in {}", project.shown(&project.out("examples")?));
    Ok(())
}

/// Builds the release library and every example, where they are not fresh; returns the folder they
/// are in. Any number of threads may call it.
pub fn examples(project: &Project) -> Result<PathBuf> {
    alone(|| make_examples(project))
}

/// Does it while no other thread makes the release library or the examples.
fn alone<T>(make: impl FnOnce() -> T) -> T {
    let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    make()
}

fn make_examples(project: &Project) -> Result<PathBuf> {
    let out = project.out("examples")?;
    make_release(project)?;
    let copy = out.join("libnetdriver.so");
    copy_stale(&shared_library(project), &copy)?;
    for source in project.sources("examples/c", "c")? {
        let program = out.join(stem(&source));
        let mut inputs = c_inputs(project, "examples/c", &source)?;
        inputs.push(copy.clone());
        if stale(&program, &inputs) {
            let link = Link::Shared(&out, "$ORIGIN");
            compile_c(project, &source, &program, &["-O2"], &link)?;
        }
    }
    for main in csharp_programs(&project.sources("examples/csharp", "cs")?)? {
        csharp_program(project, &main, &out)?;
    }
    copy_tree(&project.path("examples/page"), &out.join("page"))?;
    Ok(out)
}

/// Builds the release library; returns the shared one. The static one lies beside it.
pub fn release(project: &Project) -> Result<PathBuf> {
    release_notes(project)?;
    Ok(shared_library(project))
}

/// Builds the release library; returns what the compiler noted, among it the native libraries
/// that the static one needs. Cargo repeats the note when there is nothing to build.
pub fn release_notes(project: &Project) -> Result<String> {
    alone(|| make_release(project))
}

fn make_release(project: &Project) -> Result<String> {
    Run::cargo(project)
        .args(["rustc", "--release", "--package", "netdriver", "--lib"])
        .args(LIBRARY_FEATURES)
        .args(["--", "--print", "native-static-libs"])
        // What is counted and measured must not depend on how somebody likes to build.
        .env("CARGO_INCREMENTAL", "0")
        .quiet(project, "cargo-build-release")
}

/// Cargo, about to build what the tests use: the library and the programs of `tests/`. Every step
/// asks for the whole of it, as the Rust tests do: with other packages or targets cargo would
/// choose other features for what they depend on, and build the library again.
pub fn debug(project: &Project) -> Run {
    Run::cargo(project).args(["build", "--workspace", "--lib", "--examples"]).args(test_features())
}

/// Builds the library that the tests load: with its checks on and the test hooks exported.
/// It is kept in a folder of its own, because other builds replace the one in `target/debug`.
pub fn test_library(project: &Project) -> Result<PathBuf> {
    debug(project).quiet(project, "cargo-build-test")?;
    let out = project.out("test-library")?;
    let from = project.target.join("debug/libnetdriver.so");
    copy_stale(&from, &out.join("libnetdriver.so"))?;
    Ok(out)
}

/// The arguments that make cargo build with the features of `debug`.
pub fn test_features() -> [&'static str; 2] {
    ["--features", TEST_FEATURES]
}

/// How a C program is linked with the library.
pub enum Link<'a> {
    /// With `libnetdriver.so` in the folder, found at run time through the given path.
    Shared(&'a Path, &'a str),
    /// With these linker arguments.
    Static(&'a [String]),
}

/// Compiles one C program.
pub fn compile_c(
    project: &Project,
    source: &Path,
    program: &Path,
    flags: &[&str],
    link: &Link,
) -> Result<()> {
    let name = format!("cc-{}", stem(source));
    replace(program, |program| {
        let run = Run::new("cc").dir(&project.root).arg(C_STANDARD).args(C_WARNINGS).args(flags);
        let run = run.arg("-I").arg(project.path("include")).arg(source).arg("-o").arg(program);
        let run = match link {
            Link::Shared(folder, rpath) => {
                let rpath = format!("-Wl,-rpath,{rpath}");
                run.arg("-L").arg(folder).arg("-lnetdriver").arg(rpath)
            }
            Link::Static(line) => run.args(*line),
        };
        // Programs of ours may draw a distribution, wait for one another, run in threads.
        run.args(["-lm", "-pthread"]).quiet(project, &name).map(|_| ())
    })
}

/// Compiles one Rust program against the library that is in `target/PROFILE`.
pub fn compile_rust(
    project: &Project,
    profile: &str,
    source: &Path,
    program: &Path,
    flags: &[&str],
) -> Result<()> {
    let library = project.target.join(profile);
    Run::new("rustc")
        .args(["--edition", "2024", "--crate-type", "bin", "-D", "warnings", "--extern"])
        .arg(format!("netdriver={}", library.join("libnetdriver.rlib").display()))
        .arg(format!("-Ldependency={}", library.join("deps").display()))
        .args(flags)
        .arg("-o")
        .arg(program)
        .arg(source)
        .quiet(project, &format!("rustc-{}", stem(program)))
        .map(|_| ())
}

/// What a C program is made from: its source, the headers beside it, the library's header.
pub fn c_inputs(project: &Project, folder: &str, source: &Path) -> Result<Vec<PathBuf>> {
    let mut inputs = vec![source.to_path_buf(), project.file("include/netdriver.h")?];
    inputs.extend(project.sources(folder, "h").unwrap_or_default());
    Ok(inputs)
}

/// A C# program: the file with its `Main` and the files that it shares with others.
pub struct CsharpProgram {
    /// The program's name.
    pub name: String,
    /// Its own files.
    pub sources: Vec<PathBuf>,
}

/// Splits a folder's C# files into programs: each file with a `Main` is one, and files without
/// one belong to all of them.
pub fn csharp_programs(files: &[PathBuf]) -> Result<Vec<CsharpProgram>> {
    let mut mains = Vec::new();
    let mut shared = Vec::new();
    for file in files {
        let list = if has_main(&read(file)?) { &mut mains } else { &mut shared };
        list.push(file.clone());
    }
    let program = |main: PathBuf| {
        let name = stem(&main);
        let sources = std::iter::once(main).chain(shared.iter().cloned()).collect();
        CsharpProgram { name, sources }
    };
    let programs: Vec<_> = mains.into_iter().map(program).collect();
    if programs.is_empty() {
        return Err(Error::new("none of the C# files has a Main"));
    }
    Ok(programs)
}

/// Compiles a C# program together with the C# library into `OUT/NAME.exe`.
pub fn csharp_program(project: &Project, program: &CsharpProgram, out: &Path) -> Result<PathBuf> {
    csharp_program_with(project, program, &[], out)
}

/// The same with symbols that the sources ask for.
pub fn csharp_program_with(
    project: &Project,
    program: &CsharpProgram,
    symbols: &[&str],
    out: &Path,
) -> Result<PathBuf> {
    let exe = out.join(&program.name).with_extension("exe");
    let mut sources = program.sources.clone();
    sources.extend(project.tree("csharp", "cs", CSHARP_OTHER)?);
    sources.extend(project.sources("bindings/csharp", "cs")?);
    if stale(&exe, &sources) {
        // The compiler names the assembly after the file, and leaves another one beside it.
        replace(&exe, |exe| {
            let symbols = symbols.iter().map(|symbol| format!("-define:{symbol}"));
            let run = Run::new("mcs").args(CSHARP_FLAGS).args(symbols);
            let run = run.arg(format!("-out:{}", exe.display())).args(&sources);
            run.quiet(project, &format!("mcs-{}", program.name)).map(|_| ())
        })?;
    }
    Ok(exe)
}

/// Mono, about to run a C# program that finds the library in `folder`.
pub fn mono(exe: &Path, folder: &Path) -> Run {
    Run::new("mono").arg("--debug").env("LD_LIBRARY_PATH", folder).arg(exe)
}

/// Whether a C# source holds a program's entry point.
fn has_main(source: &str) -> bool {
    source.lines().any(|line| {
        let line = line.trim();
        line.contains(" Main(") && line.split(' ').any(|word| word == "static")
    })
}

/// Where the shared release library is.
fn shared_library(project: &Project) -> PathBuf {
    project.target.join("release/libnetdriver.so")
}

/// Where the static release library is.
pub fn static_library(project: &Project) -> PathBuf {
    project.target.join("release/libnetdriver.a")
}

/// Checks that a program that a task is about to start has been built.
pub fn program(folder: &Path, name: &str) -> Result<PathBuf> {
    let path = folder.join(name);
    let source = stem(&path);
    if path.is_file() {
        return Ok(path);
    }
    Err(Error::new(format!("there is no example that builds {name} (a source named {source})")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    #[test]
    fn of_many_who_find_nothing_made_one_makes_it_and_the_others_find_it() {
        let (made, making, makers) = (AtomicBool::new(false), AtomicUsize::new(0), Mutex::new(0));
        let ensure = || {
            alone(|| {
                assert_eq!(making.fetch_add(1, Ordering::SeqCst), 0, "two are at it");
                if !made.load(Ordering::SeqCst) {
                    std::thread::yield_now();
                    made.store(true, Ordering::SeqCst);
                    *makers.lock().expect("unbroken") += 1;
                }
                making.fetch_sub(1, Ordering::SeqCst);
            });
        };
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(ensure);
            }
        });
        assert_eq!(*makers.lock().expect("unbroken"), 1);
    }

    #[test]
    fn who_failed_to_make_it_keeps_nobody_from_trying() {
        let failed = std::panic::catch_unwind(|| alone(|| panic!("in the middle")));
        assert!(failed.is_err());
        assert_eq!(alone(|| 7), 7);
    }

    #[test]
    fn a_main_is_recognised_in_its_usual_forms_only() {
        assert!(has_main("    static int Main(string[] args)\n"));
        assert!(has_main("public static void Main()"));
        assert!(!has_main("// static int\nvoid Main(int x) {}"));
        assert!(!has_main("static int Mainly(int x)"));
    }
}
