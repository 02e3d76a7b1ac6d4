//! Converts the typed arguments to a request.

use crate::cdi::is_qualified;
use crate::cli::args::{
    ExecArgs, IdentityArgs, MountArgs, NamespaceArgs, NetworkArgs, ProcessArgs, PullingArgs, RunArgs,
    SecurityArgs, UnshareArgs, join_command,
};
use crate::cli::mistakes::nearest::question;
use crate::cli::values::namespaces::NAMESPACE;
use crate::cli::values::pull::{PULL, Pull};
use crate::cli::values::root::{DEV, PROC};
use crate::cli::values::{
    descriptors, environment, ids, limits, made, mounts, namespaces, network, passed, process,
};
use crate::error::{Error, OsError};
use crate::parent::detached::record::Kept;
use crate::parent::detached::supervisor::Wishes;
use crate::parent::registry::Known;
use crate::request::environment::{Environment, set};
use crate::request::ids::Userns;
use crate::request::mount::Mount;
use crate::request::namespaces::{Namespaces, Network};
use crate::request::process::{Landlock, Process, Seccomp, Workdir, check_workdir};
use crate::request::root::Overlay;
use crate::request::sandbox::Sandbox;
use crate::sys::errno_of;
use std::ffi::{OsStr, OsString};
use std::io::IsTerminal as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::sync::Arc;

/// The directories that stay writable with `--read-only`, as in podman.
const WRITABLE_TMPFS: [&str; 3] = ["/run", "/tmp", "/var/tmp"];

/// The values of `--security-opt`, for messages.
const SECURITY: [&str; 5] = ["no-new-privileges", "seccomp=", "seccomp-arch=native", "landlock=", "mask="];

/// For `map_err`: an error in the value of this option.
fn reading(what: &'static str) -> impl FnOnce(String) -> Error {
    move |why| Error::Usage { what, why }
}

/// The request of `subroot run`.
///
/// # Errors
/// An argument is invalid, or arguments contradict each other.
pub(crate) fn run(typed: RunArgs, after: Option<Vec<OsString>>) -> Result<(Sandbox, Asked), Error> {
    let named = descriptors_of(&typed);
    descriptors::check_distinct(&named)?;
    let passed = passed::take(typed.process.preserve_fds, &named)?;
    let is_given = after.is_some() || !typed.command.is_empty();
    let command = join_command(typed.command, after);
    let asked = Asked::new(&typed.process, &typed.pulling)?;
    let mut sandbox = rooted(typed.rootfs, typed.mounts.empty_root)?;
    sandbox.command = asked.command(is_given.then_some(command));
    sandbox.prefers_terminal = sandbox.command.is_none() && !typed.lifecycle.detach && is_at_terminal();
    if typed.process.env_host {
        sandbox = sandbox.env_host();
    }
    take_mounts(&mut sandbox, &typed.mounts)?;
    take_process(&mut sandbox, typed.process, &asked)?;
    passed::remove_variables(&passed, &mut sandbox.process.environment);
    sandbox.passed = passed;
    take_confinement(&mut sandbox, typed.security)?;
    take_identity(&mut sandbox, &typed.identity)?;
    take_namespaces(&mut sandbox, &typed.namespaces)?;
    take_network(&mut sandbox, typed.namespaces.network.as_deref(), &typed.network)?;
    sandbox.as_pid_1 = typed.lifecycle.as_pid_1;
    sandbox.outlives_parent = typed.lifecycle.outlive_parent;
    sandbox.name = typed.lifecycle.name;
    sandbox.ids.helper = typed.identity.mapper.helper;
    if let Some(number) = typed.reports.json_status {
        sandbox.status_stream = Some(Arc::new(descriptors::copy("--json-status", number)?));
    }
    Ok((sandbox, asked))
}

/// The descriptors of the caller that options name, except for those that the command gets.
fn descriptors_of(typed: &RunArgs) -> Vec<(&'static str, i32)> {
    // Error ignored: an invalid value is refused where it is used.
    let files = typed.mounts.file.iter().filter_map(|value| made::file(value).ok());
    let files = files.map(|(number, _)| ("--file", number));
    let args = typed.args.iter().map(|number| ("--args", *number));
    args.chain(files).chain(typed.reports.json_status.map(|number| ("--json-status", number))).collect()
}

