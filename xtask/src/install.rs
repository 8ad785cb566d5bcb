//! Finds the tools that a task needs and installs what is missing.
//!
//! Programs come from Debian's or Ubuntu's packages (as root, or through `sudo -n`), libraries
//! for Node and Python from npm and PyPI at pinned versions into `target/tools`. Nothing is
//! downloaded from anywhere else, and nothing outside `target/` is changed but by apt and rustup.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Context, Error, Result};
use crate::paths::Project;
use crate::shell::{Run, which};

/// npm packages and their versions; these run on Node 18 and later.
const NODE_PACKAGES: &[(&str, &str)] = &[("ws", "8.18.3"), ("playwright-core", "1.56.1")];
/// PyPI packages and their versions; these run on Python 3.10 and later.
const PYTHON_PACKAGES: &[(&str, &str)] = &[("websockets", "15.0.1"), ("kosoku", "0.1.0")];
/// The names under which Chromium is known to systems.
const CHROMIUM: &[&str] = &["chromium", "chromium-browser", "google-chrome"];
/// Where Debian and Ubuntu keep Wine for those who do not ask for the windows of its desktop.
const WINE: &str = "/usr/lib/wine";
/// Rust's name for the Windows that MinGW compiles for.
pub const WINDOWS_TARGET: &str = "x86_64-pc-windows-gnu";
/// How long rustup may try to reach its server.
const RUSTUP_LIMIT: Duration = Duration::from_secs(120);

/// A thing that a task needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Need {
    /// A C compiler with its headers.
    C,
    /// A C++ compiler.
    Cxx,
    /// Mono's C# compiler and its runtime.
    Mono,
    /// Valgrind.
    Valgrind,
    /// Node with the packages of `NODE_PACKAGES`.
    Node,
    /// Python with the packages of `PYTHON_PACKAGES`.
    Python,
    /// nginx with its stream module, and OpenSSL's program for certificates.
    Nginx,
    /// Proxies for HTTP and SOCKS5, and OpenSSL's program for certificates.
    Proxies,
    /// Godot 3 without a window; optional.
    Godot,
    /// Wireshark's program for the terminal, with Lua.
    Tshark,
    /// ENet, for the benchmarks.
    Enet,
    /// libwebsockets and zlib, for the benchmarks.
    Libwebsockets,
    /// Chromium; optional.
    Chromium,
    /// A C compiler for Windows; optional, as are the next two.
    Mingw,
    /// Wine for 64-bit programs.
    Wine,
    /// Rust's standard library for Windows.
    WindowsTarget,
    /// Rust's formatter.
    Rustfmt,
    /// Rust's linter.
    Clippy,
}

/// How a need is met from packages.
struct Tool {
    need: Need,
    name: &'static str,
    packages: &'static [&'static str],
    /// What `rustup … add` brings, of which sort.
    rustup: Option<(&'static str, &'static str)>,
    optional: bool,
    present: fn() -> bool,
}

