//! Descriptors 0 to 2 are passed to the command. None may be a directory, which would lead to everything
//! around it.

use std::fs::File;
use subroot_tests::running::{Running, unique_word};
use subroot_tests::sandbox::{Sandbox, assert_refused};
use subroot_tests::{Step, start_with};

const NAMES: [&str; 3] = ["standard input", "standard output", "standard error"];

fn directory() -> Vec<std::os::fd::OwnedFd> {
    vec![File::open("/").expect("opening a directory").into()]
}

#[test]
fn a_directory_as_standard_stream_is_refused() {
    let sandbox = Sandbox::new();
    let name = format!("streams-{}", unique_word());
    let words = ["sh", "-c", "echo ready; exec sleep 1000"];
    let running = Running::new(&mut sandbox.run(&["--name", &name], &words));
    for (number, stream) in (0..).zip(NAMES) {
        let pass = || directory().into_iter().map(|directory| Step::Pass(directory, number)).collect();
        let mut run = sandbox.leaving_a_mark(&[]);
        let mut exec = sandbox.alice.command("subroot");
        exec.args(["exec", &name, "touch", "/mark"]);
        for command in [&mut run, &mut exec] {
            let outcome = sandbox.host.output(start_with(command, pass()));
            assert_eq!(outcome.code(), 125, "{outcome:?}");
            if number < 2 {
                assert_refused(&outcome, 125, &[stream, "is a directory"]);
            }
        }
    }
    assert!(!sandbox.has_mark());
    running.signal(9);
}