/// What the command line says that the configuration of an image could also say.
#[derive(Default)]
pub(crate) struct Asked {
    /// Its variables, except for those of `--env-host`.
    pub(crate) environment: Environment,
    /// Its entry point, which is empty to have none.
    pub(crate) entrypoint: Option<Vec<OsString>>,
    /// True if it has a working directory.
    pub(crate) has_workdir: bool,
    /// When an image is pulled.
    pub(crate) pull: Pull,
    /// True if a registry without encryption, or with an unknown certificate, is allowed.
    pub(crate) is_insecure: bool,
}

impl Asked {
    fn new(typed: &ProcessArgs, pulling: &PullingArgs) -> Result<Asked, Error> {
        let mut environment = Environment::new();
        take_environment(&mut environment, &typed.env_file, &typed.env)?;
        let entrypoint = typed.entrypoint.as_deref().map(process::entrypoint).transpose();
        let entrypoint = entrypoint.map_err(reading("--entrypoint"))?;
        let pull = PULL.read(pulling.pull.as_deref()).map_err(reading("--pull"))?;
        let (has_workdir, is_insecure) = (typed.workdir.is_some(), pulling.tls.tls_verify == Some(false));
        Ok(Asked { environment, entrypoint, has_workdir, pull, is_insecure })
    }

    /// The command with the entry point of the command line; none for a shell or the image's command.
    pub(crate) fn command(&self, typed: Option<Vec<OsString>>) -> Option<Vec<OsString>> {
        match self.entrypoint.as_ref().filter(|entrypoint| !entrypoint.is_empty()) {
            Some(entrypoint) => Some(entrypoint.iter().cloned().chain(typed.into_iter().flatten()).collect()),
            None => typed,
        }
    }
}

/// The root of `subroot run`.
fn rooted(rootfs: Option<PathBuf>, is_empty: bool) -> Result<Sandbox, Error> {
    match (rootfs, is_empty) {
        (Some(dir), false) => Ok(Sandbox::new(dir)),
        (None, false) => Ok(Sandbox::host()),
        (None, true) => Ok(Sandbox::empty()),
        (Some(dir), true) => Err(Error::Usage {
            what: "--empty-root",
            why: format!("it takes no ROOTFS, such as {}; write -- before the command", dir.display()),
        }),
    }
}

/// What is requested for a detached sandbox; none for any other.
///
/// # Errors
/// `--rm=false` without `--detach`.
pub(crate) fn wishes(typed: &RunArgs) -> Result<Option<Wishes>, Error> {
    let kept = match typed.lifecycle.rm {
        Some(true) => Kept::No,
        Some(false) => Kept::UntilRemoved,
        None => Kept::ADay,
    };
    if !typed.lifecycle.detach && kept == Kept::UntilRemoved {
        let why = "only a sandbox of --detach has something to keep";
        return Err(Error::Usage { what: "--rm=false", why: why.into() });
    }
    let takes_input = typed.process.interactive || typed.process.tty;
    Ok(typed.lifecycle.detach.then_some(Wishes { kept, takes_input }))
}

/// The request of `subroot unshare`.
pub(crate) fn unshare(typed: UnshareArgs, after: Option<Vec<OsString>>) -> Sandbox {
    let mut sandbox = Sandbox::unshare();
    sandbox.command = Some(join_command(typed.command, after)).filter(|command| !command.is_empty());
    sandbox.ids.helper = typed.mapper.helper;
    sandbox
}

/// True if an interactive shell can be used: standard input and output are terminals.
fn is_at_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// The request of `subroot exec` for this sandbox.
///
/// # Errors
/// An argument is invalid, or arguments contradict each other.
pub(crate) fn exec(typed: ExecArgs, after: Option<Vec<OsString>>, known: &Known) -> Result<Process, Error> {
    let command = join_command(typed.command, after);
    let terminal = typed.tty || (command.is_empty() && known.has_terminals && is_at_terminal());
    let mut process = Process { command, terminal, ..known.process.clone() };
    take_environment(&mut process.environment, &typed.env_file, &typed.env)?;
    if let Some(dir) = typed.workdir {
        check_workdir(&dir).map_err(reading("--workdir"))?;
        process.workdir = Workdir::Asked(dir);
    }
    if let Some(user) = &typed.user {
        process.user = Some(ids::user(user).map_err(reading("--user"))?);
    }
    Ok(process)
}

