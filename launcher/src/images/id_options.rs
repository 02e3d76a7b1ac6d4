//! The request for IDs, as arguments of subroot-image: how the launcher writes it, and how subroot-image reads it.

use crate::request::ids::{GivenLine, IdSource, IdWishes, Userns};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

/// Which IDs are mapped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdOptions {
    /// The mapper to use.
    pub helper: Option<PathBuf>,
    /// Which IDs are mapped, and to what.
    pub userns: Userns,
    /// True if the caller's groups are mapped.
    pub keeps_groups: bool,
}

impl IdOptions {
    /// Those of a request.
    pub(crate) fn of(wishes: &IdWishes) -> IdOptions {
        let IdWishes { userns, keeps_groups, helper } = wishes.clone();
        IdOptions { helper, userns, keeps_groups }
    }

    /// The arguments. Whatever can be requested is in them.
    #[must_use]
    pub fn written(&self) -> Vec<OsString> {
        let mut options: Vec<OsString> = Vec::new();
        if let Some(helper) = &self.helper {
            options.push([OsStr::new("--helper="), helper.as_os_str()].into_iter().collect());
        }
        options.extend(self.keeps_groups.then(|| "--groups=keep".into()));
        let all = |option: &str, lines: &[GivenLine]| -> Vec<OsString> {
            lines.iter().map(|line| format!("{option}={line}").into()).collect()
        };
        match &self.userns {
            Userns::Auto(None) => {}
            Userns::Auto(Some(size)) => options.push(format!("--userns=auto:size={size}").into()),
            Userns::Full => options.push("--userns=full".into()),
            Userns::Subids => options.push("--userns=subids".into()),
            Userns::HostId => options.push("--userns=host-id".into()),
            Userns::KeepId { uid, gid } => {
                let id = |name: &str, id: Option<u32>| id.map(|id| format!("{name}={id}"));
                let kept: Vec<String> = [id("uid", *uid), id("gid", *gid)].into_iter().flatten().collect();
                let colon = if kept.is_empty() { "" } else { ":" };
                options.push(format!("--userns=keep-id{colon}{}", kept.join(",")).into());
            }
            // Without lines it is still not the default.
            Userns::Given { uid, gid } => {
                options.push("--userns=given".into());
                options.extend(all("--uidmap", uid));
                options.extend(all("--gidmap", gid));
            }
        }
        options
    }

    /// Takes an argument. `None` if it is not one of these.
    #[must_use]
    pub fn take(&mut self, option: &OsStr) -> Option<()> {
        if let Some(path) = option.as_bytes().strip_prefix(b"--helper=") {
            self.helper = Some(OsStr::from_bytes(path).into());
            return Some(());
        }
        match (option.to_str()?.split_once('=')?, &mut self.userns) {
            (("--groups", "keep"), _) => self.keeps_groups = true,
            (("--userns", mode), userns) => *userns = read(mode)?,
            (("--uidmap", line), Userns::Given { uid, .. }) => uid.push(given_line(line)?),
            (("--gidmap", line), Userns::Given { gid, .. }) => gid.push(given_line(line)?),
            _ => return None,
        }
        Some(())
    }
}

fn read(mode: &str) -> Option<Userns> {
    Some(match mode.split_once(':').unwrap_or((mode, "")) {
        ("full", "") => Userns::Full,
        ("subids", "") => Userns::Subids,
        ("host-id", "") => Userns::HostId,
        ("given", "") => Userns::Given { uid: Vec::new(), gid: Vec::new() },
        ("auto", size) => Userns::Auto(Some(number(size.strip_prefix("size=")?)?)),
        ("keep-id", ids) => {
            let (mut uid, mut gid) = (None, None);
            for id in ids.split(',').filter(|id| !id.is_empty()) {
                match id.split_once('=')? {
                    ("uid", id) => uid = Some(number(id)?),
                    ("gid", id) => gid = Some(number(id)?),
                    _ => return None,
                }
            }
            Userns::KeepId { uid, gid }
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
    // The caller refuses the argument.
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::IdOptions;
    use crate::request::ids::{GivenLine, IdSource, Userns};
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt as _;

    fn read(options: &[OsString]) -> Option<IdOptions> {
        let mut read = IdOptions::default();
        options.iter().try_for_each(|option| read.take(option)).map(|()| read)
    }

    #[test]
    fn what_is_written_is_read() {
        let (own, host) =
            (GivenLine::new(0, IdSource::Own(1), 5), GivenLine::new(u32::MAX - 1, IdSource::Host(9), 1));
        let modes = [
            Userns::Auto(None),
            Userns::Auto(Some(7)),
            Userns::Full,
            Userns::Subids,
            Userns::HostId,
            Userns::KeepId { uid: None, gid: None },
            Userns::KeepId { uid: Some(1), gid: None },
            Userns::KeepId { uid: None, gid: Some(2) },
            Userns::KeepId { uid: Some(1), gid: Some(2) },
            Userns::Given { uid: Vec::new(), gid: vec![own] },
            Userns::Given { uid: vec![own, host], gid: vec![host] },
        ];
        for userns in modes {
            for helper in [None, Some(OsString::from_vec(b"/a =\xff,".to_vec()).into())] {
                let options = IdOptions { helper, userns: userns.clone(), keeps_groups: true };
                assert_eq!(read(&options.written()), Some(options));
            }
        }
    }

    #[test]
    fn other_arguments_are_refused() {
        for wrong in [
            "--userns=x",
            "--userns=auto:7",
            "--userns=keep-id:x=1",
            "--uidmap=0:1:1",
            "--groups=x",
            "--helper",
            "--x=y",
        ] {
            assert_eq!(read(&[wrong.into()]), None, "{wrong}");
        }
        assert_eq!(read(&["--userns=given".into(), "--uidmap=0:1".into()]), None);
    }
}
