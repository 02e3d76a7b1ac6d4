//! Compiles the default system call filters at build time, which saves time at each launch.

// The modules are shared with the library.
#![allow(dead_code, unreachable_pub)]

#[path = "src/child/seccomp/architecture.rs"]
mod architecture;
#[path = "src/child/seccomp/default_filter.rs"]
mod default_filter;
#[path = "src/child/seccomp/program.rs"]
mod program;

use architecture::Architecture;
use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let target = env::var("CARGO_CFG_TARGET_ARCH")?;
    let architectures = Architecture::of_kernel(&target)
        .ok_or_else(|| format!("no default system call filter for {target}"))?;
    write("default_filter.rs", &architectures)?;
    let [native, _] = architectures;
    write("native_filter.rs", &[native])
}

/// Writes the filter for these architectures as Rust source.
fn write(name: &str, architectures: &[Architecture]) -> Result<(), Box<dyn Error>> {
    let mut text = String::from("&[\n");
    for instruction in default_filter::filter(architectures)? {
        let (code, jt, jf, k) = (instruction.code, instruction.jt, instruction.jf, instruction.k);
        writeln!(text, "    sock_filter {{ code: {code:#x}, jt: {jt}, jf: {jf}, k: {k:#x} }},")?;
    }
    text += "]\n";
    std::fs::write(Path::new(&env::var("OUT_DIR")?).join(name), text)?;
    Ok(())
}
