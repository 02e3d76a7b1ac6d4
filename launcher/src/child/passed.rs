//! Gives the descriptors that are passed to the command their numbers.

use crate::request::passed::{FIRST_PASSED, Passed};
use crate::sys::Outcome;
use crate::sys::descriptors::{copy_descriptor, duplicate_to};
use std::os::fd::{AsRawFd as _, OwnedFd};

/// Occupies the numbers that the passed descriptors will have, as far as they are free. As long as the result
/// is kept, no new descriptor of this process gets one of them.
///
/// # Errors
/// EMFILE.
pub(crate) fn occupy(passed: &Passed) -> Outcome<Vec<OwnedFd>> {
    let mut occupied = Vec::new();
    let Some(file) = passed.descriptors.first() else { return Ok(occupied) };
    loop {
        let copy = copy_descriptor(file.as_raw_fd(), FIRST_PASSED)?;
        if copy.as_raw_fd() >= passed.end() {
            return Ok(occupied);
        }
        occupied.push(copy);
    }
}

/// Moves the passed descriptors to their numbers, and keeps them open on exec. Whatever else has one of these
/// numbers is closed. Those of the program already have them.
///
/// # Errors
/// Errors of fcntl(2) and dup2(2).
pub(crate) fn place(passed: &Passed) -> Outcome<()> {
    if passed.numbered().all(|(number, file)| file.as_raw_fd() == number) {
        return passed.numbered().try_for_each(|(number, file)| duplicate_to(file, number));
    }
    // One of them may have the number that another one gets.
    let copies = passed.numbered().map(|(_, file)| copy_descriptor(file.as_raw_fd(), passed.end()));
    let copies: Vec<OwnedFd> = copies.collect::<Outcome<_>>()?;
    (FIRST_PASSED..).zip(copies).try_for_each(|(number, copy)| duplicate_to(copy, number))
}
