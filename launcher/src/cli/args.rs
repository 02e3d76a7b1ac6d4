//! What can be typed: the command line, before anything is made of it.

use clap::{ArgAction, Args, FromArgMatches as _, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

/// Start a program in its own root file system: root inside, nobody special outside.
#[derive(Parser)]
#[command(name = "subroot", version, disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// Print each step of a launch on standard error as it happens; twice for more detail
    #[arg(short, long, action = ArgAction::Count, conflicts_with = "quiet")]
    pub(crate) verbose: u8,
    /// Print only why something failed
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// What to do.
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// The commands.
#[derive(Subcommand)]
pub(crate) enum Verb {
    Run(Box<RunArgs>),
    /// Run another command in a running sandbox
    #[command(after_help = EXEC_HELP)]
    Exec(ExecArgs),
    /// List running sandboxes
    Ps(PsArgs),
    /// Send a running sandbox a signal, KILL unless told otherwise
    Kill(KillArgs),
    /// Run a command as root of a new user namespace alone, in the host's own file system
    #[command(after_help = UNSHARE_HELP)]
    Unshare(UnshareArgs),
    /// Show which IDs you may map, and which line grants them
    Idmap(IdmapArgs),
    /// Say what works on this host, what does not, and how to fix it
    #[command(after_help = DOCTOR_HELP)]
    Doctor(DoctorArgs),
    /// Look at everybody's subordinate IDs, for administrators: nothing is changed
    #[command(disable_help_subcommand = true)]
    Grants(GrantsArgs),
    /// Print what makes a shell complete the command line of subroot
    #[command(after_help = COMPLETIONS_HELP)]
    Completions(CompletionsArgs),
}

const RUN_HELP: &str = "\
Without ROOTFS the host's own system is used, and all writes go to a private layer that is thrown away.
Without COMMAND a shell is started. Options come before ROOTFS, and mean what they mean for podman run.

Exit status: the command's own; 128+N if signal N ended it; 125 subroot failed;
126 the command was found but could not be run; 127 it was not found.";

const EXEC_HELP: &str = "\
The command has the namespaces, root, environment, user, capabilities and system call filter of the sandbox.
Without COMMAND a shell is started. Exit status: as of subroot run.";

const UNSHARE_HELP: &str = "\
For looking at, changing and deleting files that belong to your subordinate IDs.
Without COMMAND a shell is started.";

const DOCTOR_HELP: &str = "\
Every step of a launch is performed in a child that is thrown away.
Exit status: 0 all is well; 1 launches work with less; 2 no launch works; 125 subroot failed.";

const LINT_HELP: &str = "\
What is found, each with its file, line and fix:
  bad-line           grants nothing, and why
  not-here           IDs that do not exist in this user namespace
  overlap            shares IDs with a line of another user
  duplicate          grants the same as an earlier line of its user
  own-id             holds its user's own ID
  given-again        its account is gone, and another user has the IDs
  no-account         no account has the name
  live-account       holds the ID of an account, and so grants nothing
  live-group         holds the ID of a group
  system-ids         holds IDs below 1000
  overflow-id        holds 65534
  systemd-ids        holds IDs that systemd takes for itself
  overlaps-computed  holds IDs or accounts of a computed-grants rule
  one-file           its user has no line in the other file
  too-small          its user has fewer IDs than a Debian root takes
  too-many-lines     grants nothing, as 4096 lines of its user come before it
  too-many-ranges    its user has more ranges than a map can have
  bad-setting        a line of mapper.conf that keeps the mapper from granting anything
  not-trusted        a file, or a directory on the way to it, that others than root can write
  not-readable       a file, or a directory on the way to it, that is not open to all users
  dangling-link      a grant file that is a link to nothing
  no-newline         the last line has no newline, so that an appended one would become a part of it
  no-room            no whole range is left for another user
  no-plugin          a plugin keeps the grants, and its library is missing
  plugin             lines that do not count, as a plugin keeps the grants

Exit status: 0 nothing is found; 1 something is; 125 a file cannot be read.";

const COMPLETIONS_HELP: &str = "\
Where each shell looks for it:
  bash  subroot completions bash >~/.local/share/bash-completion/completions/subroot
  zsh   subroot completions zsh >_subroot, in a directory of $fpath
  fish  subroot completions fish >~/.config/fish/completions/subroot.fish";

/// Run a command as root in a root file system of its own
#[derive(Args)]
#[command(disable_help_flag = true, after_help = RUN_HELP)]
pub(crate) struct RunArgs {
    /// The directory that becomes the root
    pub(crate) rootfs: Option<PathBuf>,
    /// The command and its arguments, also after --
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) command: Vec<OsString>,
    /// Make the command PID 1 itself, without an init
    #[arg(long = "as-pid-1")]
    pub(crate) as_pid_1: bool,
    /// Run an init that reaps and relays signals: already the default
    #[arg(long, conflicts_with = "as_pid_1")]
    pub(crate) init: bool,
    /// Call the sandbox by this name, for exec and kill
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Go on when the process that started subroot is gone
    #[arg(long)]
    pub(crate) outlive_parent: bool,
    /// Tell of start and end as lines of JSON on this descriptor
    #[arg(long, value_name = "FD")]
    pub(crate) json_status: Option<i32>,
    /// Print the steps of the launch in their order, as text or json, and do nothing
    #[arg(long, value_name = "FORMAT", num_args = 0..=1, require_equals = true, default_missing_value = "text", value_parser = ["text", "json"])]
    pub(crate) print_plan: Option<String>,
    /// Print help
    #[arg(long, action = clap::ArgAction::Help)]
    pub(crate) help: Option<bool>,
    /// Remove the sandbox at its end: always done
    #[arg(long, hide = true)]
    pub(crate) rm: bool,
    /// Where IDs come from.
    #[command(flatten)]
    pub(crate) mapper: MapperArgs,
    /// What is mounted.
    #[command(flatten)]
    pub(crate) mounts: MountArgs,
    /// How the command runs.
    #[command(flatten)]
    pub(crate) process: ProcessArgs,
    /// Who it is.
    #[command(flatten)]
    pub(crate) identity: IdentityArgs,
    /// Which namespaces it has.
    #[command(flatten)]
    pub(crate) namespaces: NamespaceArgs,
}

