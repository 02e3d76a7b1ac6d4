//! Scripts in the directories in which packages install them: each shell loads its script when the command is
//! first typed.

use crate::completions::editor::{BASH, Editor, Shell, ZSH};
use std::fs;
use std::path::Path;
use subroot_tests::sandbox::{Sandbox, give};
use subroot_tests::skip;

const BASH_COMPLETION: &str = "/usr/share/bash-completion/bash_completion";

/// A shell with its script in this file of alice's home directory, and with additional settings.
fn with_file(shell: &Shell, file: &str, settings: &str) -> (Sandbox, Editor) {
    let sandbox = Sandbox::new();
    shell.configure(&sandbox);
    let path = shell.settings_path(&sandbox);
    let text = fs::read_to_string(&path).expect("the settings");
    fs::write(&path, format!("{settings}\n{text}")).expect("writing the settings");
    let script = sandbox.says(&["completions", shell.name]).ok();
    let path = sandbox.alice.home.join(file);
    let dir = path.parent().expect("a directory");
    assert!(sandbox.alice.command("mkdir").arg("-p").arg(dir).status().is_ok_and(|status| status.success()));
    fs::write(&path, script).expect("writing the script");
    give(&path, &sandbox.alice, 0o644);
    let editor = Editor::new(&sandbox, shell);
    (sandbox, editor)
}

#[test]
fn zsh_finds_it_in_fpath() {
    if !Path::new("/usr/bin/zsh").exists() {
        skip!("needs zsh");
    }
    let (_sandbox, mut editor) = with_file(&ZSH, "functions/_subroot", "");
    assert_eq!(editor.complete("subroot run --outl", "").0, "subroot run --outlive-parent |");
    assert_eq!(editor.complete("subroot run -- mkfif", "").0, "subroot run -- mkfifo |");
}

#[test]
fn bash_completion_finds_it_and_completes_the_options_of_a_command() {
    if !Path::new(BASH_COMPLETION).exists() {
        skip!("needs bash-completion");
    }
    let file = ".local/share/bash-completion/completions/subroot";
    let (_sandbox, mut editor) = with_file(&BASH, file, &format!("source {BASH_COMPLETION}"));
    for (typed, expected) in [
        ("subroot run --outl", "subroot run --outlive-parent |"),
        ("subroot run --userns=keep-id:u", "subroot run --userns=keep-id:uid=|"),
        ("subroot run -- mkfif", "subroot run -- mkfifo |"),
        ("subroot run debian -- ls --full-t", "subroot run debian -- ls --full-time |"),
        ("subroot unshare chmod --refer", "subroot unshare chmod --reference=|"),
    ] {
        assert_eq!(editor.complete(typed, "").0, expected);
    }
}
