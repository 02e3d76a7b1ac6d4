//! subroot: see subroot(1).

fn main() -> std::process::ExitCode {
    subroot::main()
}
