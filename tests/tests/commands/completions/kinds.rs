//! Each kind of value is completed in each shell.

use crate::completions::editor::{BASH, Editor, FISH, Shell, ZSH};
use std::process::Command;
use subroot_tests::running::Running;
use subroot_tests::sandbox::Sandbox;
use subroot_tests::skip;

/// True if the host has this shell.
fn is_there(shell: &Shell) -> bool {
    Command::new(shell.name).arg("--version").output().is_ok()
}

/// Defines a test for each of these functions in each shell.
macro_rules! in_each_shell {
    ($($test:ident)*) => { in_each_shell!{@ bash BASH [$($test)*] zsh ZSH [$($test)*] fish FISH [$($test)*]} };
    (@ $($module:ident $shell:ident [$($test:ident)*])*) => { $(
        mod $module {
            use super::*;
            $(#[test]
            fn $test() {
                if !is_there(&$shell) { skip!("needs {}", $shell.name) }
                let typing = Typing::new(&$shell);
                super::$test(typing);
            })*
        }
    )* };
}

in_each_shell! {
    commands_and_options
    directories_for_a_rootfs
    names_of_running_sandboxes
    names_of_images
    every_word_of_a_closed_set
    a_word_after_an_equals_sign
    a_command_and_its_files
    files_for_options
    users_and_variables
    what_is_around_the_cursor_stays
    what_cannot_be_completed_stays
}

/// alice at a shell, with some files in her home directory.
struct Typing {
    sandbox: Sandbox,
    editor: Editor,
}

impl Typing {
    fn new(shell: &Shell) -> Typing {
        let sandbox = Sandbox::new();
        shell.configure(&sandbox);
        shell.install(&sandbox);
        sandbox.dir("debian", &[]);
        sandbox.dir("my root", &[("file", "")]);
        sandbox.dir("files", &[("defaults.env", ""), ("profile.json", "")]);
        let editor = Editor::new(&sandbox, shell);
        Typing { sandbox, editor }
    }

    /// Asserts that each line is completed to the expected one. Blanks at the end are ignored.
    #[track_caller]
    fn assert_completes(&mut self, lines: &[(&str, &str)]) {
        for (typed, expected) in lines {
            let (line, listed) = self.editor.complete(typed, "");
            let line = line.strip_suffix('|').expect("a cursor at the end");
            assert_eq!(line.trim_end(), *expected, "{typed:?}: {listed:?}");
        }
    }

    /// Asserts that each of these words is listed.
    #[track_caller]
    fn assert_lists(&mut self, typed: &str, expected: &[&str]) {
        let (line, listed) = self.editor.complete(typed, "");
        for word in expected {
            assert!(listed.iter().any(|other| other == word), "{word} after {line:?}: {listed:?}");
        }
    }
}

fn commands_and_options(mut typing: Typing) {
    typing.assert_completes(&[
        ("subroot ru", "subroot run"),
        ("subroot -v unsh", "subroot -v unshare"),
        ("subroot run --outl", "subroot run --outlive-parent"),
        ("subroot -q run -t --read-only --outl", "subroot -q run -t --read-only --outlive-parent"),
        ("subroot grants --json own", "subroot grants --json owner"),
        ("subroot idmap exp", "subroot idmap explain"),
        ("subroot completions z", "subroot completions zsh"),
    ]);
    typing.assert_lists("subroot ", &["run", "exec", "ps", "kill", "unshare", "idmap", "doctor", "grants"]);
    typing.assert_lists("subroot run -", &["--read-only", "--env-file", "-v"]);
}

fn directories_for_a_rootfs(mut typing: Typing) {
    typing.assert_completes(&[
        ("subroot run deb", "subroot run debian/"),
        ("subroot run -ti deb", "subroot run -ti debian/"),
        ("subroot run -tu root deb", "subroot run -tu root debian/"),
        ("subroot run --userns full -v /usr:/usr deb", "subroot run --userns full -v /usr:/usr debian/"),
        ("subroot run ~/deb", "subroot run ~/debian/"),
        ("subroot run my", "subroot run my\\ root/"),
        ("subroot run my\\ r", "subroot run my\\ root/"),
        ("subroot doctor deb", "subroot doctor debian/"),
        ("subroot run --overlay=my", "subroot run --overlay=my\\ root/"),
        // A file is not completed as ROOTFS.
        ("subroot run files/prof", "subroot run files/prof"),
    ]);
}

