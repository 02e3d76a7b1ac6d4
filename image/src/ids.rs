//! The IDs of the processes that unpack.

use nix::unistd::{getgid, getuid};
use subroot::images::id_map::MapText;
use subroot::images::id_options::IdOptions;
use subroot::{Account, GivenLine, IdSource, Sandbox, UserSpec, Userns};

/// The map that layers are for, if they are unpacked by a process with this map.
pub(crate) fn map_of_layers(ids: &IdOptions, map: MapText) -> MapText {
    let own = |id: u32| [[id, id, 1]];
    match ids.userns {
        Userns::HostId => MapText::of_lines(&own(getuid().as_raw()), &own(getgid().as_raw())),
        _ => map,
    }
}

/// Requests these IDs. The process is root of its user namespace, because only root keeps its capabilities when it
/// executes a program.
pub(crate) fn request(ids: &IdOptions, mut sandbox: Sandbox) -> Sandbox {
    if let Some(helper) = &ids.helper {
        sandbox = sandbox.helper(helper);
    }
    if ids.keeps_groups {
        sandbox = sandbox.map_groups();
    }
    match &ids.userns {
        Userns::Auto(None) => sandbox,
        // With one ID, every file belongs to it, whatever its number inside.
        Userns::HostId => {
            let own = || vec![GivenLine::new(0, IdSource::Own(0), 1)];
            sandbox.userns(Userns::Given { uid: own(), gid: own() })
        }
        userns => {
            let root = UserSpec::new(Account::Id(0)).group(Account::Id(0));
            sandbox.userns(userns.clone()).user(root)
        }
    }
}
