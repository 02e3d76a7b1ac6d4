//! Links the programs without libc, start files or a dynamic loader; src/start.rs has the entry point.

const ARGUMENTS: [&str; 6] =
    ["-nostartfiles", "-nostdlib", "-static", "-no-pie", "-Wl,--gc-sections", "-Wl,-z,noexecstack"];
// `-z max-page-size` is not set: aarch64 kernels can have 64 KiB pages and cannot load a program with a
// smaller alignment than the linker's default of 64 KiB. About 26 of such a program's 66 KiB are zeros for
// this alignment.
/// cargo's own `strip` keeps the symbols of a package whose profile differs from the workspace's. Nothing
/// unwinds, so the tables are not needed.
const STRIP: &str = "-Wl,--strip-all,--no-eh-frame-hdr";

/// The compiler splits -Wl at each comma, and the workspace's path can have one: -Xlinker does not split.
fn main() {
    let is_release = std::env::var_os("DEBUG").is_some_and(|debug| debug == "false");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/no-unwinding.ld");
    for argument in ARGUMENTS {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
    for argument in is_release.then_some([STRIP, "-Xlinker", "-T", "-Xlinker", script]).into_iter().flatten()
    {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=no-unwinding.ld");
}
