//! Drives an interactive shell: types keys at its terminal, and reads the line that results.

use nix::unistd::write;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;
use subroot_tests::sandbox::{Sandbox, give};
use subroot_tests::{Started, Terminal};

const LIMIT: Duration = Duration::from_secs(60);
const TAB: &str = "\t";
/// Control-B: one character to the left.
const LEFT: &str = "\x02";
/// Control-O: prints the line as `LINE[BEFORE|AFTER]`, with a bar at the cursor, and starts an empty one.
const SHOW: &str = "\x0f";

/// A shell.
pub(super) struct Shell {
    pub(super) name: &'static str,
    args: &'static [&'static str],
    /// Its settings file in the home directory.
    settings_file: &'static str,
    settings: &'static str,
}

pub(super) const BASH: Shell = Shell {
    name: "bash",
    args: &["-i"],
    settings_file: ".bashrc",
    settings: r#"
        PS1='ready> '
        bind 'set enable-bracketed-paste off'
        bind 'set show-all-if-ambiguous on'
        bind 'set completion-query-items 0'
        bind 'set page-completions off'
        show() {
            printf 'LINE[%s|%s]\n' "${READLINE_LINE:0:READLINE_POINT}" "${READLINE_LINE:READLINE_POINT}"
            READLINE_LINE='' READLINE_POINT=0
        }
        bind -x '"\C-o": show'
    "#,
};

pub(super) const ZSH: Shell = Shell {
    name: "zsh",
    // `-d` ignores the host's settings.
    args: &["-d", "-i"],
    settings_file: ".zshrc",
    settings: r#"
        PROMPT='ready> '
        unsetopt prompt_cr prompt_sp beep
        LISTMAX=10000
        fpath=(~/functions $fpath)
        autoload -U compinit
        compinit -u -D
        show() {
            zle -I
            print -r -- "LINE[$LBUFFER|$RBUFFER]"
            BUFFER=''
        }
        zle -N show
        bindkey -e
        bindkey '^O' show
    "#,
};

pub(super) const FISH: Shell = Shell {
    name: "fish",
    args: &["-i"],
    settings_file: ".config/fish/config.fish",
    settings: r#"
        set -g fish_greeting
        set -g fish_autosuggestion_enabled 0
        function fish_prompt
            printf 'ready> '
        end
        function show
            set -l line (commandline | string collect)
            set -l at (commandline --cursor)
            set -l before (string sub --length $at -- "$line" | string collect)
            set -l after (string sub --start (math $at + 1) -- "$line" | string collect)
            printf 'LINE[%s|%s]\n' "$before" "$after"
            commandline --replace ''
            commandline --function repaint
        end
        function fish_user_key_bindings
            bind \co show
        end
    "#,
};

impl Shell {
    /// Writes its settings file into alice's home directory. The directory of generated completions is also
    /// created, so that fish does not read man pages in the background.
    pub(super) fn configure(&self, sandbox: &Sandbox) {
        let home = &sandbox.alice.home;
        for dir in [".config/fish/completions", ".local/share/fish/generated_completions", "functions"] {
            let made = sandbox.alice.command("mkdir").arg("-p").arg(home.join(dir)).status();
            assert!(made.is_ok_and(|status| status.success()), "{dir}");
        }
        let path = self.settings_path(sandbox);
        fs::write(&path, self.settings).expect("writing the settings");
        give(&path, &sandbox.alice, 0o644);
    }

    pub(super) fn settings_path(&self, sandbox: &Sandbox) -> PathBuf {
        sandbox.alice.home.join(self.settings_file)
    }

    /// Runs the command that `subroot completions --help` gives for this shell.
    pub(super) fn install(&self, sandbox: &Sandbox) {
        let help = sandbox.says(&["completions", "--help"]).ok();
        let mut lines = help.lines().filter_map(|line| line.trim_start().split_once(' '));
        let (_, command) = lines.find(|(name, _)| *name == self.name).expect("a line for the shell");
        assert_eq!(sandbox.host.output(&mut sandbox.alice.shell(command)).ok(), "", "{command}");
    }
}

/// A running shell, and its output that has not been read yet.
pub(super) struct Editor {
    terminal: Terminal,
    _shell: Started,
    seen: String,
}

impl Editor {
    /// Starts a shell as alice, in her home directory.
    #[track_caller]
    pub(super) fn new(sandbox: &Sandbox, shell: &Shell) -> Editor {
        let terminal = Terminal::of(&sandbox.alice);
        terminal.resize("200", "200");
        let mut command = sandbox.alice.command("setsid");
        command.args(["--ctty", "--wait", shell.name]).args(shell.args);
        let term = if shell.name == "fish" { "xterm" } else { "dumb" };
        let shell = terminal.start(command.env("TERM", term));
        let mut editor = Editor { _shell: shell, terminal, seen: String::new() };
        editor.read_until("ready> ");
        editor
    }

    /// Types a line with the cursor between `before` and `after`, and presses Tab. Returns the line, and the
    /// words that the shell then lists below it.
    #[track_caller]
    pub(super) fn complete(&mut self, before: &str, after: &str) -> (String, Vec<String>) {
        let keys = [before, after, &LEFT.repeat(after.chars().count()), TAB, SHOW].concat();
        assert_eq!(write(&self.terminal.master, keys.as_bytes()), Ok(keys.len()));
        let listed = self.read_until("LINE[");
        let line = self.read_until("]\r\n");
        self.read_until("ready> ");
        let words = without_escapes(&listed).split_whitespace().map(str::to_owned).collect();
        (line, words)
    }

    /// Waits for this text, and returns the output before it.
    #[track_caller]
    fn read_until(&mut self, text: &str) -> String {
        self.terminal.read_until(&mut self.seen, text, LIMIT)
    }
}

/// The text without colours, and with a blank instead of each other escape sequence: console_codes(4).
fn without_escapes(text: &str) -> String {
    let mut parts = text.split('\x1b');
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|letter: char| letter.is_ascii_alphabetic()).unwrap_or(0);
        let (sequence, rest) = part.split_at((end + 1).min(part.len()));
        if !sequence.ends_with('m') && !sequence.ends_with('B') {
            shown.push(' ');
        }
        shown += rest;
    }
    shown
}
