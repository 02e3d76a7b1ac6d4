//! The kinds of values that options and arguments take, for completion.

use crate::request::capabilities;
use crate::request::limits::Resource;
use clap::Arg;
use nix::sys::signal::Signal;

/// What a shell completes. A word that ends in `=`, `:` or `,` is only the beginning of a value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// Nothing.
    Text,
    /// One of these words.
    Words(Vec<String>),
    /// One of these words, or a path after `KEY=`.
    Keys(Vec<String>),
    /// Several of these words, separated by commas, or a path after `KEY=`.
    Fields(Vec<String>),
    /// A command with its arguments.
    Command,
    Directory,
    Path,
    /// The name of a running sandbox.
    Sandbox,
    /// The name of a sandbox that runs, or has ended and is kept.
    Job,
    /// The name of an image in the store.
    Image,
    /// An account of the host.
    User,
    /// A group of the host.
    Group,
    /// An environment variable of the caller.
    Variable,
}

/// The kind of value of an option or argument.
pub(crate) fn of(arg: &Arg) -> Value {
    let possible = arg.get_possible_values();
    if !possible.is_empty() {
        return Value::Words(possible.iter().map(|value| value.get_name().to_owned()).collect());
    }
    match arg.get_id().as_str() {
        "command" => Value::Command,
        "rootfs" | "overlay" | "tmpfs" | "dir" | "target" | "dirs" | "workdir" => Value::Directory,
        "volume" | "symlink" | "device" | "env_file" | "helper" | "what" | "source" | "archive" => {
            Value::Path
        }
        "sandbox" | "sandboxes" => Value::Sandbox,
        "job" | "jobs" | "names" => Value::Job,
        "images" | "base" => Value::Image,
        "user" | "for_user" => Value::User,
        "group_add" => Value::Group,
        "env" => Value::Variable,
        "mount" => Value::Fields(owned(&MOUNT)),
        "archive_format" => Value::Words(owned(&["tar", "oci-archive", "squashfs"])),
        "security_opt" => Value::Keys(owned(&SECURITY_OPT)),
        "userns" => Value::Words(owned(&USERNS)),
        "timens" => Value::Words(owned(&["monotonic=", "boottime="])),
        "gpus" => Value::Words(owned(&["all", "device="])),
        "cap_add" | "cap_drop" => Value::Words(capability_names()),
        "ulimit" => Value::Words(Resource::names().map(|name| format!("{name}=")).collect()),
        "signal" => Value::Words(signal_names()),
        _ => Value::Text,
    }
}

const USERNS: [&str; 7] = ["auto", "auto:size=", "full", "subids", "host-id", "keep-id", "keep-id:uid="];

const SECURITY_OPT: [&str; 9] = [
    "no-new-privileges",
    "seccomp=",
    "seccomp=unconfined",
    "seccomp-arch=native",
    "landlock=",
    "landlock=read-only",
    "landlock=no-tcp",
    "mask=",
    "mask=default",
];

const MOUNT: [&str; 22] = [
    "type=bind",
    "type=tmpfs",
    "type=overlay",
    "type=proc",
    "type=devpts",
    "type=mqueue",
    "source=",
    "target=",
    "lowerdir=",
    "upperdir=",
    "workdir=",
    "ro",
    "rw",
    "nosuid",
    "suid",
    "nodev",
    "dev",
    "noexec",
    "exec",
    "idmap",
    "tmpfs-size=",
    "tmpfs-mode=",
];

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn capability_names() -> Vec<String> {
    let names = capabilities::names(capabilities::ALL);
    ["ALL".to_owned()]
        .into_iter()
        .chain(names.map(|name| name.trim_start_matches("CAP_").to_owned()))
        .collect()
}

fn signal_names() -> Vec<String> {
    Signal::iterator().map(|signal| signal.as_str().trim_start_matches("SIG").to_owned()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::cli::args::{Cli, Verb};
    use crate::cli::completions::table::{self, Entry};
    use crate::cli::completions::values::Value;
    use crate::cli::help::explained;
    use crate::cli::options;
    use clap::CommandFactory as _;

    fn commands() -> Vec<Entry> {
        table::commands(explained(Cli::command()))
    }

    #[test]
    fn what_is_not_completed_is_on_this_list() {
        let mut names: Vec<String> = Vec::new();
        for entry in commands() {
            let options = entry
                .options
                .iter()
                .filter(|option| option.value.as_ref().is_some_and(|taken| taken.value == Value::Text));
            names.extend(options.map(|option| format!("{} {}", entry.path, option.names.last().unwrap())));
            let arguments = entry.arguments.iter().filter(|argument| argument.value == Value::Text);
            names.extend(arguments.map(|argument| format!("{} {}", entry.path, argument.name)));
        }
        let run = [
            "--args",
            "--file",
            "--entrypoint",
            "--preserve-fds",
            "--umask",
            "--oom-score-adj",
            "--uidmap",
            "--gidmap",
            "--hostname",
            "--publish",
            "--dns",
            "--dns-search",
            "--dns-opt",
            "--add-host",
            "--name",
            "--json-status",
        ];
        let mut expected: Vec<String> = run.iter().map(|name| format!("run {name}")).collect();
        let others = ["exec --preserve-fds", "logs --tail", "stop --time", "import --max-size"];
        expected.extend(others.map(str::to_owned));
        expected.extend(
            ["commit NAME", "login --username", "login REGISTRY", "logout REGISTRY"].map(str::to_owned),
        );
        expected.extend(["idmap explain --uid-map", "idmap explain --gid-map"].map(str::to_owned));
        expected.push("grants suggest --count".to_owned());
        assert_eq!(names, expected);
    }

    #[test]
    fn run_takes_each_word_that_is_completed() {
        let mut count = 0;
        for option in commands().into_iter().find(|entry| entry.path == "run").unwrap().options {
            let name = option.names.last().unwrap();
            let Some(taken) = &option.value else { continue };
            let (Value::Words(words) | Value::Keys(words) | Value::Fields(words)) = &taken.value else {
                continue;
            };
            for word in words {
                assert!(with_more(word).iter().any(|value| is_taken(name, value)), "{name} {word}");
                count += 1;
            }
        }
        assert!(count > 100, "{count}");
        assert!(!is_taken("--userns", "no-mode") && !is_taken("--security-opt", "no-key=5"));
    }

    /// Complete values made from a word: one of them must be valid if the word can be completed.
    fn with_more(word: &str) -> Vec<String> {
        let endings = ["", "5", "/a", ",source=/a,target=/b", ",target=/b", ",target=/b,lowerdir=/a:/c"];
        let beginnings = [
            "source=/a,target=/b,",
            "type=tmpfs,target=/b,",
            "type=bind,target=/b,",
            "type=bind,source=/a,",
            "type=overlay,target=/b,lowerdir=/a,workdir=/a,",
            "type=overlay,target=/b,lowerdir=/a,upperdir=/a,",
        ];
        let ended = endings.iter().map(|ending| format!("{word}{ending}"));
        let begun =
            beginnings.iter().flat_map(|start| ["", "5", "/a"].map(|end| format!("{start}{word}{end}")));
        ended.chain(begun).collect()
    }

    fn is_taken(name: &str, value: &str) -> bool {
        let args = ["subroot".to_owned(), "run".to_owned(), format!("{name}={value}"), "/".to_owned()];
        match Cli::read(&args.map(Into::into)).map(|cli| cli.verb) {
            // Error ignored: only whether the value is valid matters.
            Ok(Verb::Run(typed)) => options::run(*typed, None).is_ok(),
            _ => false,
        }
    }
}
