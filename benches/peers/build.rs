//! Compiles the load and the measuring, which all peers' programs share.

fn main() {
    let files = ["../udp/load.c", "../common/measure.c"];
    println!("cargo::rerun-if-changed=../udp");
    println!("cargo::rerun-if-changed=../common");
    cc::Build::new()
        .files(files)
        .std("c99")
        .opt_level(2)
        .warnings_into_errors(true)
        .compile("load");
}
