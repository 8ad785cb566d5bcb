//! Compiles the load and the measuring, which all peers' programs share.

fn main() {
    let folder = "../udp";
    println!("cargo::rerun-if-changed={folder}");
    cc::Build::new()
        .file(format!("{folder}/load.c"))
        .std("c99")
        .opt_level(2)
        .warnings_into_errors(true)
        .compile("load");
}
