//! Brings the generated files into the tree: the C header and the C# externs.
//! The crate's build script generates them; here they are only found, compared and copied.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::build;
use crate::cli::Args;
use crate::error::{Context, Error, Result};
use crate::install::{self, Need};
use crate::paths::Project;
use crate::shell::{Run, difference};

/// What the build script calls a file, and where it is committed.
const FILES: &[(&str, &str)] = &[
    ("netdriver.h", "include/netdriver.h"),
    ("NativeMethods.g.cs", "bindings/csharp/NativeMethods.g.cs"),
];

/// `cargo xtask bindgen [--check]`.
pub fn command(project: &Project, args: &Args) -> Result<()> {
    install::require(project, &[Need::C])?;
    if args.has("--check") {
        check(project)?;
        println!("the committed files are the generated ones");
        return Ok(());
    }
    let generated = generated(project)?;
    for (name, place) in FILES {
        let place = project.path(place);
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder).context(folder.display())?;
        }
        // A file that is the same keeps its time, so that nothing is compiled again for it.
        let text = fs::read(generated.join(name)).context(name)?;
        if fs::read(&place).is_ok_and(|old| old == text) {
            println!("{} is up to date", project.shown(&place));
        } else {
            fs::write(&place, text).context(place.display())?;
            println!("{} is written", project.shown(&place));
        }
    }
    Ok(())
}

/// An error with the difference when a committed file is not what would be generated now.
pub fn check(project: &Project) -> Result<()> {
    let generated = generated(project)?;
    let mut problems = String::new();
    for (name, place) in FILES {
        let committed = project.file(place)?;
        if let Some(text) = difference(&committed, &generated.join(name))? {
            problems += &format!("{place} is not what the sources generate:\n{text}");
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(Error::new(format!("{problems}run `cargo xtask bindgen` and commit the files")))
}

/// Builds the crate and returns the folder its build script wrote to.
fn generated(project: &Project) -> Result<PathBuf> {
    let metadata = Run::cargo(project)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .output(project, "cargo-metadata")?;
    let package = package_id(&metadata, "netdriver")
        .ok_or_else(|| Error::new("cargo knows no package netdriver"))?;
    // As the tests build it, so that it is built once.
    let build = build::debug(project)
        .args(["--message-format", "json-render-diagnostics"])
        .output(project, "cargo-build-generate")?;
    out_dir(&build, &package)
        .ok_or_else(|| Error::new("cargo did not say where netdriver's build script wrote"))
}

fn package_id(metadata: &str, name: &str) -> Option<String> {
    let metadata: Value = serde_json::from_str(metadata).ok()?;
    let packages = metadata["packages"].as_array()?;
    let package = packages.iter().find(|package| package["name"] == name)?;
    package["id"].as_str().map(str::to_owned)
}

/// The folder that cargo's messages name for the package's build script.
fn out_dir(messages: &str, package: &str) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut folders = messages.filter_map(|message| {
        let ours = message["reason"] == "build-script-executed" && message["package_id"] == package;
        message["out_dir"].as_str().filter(|_| ours).map(PathBuf::from)
    });
    folders.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_build_scripts_folder_of_the_right_package() {
        let messages = "{\"reason\":\"compiler-artifact\",\"package_id\":\"p#1\"}\n\
            {\"reason\":\"build-script-executed\",\"package_id\":\"q#1\",\"out_dir\":\"/q\"}\n\
            not json\n\
            {\"reason\":\"build-script-executed\",\"package_id\":\"p#1\",\"out_dir\":\"/p\"}\n";
        assert_eq!(out_dir(messages, "p#1"), Some(PathBuf::from("/p")));
        assert_eq!(out_dir(messages, "r#1"), None);
    }

    #[test]
    fn finds_the_package_by_name() {
        let metadata = "{\"packages\":[{\"name\":\"xtask\",\"id\":\"x\"},\
                        {\"name\":\"netdriver\",\"id\":\"n\"}]}";
        assert_eq!(package_id(metadata, "netdriver").as_deref(), Some("n"));
        assert_eq!(package_id(metadata, "other"), None);
    }
}