fn names_of_running_sandboxes(mut typing: Typing) {
    let words = ["sh", "-c", "echo ready; exec sleep 1000"];
    let _web = Running::new(&mut typing.sandbox.run(&["--name", "completed-web"], &words));
    typing.assert_completes(&[
        ("subroot exec completed-w", "subroot exec completed-web"),
        ("subroot exec -t completed-w", "subroot exec -t completed-web"),
        ("subroot kill completed-w", "subroot kill completed-web"),
        ("subroot kill -s TERM other completed-w", "subroot kill -s TERM other completed-web"),
    ]);
    typing.sandbox.output(&["-d", "--name", "completed-job"], "true").ok();
    typing.sandbox.says(&["wait", "completed-job"]).ok();
    typing.assert_completes(&[
        ("subroot logs completed-j", "subroot logs completed-job"),
        ("subroot wait other completed-j", "subroot wait other completed-job"),
        ("subroot rm completed-j", "subroot rm completed-job"),
        ("subroot exec completed-j", "subroot exec completed-j"),
    ]);
    let unnamed = Running::new(&mut typing.sandbox.run(&[], &words));
    let list = typing.sandbox.says(&["ps"]).ok();
    let pid = list
        .lines()
        .find_map(|line| line.split_whitespace().next().filter(|name| name.parse::<u32>().is_ok()));
    typing.assert_lists("subroot exec ", &["completed-web", pid.expect("a sandbox without a name")]);
    drop(unnamed);
}

fn names_of_images(mut typing: Typing) {
    typing.sandbox.host.install_image_program();
    let archive = "cd && tar -cf files.tar files";
    typing.sandbox.host.output(&mut typing.sandbox.alice.shell(archive)).ok();
    for name in ["completed-image", "other/completed:one"] {
        typing.sandbox.says(&["import", "/home/alice/files.tar", name]).ok();
    }
    typing.assert_completes(&[
        ("subroot rmi completed-i", "subroot rmi completed-image"),
        ("subroot inspect web completed-i", "subroot inspect web completed-image"),
        ("subroot rmi other/c", "subroot rmi other/completed:one"),
    ]);
}

fn every_word_of_a_closed_set(mut typing: Typing) {
    for (typed, words) in [
        ("run --userns ", "auto auto:size= full host-id keep-id keep-id:uid="),
        ("run --network ", "none host private pasta slirp4netns"),
        ("run --proc ", "auto new bind none"),
        ("run --dev ", "new bind none"),
        ("run --pid ", "private host"),
        ("run --ipc ", "private host"),
        ("run --uts ", "private host"),
        ("run --cgroupns ", "private host"),
        ("run --timens ", "monotonic= boottime="),
        ("run --ulimit ", "core= nofile= nproc= stack="),
        ("run --cap-add ", "ALL CHOWN NET_ADMIN SYS_ADMIN"),
        ("run --cap-drop ", "ALL CHOWN NET_ADMIN SYS_ADMIN"),
        ("run --security-opt ", "no-new-privileges seccomp=unconfined seccomp-arch=native"),
        ("run --security-opt ", "landlock=read-only landlock=no-tcp mask=default"),
        ("run --mount ", "type=bind type=tmpfs type=overlay type=proc type=devpts type=mqueue source= ro"),
        ("kill -s ", "HUP INT KILL TERM STOP CONT USR1 WINCH"),
        ("kill --signal ", "HUP INT KILL TERM STOP CONT USR1 WINCH"),
    ] {
        let words: Vec<&str> = words.split(' ').collect();
        typing.assert_lists(&format!("subroot {typed}"), &words);
    }
    typing.assert_completes(&[("subroot run --groups k", "subroot run --groups keep")]);
}

fn a_word_after_an_equals_sign(mut typing: Typing) {
    typing.assert_completes(&[
        ("subroot run --userns=fu", "subroot run --userns=full"),
        ("subroot run --userns=keep-id:u", "subroot run --userns=keep-id:uid="),
        ("subroot run --print-plan=j", "subroot run --print-plan=json"),
        ("subroot run --read-only-tmpfs=f", "subroot run --read-only-tmpfs=false"),
        ("subroot run --security-opt seccomp=u", "subroot run --security-opt seccomp=unconfined"),
        ("subroot run --security-opt=landlock=n", "subroot run --security-opt=landlock=no-tcp"),
        ("subroot run --mount type=tm", "subroot run --mount type=tmpfs"),
        ("subroot run --mount type=bind,sou", "subroot run --mount type=bind,source="),
        ("subroot kill --signal=TE", "subroot kill --signal=TERM"),
    ]);
}

