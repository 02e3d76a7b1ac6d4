//! `-v`: prints each step of the plan as it happens, with the time since the start of subroot.
//!
//! A child reports its steps to the launcher, which prints them. If nothing is printed, no system calls are
//! made for this.

use crate::failure;
use crate::plan::steps::{Kind, Step};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

/// The start time. It is taken from a clock that time namespaces do not change.
static START: OnceLock<SystemTime> = OnceLock::new();

/// The steps of this launch, if they are printed, and the index of this process's next step.
static FOLLOWED: OnceLock<(Vec<Step>, AtomicUsize)> = OnceLock::new();

/// Sets the start time to now, unless it is already set.
pub(crate) fn start_clock() {
    START.get_or_init(SystemTime::now);
}

/// True if steps are printed.
pub(crate) fn is_wanted() -> bool {
    log::log_enabled!(log::Level::Info)
}

/// Enables printing of these steps, in this process and in its children.
pub(crate) fn follow(steps: Vec<Step>) {
    FOLLOWED.get_or_init(|| (steps, AtomicUsize::new(0)));
}

/// Prints the next step of this kind on this object; an empty object matches any.
pub(crate) fn begin(kind: Kind, object: &[u8]) {
    let Some((steps, next)) = FOLLOWED.get() else { return };
    let first = next.load(Ordering::Relaxed);
    let found = steps.iter().skip(first).position(|step| step.is(kind, object));
    let at = found.map_or(usize::MAX, |offset| first.saturating_add(offset));
    if found.is_some() {
        next.store(at.saturating_add(1), Ordering::Relaxed);
    }
    let start = START.get().copied().unwrap_or(SystemTime::UNIX_EPOCH);
    // Error ignored: the clock was set back, and the time is not known.
    let time = start.elapsed().ok().unwrap_or_default();
    let microseconds = u64::try_from(time.as_micros()).ok().unwrap_or(u64::MAX);
    if !failure::report_step(at, microseconds) {
        print(at, microseconds);
    }
}

/// Prints a step or detail reported by a child. False for any other packet.
pub(crate) fn print_reported(packet: &[u8]) -> bool {
    if let Some((at, microseconds)) = failure::reported_step(packet) {
        print(at, microseconds);
        return true;
    }
    failure::reported_detail(packet).inspect(|text| log::debug!("{text}")).is_some()
}

fn print(at: usize, microseconds: u64) {
    let step = FOLLOWED.get().and_then(|(steps, _)| steps.get(at));
    let text = step.map_or_else(|| "a step that is not in the plan".to_owned(), Step::sentence);
    log::info!("{}.{:02} ms {text}", microseconds / 1000, microseconds % 1000 / 10);
}
