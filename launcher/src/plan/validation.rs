//! Checks a request for invalid values and combinations. An error names the option of `subroot run`.

use crate::error::Error;
use crate::request::environment;
use crate::request::ids::{Account, GivenLine, Userns, check_id};
use crate::request::limits::Limit;
use crate::request::mount::Mount;
use crate::request::names::{check_hostname, check_name};
use crate::request::namespaces::{Namespace, Network};
use crate::request::network::{Dns, check_word};
use crate::request::process::{Landlock, Process, Seccomp, Workdir, check_workdir};
use crate::request::root::{Dev, Proc, Root};
use crate::request::sandbox::Sandbox;

/// Adds the option to an error.
fn read(what: &'static str, checked: Result<(), String>) -> Result<(), Error> {
    checked.map_err(|why| Error::Usage { what, why })
}

/// Checks everything that can be checked without examining the host.
///
/// # Errors
/// The first invalid value or combination.
pub(crate) fn check(sandbox: &Sandbox) -> Result<(), Error> {
    if sandbox.command.as_ref().is_some_and(Vec::is_empty) {
        return Err(Error::Usage { what: "the command", why: "it is empty".into() });
    }
    read("--name", sandbox.name.as_deref().map_or(Ok(()), check_name))?;
    read("--hostname", sandbox.hostname.as_deref().map_or(Ok(()), check_hostname))?;
    read("--mount", sandbox.mounts.iter().try_for_each(Mount::check))?;
    check_process(&sandbox.process)?;
    check_userns(&sandbox.ids.userns)?;
    check_network(sandbox)?;
    check_together(sandbox)
}

fn check_network(sandbox: &Sandbox) -> Result<(), Error> {
    let (connection, network) = (&sandbox.connection, sandbox.namespaces.network);
    let Dns { search, options, .. } = &connection.dns;
    read("--dns-search", search.iter().try_for_each(|domain| check_word(domain)))?;
    read("--dns-option", options.iter().try_for_each(|option| check_word(option)))?;
    read("--add-host", connection.hosts.iter().try_for_each(|(name, _)| check_word(name)))?;
    let refuse = |what, why: &str| Err(Error::Usage { what, why: why.into() });
    if !connection.ports.is_empty() && !network.is_connected() {
        return refuse("--publish", "it needs a network of the sandbox's own: --network=pasta");
    }
    if !connection.options.is_empty() && !matches!(network, Network::Pasta | Network::Slirp4netns) {
        return refuse("--network", "only pasta and slirp4netns have options");
    }
    let has_files = !connection.dns.is_empty() || !connection.hosts.is_empty();
    if has_files && matches!(sandbox.root, Root::Unchanged | Root::Empty) {
        return refuse("--dns and --add-host", "they need a root with an /etc");
    }
    match connection.ports.iter().find(|port| port.host == 0 || port.inside == 0) {
        Some(port) => refuse("--publish", &format!("{port} has port 0")),
        None => Ok(()),
    }
}

fn check_process(process: &Process) -> Result<(), Error> {
    if let Workdir::Asked(dir) = &process.workdir {
        read("--workdir", check_workdir(dir))?;
    }
    let mut variables = process.environment.iter();
    read("--env", variables.try_for_each(|(name, value)| environment::check_name(name, value)))?;
    read("--ulimit", process.limits.iter().try_for_each(Limit::check))?;
    if let Some(mask) = process.umask.filter(|mask| *mask > 0o777) {
        return Err(Error::Usage {
            what: "--umask",
            why: format!("{mask:o} is not an octal mode up to 0777"),
        });
    }
    if let Some(number) = process.oom_score_adj.filter(|number| !(-1000..=1000).contains(number)) {
        return Err(Error::Usage {
            what: "--oom-score-adj",
            why: format!("{number} is not from -1000 to 1000"),
        });
    }
    let user = process.user.iter().flat_map(|user| [Some(&user.user), user.group.as_ref()]);
    read("--user", user.flatten().try_for_each(Account::check))?;
    read("--group-add", process.groups.iter().try_for_each(Account::check))?;
    read("--security-opt landlock", process.landlock.as_ref().map_or(Ok(()), Landlock::check))
}

fn check_userns(userns: &Userns) -> Result<(), Error> {
    match userns {
        Userns::Auto(Some(0)) => {
            Err(Error::Usage { what: "--userns", why: "the size in auto:size=0 must be at least 1".into() })
        }
        Userns::KeepId { uid, gid } => {
            read("--userns", [uid, gid].into_iter().flatten().try_for_each(|id| check_id(*id)))
        }
        Userns::Given { uid, gid } => {
            read("--uidmap", uid.iter().try_for_each(GivenLine::check))?;
            read("--gidmap", gid.iter().try_for_each(GivenLine::check))
        }
        Userns::Auto(_) | Userns::Full | Userns::Subids | Userns::HostId => Ok(()),
    }
}

fn check_together(sandbox: &Sandbox) -> Result<(), Error> {
    let refuse = |what, why: &str| Err(Error::Usage { what, why: why.into() });
    let process = &sandbox.process;
    if sandbox.as_pid_1 && sandbox.namespaces.pid == Namespace::Host {
        return refuse("--as-pid-1", "it needs a pid namespace, so it cannot be combined with --pid host");
    }
    if sandbox.namespaces.time.is_some() && (sandbox.as_pid_1 || sandbox.namespaces.pid == Namespace::Host) {
        return refuse(
            "--timens",
            "it needs an init process, so it cannot be combined with --as-pid-1 or --pid host",
        );
    }
    if sandbox.overlay.is_some() && !matches!(sandbox.root, Root::Dir(_) | Root::Image(_)) {
        return refuse("--overlay", "it needs a ROOTFS: without one, all changes go to memory anyway");
    }
    if sandbox.root == Root::Unchanged && changes_root(sandbox) {
        return refuse("the mounts", "subroot unshare keeps the host's root and mounts nothing in it");
    }
    if sandbox.hostname.is_some() && sandbox.namespaces.uts == Namespace::Host {
        return refuse("--hostname", "it needs a uts namespace, so it cannot be combined with --uts host");
    }
    if process.keeps_groups && !process.groups.is_empty() {
        return refuse("--group-add", "it cannot be combined with --groups keep");
    }
    if process.native_calls_only && process.seccomp == Seccomp::Unconfined {
        return refuse(
            "--security-opt seccomp",
            "unconfined removes the filter, and seccomp-arch=native needs one",
        );
    }
    Ok(())
}

/// True if the request needs a new root.
fn changes_root(sandbox: &Sandbox) -> bool {
    let paths = [&sandbox.writable_tmpfs, &sandbox.masked, &sandbox.read_only_paths];
    sandbox.read_only
        || !sandbox.mounts.is_empty()
        || !sandbox.cdi_devices.is_empty()
        || paths.into_iter().any(|paths| !paths.is_empty())
        || (sandbox.proc, sandbox.dev) != (Proc::default(), Dev::default())
}
