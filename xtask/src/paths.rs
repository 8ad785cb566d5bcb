//! Where things are: the repository, cargo's target directory, and the folders below them.
//! Finds files; never builds or changes one, except for creating output folders.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::error::{Context, Error, Result};

/// The repository and its output directory.
pub struct Project {
    /// The repository's root.
    pub root: PathBuf,
    /// Cargo's target directory (`target` unless CARGO_TARGET_DIR says otherwise).
    pub target: PathBuf,
    /// Where the programs that are run leave what they print: `target/logs`, or below it.
    pub logs: PathBuf,
}

impl Project {
    /// Finds the repository from the place xtask was compiled in or is run from.
    pub fn find() -> Result<Self> {
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest.parent().map(Path::to_path_buf).unwrap_or_default();
        if !root.join("xtask/Cargo.toml").is_file() {
            let place = root.display();
            return Err(Error::new(format!("no repository at {place}: run `cargo xtask` in one")));
        }
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            // Cargo takes a relative path from where it is run; so do we.
            Some(path) => std::path::absolute(path).context("CARGO_TARGET_DIR")?,
            None => root.join("target"),
        };
        let logs = target.join("logs");
        Ok(Self { root, target, logs })
    }

    /// The same project with logs in a folder of their own: tasks that run side by side may run
    /// the same program under the same name.
    pub fn with_logs_in(&self, folder: &str) -> Self {
        let (root, target) = (self.root.clone(), self.target.clone());
        Self { root, target, logs: self.logs.join(folder) }
    }

    /// A path in the repository.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// A folder below the target directory, created when it is not there.
    pub fn out(&self, relative: &str) -> Result<PathBuf> {
        let path = self.target.join(relative);
        fs::create_dir_all(&path).context(path.display())?;
        Ok(path)
    }

    /// A path as a person wants to read it: relative to the repository where it is inside.
    pub fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }

    /// The files directly in a folder that end in `.extension`, sorted; an error when there are
    /// none, because whoever asks for them has work to do with them.
    pub fn sources(&self, folder: &str, extension: &str) -> Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        collect(&self.path(folder), extension, &[], false, &mut found)?;
        if found.is_empty() {
            return Err(Error::new(format!("there is no {folder}/*.{extension}")));
        }
        Ok(found)
    }

    /// As `sources`, through all folders below but those named in `without`.
    pub fn tree(&self, folder: &str, extension: &str, without: &[&str]) -> Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        collect(&self.path(folder), extension, without, true, &mut found)?;
        if found.is_empty() {
            return Err(Error::new(format!("there is no {folder}/**/*.{extension}")));
        }
        Ok(found)
    }

    /// A file of the repository that must be there.
    pub fn file(&self, relative: &str) -> Result<PathBuf> {
        let path = self.path(relative);
        if path.is_file() { Ok(path) } else { Err(Error::new(format!("there is no {relative}"))) }
    }
}

fn collect(
    folder: &Path,
    extension: &str,
    without: &[&str],
    deep: bool,
    found: &mut Vec<PathBuf>,
) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.context(folder.display())?.path());
    }
    paths.sort();
    for path in paths {
        if path.is_dir() {
            let skipped = without.iter().any(|name| path.file_name() == Some(name.as_ref()));
            if deep && !skipped {
                collect(&path, extension, without, deep, found)?;
            }
        } else if path.extension() == Some(extension.as_ref()) {
            found.push(path);
        }
    }
    Ok(())
}

/// A file's name without folder and extension.
pub fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The text of a file.
pub fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).context(path.display())
}

/// Whether `output` must be made again: it is missing, or older than an input or than xtask
/// itself (which holds the compiler flags).
pub fn stale(output: &Path, inputs: &[PathBuf]) -> bool {
    let Some(made) = modified(output) else {
        return true;
    };
    let own = std::env::current_exe().ok();
    inputs.iter().chain(own.as_ref()).any(|input| modified(input).is_none_or(|time| time > made))
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|data| data.modified()).ok()
}

/// Copies a folder with everything in it.
pub fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).context(to.display())?;
    for entry in fs::read_dir(from).context(from.display())? {
        let path = entry.context(from.display())?.path();
        let Some(name) = path.file_name() else {
            continue;
        };
        let target = to.join(name);
        if path.is_dir() {
            copy_tree(&path, &target)?;
        } else if stale(&target, std::slice::from_ref(&path)) {
            // Somebody may be reading what is there already.
            fs::copy(&path, &target).context(path.display())?;
        }
    }
    Ok(())
}
