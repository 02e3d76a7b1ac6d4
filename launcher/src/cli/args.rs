//! The command line as typed. The help and the man pages are generated from these structs.
//!
//! The doc comment of an option is its line in the help. `help.rs` adds the longer text for `--help`.

mod commands;
mod detached;
pub(crate) mod further;
mod ids;
mod mounts;
mod namespaces;
mod network;
mod process;
mod registries;
mod run;
mod trees;

pub(crate) use crate::cli::args::commands::{
    CompletionsArgs, DoctorArgs, ExecArgs, ExplainArgs, GrantsArgs, GrantsVerb, IdmapArgs, IdmapVerb,
    KillArgs, PsArgs, UnshareArgs,
};
pub(crate) use crate::cli::args::detached::{AttachArgs, LogsArgs, StopArgs, WaitArgs};
pub(crate) use crate::cli::args::ids::{IdentityArgs, MapperArgs};
pub(crate) use crate::cli::args::mounts::MountArgs;
pub(crate) use crate::cli::args::namespaces::NamespaceArgs;
pub(crate) use crate::cli::args::network::NetworkArgs;
pub(crate) use crate::cli::args::process::{ProcessArgs, SecurityArgs};
pub(crate) use crate::cli::args::registries::{LoginArgs, LogoutArgs, PullArgs, PullingArgs, TlsArgs};
pub(crate) use crate::cli::args::run::RunArgs;
pub(crate) use crate::cli::args::trees::{
    CommitArgs, DuArgs, ExportArgs, ImagesArgs, ImagesVerb, ImportArgs, InspectArgs, RmArgs, RmiArgs,
};

use crate::cli::help::{explained, short};
use clap::{
    ArgAction, ArgMatches, Args as _, Command, CommandFactory as _, FromArgMatches as _, Parser, Subcommand,
};
use std::ffi::OsString;

/// Run a program in its own root filesystem: as root inside, as an ordinary user outside.
#[derive(Parser)]
#[command(name = "subroot", version, term_width = 0, disable_help_subcommand = true, after_help = HELP)]
pub(crate) struct Cli {
    /// Print each step of a launch on standard error as it happens; twice for more detail
    #[arg(short, long, action = ArgAction::Count, conflicts_with = "quiet")]
    pub(crate) verbose: u8,
    /// Print only errors
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
    /// List your running sandboxes
    Ps(PsArgs),
    /// Print the output of a detached sandbox
    #[command(after_help = LOGS_HELP)]
    Logs(LogsArgs),
    /// Connect the terminal or the standard streams with a running detached sandbox
    #[command(after_help = ATTACH_HELP)]
    Attach(AttachArgs),
    /// Wait for the end of detached sandboxes, and print their exit statuses
    Wait(WaitArgs),
    /// End running sandboxes: first with TERM, then with KILL
    Stop(StopArgs),
    /// Remove directories of your subordinate IDs, and what is kept of detached sandboxes that have ended
    #[command(after_help = RM_HELP)]
    Rm(RmArgs),
    /// Send a signal to running sandboxes, KILL by default
    Kill(KillArgs),
    /// Run a command as root of a new user namespace, in the host's own root filesystem
    #[command(after_help = UNSHARE_HELP)]
    Unshare(UnshareArgs),
    /// Make a root filesystem or an image of an archive, with its owners
    #[command(after_help = IMPORT_HELP)]
    Import(ImportArgs),
    /// Make an archive of an image or a directory, with its owners
    #[command(after_help = EXPORT_HELP)]
    Export(ExportArgs),
    /// Make an image of the changes that --overlay=DIR has kept
    #[command(after_help = COMMIT_HELP)]
    Commit(CommitArgs),
    /// Pull images from registries into the store
    #[command(after_help = PULL_HELP)]
    Pull(PullArgs),
    /// Check a name and a password with a registry, and keep them for later pulls
    #[command(after_help = LOGIN_HELP)]
    Login(LoginArgs),
    /// Remove what subroot login has kept for a registry
    Logout(LogoutArgs),
    /// List the images of the store
    #[command(after_help = IMAGES_HELP)]
    Images(ImagesArgs),
    /// Remove images from the store
    #[command(after_help = RMI_HELP)]
    Rmi(RmiArgs),
    /// Print what an image's configuration says, as JSON with podman's keys
    Inspect(InspectArgs),
    /// Show how much a directory holds whose files belong to your subordinate IDs
    #[command(after_help = DU_HELP)]
    Du(DuArgs),
    /// Show which IDs you may map, and which line grants them
    Idmap(IdmapArgs),
    /// Report what works on this host, what does not, and how to fix it
    #[command(after_help = DOCTOR_HELP)]
    Doctor(DoctorArgs),
    /// Examine every user's subordinate IDs, for administrators; nothing is changed
    #[command(disable_help_subcommand = true)]
    Grants(GrantsArgs),
    /// Print a script with which a shell completes subroot's command line
    #[command(after_help = COMPLETIONS_HELP)]
    Completions(CompletionsArgs),
}

const HELP: &str = "subroot help COMMAND, or subroot COMMAND --help, explains a command.";

const EXEC_HELP: &str = "\
The command has the sandbox's namespaces, root, environment, user, capabilities and system call filter.
Without COMMAND, a shell is started. Exit status: as for subroot run.";

