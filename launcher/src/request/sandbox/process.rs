//! The command's limits and terminal.

use crate::request::limits::Limit;
use crate::request::sandbox::Sandbox;

impl Sandbox {
    /// Gives the command its own terminal, connected to the standard streams.
    #[must_use]
    pub fn tty(mut self) -> Sandbox {
        self.process.terminal = true;
        self
    }

    /// Sets a resource limit.
    #[must_use]
    pub fn ulimit(mut self, limit: Limit) -> Sandbox {
        self.process.limits.push(limit);
        self
    }

    /// Sets the file mode creation mask: umask(2).
    #[must_use]
    pub fn umask(mut self, mask: u32) -> Sandbox {
        self.process.umask = Some(mask);
        self
    }

    /// Sets the adjustment of the OOM killer's choice, from -1000 to 1000: proc_pid_oom_score_adj(5).
    #[must_use]
    pub fn oom_score_adj(mut self, adjustment: i32) -> Sandbox {
        self.process.oom_score_adj = Some(adjustment);
        self
    }
}