fn take_environment(
    environment: &mut Environment,
    files: &[PathBuf],
    values: &[OsString],
) -> Result<(), Error> {
    for path in files {
        let text = std::fs::read(path).map_err(|error| Error::File {
            option: "--env-file",
            path: path.clone(),
            errno: OsError(errno_of(&error)),
        })?;
        environment::take_lines(environment, path, &text).map_err(reading("--env-file"))?;
    }
    values
        .iter()
        .try_for_each(|value| environment::take_variable(environment, value))
        .map_err(reading("--env"))
}

fn take_mounts(sandbox: &mut Sandbox, typed: &MountArgs) -> Result<(), Error> {
    type Reader = fn(&OsStr) -> Result<Mount, String>;
    let readers: [(&'static str, &[OsString], Reader); 5] = [
        ("--volume", &typed.volume, mounts::volume),
        ("--mount", &typed.mount, mounts::mount),
        ("--tmpfs", &typed.tmpfs, mounts::tmpfs),
        ("--symlink", &typed.symlink, made::symlink),
        ("--dir", &typed.dir, made::dir),
    ];
    for (option, values, read) in readers {
        for value in values {
            sandbox.mounts.push(read(value).map_err(reading(option))?);
        }
    }
    for value in &typed.file {
        let (number, mount) = made::file(value).map_err(reading("--file"))?;
        let content = descriptors::content("--file", number)?;
        sandbox.mounts.push(mount.holding(content));
    }
    take_devices(sandbox, typed)?;
    if typed.read_only {
        sandbox.read_only = true;
        sandbox.writable_tmpfs =
            WRITABLE_TMPFS.iter().filter(|_| typed.read_only_tmpfs).map(PathBuf::from).collect();
    }
    sandbox.overlay = match &typed.overlay {
        None => None,
        Some(None) => Some(Overlay::Memory),
        Some(Some(dir)) => Some(Overlay::Kept(dir.into())),
    };
    sandbox.proc = PROC.read(typed.proc.as_deref()).map_err(reading("--proc"))?;
    sandbox.dev = DEV.read(typed.dev.as_deref()).map_err(reading("--dev"))?;
    Ok(())
}

/// Devices by their paths, and by their names in the Container Device Interface.
fn take_devices(sandbox: &mut Sandbox, typed: &MountArgs) -> Result<(), Error> {
    for value in &typed.device {
        match value.to_str().filter(|name| is_qualified(name)) {
            Some(name) => sandbox.cdi_devices.push(name.to_owned()),
            None => sandbox.mounts.push(mounts::device(value).map_err(reading("--device"))?),
        }
    }
    for value in &typed.gpus {
        sandbox.cdi_devices.extend(mounts::gpus(value).map_err(reading("--gpus"))?);
    }
    Ok(())
}

fn take_process(sandbox: &mut Sandbox, typed: ProcessArgs, asked: &Asked) -> Result<(), Error> {
    let process = &mut sandbox.process;
    for (name, value) in &asked.environment {
        set(&mut process.environment, name.clone(), value.clone());
    }
    if let Some(dir) = typed.workdir {
        process.workdir = Workdir::Asked(dir);
    }
    process.terminal = typed.tty;
    process.limits = typed
        .ulimit
        .iter()
        .map(|value| limits::limit(value))
        .collect::<Result<_, _>>()
        .map_err(reading("--ulimit"))?;
    process.umask = typed.umask.as_deref().map(limits::umask).transpose().map_err(reading("--umask"))?;
    process.oom_score_adj = typed.oom_score_adj;
    Ok(())
}

fn take_confinement(sandbox: &mut Sandbox, typed: SecurityArgs) -> Result<(), Error> {
    (sandbox.added_capabilities, sandbox.dropped_capabilities) = (typed.cap_add, typed.cap_drop);
    typed
        .security_opt
        .iter()
        .try_for_each(|value| take_security(sandbox, value))
        .map_err(reading("--security-opt"))
}

fn take_security(sandbox: &mut Sandbox, option: &OsStr) -> Result<(), String> {
    let (key, value) = match crate::cli::values::split_once(option, b'=') {
        // docker's older separator.
        (option, None) => crate::cli::values::split_once(option, b':'),
        split => split,
    };
    match (key.to_str(), value) {
        (Some("no-new-privileges"), None) => sandbox.process.no_new_privileges = true,
        (Some("no-new-privileges"), Some(value)) if value == "true" || value == "false" => {
            sandbox.process.no_new_privileges = value == "true";
        }
        (Some("seccomp"), Some(value)) if value == "unconfined" => {
            sandbox.process.seccomp = Seccomp::Unconfined
        }
        (Some("seccomp"), Some(path)) => sandbox.process.seccomp = Seccomp::Profile(path.into()),
        (Some("seccomp-arch"), Some(value)) if value == "native" => sandbox.process.native_calls_only = true,
        (Some("landlock"), Some(value)) => {
            sandbox.process.landlock = Some(Landlock::of_values(crate::cli::values::split(value, b',')));
        }
        (Some("mask"), Some(value)) if value == "default" => sandbox.add_default_masks(),
        (Some("mask"), Some(paths)) => {
            sandbox.masked.extend(crate::cli::values::split(paths, b':').map(PathBuf::from));
        }
        // These ask for what is always so: no profile of AppArmor or SELinux is applied, and nothing is covered.
        (Some("unmask"), Some(_)) => {}
        (Some("apparmor" | "systempaths"), Some(value)) if value == "unconfined" => {}
        (Some("label"), Some(value)) if value == "disable" => {}
        _ => {
            let question = question(&key.to_string_lossy(), &mut SECURITY.into_iter());
            let option = crate::cli::values::shown(option);
            return Err(format!("{option} is not one of {}{question}", SECURITY.join(", ")));
        }
    }
    Ok(())
}

fn take_identity(sandbox: &mut Sandbox, typed: &IdentityArgs) -> Result<(), Error> {
    let process = &mut sandbox.process;
    process.user = typed.user.as_deref().map(ids::user).transpose().map_err(reading("--user"))?;
    sandbox.adds_account = typed.passwd;
    for group in &typed.group_add {
        match group.as_bytes() {
            b"keep-groups" => process.keeps_groups = true,
            _ => process.groups.push(ids::account(group).map_err(reading("--group-add"))?),
        }
    }
    if typed.groups.is_some() {
        process.keeps_groups = true;
        sandbox.ids.keeps_groups = true;
    }
    let lines =
        |values: &[String]| values.iter().map(|value| ids::given_line(value)).collect::<Result<Vec<_>, _>>();
    let uid = lines(&typed.uidmap).map_err(reading("--uidmap"))?;
    let gid = lines(&typed.gidmap).map_err(reading("--gidmap"))?;
    if let Some(value) = &typed.userns {
        sandbox.ids.userns = ids::userns(value).map_err(reading("--userns"))?;
    } else if !uid.is_empty() || !gid.is_empty() {
        sandbox.ids.userns = Userns::Given { uid, gid };
    }
    Ok(())
}

fn take_namespaces(sandbox: &mut Sandbox, typed: &NamespaceArgs) -> Result<(), Error> {
    let offsets = typed.timens.as_deref().map(namespaces::clock_offsets);
    sandbox.namespaces = Namespaces {
        pid: NAMESPACE.read(typed.pid.as_deref()).map_err(reading("--pid"))?,
        ipc: NAMESPACE.read(typed.ipc.as_deref()).map_err(reading("--ipc"))?,
        uts: NAMESPACE.read(typed.uts.as_deref()).map_err(reading("--uts"))?,
        cgroup: NAMESPACE.read(typed.cgroupns.as_deref()).map_err(reading("--cgroupns"))?,
        network: Network::default(),
        time: offsets.transpose().map_err(reading("--timens"))?,
    };
    sandbox.hostname = typed.hostname.clone();
    Ok(())
}

/// A published port asks for a network of the sandbox's own.
fn take_network(sandbox: &mut Sandbox, mode: Option<&str>, typed: &NetworkArgs) -> Result<(), Error> {
    let (network, options) = namespaces::network(mode).map_err(reading("--network"))?;
    let is_implied = mode.is_none() && !typed.publish.is_empty();
    sandbox.namespaces.network = if is_implied { Network::Private } else { network };
    let connection = &mut sandbox.connection;
    connection.options = options;
    for value in &typed.publish {
        connection.ports.extend(network::ports(value).map_err(reading("--publish"))?);
    }
    connection.dns.servers = network::addresses(&typed.dns).map_err(reading("--dns"))?;
    (connection.dns.search, connection.dns.options) = (typed.dns_search.clone(), typed.dns_option.clone());
    for value in &typed.add_host {
        connection.hosts.extend(network::hosts(value).map_err(reading("--add-host"))?);
    }
    Ok(())
}
