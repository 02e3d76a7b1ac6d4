//! Links the programs without libc, start files or loader: see src/start.rs for what takes their place.

const ARGUMENTS: [&str; 6] =
    ["-nostartfiles", "-nostdlib", "-static", "-no-pie", "-Wl,--gc-sections", "-Wl,-z,noexecstack"];
/// cargo's own `strip` keeps the symbols of a package whose profile differs from the workspace's.
const STRIP: &str = "-Wl,--strip-all";

fn main() {
    let is_release = std::env::var_os("DEBUG").is_some_and(|debug| debug == "false");
    for argument in ARGUMENTS.into_iter().chain(is_release.then_some(STRIP)) {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
