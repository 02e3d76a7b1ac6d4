//! Shares out hosts: several tests can have one at once, or one test alone. A test that chooses PIDs needs to
//! be alone, because it could give a process a PID that another test still uses.

use std::cell::Cell;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

struct State {
    /// The number of threads that have a host.
    sharing: usize,
    is_one_alone: bool,
    /// The number of threads that wait to be alone. No other thread may begin before them.
    waiting: usize,
}

static STATE: Mutex<State> = Mutex::new(State { sharing: 0, is_one_alone: false, waiting: 0 });
static CHANGED: Condvar = Condvar::new();

thread_local! {
    static HOSTS_OF_THREAD: Cell<usize> = const { Cell::new(0) };
}

/// A thread's permission to have a host, for as long as the host exists.
pub(crate) struct Turn;

impl Turn {
    /// Together with others.
    pub(crate) fn shared() -> Turn {
        Turn::begin(|| {
            let mut state = wait_while(|state| state.is_one_alone || state.waiting > 0);
            state.sharing += 1;
        })
    }

    /// Alone: waits until all others have ended.
    pub(crate) fn alone() -> Turn {
        Turn::begin(|| {
            locked().waiting += 1;
            let mut state = wait_while(|state| state.is_one_alone || state.sharing > 0);
            state.waiting -= 1;
            state.is_one_alone = true;
        })
    }

    /// A thread that already has a host gets another one at once.
    fn begin(wait: impl FnOnce()) -> Turn {
        if HOSTS_OF_THREAD.replace(HOSTS_OF_THREAD.get() + 1) == 0 {
            wait();
        }
        Turn
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let left = HOSTS_OF_THREAD.get() - 1;
        HOSTS_OF_THREAD.set(left);
        if left > 0 {
            return;
        }
        let mut state = locked();
        if state.is_one_alone {
            state.is_one_alone = false;
        } else {
            state.sharing -= 1;
        }
        CHANGED.notify_all();
    }
}

fn locked() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wait_while(is_closed: impl Fn(&State) -> bool) -> MutexGuard<'static, State> {
    CHANGED.wait_while(locked(), |state| is_closed(state)).unwrap_or_else(PoisonError::into_inner)
}
