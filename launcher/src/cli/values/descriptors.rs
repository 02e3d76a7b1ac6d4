//! Options that name a descriptor of the caller, such as `--args FD`.

use crate::error::Error;
use crate::failure::reason_of;
use crate::sys;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;

/// The maximum size of what is read from a descriptor, in bytes.
const MAX: u64 = 16 << 20;

/// A copy of the caller's descriptor.
///
/// # Errors
/// It is not open.
pub(crate) fn copy(what: &'static str, number: i32) -> Result<OwnedFd, Error> {
    let why = |_| Error::Usage { what, why: format!("descriptor {number} is not open") };
    sys::descriptors::copy_descriptor(number, 3).map_err(why)
}

/// Refuses a descriptor that two options name: the second one would find nothing in it.
///
/// # Errors
/// The first such descriptor.
pub(crate) fn check_distinct(named: &[(&'static str, i32)]) -> Result<(), Error> {
    for (at, (what, number)) in named.iter().enumerate() {
        if let Some((other, _)) = named.iter().take(at).find(|(_, known)| known == number) {
            let why = match other == what {
                true => format!("descriptor {number} is named twice, and can be used only once"),
                false => format!("descriptor {number} is that of {other}"),
            };
            return Err(Error::Usage { what, why });
        }
    }
    Ok(())
}

/// Everything that the caller's descriptor has, up to its end.
///
/// # Errors
/// It cannot be read, or has more than 16 MiB.
pub(crate) fn content(what: &'static str, number: i32) -> Result<Vec<u8>, Error> {
    let usage = |why| Error::Usage { what, why };
    let mut content = Vec::new();
    let file = File::from(copy(what, number)?);
    let read = file.take(MAX + 1).read_to_end(&mut content);
    let size = read.map_err(|error| usage(format!("reading descriptor {number}: {}", reason_of(&error))))?;
    match u64::try_from(size) {
        Ok(..=MAX) => Ok(content),
        _ => Err(usage(format!("descriptor {number} has more than 16 MiB"))),
    }
}