const TOOLS: &[Tool] = &[
    Tool {
        need: Need::C,
        name: "a C compiler",
        packages: &["gcc", "libc6-dev", "binutils"],
        rustup: None,
        optional: false,
        present: || compiles("cc", "c") && which(&["nm"]).is_some(),
    },
    Tool {
        need: Need::Cxx,
        name: "a C++ compiler",
        packages: &["g++"],
        rustup: None,
        optional: false,
        present: || compiles("c++", "c++"),
    },
    Tool {
        need: Need::Mono,
        name: "Mono's C# compiler and runtime",
        packages: &["mono-mcs", "mono-runtime"],
        rustup: None,
        optional: false,
        present: || which(&["mcs"]).is_some() && which(&["mono"]).is_some(),
    },
    Tool {
        need: Need::Valgrind,
        name: "Valgrind",
        packages: &["valgrind", "libc6-dbg"],
        rustup: None,
        optional: false,
        present: || Run::new("valgrind").args(["-q", "true"]).probe(),
    },
    Tool {
        need: Need::Node,
        name: "Node 18 or later with npm",
        packages: &["nodejs", "npm"],
        rustup: None,
        optional: false,
        present: || {
            let script = "process.exit(parseInt(process.versions.node) >= 18 ? 0 : 1)";
            Run::new("node").args(["-e", script]).probe() && which(&["npm"]).is_some()
        },
    },
    Tool {
        need: Need::Python,
        name: "Python 3.9 or later with venv",
        packages: &["python3", "python3-venv"],
        rustup: None,
        optional: false,
        present: || {
            let script = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 9))";
            Run::new("python3").args(["-c", script]).probe()
        },
    },
    Tool {
        need: Need::Nginx,
        name: "nginx with its stream module, and openssl",
        packages: &["nginx", "libnginx-mod-stream", "openssl"],
        rustup: None,
        optional: false,
        present: || {
            // Debian puts it where only root looks.
            let script = "PATH=$PATH:/usr/sbin; command -v openssl && command -v nginx \
                          && modules=$(nginx -V 2>&1 | grep -o 'modules-path=[^ ]*') \
                          && ls \"${modules#*=}/ngx_stream_module.so\"";
            Run::new("sh").args(["-c", script]).probe()
        },
    },
    Tool {
        need: Need::Proxies,
        name: "tinyproxy, microsocks and openssl",
        packages: &["tinyproxy-bin", "microsocks", "openssl"],
        rustup: None,
        optional: false,
        present: || {
            ["tinyproxy", "microsocks", "openssl"].iter().all(|name| which(&[name]).is_some())
        },
    },
    Tool {
        need: Need::Godot,
        name: "Godot 3 without a window",
        packages: &["godot3-server"],
        rustup: None,
        optional: true,
        present: || which(&["godot3-server"]).is_some(),
    },
    Tool {
        need: Need::Tshark,
        name: "tshark with Lua",
        packages: &["tshark"],
        rustup: None,
        optional: false,
        present: || {
            let script = "tshark --version | grep -qi 'with lua'";
            Run::new("sh").args(["-c", script]).probe()
        },
    },
    Tool {
        need: Need::Enet,
        name: "ENet with its headers",
        packages: &["libenet-dev"],
        rustup: None,
        optional: false,
        present: || {
            let script = "echo '#include <enet/enet.h>\nint main(void) { return \
                          enet_initialize(); }' | cc -x c - -lenet -o /dev/null";
            Run::new("sh").args(["-c", script]).probe()
        },
    },
    Tool {
        need: Need::Libwebsockets,
        name: "libwebsockets and zlib with their headers",
        packages: &["libwebsockets-dev", "zlib1g-dev"],
        rustup: None,
        optional: false,
        present: || {
            let script = "echo '#include <libwebsockets.h>\n#include <zlib.h>\nint main(void) { \
                          return zlibVersion() == lws_get_library_version(); }' \
                          | cc -x c - -lwebsockets -lz -o /dev/null";
            Run::new("sh").args(["-c", script]).probe()
        },
    },
    Tool {
        need: Need::Chromium,
        name: "Chromium",
        packages: &["chromium"],
        rustup: None,
        optional: true,
        present: || chromium().is_some(),
    },
    Tool {
        need: Need::Mingw,
        name: "MinGW's C compiler for 64-bit Windows",
        packages: &["gcc-mingw-w64-x86-64"],
        rustup: None,
        optional: true,
        present: || which(&["x86_64-w64-mingw32-gcc"]).is_some(),
    },
    Tool {
        need: Need::Wine,
        name: "Wine for 64-bit programs",
        packages: &["wine64"],
        rustup: None,
        optional: true,
        present: || wine().is_some(),
    },
    Tool {
        need: Need::WindowsTarget,
        name: "Rust's standard library for Windows",
        packages: &[],
        rustup: Some(("target", WINDOWS_TARGET)),
        optional: true,
        present: || {
            let script =
                format!("test -d \"$(rustc --print target-libdir --target {WINDOWS_TARGET})\"");
            Run::new("sh").args(["-c", &script]).probe()
        },
    },
    Tool {
        need: Need::Rustfmt,
        name: "rustfmt",
        packages: &[],
        rustup: Some(("component", "rustfmt")),
        optional: false,
        present: || Run::new("cargo").args(["fmt", "--version"]).probe(),
    },
    Tool {
        need: Need::Clippy,
        name: "clippy",
        packages: &[],
        rustup: Some(("component", "clippy")),
        optional: false,
        present: || Run::new("cargo").args(["clippy", "--version"]).probe(),
    },
];

/// Puts a language's packages into `target/tools`.
type InstallLibraries = fn(&Project) -> Result<()>;

/// The needs that are more than a tool.
const LIBRARIES: &[(Need, InstallLibraries)] =
    &[(Need::Node, node_packages), (Need::Python, python_packages)];

/// A need that could not be met.
#[derive(Debug)]
pub struct Missing {
    /// Which one.
    pub need: Need,
    /// Whether tasks can do without it and say so.
    pub optional: bool,
    /// What is missing and how to get it.
    pub why: String,
}

