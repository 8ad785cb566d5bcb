//! Counting: the programs of `tests/edge` under callgrind. They say what is counted; here their
//! dumps become numbers. It must not judge them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::build::{self, CsharpProgram, Link};
use crate::error::{Context, Error, Result};
use crate::paths::{Project, read};
use crate::shell::Run;

use super::counts::Counts;

/// How long one program may take; callgrind is fifty times slower than the machine.
const LIMIT: Duration = Duration::from_secs(300);
/// What stands in front of a dump's name.
const NAME: &str = "desc: Trigger: Client Request: ";
/// What stands in front of its count.
const TOTAL: &str = "totals: ";

/// Counts everything there is to count, with the release library.
pub fn run(project: &Project) -> Result<Counts> {
    let library = build::release(project)?;
    let library = library.parent().unwrap_or(&project.target).to_path_buf();
    let mut counts = Counts::new(compiler(project)?);
    let out = project.out("edge")?;
    let program = out.join("cost");
    let rpath = library.display().to_string();
    let link = Link::Shared(&library, &rpath);
    let source = project.file("tests/edge/cost.c")?;
    build::compile_c(project, &source, &program, &["-O2"], &link)?;
    count(project, Run::new("valgrind"), &[program.as_path()], "c", &mut counts)?;
    let (exe, helper) = csharp(project, &out)?;
    let folders = format!("{}:{}", library.display(), helper.display());
    let run = Run::new("valgrind").env("LD_LIBRARY_PATH", folders);
    count(project, run, &[Path::new("mono"), exe.as_path()], "c#", &mut counts)?;
    Ok(counts)
}

/// The C# program, and the folder with the library that lets it speak to callgrind.
fn csharp(project: &Project, out: &Path) -> Result<(PathBuf, PathBuf)> {
    let helper = out.join("libedgecounter.so");
    Run::new("cc")
        .args(["-std=c99", "-O2", "-shared", "-fPIC"])
        .args(build::C_WARNINGS)
        .arg(project.file("tests/edge/counter.c")?)
        .arg("-o")
        .arg(&helper)
        .quiet(project, "cc-edgecounter")?;
    let sources = project.sources("tests/edge", "cs")?;
    let program = CsharpProgram { name: "Cost".to_owned(), sources };
    Ok((build::csharp_program(project, &program, out)?, out.to_path_buf()))
}

/// Runs one program under callgrind and takes in what it has dumped.
fn count(
    project: &Project,
    valgrind: Run,
    program: &[&Path],
    language: &'static str,
    counts: &mut Counts,
) -> Result<()> {
    let out = project.out("edge/dumps")?;
    for old in dumps(&out)? {
        fs::remove_file(&old).context(old.display())?;
    }
    valgrind
        .args(["--tool=callgrind", "--collect-atstart=no"])
        .arg(format!("--callgrind-out-file={}", out.join("dump").display()))
        .args(program)
        .dir(&project.root)
        .limit(LIMIT)
        .quiet(project, &format!("edge-{}", language.replace('#', "sharp")))?;
    for path in dumps(&out)? {
        // The last one, at the end of the program, has no name.
        if let Some((name, total)) = dump(&read(&path)?) {
            counts.add(language, &name, total).context(path.display())?;
        }
    }
    Ok(())
}

/// The dumps in their order.
pub fn dumps(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).context(folder.display())? {
        let path = entry.context(folder.display())?.path();
        let number = path.extension().and_then(|end| end.to_str()?.parse::<u32>().ok());
        found.push((number, path));
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// The name and the count of a dump; `None` for one without a name.
pub fn dump(text: &str) -> Option<(String, u64)> {
    let line = |start: &str| text.lines().find_map(|line| line.strip_prefix(start));
    let name = line(NAME)?.trim().to_owned();
    Some((name, line(TOTAL)?.trim().parse().ok()?))
}

/// Which compiler made the library: another one makes other instructions.
fn compiler(project: &Project) -> Result<String> {
    let text = Run::new("rustc").arg("--version").dir(&project.root).output(project, "rustc")?;
    let version = text.split_whitespace().nth(1);
    version.map(str::to_owned).ok_or_else(|| Error::new("rustc does not say its version"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_has_a_name_and_a_count() {
        let text = "desc: Trigger: Client Request: udp send 1024\n\nfn=x\ntotals: 307200\n";
        assert_eq!(dump(text), Some(("udp send 1024".to_owned(), 307_200)));
        assert_eq!(dump("desc: Trigger: Program termination\ntotals: 1\n"), None);
    }
}
