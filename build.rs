//! Generates the C header and the C# externs from `src/ffi` into `OUT_DIR`.
//!
//! `cargo xtask bindgen` copies them into the tree; nothing is written there from here. Without the
//! feature `generate` nothing is done.

use std::error::Error;
#[cfg(feature = "generate")]
use std::path::{Path, PathBuf};

/// The modules whose items are the ABI, in the order of the header.
#[cfg(feature = "generate")]
const SOURCES: &[&str] = &[
    "codes",
    "structs",
    "setting_structs",
    "library",
    "limits",
    "settings",
    "presets",
    "endpoints",
    "drivers",
    "interfaces",
    "documents",
    "admission",
    "tls",
    "traffic",
    "connections",
    "requests",
    "events",
    "extensions",
    "sends",
    "concurrent",
    "streams",
    "stream_writes",
    "stream_packed_writes",
    "stream_reads",
    "stream_packed_reads",
    "messages",
    "multi",
    "own_loop",
    "pipelines",
    "stages",
    "jobs",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    generate()
}

#[cfg(not(feature = "generate"))]
fn generate() -> Result<(), Box<dyn Error>> {
    Ok(())
}

#[cfg(feature = "generate")]
fn generate() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    println!("cargo:rerun-if-changed=cbindgen.toml");
    println!("cargo:rerun-if-changed=src/ffi");
    println!("cargo:rustc-env=NETDRIVER_GENERATED={}", out.display());
    header(&root, &out)?;
    csharp(&root, &out)
}

#[cfg(feature = "generate")]
fn source(root: &Path, module: &str) -> PathBuf {
    root.join("src/ffi").join(module).with_extension("rs")
}

#[cfg(feature = "generate")]
fn header(root: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml"))?;
    let mut builder = cbindgen::Builder::new().with_config(config);
    for module in SOURCES {
        builder = builder.with_src(source(root, module));
    }
    builder.generate()?.write_to_file(out.join("netdriver.h"));
    Ok(())
}

#[cfg(feature = "generate")]
fn csharp(root: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    let mut builder = csbindgen::Builder::default();
    for module in SOURCES {
        builder = builder.input_extern_file(source(root, module));
    }
    builder
        .csharp_dll_name("netdriver")
        .csharp_dll_name_if("UNITY_IOS && !UNITY_EDITOR", "__Internal")
        .csharp_namespace("NetDriver.Interop")
        .csharp_class_name("NativeMethods")
        .csharp_class_accessibility("internal")
        .csharp_use_function_pointer(false)
        .csharp_use_nint_types(false)
        .csharp_generate_const_filter(|name| name.starts_with("ND_"))
        .generate_csharp_file(out.join("NativeMethods.g.cs"))?;
    Ok(())
}
