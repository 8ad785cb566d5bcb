//! Arrows point down only: ffi → driver → pump → proto, with a few leaves that everybody may use.
//!
//! Each module's sources are read for `crate::…` paths; what is not in the table below fails.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What each top-level module may name besides itself. What a module is missing here cannot be
/// used by it; a module that is missing here fails the test.
const TABLE: &[(&str, &[&str])] = &[
    // Leaves.
    ("error", &[]),
    ("names", &[]),
    ("log", &["error"]),
    // The pure machines.
    ("proto", &[]),
    // Values and their bounds.
    ("settings", &["error", "proto"]),
    // Sockets, clock, threads.
    ("pump", &["error", "log", "proto", "settings"]),
    ("driver", &["error", "log", "proto", "pump", "settings"]),
    ("ffi", &["driver", "error", "log", "names", "proto", "settings"]),
    // The bodies of the fuzz targets.
    ("fuzzing", &["proto"]),
];

/// Names at the root of the crate, and the module that each comes from.
const ROOT_NAMES: &[(&str, &str)] = &[
    ("Error", "error"),
    ("Result", "error"),
    ("Status", "error"),
    ("Concurrent", "driver"),
    ("ConcurrentDriver", "driver"),
    ("Connection", "driver"),
    ("ConnectionInfo", "driver"),
    ("ConnectionState", "driver"),
    ("ConnectionStatistics", "driver"),
    ("ConnectionText", "driver"),
    ("CUSTOM_BATCH_MAX", "driver"),
    ("CustomInterface", "driver"),
    ("DisconnectReason", "driver"),
    ("DriverPlace", "driver"),
    ("DriverWaker", "driver"),
    ("Event", "driver"),
    ("EventKind", "driver"),
    ("EventView", "driver"),
    ("IncomingPacket", "driver"),
    ("Job", "driver"),
    ("JobScheduler", "driver"),
    ("LANE_SENDS_OPEN_MAX", "driver"),
    ("MULTI_DRIVERS_MAX", "driver"),
    ("MessageKind", "driver"),
    ("MultiNetworkDriver", "driver"),
    ("MultiSend", "driver"),
    ("NetworkDriver", "driver"),
    ("OutgoingPacket", "driver"),
    ("PipelineStatistics", "driver"),
    ("REJECT_BODY_MAX", "driver"),
    ("ReliableCounters", "driver"),
    ("Request", "driver"),
    ("RequestId", "driver"),
    ("SendBuffer", "driver"),
    ("SendHandle", "driver"),
    ("SequencedCounters", "driver"),
    ("SharedDriver", "driver"),
    ("Statistics", "driver"),
    ("raise_descriptor_limit", "driver"),
    ("CustomInstance", "proto"),
    ("CustomStage", "proto"),
    ("Family", "proto"),
    ("NetworkEndpoint", "proto"),
    ("SendError", "proto"),
    ("StageError", "proto"),
    ("StageNext", "proto"),
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("is a folder") {
        let path = entry.expect("is readable").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))
}

/// The top-level module that a file belongs to.
fn module_of(file: &Path) -> String {
    let inside = file.strip_prefix(root()).expect("is inside");
    let first = inside.components().next().expect("has a name");
    let name = first.as_os_str().to_str().expect("is UTF-8");
    name.strip_suffix(".rs").unwrap_or(name).to_owned()
}

/// The text without line comments, so that documentation may point anywhere.
fn code(text: &str) -> String {
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// The names that follow `crate::`, groups in braces included.
fn crate_paths(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (start, _) in code.match_indices("crate::") {
        let before = code[..start].chars().next_back();
        if before.is_some_and(|before| before.is_alphanumeric() || before == '_') {
            continue;
        }
        let rest = &code[start + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => {
                let mut depth = 1;
                let end = group.find(|letter| {
                    depth += match letter {
                        '{' => 1,
                        '}' => -1,
                        _ => 0,
                    };
                    depth == 0
                });
                names.extend(top_names(&group[..end.expect("the group ends")]));
            }
            None => names.extend(first_word(rest)),
        }
    }
    names
}

/// The first word of each element of a group, whatever is nested inside.
fn top_names(group: &str) -> Vec<String> {
    let mut depth = 0;
    let mut flat = String::new();
    for letter in group.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ if depth == 0 => flat.push(letter),
            _ => {}
        }
    }
    flat.split(',').filter_map(|element| first_word(element.trim_start())).collect()
}

