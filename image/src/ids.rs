//! The options about IDs, as the launcher writes them: those of `subroot run`.

use nix::unistd::{getgid, getuid};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use subroot::images::id_map::MapText;
use subroot::{Account, GivenLine, IdKind, IdSource, Sandbox, UserSpec, Userns};

/// Which IDs the processes have that unpack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ids {
    /// The mapper to use.
    pub(crate) helper: Option<PathBuf>,
    /// Which IDs are mapped: all that the caller has, unless it is given.
    userns: Option<Userns>,
    /// True if the caller's groups are mapped.
    keeps_groups: bool,
}

impl Ids {
    /// Takes an option. `None` if it is not one about IDs.
    pub(crate) fn take(&mut self, option: &OsStr) -> Option<()> {
        if let Some(path) = option.as_bytes().strip_prefix(b"--helper=") {
            self.helper = Some(OsStr::from_bytes(path).into());
            return Some(());
        }
        match option.to_str()?.split_once('=')? {
            ("--groups", "keep") => self.keeps_groups = true,
            ("--userns", mode) => self.userns = Some(userns(mode)?),
            ("--uidmap", line) => self.give(IdKind::Uid, line)?,
            ("--gidmap", line) => self.give(IdKind::Gid, line)?,
            _ => return None,
        }
        Some(())
    }

    /// Adds a line to one of both given maps.
    fn give(&mut self, kind: IdKind, line: &str) -> Option<()> {
        let (mut uid, mut gid) = match self.userns.take() {
            Some(Userns::Given { uid, gid }) => (uid, gid),
            _ => (Vec::new(), Vec::new()),
        };
        match kind {
            IdKind::Uid => uid.push(given_line(line)?),
            IdKind::Gid => gid.push(given_line(line)?),
        }
        self.userns = Some(Userns::Given { uid, gid });
        Some(())
    }

    /// The map that layers are for, if they are unpacked by a process with this map.
    pub(crate) fn of_layers(&self, map: MapText) -> MapText {
        let own = |id: u32| [[id, id, 1]];
        match self.userns {
            Some(Userns::HostId) => MapText::of_lines(&own(getuid().as_raw()), &own(getgid().as_raw())),
            _ => map,
        }
    }

    /// Requests these IDs. The process is root of its user namespace, because only root keeps its capabilities when it
    /// executes a program.
    pub(crate) fn apply(&self, mut sandbox: Sandbox) -> Sandbox {
        if let Some(helper) = &self.helper {
            sandbox = sandbox.helper(helper);
        }
        if self.keeps_groups {
            sandbox = sandbox.map_groups();
        }
        match &self.userns {
            None => sandbox,
            // With one ID, every file belongs to it, whatever its number inside.
            Some(Userns::HostId) => {
                let own = || vec![GivenLine::new(0, IdSource::Own(0), 1)];
                sandbox.userns(Userns::Given { uid: own(), gid: own() })
            }
            Some(userns) => {
                let root = UserSpec::new(Account::Id(0)).group(Account::Id(0));
                sandbox.userns(userns.clone()).user(root)
            }
        }
    }
}

fn userns(mode: &str) -> Option<Userns> {
    Some(match mode.split_once(':').unwrap_or((mode, "")) {
        ("full", "") => Userns::Full,
        ("subids", "") => Userns::Subids,
        ("host-id", "") => Userns::HostId,
        ("auto", size) => Userns::Auto(Some(number(size.strip_prefix("size=")?)?)),
        ("keep-id", kept) => {
            let find = |key: &str| kept.split(',').find_map(|option| option.strip_prefix(key)).map(number);
            let given = |id: Option<Option<u32>>| if let Some(id) = id { id.map(Some) } else { Some(None) };
            Userns::KeepId { uid: given(find("uid="))?, gid: given(find("gid="))? }
        }
        _ => return None,
    })
}

/// `INSIDE:FROM:COUNT`, where `@ID` is an ID of the host.
fn given_line(line: &str) -> Option<GivenLine> {
    let mut parts = line.split(':');
    let (inside, from, count) = (parts.next()?, parts.next()?, parts.next()?);
    let from = match from.strip_prefix('@') {
        Some(id) => IdSource::Host(number(id)?),
        None => IdSource::Own(number(from)?),
    };
    parts.next().is_none().then_some(GivenLine::new(number(inside)?, from, number(count)?))
}

fn number(digits: &str) -> Option<u32> {
    // Error ignored: the caller refuses the option.
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::Ids;
    use subroot::{GivenLine, IdSource, Userns};

    fn read(options: &[&str]) -> Option<Ids> {
        let mut ids = Ids::default();
        options.iter().try_for_each(|option| ids.take(option.as_ref())).map(|()| ids)
    }

    #[test]
    fn the_options_of_run_are_read() {
        let own = GivenLine::new(0, IdSource::Own(1), 5);
        let host = GivenLine::new(1, IdSource::Host(9), 1);
        for (options, userns) in [
            (&["--userns=auto:size=7"] as &[&str], Userns::Auto(Some(7))),
            (&["--userns=full"], Userns::Full),
            (&["--userns=subids"], Userns::Subids),
            (&["--userns=host-id"], Userns::HostId),
            (&["--userns=keep-id"], Userns::KeepId { uid: None, gid: None }),
            (&["--userns=keep-id:uid=1,gid=2"], Userns::KeepId { uid: Some(1), gid: Some(2) }),
            (&["--uidmap=0:1:5", "--gidmap=1:@9:1"], Userns::Given { uid: vec![own], gid: vec![host] }),
        ] {
            assert_eq!(read(options).and_then(|ids| ids.userns), Some(userns), "{options:?}");
        }
        assert_eq!(read(&["--helper=/h"]).and_then(|ids| ids.helper), Some("/h".into()));
        for wrong in ["--userns=x", "--userns=auto:7", "--uidmap=0:1", "--groups=x", "--helper", "--x=y"] {
            assert_eq!(read(&[wrong]), None, "{wrong}");
        }
    }
}
