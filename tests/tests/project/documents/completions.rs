//! The output of `subroot completions` is accepted by the shell that it is for.

use crate::documents::printed;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use subroot_tests::skip;

/// Runs a shell with a script on its standard input; none if the shell is not installed.
fn shell(command: &[&str], script: &str) -> Option<Output> {
    let mut child = Command::new(command[0])
        .args(&command[1..])
        // fish creates directories in it.
        .env("HOME", env!("CARGO_TARGET_TMPDIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    child.stdin.take().expect("a pipe").write_all(script.as_bytes()).expect("writing the script");
    Some(child.wait_with_output().expect("waiting for the shell"))
}

#[track_caller]
fn words(output: &Output) -> Vec<String> {
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).split_whitespace().map(str::to_owned).collect()
}

/// bash's completions of the last of these words.
#[track_caller]
fn completed_by_bash(typed: &str) -> Vec<String> {
    let last = typed.split(' ').next_back().expect("a word");
    let asked = format!(
        "COMP_WORDS=({typed}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _subroot subroot '{last}' ''
        printf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
    );
    let script = printed("subroot", &["completions", "bash"]) + &asked;
    words(&shell(&["bash", "--norc"], &script).expect("bash"))
}

#[test]
fn bash_completes_a_command_and_an_option() {
    assert_eq!(completed_by_bash("subroot ru"), ["run"]);
    assert_eq!(completed_by_bash("subroot run --outl"), ["--outlive-parent"]);
    assert_eq!(completed_by_bash("subroot completions z"), ["zsh"]);
}

#[test]
fn bash_calls_it_for_subroot() {
    let script = printed("subroot", &["completions", "bash"]) + "complete -p subroot\n";
    let words = words(&shell(&["bash", "--norc"], &script).expect("bash"));
    assert!(words.windows(2).any(|pair| pair == ["-F", "_subroot"]), "{words:?}");
}

#[test]
fn fish_completes_a_command_and_an_option() {
    let script = printed("subroot", &["completions", "fish"]);
    for (typed, expected) in [("subroot ru", "run"), ("subroot run --outl", "--outlive-parent")] {
        let script = format!("{script}\ncomplete --do-complete '{typed}'\n");
        let Some(output) = shell(&["fish", "--no-config"], &script) else { skip!("needs fish") };
        assert_eq!(words(&output).first().map(String::as_str), Some(expected), "{output:?}");
    }
}

#[test]
fn zsh_can_read_it() {
    let script = printed("subroot", &["completions", "zsh"]);
    let Some(output) = shell(&["zsh", "-f", "-n"], &script) else { skip!("needs zsh") };
    assert!(words(&output).is_empty());
}
