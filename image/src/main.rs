//! subroot-image: run by `subroot import`, see subroot-import(1).

fn main() -> std::process::ExitCode {
    subroot_image::main()
}
