//! Links the mapper without libc, start files or loader: see src/start.rs for what takes their place.

fn main() {
    for argument in
        ["-nostartfiles", "-nostdlib", "-static", "-no-pie", "-Wl,--gc-sections", "-Wl,-z,noexecstack"]
    {
        println!("cargo::rustc-link-arg-bin=newidmap-helper={argument}");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