fn first_word(text: &str) -> Option<String> {
    let word: String =
        text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
    (!word.is_empty()).then_some(word)
}

fn origin(name: &str) -> &str {
    ROOT_NAMES.iter().find(|row| row.0 == name).map_or(name, |row| row.1)
}

#[test]
fn every_module_names_only_what_lies_below_it() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for file in sources(root()) {
        let module = module_of(&file);
        if module == "lib" {
            continue;
        }
        let row = TABLE.iter().find(|row| row.0 == module);
        let (_, allowed) = row.unwrap_or_else(|| panic!("module {module} is not in the table"));
        let text = fs::read_to_string(&file).expect("is text");
        for name in crate_paths(&code(&text)) {
            seen += 1;
            let target = origin(&name);
            if target != module && !allowed.contains(&target) {
                wrong.push(format!("{}: {module} names {target} ({name})", file.display()));
            }
        }
    }
    assert!(seen > 50, "the scan found only {seen} paths; it reads the wrong thing");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_pure_machines_touch_nothing_of_the_machine() {
    const FORBIDDEN: [&str; 12] = [
        "std::net::Tcp",
        "std::net::Udp",
        "std::time",
        "std::thread",
        "std::fs",
        "std::env",
        "std::process",
        "std::sync",
        "HashMap",
        "HashSet",
        "getrandom",
        "mio::",
    ];
    let mut wrong = Vec::new();
    for file in sources(&root().join("proto")) {
        // Settings that machines share are memory and no more.
        let text = code(&fs::read_to_string(&file).expect("is text"));
        let text = text.replace("std::sync::Arc;", "");
        for word in FORBIDDEN.iter().filter(|&&word| text.contains(word)) {
            wrong.push(format!("{}: {word}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_pump_names_the_crates_that_reach_the_system() {
    const SYSTEM: [&str; 6] =
        ["mio::", "socket2::", "quinn_udp::", "winsafe::", "getrandom::", "libc::"];
    let mut wrong = Vec::new();
    for file in sources(root()) {
        if module_of(&file) == "pump" {
            continue;
        }
        let text = code(&fs::read_to_string(&file).expect("is text"));
        for word in SYSTEM.iter().filter(|&&word| text.contains(word)) {
            wrong.push(format!("{}: {word}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn unsafe_code_is_in_the_ffi_one_lock_and_one_buffer_only() {
    let mut found = 0;
    for file in sources(root()) {
        let text = code(&fs::read_to_string(&file).expect("is text"));
        let words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
        let count = words.filter(|&word| word == "unsafe").count();
        let places = ["driver/shared/lock.rs", "pump/chunk.rs"];
        let allowed = module_of(&file) == "ffi" || places.iter().any(|place| file.ends_with(place));
        assert!(count == 0 || allowed, "{}", file.display());
        found += count;
    }
    assert!(found > 0, "the scan sees no unsafe at all; it reads the wrong thing");
}

#[test]
fn the_scan_itself_sees_every_form_of_a_path() {
    let text = "use crate::error::{Error, Result};\nuse crate::{driver::X, pump::{A, B}, Status};\n\
                fn f(x: crate::settings::Y) {} // crate::hidden\n$crate::log::x; mycrate::no;";
    let names = crate_paths(&code(text));
    let expected = ["Status", "driver", "error", "log", "pump", "settings"];
    assert_eq!(names.into_iter().collect::<Vec<_>>(), expected);
}
