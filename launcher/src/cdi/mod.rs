//! Devices of the Container Device Interface: specifications in /etc/cdi and /var/run/cdi say what a container
//! needs to use a device. <https://tags.cncf.io/container-device-interface>
//!
//! A specification can do nothing that the caller could not do with `--device`, `--volume` and `--env`. It
//! becomes such mounts and variables, so that there is no second way to mount something.

pub(crate) mod edits;
pub(crate) mod elf;
mod fields;
mod hooks;
mod links;
mod names;
mod site;
mod spec;
mod yaml;

#[cfg(feature = "cli")]
pub(crate) use crate::cdi::names::is_qualified;

use crate::cdi::edits::Edits;
use crate::cdi::hooks::Hooks;
use crate::cdi::site::Site;
use crate::error::Error;

/// What the named devices need. Nothing is read if there are none.
///
/// # Errors
/// A device that no specification has, or two of the same rank; a file that cannot be read or is not
/// trusted; an entry that cannot be followed.
pub(crate) fn resolve(names: &[String]) -> Result<Edits, Error> {
    let (mut edits, mut hooks) = (Edits::default(), Hooks::default());
    if names.is_empty() {
        return Ok(edits);
    }
    let site = Site::read()?;
    let mut specs = Vec::new();
    for name in names {
        let (spec, device) = site.device(name)?;
        if !specs.contains(&&spec.file) {
            specs.push(&spec.file);
            spec.common_edits(&mut edits, &mut hooks)?;
        }
        spec.edits_of(device, &mut edits, &mut hooks)?;
    }
    links::add(&mut edits, &hooks);
    Ok(edits)
}
