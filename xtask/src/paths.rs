//! Where things are: the repository, cargo's target directory, and the folders below them.
//! Finds files, creates output folders and puts files in their places; never builds one.

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

/// Has a file made in a folder of its own and then moves it to its place, with all that was made
/// beside it: who runs, reads or has mapped the one before keeps it, and nobody meets half a file.
pub fn replace(path: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let folder = path.with_file_name(format!(".{}.new", file_name(path)));
    // One that was ended may have left something.
    remove_tree(&folder)?;
    fs::create_dir_all(&folder).context(folder.display())?;
    let new = folder.join(file_name(path));
    let moved = make(&new).and_then(|()| {
        for entry in fs::read_dir(&folder).context(folder.display())? {
            let from = entry.context(folder.display())?.path();
            if from != new {
                rename(&from, &path.with_file_name(file_name(&from)))?;
            }
        }
        // The last one, because it says that the others are there too.
        rename(&new, path)
    });
    moved.and(remove_tree(&folder))
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).context(to.display())
}

fn remove_tree(folder: &Path) -> Result<()> {
    if folder.exists() { fs::remove_dir_all(folder).context(folder.display()) } else { Ok(()) }
}

/// Copies a file where the copy is older or missing.
pub fn copy_stale(from: &Path, to: &Path) -> Result<()> {
    if !stale(to, &[from.to_path_buf()]) {
        return Ok(());
    }
    replace(to, |new| fs::copy(from, new).map(|_| ()).context(from.display()))
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
        } else {
            copy_stale(&path, &target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()));
        remove_tree(&folder).expect("is ours");
        fs::create_dir_all(&folder).expect("can be made");
        folder
    }

    fn write(path: &Path, text: &str) -> Result<()> {
        fs::write(path, text).context(path.display())
    }

    #[test]
    fn who_has_a_file_open_keeps_it_when_another_takes_its_place() {
        let folder = folder("replaced");
        let path = folder.join("library.so");
        write(&path, "the old one").expect("is written");
        let mut open = fs::File::open(&path).expect("is there");
        replace(&path, |new| {
            assert_eq!(read(&path).expect("is there still"), "the old one");
            write(&new.with_extension("so.mdb"), "beside it")?;
            write(new, "new")
        })
        .expect("is replaced");
        let mut kept = String::new();
        open.read_to_string(&mut kept).expect("is readable");
        assert_eq!(kept, "the old one");
        assert_eq!(read(&path).expect("is there"), "new");
        assert_eq!(read(&folder.join("library.so.mdb")).expect("is there"), "beside it");
        assert_eq!(fs::read_dir(&folder).expect("is there").count(), 2);
        remove_tree(&folder).expect("is ours");
    }

    #[test]
    fn what_could_not_be_made_leaves_the_file_as_it_was() {
        let folder = folder("failed");
        let path = folder.join("program");
        write(&path, "whole").expect("is written");
        for made in [false, true] {
            let result = replace(&path, |new| {
                write(&new.with_file_name(if made { "program" } else { "other" }), "half")?;
                Err(Error::new("the compiler failed"))
            });
            assert!(result.is_err());
            assert_eq!(read(&path).expect("is there"), "whole");
            assert!(!folder.join("other").exists());
        }
        assert!(replace(&path, |_| Ok(())).is_err(), "nothing was made");
        assert_eq!(read(&path).expect("is there"), "whole");
        remove_tree(&folder).expect("is ours");
    }

    #[test]
    fn a_copy_is_made_where_there_is_none_and_left_alone_where_it_is_fresh() {
        let folder = folder("copied");
        let (from, to) = (folder.join("from"), folder.join("to"));
        write(&from, "one").expect("is written");
        // xtask itself has to be older than the copy.
        copy_stale(&from, &to).expect("is copied");
        let made = modified(&to).expect("is there");
        copy_stale(&from, &to).expect("is fresh");
        assert_eq!(modified(&to), Some(made));
        assert_eq!(read(&to).expect("is there"), "one");
        remove_tree(&folder).expect("is ours");
    }
}