/// What is mounted.
#[derive(Args)]
#[command(next_help_heading = "File system")]
pub(crate) struct MountArgs {
    /// Show a file or directory of the host's inside; options as of podman run, such as ro
    #[arg(short, long = "volume", value_name = "SOURCE:TARGET[:OPTIONS]")]
    pub(crate) volume: Vec<OsString>,
    /// Mount something: type=bind|tmpfs|overlay|proc|devpts|mqueue,source=…,target=…,…
    #[arg(long, value_name = "type=TYPE,…")]
    pub(crate) mount: Vec<OsString>,
    /// Mount an empty file system in memory
    #[arg(long, value_name = "TARGET[:OPTIONS]")]
    pub(crate) tmpfs: Vec<OsString>,
    /// Show a device of the host's inside
    #[arg(long, value_name = "HOST[:TARGET]")]
    pub(crate) device: Vec<OsString>,
    /// Make the root read-only, with memory on /run, /tmp and /var/tmp
    #[arg(long)]
    pub(crate) read_only: bool,
    /// Whether --read-only puts memory on /run, /tmp and /var/tmp
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "true", default_missing_value = "true", action = clap::ArgAction::Set)]
    pub(crate) read_only_tmpfs: bool,
    /// Leave ROOTFS as it is: changes are thrown away, or kept in DIR
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true)]
    pub(crate) overlay: Option<Option<OsString>>,
    /// Where /proc comes from: auto, new, bind or none
    #[arg(long, value_name = "MODE", default_value = "auto", value_parser = ["auto", "new", "bind", "none"], hide_default_value = true, hide_possible_values = true)]
    pub(crate) proc: String,
    /// Where /dev comes from: new, bind or none
    #[arg(long, value_name = "MODE", default_value = "new", value_parser = ["new", "bind", "none"], hide_default_value = true, hide_possible_values = true)]
    pub(crate) dev: String,
}

/// How the command runs.
#[derive(Args)]
#[command(next_help_heading = "Process")]
pub(crate) struct ProcessArgs {
    /// Set an environment variable, or pass the caller's on where no value is given
    #[arg(short, long = "env", value_name = "NAME[=VALUE]")]
    pub(crate) env: Vec<OsString>,
    /// Set the environment variables of a file, one a line
    #[arg(long, value_name = "FILE")]
    pub(crate) env_file: Vec<PathBuf>,
    /// Pass the caller's whole environment on
    #[arg(long)]
    pub(crate) env_host: bool,
    /// The directory inside in which the command starts
    #[arg(short, long, value_name = "DIR")]
    pub(crate) workdir: Option<PathBuf>,
    /// Give the command a terminal of its own
    #[arg(short, long)]
    pub(crate) tty: bool,
    /// Keep standard input open: already the default
    #[arg(short, long)]
    pub(crate) interactive: bool,
    /// Add a capability, or ALL
    #[arg(long, value_name = "CAPABILITY")]
    pub(crate) cap_add: Vec<String>,
    /// Drop a capability, or ALL
    #[arg(long, value_name = "CAPABILITY")]
    pub(crate) cap_drop: Vec<String>,
    /// no-new-privileges, seccomp=unconfined|FILE, seccomp-arch=native, landlock=read-only|PATH,…|no-tcp, mask=default|PATH:…
    #[arg(long, value_name = "OPTION")]
    pub(crate) security_opt: Vec<OsString>,
    /// Set a resource limit
    #[arg(long, value_name = "NAME=SOFT[:HARD]")]
    pub(crate) ulimit: Vec<String>,
    /// Set the file mode creation mask
    #[arg(long, value_name = "MODE")]
    pub(crate) umask: Option<String>,
    /// How ready the kernel is to kill the command for memory, -1000 to 1000
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) oom_score_adj: Option<i32>,
}