/// Installs what is missing of `needs`; returns what is missing still.
pub fn ensure(project: &Project, needs: &[Need]) -> Result<Vec<Missing>> {
    let absent: Vec<_> =
        TOOLS.iter().filter(|tool| needs.contains(&tool.need) && !(tool.present)()).collect();
    let notes = install_all(project, &absent)?;
    let mut missing = Vec::new();
    for tool in &absent {
        if !(tool.present)() {
            missing.push(Missing {
                need: tool.need,
                optional: tool.optional,
                why: explain(tool, &notes),
            });
        }
    }
    for (need, install) in LIBRARIES {
        let wanted = needs.contains(need) && !missing.iter().any(|entry| entry.need == *need);
        if wanted && let Err(error) = install(project) {
            missing.push(Missing { need: *need, optional: false, why: error.to_string() });
        }
    }
    Ok(missing)
}

/// As `ensure`, where an optional tool may be missing and any other is an error.
pub fn require(project: &Project, needs: &[Need]) -> Result<()> {
    let missing = ensure(project, needs)?;
    let why: Vec<_> = missing.into_iter().filter(|entry| !entry.optional).collect();
    if why.is_empty() {
        return Ok(());
    }
    let lines: Vec<_> = why.into_iter().map(|entry| entry.why).collect();
    Err(Error::new(lines.join("\n")))
}

/// Where Chromium is, when it is there.
pub fn chromium() -> Option<PathBuf> {
    // Ubuntu's `chromium-browser` may be a script that only says "install the snap": ask it.
    which(CHROMIUM).filter(|path| Run::new(path).arg("--version").probe())
}

/// Wine and its server, when they are there.
pub fn wine() -> Option<[PathBuf; 2]> {
    let find = |name: &str, own: &str| {
        which(&[name]).or_else(|| Some(Path::new(WINE).join(own)).filter(|path| path.is_file()))
    };
    Some([find("wine64", "wine64")?, find("wineserver", "wineserver64")?])
}

/// The folder with the npm packages; `require` finds them when NODE_PATH names it.
pub fn node_modules(project: &Project) -> PathBuf {
    project.target.join("tools/node_modules")
}

/// The Python that has the packages.
pub fn python(project: &Project) -> PathBuf {
    project.target.join("tools/python/bin/python")
}

/// A program that a PyPI package brings.
pub fn python_script(project: &Project, name: &str) -> PathBuf {
    project.target.join("tools/python/bin").join(name)
}

/// Whether a compiler compiles a program that needs the system's headers and the linker.
fn compiles(compiler: &str, language: &str) -> bool {
    let script = format!(
        "echo '#include <stdio.h>\nint main(void) {{ return 0; }}' | {compiler} -x {language} - \
         -o /dev/null"
    );
    Run::new("sh").args(["-c", &script]).probe()
}

/// Tries to install; what goes wrong comes back as notes, because only `present` decides.
fn install_all(project: &Project, absent: &[&Tool]) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    for tool in absent {
        if let Some((sort, name)) = tool.rustup {
            println!("installing {} …", tool.name);
            let run = Run::new("rustup").args([sort, "add", name]).limit(RUSTUP_LIMIT);
            notes.extend(run.quiet(project, "rustup").err().map(|error| error.to_string()));
        }
    }
    let mut groups = groups(absent);
    groups.retain(|group| !group.is_empty());
    if groups.is_empty() {
        return Ok(notes);
    }
    let Some(prefix) = administrator() else {
        notes.push("this task may not install packages (not root, and no `sudo -n`)".to_owned());
        return Ok(notes);
    };
    for group in groups {
        println!("installing {} …", group.join(" "));
        notes.extend(apt_install(project, prefix, &group).err().map(|e| e.to_string()));
    }
    Ok(notes)
}

/// What apt gets at once: what is required, and each optional tool alone, because one that this
/// system does not have must not stop the others.
fn groups(absent: &[&Tool]) -> Vec<Vec<&'static str>> {
    let (optional, required): (Vec<&Tool>, Vec<&Tool>) = absent.iter().partition(|t| t.optional);
    let required = required.iter().flat_map(|tool| tool.packages.iter().copied()).collect();
    let alone = optional.iter().map(|tool| tool.packages.to_vec());
    std::iter::once(required).chain(alone).collect()
}

/// How to become root for apt: not at all, through sudo, or None when there is no way.
fn administrator() -> Option<&'static [&'static str]> {
    which(&["apt-get"])?;
    if Run::new("sh").args(["-c", "[ \"$(id -u)\" = 0 ]"]).probe() {
        Some(&["env"])
    } else if Run::new("sudo").args(["-n", "true"]).probe() {
        Some(&["sudo", "-n", "env"])
    } else {
        None
    }
}

