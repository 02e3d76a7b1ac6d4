//! Compiles the default filters of system calls, so that a launch need not.

// The modules are the library's.
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
        .ok_or_else(|| format!("the default filter of system calls is not known for {target}"))?;
    write("default_filter.rs", &architectures)?;
    let [native, _] = architectures;
    write("native_filter.rs", &[native])
}

/// The filter for these architectures, as a file of Rust.
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
