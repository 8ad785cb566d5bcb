//! The library as it is built for Windows, with the C tests in Wine.
//!
//! Wine is not Windows: what passes here may fail there. It says that the code for Windows
//! compiles, links both ways, and does with Wine's sockets, events and threads what it should.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Outcome;
use super::native::run_test;
use crate::build::{C_STANDARD, C_WARNINGS, LIBRARY_FEATURES, c_inputs};
use crate::error::{Context, Error, Result};
use crate::install::{self, WINDOWS_TARGET};
use crate::link::native_libraries;
use crate::paths::{Project, stale, stem};
use crate::shell::{Run, difference};

const COMPILER: &str = "x86_64-w64-mingw32-gcc";
/// Formats as the C standard has them, and not as Windows once had them.
const FLAGS: &[&str] = &["-O1", "-g", "-D__USE_MINGW_ANSI_STDIO=1", "-DND_TEST_HOOKS"];
/// What the programs use besides the library; threads come without another library to carry along.
const LIBRARIES: &[&str] =
    &["-lws2_32", "-static-libgcc", "-Wl,-Bstatic", "-lpthread", "-Wl,-Bdynamic"];
/// A program that says what is where in memory, and not how much it checked.
const LAYOUT: &str = "layout";
/// The program that is linked with the static library, too.
const SMOKE: &str = "smoke";
/// How long the folder that is Windows' `C:` may take to be made.
const START_LIMIT: Duration = Duration::from_secs(180);
/// Seconds for which Wine's server waits for another program before it ends.
const SERVER_PATIENCE: &str = "-p60";
/// No entries in a desktop's menus, and none of what a browser or .NET would need.
const OVERRIDES: &str = "winemenubuilder.exe=d;mscoree=;mshtml=";

/// Builds the library for Windows, and runs the C tests in Wine.
pub fn check(project: &Project) -> Result<Outcome> {
    let Some(wine) = Wine::find(project)? else {
        return Ok(Outcome::Skipped("there is no Wine for 64-bit programs".to_owned()));
    };
    if let Err(why) = wine.start(project) {
        return Ok(Outcome::Skipped(format!("Wine does not run here\n{why}")));
    }
    let built = build(project)?;
    let mut notes = Vec::new();
    for source in project.sources("tests/c", "c")? {
        let program = compile(project, &built, &source)?;
        if stem(&source) == LAYOUT {
            notes.push(wine.compare_layout(project, &source, &program)?);
            continue;
        }
        notes.push(run_test(project, wine.run(&program), "wine", &program)?);
    }
    let fixed = compile_static(project, &built)?;
    notes.push(run_test(project, wine.run(&fixed), "wine", &fixed)?);
    Ok(Outcome::Passed(notes))
}

/// Wine, with a `C:` of its own; its server ends when this is dropped.
struct Wine {
    program: PathBuf,
    server: PathBuf,
    prefix: PathBuf,
}

impl Wine {
    fn find(project: &Project) -> Result<Option<Self>> {
        let prefix = project.out("windows/wine")?;
        let found = install::wine();
        Ok(found.map(|[program, server]| Self { program, server, prefix }))
    }

    /// A program under Wine: without a display, and without Wine's own remarks.
    fn run(&self, program: &Path) -> Run {
        self.about(&self.program).arg(program)
    }

    fn about(&self, program: &Path) -> Run {
        Run::new(program)
            .env("WINEPREFIX", &self.prefix)
            .env("WINEDEBUG", "-all")
            .env("WINEDLLOVERRIDES", OVERRIDES)
            .env("DISPLAY", "")
    }

    /// Makes `C:` if it is not there, and runs a program that does nothing.
    fn start(&self, project: &Project) -> Result<()> {
        self.about(&self.server).arg(SERVER_PATIENCE).quiet(project, "wineserver")?;
        let probe = programs(project)?.join("probe.exe");
        let source = project.file("tests/wine/probe.c")?;
        compiler(project).arg(source).arg("-o").arg(&probe).quiet(project, "mingw-probe")?;
        let run = self.run(&probe).limit(START_LIMIT);
        let said = run.output(project, "wine-probe")?;
        if said.contains("Wine runs programs") {
            return Ok(());
        }
        Err(Error::new(format!("it said: {said}")))
    }