/// Who the command runs as.
#[derive(Args)]
#[command(next_help_heading = "IDs")]
pub(crate) struct IdentityArgs {
    /// Run as this user of the rootfs
    #[arg(short, long, value_name = "USER[:GROUP]")]
    pub(crate) user: Option<OsString>,
    /// Run with this group besides; keep-groups keeps the caller's own
    #[arg(long, value_name = "GROUP")]
    pub(crate) group_add: Vec<OsString>,
    /// Map the caller's own supplementary groups, where the administrator allows that
    #[arg(long, value_name = "keep", value_parser = ["keep"], hide_possible_values = true)]
    pub(crate) groups: Option<String>,
    /// Which IDs exist inside: auto[:size=N], full, subids, host-id, keep-id[:uid=N,gid=N]
    #[arg(long, value_name = "MODE")]
    pub(crate) userns: Option<String>,
    /// Map these user IDs: FROM counts the caller's IDs, @FROM is the host's
    #[arg(long, value_name = "INSIDE:FROM[:COUNT]", conflicts_with = "userns")]
    pub(crate) uidmap: Vec<String>,
    /// Map these group IDs
    #[arg(long, value_name = "INSIDE:FROM[:COUNT]", conflicts_with = "userns")]
    pub(crate) gidmap: Vec<String>,
}

/// Which namespaces the command has.
#[derive(Args)]
#[command(next_help_heading = "Namespaces")]
pub(crate) struct NamespaceArgs {
    /// host, or none: a network of its own with nothing but lo
    #[arg(long, alias = "net", value_name = "MODE")]
    pub(crate) network: Option<String>,
    /// private or host
    #[arg(long, value_name = "MODE")]
    pub(crate) pid: Option<String>,
    /// private or host
    #[arg(long, value_name = "MODE")]
    pub(crate) ipc: Option<String>,
    /// private or host
    #[arg(long, value_name = "MODE")]
    pub(crate) uts: Option<String>,
    /// private or host
    #[arg(long, value_name = "MODE")]
    pub(crate) cgroupns: Option<String>,
    /// Clocks that are ahead: monotonic=SECONDS,boottime=SECONDS
    #[arg(long, value_name = "OFFSETS", allow_hyphen_values = true)]
    pub(crate) timens: Option<String>,
    /// Set the host name
    #[arg(short = 'h', long, value_name = "NAME")]
    pub(crate) hostname: Option<String>,
}

/// `subroot exec`.
#[derive(Args)]
pub(crate) struct ExecArgs {
    /// The sandbox, by its name or PID
    pub(crate) sandbox: String,
    /// The command and its arguments, also after --
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) command: Vec<OsString>,
    /// Set an environment variable, or pass the caller's on where no value is given
    #[arg(short, long = "env", value_name = "NAME[=VALUE]")]
    pub(crate) env: Vec<OsString>,
    /// Set the environment variables of a file, one a line
    #[arg(long, value_name = "FILE")]
    pub(crate) env_file: Vec<PathBuf>,
    /// The directory inside in which the command starts
    #[arg(short, long, value_name = "DIR")]
    pub(crate) workdir: Option<PathBuf>,
    /// Run as this user of the rootfs
    #[arg(short, long, value_name = "USER[:GROUP]")]
    pub(crate) user: Option<OsString>,
    /// Give the command a terminal of its own
    #[arg(short, long)]
    pub(crate) tty: bool,
    /// Keep standard input open: already the default
    #[arg(short, long)]
    pub(crate) interactive: bool,
}

/// `subroot ps`.
#[derive(Args)]
pub(crate) struct PsArgs {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `subroot kill`.
#[derive(Args)]
pub(crate) struct KillArgs {
    /// The sandboxes, by their names or PIDs
    #[arg(required = true)]
    pub(crate) sandboxes: Vec<String>,
    /// The signal, by name or number
    #[arg(short, long, value_name = "SIGNAL", default_value = "KILL")]
    pub(crate) signal: String,
}

/// `subroot unshare`.
#[derive(Args)]
pub(crate) struct UnshareArgs {
    /// The command and its arguments, also after --
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) command: Vec<OsString>,
    /// Where IDs come from.
    #[command(flatten)]
    pub(crate) mapper: MapperArgs,
}