const LOGS_HELP: &str = "\
Standard output and standard error are in one log, in their order and unchanged. It has the last
8 to 16 MiB of them; if earlier output is missing, a line on standard error says so.";

const ATTACH_HELP: &str = "\
The output from now on is printed. Input is passed on if the sandbox was started with -i or -t.
At a terminal of its own (-t), Ctrl-P Ctrl-Q detaches again.
Exit status: the command's own; 0 after detaching; 125 subroot failed.";

const UNSHARE_HELP: &str = "\
Use it to list, change and delete files that belong to your subordinate IDs.
Without COMMAND, a shell is started.";

const IMPORT_HELP: &str = "\
A word that begins with /, ./ or ../, or names something that exists, is a directory; any other word is the
name of an image in the store. The directory or the image appears only when it is complete. Owners, modes,
times, links and extended attributes are those of the archive; devices are skipped. Without subordinate IDs,
all files become yours.
Exit status: 0 it is complete; 125 subroot failed, and nothing remains.";

const EXPORT_HELP: &str = "\
The same tree gives the same bytes. Owners are those inside: ID 0 is root of your sandboxes. Devices and
sockets are skipped. The file appears only when it is complete.
Exit status: 0 it is complete; 125 subroot failed.";

const COMMIT_HELP: &str = "\
The changes become one more layer of IMAGE, with its configuration. DIR is unchanged, and must not be in use.
Exit status: 0 the image is complete; 125 subroot failed, and no image has changed.";

const PULL_HELP: &str = "\
subroot run pulls an image that the store does not have. Each layer is verified, and unpacked while the next ones
are downloaded. A name without a host is one of docker.io; without a tag, it has the tag latest.
Exit status: 0 every image is in the store; 125 subroot failed.";

const LOGIN_HELP: &str = "\
Without -u and --password-stdin, both are asked for on the terminal. They are kept where podman and docker find
them, or by docker's credential helper if one is configured.";

const IMAGES_HELP: &str = "\
The store is $SUBROOT_STORE, or ~/.local/share/subroot/store. SIZE is that of the image's blobs and of its
unpacked layers, which other images can share.
Exit status: 0 everything was listed; 1 an image is damaged, and was named; 125 subroot failed.";

const RMI_HELP: &str = "\
Layers that no other image has are removed. An image that a running sandbox uses is refused.
Exit status: 0 everything was removed; 125 subroot failed, and no image was removed.";

const RM_HELP: &str = "\
A name with a slash and the name of a directory stand for a directory, other names for a detached sandbox. Refused are your home directory, the working directory, mount points, and directories that a running sandbox
uses. What cannot be removed is named.
Exit status: 0 everything was removed; 1 something remains; 125 subroot failed.";

const DU_HELP: &str = "\
A file with several names counts once. Filesystems mounted below DIR are not measured.
Exit status: 0 everything was measured; 1 something could not be examined; 125 subroot failed.";

const COMPLETIONS_HELP: &str = "\
If subroot was installed from a package, new shells complete it already. Otherwise, run once:
  bash  echo 'source <(subroot completions bash)' >>~/.bashrc
  zsh   echo 'source <(subroot completions zsh)' >>~/.zshrc
  fish  subroot completions fish >~/.config/fish/completions/subroot.fish

In ~/.zshrc, compinit has to come before that line.";

const DOCTOR_HELP: &str = "\
Each step of a launch is performed in a child process, which is then discarded.
Exit status: 0 everything works; 1 launches work with restrictions; 2 no launch works; 125 subroot failed.";

impl Cli {
    /// Reads the arguments. For `run`, which must start fast, the parser is built only of its own options.
    ///
    /// # Errors
    /// The arguments are invalid, or they request help.
    pub(crate) fn read(args: &[OsString]) -> Result<Cli, clap::Error> {
        match args.split_first() {
            Some((_, rest)) if rest.first().is_some_and(|verb| verb == "run") => {
                let run = RunArgs::augment_args(Command::new("run").bin_name("subroot run"));
                let typed = RunArgs::from_arg_matches_mut(&mut matches(run, rest)?)?;
                Ok(Cli { verbose: 0, quiet: false, verb: Verb::Run(Box::new(typed)) })
            }
            _ => Cli::from_arg_matches_mut(&mut matches(Cli::command(), args)?),
        }
    }
}

/// Parses the arguments of a command. The long help is added only if they request it. In `run`, `-h` takes a
/// host name, as in podman, but if it is the only argument it requests help.
fn matches(command: Command, args: &[OsString]) -> Result<ArgMatches, clap::Error> {
    let has = |option| args.iter().any(|arg| arg == option);
    let (command, args) = match args {
        [run, only] if run == "run" && only == "-h" => (short(command), vec![run.clone(), "--help".into()]),
        [verb, ..] if has("--help") || verb != "run" && has("-h") => (explained(command), args.to_vec()),
        _ => (command, args.to_vec()),
    };
    command.try_get_matches_from(args)
}

/// Splits the arguments at the first `--`. Everything after it belongs to the command, even if it looks like
/// an option.
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

/// The command's arguments: those before the first `--`, then those after it. A second `--` belongs to the
/// command.
pub(crate) fn join_command(typed: Vec<OsString>, after: Option<Vec<OsString>>) -> Vec<OsString> {
    match after {
        Some(after) if typed.is_empty() => after,
        Some(after) => typed.into_iter().chain([OsString::from("--")]).chain(after).collect(),
        None => typed,
    }
}
