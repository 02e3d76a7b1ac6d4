//! Links the programs without libc, start files or loader: see src/start.rs for what takes their place.

const ARGUMENTS: [&str; 6] =
    ["-nostartfiles", "-nostdlib", "-static", "-no-pie", "-Wl,--gc-sections", "-Wl,-z,noexecstack"];
// Without `-z max-page-size`: on aarch64, the linker's default of 64 KiB is needed, as kernels there may have pages of that size
// and load nothing that is aligned to less. Some 26 of the 66 KiB of such a program are this alignment, and zero.
/// cargo's own `strip` keeps the symbols of a package whose profile differs from the workspace's, and nothing ever unwinds.
const STRIP: &str = "-Wl,--strip-all,--no-eh-frame-hdr";

fn main() {
    let is_release = std::env::var_os("DEBUG").is_some_and(|debug| debug == "false");
    let script = format!("-Wl,-T,{}/no-unwinding.ld", env!("CARGO_MANIFEST_DIR"));
    for argument in ARGUMENTS {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
    for argument in is_release.then_some([STRIP, &script]).into_iter().flatten() {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=no-unwinding.ld");
}