/// `subroot idmap`.
#[derive(Args)]
#[command(disable_help_subcommand = true)]
pub(crate) struct IdmapArgs {
    /// What else to show than everything.
    #[command(subcommand)]
    pub(crate) verb: Option<IdmapVerb>,
    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// `subroot doctor`.
#[derive(Args)]
pub(crate) struct DoctorArgs {
    /// A rootfs, whose path is examined as well
    pub(crate) rootfs: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Look at what another user has, as root
    #[arg(long, value_name = "NAME")]
    pub(crate) for_user: Option<String>,
}

/// The commands of `subroot idmap`.
#[derive(Subcommand)]
pub(crate) enum IdmapVerb {
    /// Tell whether the mapper would grant you these maps, by which lines, and what it would grant instead
    #[command(after_help = "Exit status: 0 granted; 1 refused; 125 the question cannot be answered.")]
    Explain(ExplainArgs),
}

/// `subroot idmap explain`.
#[derive(Args)]
pub(crate) struct ExplainArgs {
    /// The user IDs, as of newidmap-helper
    #[arg(long, value_name = "IN:OUT:COUNT[,…]")]
    pub(crate) uid_map: Option<OsString>,
    /// The group IDs
    #[arg(long, value_name = "IN:OUT:COUNT[,…]")]
    pub(crate) gid_map: Option<OsString>,
}

/// `subroot grants`.
#[derive(Args)]
pub(crate) struct GrantsArgs {
    /// What to look at.
    #[command(subcommand)]
    pub(crate) verb: GrantsVerb,
    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// The commands of `subroot grants`.
#[derive(Subcommand)]
pub(crate) enum GrantsVerb {
    /// Print what is wrong with /etc/subuid and /etc/subgid, and how much room is left
    #[command(after_help = LINT_HELP)]
    Lint,
    /// Tell whose subordinate ID this is
    Owner {
        /// An ID, or a file for its owner and group; ./5 for a file whose name is a number
        #[arg(value_name = "ID|PATH")]
        what: OsString,
    },
    /// Print the command that gives a user a free range
    Suggest {
        /// The user, by name or uid
        user: OsString,
        /// How many IDs, 65536 unless there is no room; 2001 are enough for a Debian root
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        count: Option<u32>,
    },
}

/// `subroot completions`.
#[derive(Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_parser = ["bash", "zsh", "fish"])]
    pub(crate) shell: String,
}

/// How the mapper is found.
#[derive(Args)]
pub(crate) struct MapperArgs {
    /// Use this newidmap-helper, and no other mapper (also: SUBROOT_HELPER)
    #[arg(long, value_name = "PATH")]
    pub(crate) helper: Option<PathBuf>,
}

impl Cli {
    /// Reads the arguments. For `run`, which is to start fast, the parser is built of its own options alone.
    ///
    /// # Errors
    /// What is wrong with them, and help that was asked for.
    pub(crate) fn read(args: &[OsString]) -> Result<Cli, clap::Error> {
        match args.split_first() {
            Some((_, rest)) if rest.first().is_some_and(|verb| verb == "run") => {
                let run = RunArgs::augment_args(clap::Command::new("run").bin_name("subroot run"));
                let typed = RunArgs::from_arg_matches_mut(&mut run.try_get_matches_from(rest)?)?;
                Ok(Cli { verbose: 0, quiet: false, verb: Verb::Run(Box::new(typed)) })
            }
            _ => Cli::try_parse_from(args),
        }
    }
}

/// Parts the arguments at the first `--`: what comes after it is the command's, whatever it looks like.
pub(crate) fn split_command(args: impl Iterator<Item = OsString>) -> (Vec<OsString>, Option<Vec<OsString>>) {
    let mut typed: Vec<OsString> = args.collect();
    match typed.iter().position(|arg| arg == "--") {
        Some(at) => {
            let command = typed.split_off(at + 1);
            typed.pop();
            (typed, Some(command))
        }
        None => (typed, None),
    }
}

/// The command's arguments: those typed without `--`, then those after it. A `--` that is the command's own stays in it.
pub(crate) fn join_command(typed: Vec<OsString>, after: Option<Vec<OsString>>) -> Vec<OsString> {
    match after {
        Some(after) if typed.is_empty() => after,
        Some(after) => typed.into_iter().chain([OsString::from("--")]).chain(after).collect(),
        None => typed,
    }
}
