//! The kernel that the tests run on.

/// True if the kernel has at least this version.
///
/// # Panics
/// The kernel has no version.
#[must_use]
pub fn kernel_is(major: u32, minor: u32) -> bool {
    let name = nix::sys::utsname::uname().expect("uname");
    let release = name.release().to_str().expect("a release");
    let mut numbers =
        release.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse().expect("a number"));
    (numbers.next(), numbers.next()) >= (Some(major), Some(minor))
}
