//! Builds the programs of the benchmarks: C beside a copy of the release library, and Rust.

use std::path::{Path, PathBuf};

use crate::build::{self, C_WARNINGS};
use crate::error::Result;
use crate::paths::{Project, copy_stale, stale};
use crate::shell::Run;

const C_FLAGS: &[&str] = &["-std=c99", "-O2"];
/// What every load measures with.
const MEASURE: &str = "benches/common/measure.c";

/// The C programs of a benchmark.
pub struct CPrograms<'a> {
    project: &'a Project,
    /// Where their sources are.
    folder: &'static str,
    /// Where they go.
    out: PathBuf,
    /// What all of them are made from.
    inputs: Vec<PathBuf>,
}

impl<'a> CPrograms<'a> {
    /// Builds the library, of which a copy lies beside the programs.
    pub fn begin(project: &'a Project, folder: &'static str, out: &str) -> Result<Self> {
        let out = project.out(out)?;
        let library = build::release(project)?;
        let copy = out.join("libnetdriver.so");
        copy_stale(&library, &copy)?;
        let mut inputs = project.sources(folder, "c")?;
        inputs.extend(project.sources(folder, "h")?);
        inputs.extend(project.sources("benches/common", "c")?);
        inputs.extend(project.sources("benches/common", "h")?);
        inputs.extend([project.file("include/netdriver.h")?, copy]);
        Ok(Self { project, folder, out, inputs })
    }

    /// Compiles one program from these sources of the folder; returns where it is.
    pub fn build(&self, name: &str, sources: &[&str], libraries: &[&str]) -> Result<PathBuf> {
        let program = self.out.join(name);
        if !stale(&program, &self.inputs) {
            return Ok(program);
        }
        let mut run = Run::new("cc").args(C_FLAGS).args(C_WARNINGS);
        run = run.arg("-I").arg(self.project.path("include"));
        for source in sources {
            run = run.arg(self.project.file(&format!("{}/{source}.c", self.folder))?);
        }
        run.arg(self.project.file(MEASURE)?)
            .arg("-o")
            .arg(&program)
            .arg("-L")
            .arg(&self.out)
            .args(libraries)
            .arg("-Wl,-rpath,$ORIGIN")
            .quiet(self.project, &format!("cc-bench-{name}"))?;
        Ok(program)
    }

    /// Where the programs are.
    pub fn out(&self) -> &Path {
        &self.out
    }
}

/// Where cargo puts the peers from crates.io.
const RUST_TARGET: &str = "bench/peers";

/// The folder that the peers from crates.io are in.
pub fn rust_folder(project: &Project) -> Result<PathBuf> {
    Ok(project.out(RUST_TARGET)?.join("release"))
}

/// Builds the peers from crates.io, in a workspace of their own.
pub fn rust_peers(project: &Project) -> Result<()> {
    let target = project.out(RUST_TARGET)?;
    Run::cargo(project)
        .args(["build", "--release", "--locked", "--manifest-path"])
        .arg(project.file("benches/peers/Cargo.toml")?)
        .arg("--target-dir")
        .arg(&target)
        .quiet(project, "cargo-build-bench-peers")
        .map(|_| ())
}