    /// Windows' compilers lay structs out by rules of their own, which must not matter here.
    fn compare_layout(&self, project: &Project, source: &Path, program: &Path) -> Result<String> {
        let folder = programs(project)?;
        let here = folder.join("layout-here");
        Run::new("cc")
            .arg(C_STANDARD)
            .arg("-I")
            .arg(project.path("include"))
            .arg(source)
            .arg("-o")
            .arg(&here)
            .quiet(project, "cc-layout")?;
        let native = Run::new(&here).output(project, "layout-here")?;
        let said = self.run(program).output(project, "layout-wine")?.replace("\r\n", "\n");
        let files = [folder.join("here.txt"), folder.join("windows.txt")];
        for (file, text) in files.iter().zip([&native, &said]) {
            fs::write(file, text).context(file.display())?;
        }
        match difference(&files[0], &files[1])? {
            None => Ok(format!("layout: {} lines agree", said.lines().count())),
            Some(text) => Err(Error::new(format!("Windows lays structs out otherwise\n{text}"))),
        }
    }
}

impl Drop for Wine {
    fn drop(&mut self) {
        // It would end a minute later by itself.
        let _ = self.about(&self.server).arg("-k").probe();
    }
}

/// What cargo has made.
struct Built {
    /// `netdriver.dll` and what links with it.
    folder: PathBuf,
    /// What the static library needs of the system.
    libraries: Vec<String>,
}

fn build(project: &Project) -> Result<Built> {
    let target = project.out("windows/build")?;
    let log = Run::cargo(project)
        .args(["rustc", "--package", "netdriver", "--lib", "--target", WINDOWS_TARGET])
        .args(LIBRARY_FEATURES)
        .args(["--features", "test-hooks", "--", "--print", "native-static-libs"])
        .env("CARGO_TARGET_DIR", &target)
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        // Flags for this system's linker are not for MinGW's.
        .env("RUSTFLAGS", "")
        .quiet(project, "cargo-build-windows")?;
    let folder = target.join(WINDOWS_TARGET).join("debug");
    let programs = programs(project)?;
    // Windows looks for libraries beside the program.
    for name in ["netdriver.dll", "libnetdriver.dll.a"] {
        let from = folder.join(name);
        fs::copy(&from, programs.join(name)).context(from.display())?;
    }
    let random = programs.join("bcryptprimitives.dll");
    compiler(project)
        .args(["-shared", "-O1"])
        .arg(project.file("tests/wine/bcryptprimitives.c")?)
        .arg("-o")
        .arg(random)
        .arg("-ladvapi32")
        .quiet(project, "mingw-random")?;
    Ok(Built { folder, libraries: native_libraries(&log)? })
}

fn programs(project: &Project) -> Result<PathBuf> {
    project.out("windows/programs")
}

fn compiler(project: &Project) -> Run {
    Run::new(COMPILER).dir(&project.root)
}

fn test_compiler(project: &Project, source: &Path, program: &Path) -> Run {
    let run = compiler(project).arg(C_STANDARD).args(C_WARNINGS).args(FLAGS);
    run.arg("-I").arg(project.path("include")).arg(source).arg("-o").arg(program)
}

/// Compiles a test against the shared library, unless nothing has changed.
fn compile(project: &Project, built: &Built, source: &Path) -> Result<PathBuf> {
    let folder = programs(project)?;
    let program = folder.join(stem(source)).with_extension("exe");
    let mut inputs = c_inputs(project, "tests/c", source)?;
    inputs.push(built.folder.join("libnetdriver.dll.a"));
    if stale(&program, &inputs) {
        test_compiler(project, source, &program)
            .arg("-L")
            .arg(&folder)
            .arg("-lnetdriver")
            .args(LIBRARIES)
            .quiet(project, &format!("mingw-{}", stem(source)))?;
    }
    Ok(program)
}

/// Compiles the smoke test with the static library in it.
fn compile_static(project: &Project, built: &Built) -> Result<PathBuf> {
    let program = programs(project)?.join("smoke-static.exe");
    test_compiler(project, &project.file(&format!("tests/c/{SMOKE}.c"))?, &program)
        .arg(built.folder.join("libnetdriver.a"))
        .args(&built.libraries)
        .args(LIBRARIES)
        .quiet(project, "mingw-smoke-static")?;
    Ok(program)
}
