//! Hooks: programs that a container runtime runs in the container. subroot runs none. It knows what those of
//! the NVIDIA Container Toolkit are for, and refuses all others by their names.

use crate::cdi::fields::Field;
use std::path::{Path, PathBuf};

const FIELDS: [&str; 5] = ["hookName", "path", "args", "env", "timeout"];

/// What hooks are to achieve.
#[derive(Debug, Default)]
pub(super) struct Hooks {
    /// Symlinks, each with its target and its own path.
    pub(super) links: Vec<(PathBuf, PathBuf)>,
    /// Directories whose libraries are to be found by their sonames.
    pub(super) libraries: Vec<PathBuf>,
    /// Those of them that are to be in the cache of the dynamic loader.
    pub(super) cached: Vec<PathBuf>,
}

impl Hooks {
    /// Adds a hook.
    ///
    /// # Errors
    /// A hook that subroot does not know.
    pub(super) fn take(&mut self, hook: &Field<'_>) -> Result<(), String> {
        let object = hook.object(&FIELDS)?;
        let (program, args) = (object.needed("path")?.text()?, object.texts("args")?);
        let (name, args) = match (Path::new(program).file_name().and_then(|name| name.to_str()), &*args) {
            (Some("nvidia-cdi-hook"), [_, name, args @ ..]) => (*name, args),
            (Some("nvidia-ctk"), [_, "hook", name, args @ ..]) => (*name, args),
            _ => return Err(hook.error(&format!("subroot cannot run the hook {program}"))),
        };
        match name {
            "create-symlinks" => {
                for link in values(args, "--link") {
                    let (target, link) = link
                        .split_once("::")
                        .ok_or_else(|| hook.error(&format!("{link} is not TARGET::LINK")))?;
                    self.links.push((target.into(), link.into()));
                }
            }
            "create-soname-symlinks" => self.libraries.extend(values(args, "--folder").map(PathBuf::from)),
            "update-ldcache" => {
                self.libraries.extend(values(args, "--folder").map(PathBuf::from));
                self.cached.extend(values(args, "--folder").map(PathBuf::from));
            }
            // Created directories are open to all users anyway; nothing inside can create device nodes; and
            // libraries in the container that are newer than the driver are a matter of LD_LIBRARY_PATH.
            "chmod" | "disable-device-node-modification" | "enable-cuda-compat" => {}
            _ => return Err(hook.error(&format!("subroot does not know the hook {name} of {program}"))),
        }
        Ok(())
    }
}

/// The values of an option, given as `--option VALUE` or `--option=VALUE`.
fn values<'a>(args: &'a [&'a str], option: &'a str) -> impl Iterator<Item = &'a str> {
    let next = args.iter().skip(1).copied().chain([""]);
    args.iter().zip(next).filter_map(move |(arg, next)| match arg.strip_prefix(option)? {
        "" => Some(next),
        rest => rest.strip_prefix('='),
    })
}
