//! Runs other programs quietly: output goes to a log, a limit ends what hangs, and a failure
//! shows the end of the log. Nothing here knows what the programs are for.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::error::{Context, Error, Result};
use crate::guard::{self, Signal};
use crate::paths::Project;

/// The library's file name.
const LIBRARY: &str = "libnetdriver.so";
/// How long a program may take unless it says otherwise. Limits are for what hangs: they are far
/// above what a busy machine needs.
const LIMIT_DEFAULT: Duration = Duration::from_secs(1800);
/// How many lines of a log a failure shows.
const TAIL_LINES: usize = 40;
/// How often a running program is looked at.
const POLL: Duration = Duration::from_millis(10);

/// Where the system's loader looks first, before it looks where a program says.
const LIBRARY_PATH: &str = "LD_LIBRARY_PATH";

/// `cargo run` names the folders of its build there. A program that brings the release library
/// would load the debug one instead, many times slower.
fn without_own_builds(paths: &OsStr) -> OsString {
    let others = std::env::split_paths(paths).filter(|path| !path.join(LIBRARY).exists());
    std::env::join_paths(others).unwrap_or_default()
}

/// A program about to be run.
pub struct Run {
    command: Command,
    shown: String,
    limit: Duration,
}

impl Run {
    /// A program by name or path.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let program = program.as_ref();
        let mut command = Command::new(program);
        command.stdin(Stdio::null());
        if let Some(paths) = std::env::var_os(LIBRARY_PATH) {
            command.env(LIBRARY_PATH, without_own_builds(&paths));
        }
        let name = Path::new(program).file_name().unwrap_or(program);
        Self { shown: name.to_string_lossy().into_owned(), command, limit: LIMIT_DEFAULT }
    }

    /// Cargo, the one that runs xtask.
    pub fn cargo(project: &Project) -> Self {
        let program = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let mut run = Self::new(program).dir(&project.root).env("CARGO_TERM_COLOR", "never");
        // Variables that `cargo run` set for xtask must not reach another cargo's build scripts.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
                run.command.env_remove(&name);
            }
        }
        run
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.shown += &format!(" {}", arg.as_ref().to_string_lossy());
        self.command.arg(arg);
        self
    }

    /// Adds arguments.
    pub fn args<T: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = T>) -> Self {
        for arg in args {
            self = self.arg(arg);
        }
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Sets the directory to run in.
    pub fn dir(mut self, path: &Path) -> Self {
        self.command.current_dir(path);
        self
    }

    /// Sets the longest time the program may take.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs it with both outputs in the project's log of this name; returns the log's text.
    pub fn quiet(self, project: &Project, name: &str) -> Result<String> {
        let log = log_path(project, name)?;
        let shown = self.shown.clone();
        let limit = self.limit;
        let mut running = self.start(&log)?;
        let status = running.wait(limit);
        judge(project, &shown, status, &log)?;
        read_lossy(&log)
    }

    /// Runs it and returns its standard output; the other one goes to a log.
    pub fn output(mut self, project: &Project, name: &str) -> Result<String> {
        let log = log_path(project, name)?;
        let out = log.with_extension("out");
        let create = |path: &Path| File::create(path).context(path.display());
        self.command.stdout(create(&out)?).stderr(create(&log)?);
        let mut running = Running::new(&mut self.command, &self.shown, log.clone())?;
        let status = running.wait(self.limit);
        judge(project, &self.shown, status, &log)?;
        read_lossy(&out)
    }

    /// Runs it and gives each line of its standard output away, which may be more than a file
    /// should hold; the other output goes to a log.
    pub fn stream(
        mut self,
        project: &Project,
        name: &str,
        mut each: impl FnMut(&str) + Send,
    ) -> Result<()> {
        let log = log_path(project, name)?;
        self.command.stdout(Stdio::piped());
        self.command.stderr(File::create(&log).context(log.display())?);
        let mut running = Running::new(&mut self.command, &self.shown, log.clone())?;
        let output = running.child.stdout.take().ok_or_else(|| Error::new("no output"))?;
        let status = std::thread::scope(|scope| {
            scope.spawn(|| {
                let lines = BufReader::new(output).lines();
                lines.map_while(std::result::Result::ok).for_each(|line| each(&line));
            });
            // One that is ended closes its output.
            running.wait(self.limit)
        });
        judge(project, &self.shown, status, &log)
    }

    /// Starts it with both outputs in the file `log`, and returns at once.
    pub fn start(mut self, log: &Path) -> Result<Running> {
        let file = File::create(log).context(log.display())?;
        self.command.stderr(file.try_clone().context(log.display())?).stdout(file);
        Running::new(&mut self.command, &self.shown, log.to_path_buf())
    }

    /// Whether it runs and ends well, without a log: for asking whether a tool is there.
    pub fn probe(mut self) -> bool {
        self.command.stdout(Stdio::null()).stderr(Stdio::null());
        self.command.status().is_ok_and(|status| status.success())
    }
}