/// Installs with the package lists as they are, and once more after bringing them up to date.
fn apt_install(project: &Project, prefix: &[&str], packages: &[&str]) -> Result<()> {
    let apt = |words: &[&str], log: &str| {
        Run::new(prefix[0])
            .args(&prefix[1..])
            .args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-y"])
            .args(["-o", "DPkg::Lock::Timeout=300"])
            .args(words)
            .quiet(project, log)
    };
    let mut install = vec!["install", "--no-install-recommends"];
    install.extend(packages);
    if apt(&install, "apt-install").is_ok() {
        return Ok(());
    }
    apt(&["update"], "apt-update")?;
    apt(&install, "apt-install").map(|_| ())
}

fn explain(tool: &Tool, notes: &[String]) -> String {
    let how = match tool.rustup {
        Some((sort, name)) => format!("rustup {sort} add {name}"),
        None => format!("apt-get install {}", tool.packages.join(" ")),
    };
    let mut text = format!("{} is missing; get it with `{how}`", tool.name);
    for note in notes {
        text += &format!("\n{note}");
    }
    text
}

/// Puts the npm packages into `target/tools/node_modules` unless exactly these are there.
fn node_packages(project: &Project) -> Result<()> {
    let folder = project.out("tools")?;
    let installed = |(name, version): &(&str, &str)| {
        let path = folder.join("node_modules").join(name).join("package.json");
        let text = fs::read_to_string(path).unwrap_or_default();
        let package: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        package["version"] == *version
    };
    if NODE_PACKAGES.iter().all(installed) {
        return Ok(());
    }
    println!("installing the npm packages {} …", pinned(NODE_PACKAGES, "@"));
    fs::write(folder.join("package.json"), "{\"private\": true}\n").context("package.json")?;
    let names = NODE_PACKAGES.iter().map(|(name, version)| format!("{name}@{version}"));
    Run::new("npm")
        .args(["install", "--save-exact", "--no-audit", "--no-fund", "--ignore-scripts"])
        .args(names)
        .dir(&folder)
        .quiet(project, "npm-install")
        .map(|_| ())
}

/// Makes `target/tools/python` with the PyPI packages unless exactly these are there.
fn python_packages(project: &Project) -> Result<()> {
    let folder = project.out("tools")?.join("python");
    let wanted = pinned(PYTHON_PACKAGES, "==");
    let stamp = folder.join("installed.txt");
    let python = python(project);
    let runs = || Run::new(&python).args(["-c", "import websockets, kosoku"]).probe();
    if fs::read_to_string(&stamp).is_ok_and(|text| text == wanted) && runs() {
        return Ok(());
    }
    println!("installing the PyPI packages {wanted} …");
    Run::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(&folder)
        .quiet(project, "python-venv")?;
    Run::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(wanted.split(' '))
        .quiet(project, "pip-install")?;
    fs::write(&stamp, wanted).context(stamp.display())
}

fn pinned(packages: &[(&str, &str)], sign: &str) -> String {
    let words: Vec<_> =
        packages.iter().map(|(name, version)| format!("{name}{sign}{version}")).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_need_has_one_tool_with_a_way_to_get_it() {
        for tool in TOOLS {
            let same = TOOLS.iter().filter(|other| other.need == tool.need).count();
            assert_eq!(same, 1, "{:?}", tool.need);
            assert!(!tool.packages.is_empty() || tool.rustup.is_some(), "{:?}", tool.need);
        }
    }

    #[test]
    fn an_explanation_says_how_to_get_the_tool() {
        let tool = TOOLS.iter().find(|tool| tool.need == Need::Mono).expect("in the table");
        let text = explain(tool, &["apt said no".to_owned()]);
        assert_eq!(
            text,
            "Mono's C# compiler and runtime is missing; get it with \
             `apt-get install mono-mcs mono-runtime`\napt said no"
        );
    }

    #[test]
    fn each_optional_tool_is_installed_apart() {
        let all: Vec<_> = TOOLS.iter().collect();
        let groups = groups(&all);
        assert!(groups[0].contains(&"gcc") && !groups[0].contains(&"chromium"));
        let optional = [&["godot3-server"][..], &["chromium"], &["gcc-mingw-w64-x86-64"]];
        assert_eq!(groups[1..4], optional);
        assert_eq!(groups[4..], [&["wine64"][..], &[]]);
    }

    #[test]
    fn pins_are_written_as_each_registry_reads_them() {
        assert_eq!(pinned(&[("a", "1"), ("b", "2")], "=="), "a==1 b==2");
    }
}