fn a_command_and_its_files(mut typing: Typing) {
    typing.assert_completes(&[
        ("subroot run debian -- mkfif", "subroot run debian -- mkfifo"),
        ("subroot run debian mkfif", "subroot run debian mkfifo"),
        ("subroot run -- mkfif", "subroot run -- mkfifo"),
        ("subroot run --pid host -- mkfif", "subroot run --pid host -- mkfifo"),
        ("subroot unshare -- mkfif", "subroot unshare -- mkfifo"),
        ("subroot unshare mkfif", "subroot unshare mkfifo"),
        ("subroot exec web -- mkfif", "subroot exec web -- mkfifo"),
        ("subroot run -- cat files/prof", "subroot run -- cat files/profile.json"),
        ("subroot run debian -- cat files/prof", "subroot run debian -- cat files/profile.json"),
        ("subroot run debian cat -- files/prof", "subroot run debian cat -- files/profile.json"),
        ("subroot unshare cat my\\ root/fi", "subroot unshare cat my\\ root/file"),
    ]);
}

fn files_for_options(mut typing: Typing) {
    typing.assert_completes(&[
        ("subroot run --env-file files/def", "subroot run --env-file files/defaults.env"),
        ("subroot run --env-file=files/def", "subroot run --env-file=files/defaults.env"),
        ("subroot run -v files/def", "subroot run -v files/defaults.env"),
        ("subroot run --helper files/def", "subroot run --helper files/defaults.env"),
        (
            "subroot run --security-opt seccomp=files/p",
            "subroot run --security-opt seccomp=files/profile.json",
        ),
        (
            "subroot run --mount type=bind,source=files/p",
            "subroot run --mount type=bind,source=files/profile.json",
        ),
        ("subroot grants owner files/p", "subroot grants owner files/profile.json"),
    ]);
}

fn users_and_variables(mut typing: Typing) {
    typing.assert_completes(&[
        ("subroot run -u roo", "subroot run -u root"),
        ("subroot exec --user roo", "subroot exec --user root"),
        ("subroot doctor --for-user ali", "subroot doctor --for-user alice"),
        ("subroot grants suggest ali", "subroot grants suggest alice"),
        ("subroot run -e LOGN", "subroot run -e LOGNAME"),
        ("subroot run --group-add keep-g", "subroot run --group-add keep-groups"),
    ]);
}

fn what_is_around_the_cursor_stays(mut typing: Typing) {
    for (before, after, expected) in [
        ("subroot run deb", " -- ls -l", "subroot run debian/ -- ls -l"),
        ("subroot run --proc bi", " debian -- id", "subroot run --proc bind debian -- id"),
        ("subroot run --userns=fu", " debian", "subroot run --userns=full debian"),
        ("echo 'a b'; subroot run --outl", " ; id", "echo 'a b'; subroot run --outlive-parent ; id"),
        ("subroot run my", " ls", "subroot run my\\ root/ ls"),
        ("subroot run debian -- mkfif", " a b", "subroot run debian -- mkfifo a b"),
    ] {
        let (line, _) = typing.editor.complete(before, after);
        // Some shells move the cursor over the following blank, and some insert one.
        assert_eq!(line.replace('|', "").replace("  ", " "), expected, "{before:?} {after:?}");
    }
}

fn what_cannot_be_completed_stays(mut typing: Typing) {
    for typed in [
        "nowhere",
        "run nowhere",
        "run --userns nowhere",
        "run --userns=nowhere",
        "run --oom-score-adj 5",
        "run --security-opt nowhere=x",
        "run --nowhere",
        "run -Z",
        "run debian -- nowhere",
        "run nowhere -- nowhere --option",
        "exec nowhere",
        "exec nowhere nowhere",
        "kill nowhere nothing",
        "kill -s NOWHERE",
        "unshare nowhere",
        "grants owner nowhere",
        "idmap explain --uid-map 0:0:1",
        "completions nowhere",
        "ps nowhere",
    ] {
        let typed = format!("subroot {typed}");
        let (line, _) = typing.editor.complete(&typed, "");
        assert_eq!(line, format!("{typed}|"));
    }
}