/// A program that runs; dropping it ends it and everything it started.
pub struct Running {
    child: Child,
    log: PathBuf,
    status: Option<ExitStatus>,
}

impl Running {
    fn new(command: &mut Command, shown: &str, log: PathBuf) -> Result<Self> {
        let child = guard::spawn(command).context(format!("cannot start `{shown}`"))?;
        Ok(Self { child, log, status: None })
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The exit status, once it has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.child.try_wait().ok().flatten();
            if self.status.is_some() {
                guard::release(&self.child);
            }
        }
        self.status
    }

    /// Waits for its end; None means that the time was over and that it was killed.
    pub fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let end = Instant::now() + limit;
        loop {
            if let Some(status) = self.ended() {
                return Some(status);
            }
            if Instant::now() >= end {
                self.kill();
                return None;
            }
            std::thread::sleep(POLL);
        }
    }

    /// Asks it to end in good order.
    pub fn terminate(&mut self) {
        if self.ended().is_none() {
            guard::signal(&self.child, Signal::Terminate);
        }
    }

    /// The end of what it wrote, for a person.
    pub fn tail(&self) -> String {
        tail(&read_lossy(&self.log).unwrap_or_default())
    }

    fn kill(&mut self) {
        if self.ended().is_none() {
            guard::signal(&self.child, Signal::Kill);
            self.status = self.child.wait().ok();
            guard::release(&self.child);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The project's log of this name, whose folder is there.
pub fn log_path(project: &Project, name: &str) -> Result<PathBuf> {
    fs::create_dir_all(&project.logs).context(project.logs.display())?;
    Ok(project.logs.join(format!("{name}.log")))
}

/// The complete lines that a program has added to a file since the last look.
pub struct Tail {
    file: File,
    rest: Vec<u8>,
}

impl Tail {
    /// Follows a file from its beginning.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self { file: File::open(path).context(path.display())?, rest: Vec::new() })
    }

    /// What is new; a line that is still being written waits for its end.
    pub fn lines(&mut self) -> Result<Vec<String>> {
        self.file.read_to_end(&mut self.rest).context("reading a program's output")?;
        let Some(end) = self.rest.iter().rposition(|&byte| byte == b'\n') else {
            return Ok(Vec::new());
        };
        let rest = self.rest.split_off(end + 1);
        let whole = std::mem::replace(&mut self.rest, rest);
        Ok(String::from_utf8_lossy(&whole).lines().map(str::to_owned).collect())
    }
}

/// The first of these programs that PATH knows.
pub fn which(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    let candidates = names.iter().flat_map(|name| folders.iter().map(move |dir| dir.join(name)));
    candidates.into_iter().find(|candidate| candidate.is_file())
}

/// The difference of two files as `diff -u` writes it, or None when they are equal.
pub fn difference(expected: &Path, actual: &Path) -> Result<Option<String>> {
    let bytes = |path: &Path| fs::read(path).context(path.display());
    if bytes(expected)? == bytes(actual)? {
        return Ok(None);
    }
    let output = Command::new("git")
        .args(["diff", "--no-index", "--no-color", "--no-ext-diff", "--"])
        .args([expected, actual])
        .output()
        .context("git diff")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(Some(if text.is_empty() { "the files differ".to_owned() } else { text }))
}

fn judge(project: &Project, shown: &str, status: Option<ExitStatus>, log: &Path) -> Result<()> {
    let why = match status {
        Some(status) if status.success() => return Ok(()),
        Some(status) => format!("failed ({status})"),
        None => "took too long and was ended".to_owned(),
    };
    let shown = shorten(shown);
    let place = project.shown(log);
    let text = tail(&read_lossy(log)?);
    Err(Error::new(format!("`{shown}` {why}\n  the end of {place}:\n{text}")))
}

fn shorten(shown: &str) -> String {
    const SHOWN_MAX: usize = 120;
    if shown.chars().count() <= SHOWN_MAX {
        return shown.to_owned();
    }
    shown.chars().take(SHOWN_MAX).chain(['…']).collect()
}

fn tail(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    let first = lines.len().saturating_sub(TAIL_LINES);
    lines[first..].iter().map(|line| format!("    {line}\n")).collect()
}

fn read_lossy(path: &Path) -> Result<String> {
    let bytes = fs::read(path).context(path.display())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// A project whose output goes to a folder of its own.
    fn scratch(name: &str) -> Project {
        let target = std::env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()));
        Project { root: PathBuf::from("/"), logs: target.join("logs"), target }
    }

    #[test]
    fn a_failure_shows_the_command_the_status_and_the_end_of_the_log() {
        let project = scratch("failure");
        let run = Run::new("sh").args(["-c", "echo before; echo broken >&2; exit 3"]);
        let text = run.quiet(&project, "sh").expect_err("exit 3").to_string();
        assert!(text.contains("exit status: 3"), "{text}");
        assert!(text.ends_with("    before\n    broken\n"), "{text}");
        fs::remove_dir_all(&project.target).expect("ours");
    }

    #[test]
    fn the_loader_does_not_find_another_build_of_the_library() {
        let project = scratch("loader");
        let folder = project.out("debug").expect("a folder");
        fs::write(folder.join(LIBRARY), "").expect("is written");
        let paths = [folder.as_path(), Path::new("/lib")];
        let paths = std::env::join_paths(paths).expect("no colons");
        assert_eq!(without_own_builds(&paths), OsStr::new("/lib"));
        fs::remove_dir_all(&project.target).expect("ours");
    }

    #[test]
    fn what_takes_too_long_is_ended() {
        let project = scratch("limit");
        let run = Run::new("sleep").arg("60").limit(Duration::from_millis(50));
        let text = run.quiet(&project, "sleep").expect_err("too long").to_string();
        assert!(text.contains("took too long"), "{text}");
        fs::remove_dir_all(&project.target).expect("ours");
    }

    #[test]
    fn the_two_outputs_are_kept_apart() {
        let project = scratch("outputs");
        let run = Run::new("sh").args(["-c", "echo one; echo two >&2"]);
        let output = run.output(&project, "sh").expect("ends well");
        assert_eq!(output, "one\n");
        let log = log_path(&project, "sh").expect("created");
        assert_eq!(read_lossy(&log).expect("written"), "two\n");
        fs::remove_dir_all(&project.target).expect("ours");
    }

    #[test]
    fn a_tail_gives_whole_lines_only_and_each_once() {
        let project = scratch("tail");
        let path = log_path(&project, "grows").expect("created");
        let mut file = File::create(&path).expect("created");
        let mut tail = Tail::open(&path).expect("opened");
        write!(file, "one\ntw").expect("written");
        assert_eq!(tail.lines().expect("read"), ["one"]);
        assert!(tail.lines().expect("read").is_empty());
        writeln!(file, "o").expect("written");
        assert_eq!(tail.lines().expect("read"), ["two"]);
        fs::remove_dir_all(&project.target).expect("ours");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let project = scratch("missing");
        let run = Run::new("no-such-program");
        let text = run.quiet(&project, "missing").expect_err("not there").to_string();
        assert!(text.contains("no-such-program"), "{text}");
        fs::remove_dir_all(&project.target).expect("ours");
    }
}
