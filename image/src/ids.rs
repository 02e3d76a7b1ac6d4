//! The options about IDs, as the launcher writes them: those of `subroot run`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use subroot::{Account, GivenLine, IdSource, Sandbox, UserSpec, Userns};

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
            ("--uidmap", line) => self.given().0.push(given_line(line)?),
            ("--gidmap", line) => self.given().1.push(given_line(line)?),
            _ => return None,
        }
        Some(())
    }

    /// The lines of both given maps.
    fn given(&mut self) -> (&mut Vec<GivenLine>, &mut Vec<GivenLine>) {
        if !matches!(self.userns, Some(Userns::Given { .. })) {
            self.userns = None;
        }
        match self.userns.get_or_insert(Userns::Given { uid: Vec::new(), gid: Vec::new() }) {
            Userns::Given { uid, gid } => (uid, gid),
            _ => unreachable!("it was just set"),
        }
    }

    /// Requests these IDs. The process is root of its user namespace, if that has an ID 0.
    pub(crate) fn apply(&self, mut sandbox: Sandbox) -> Sandbox {
        if let Some(helper) = &self.helper {
            sandbox = sandbox.helper(helper);
        }
        if self.keeps_groups {
            sandbox = sandbox.map_groups();
        }
        match &self.userns {
            None => sandbox,
            Some(Userns::HostId) => sandbox.userns(Userns::HostId),
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
