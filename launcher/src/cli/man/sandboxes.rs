//! The sections of the pages of the commands about running and detached sandboxes.

pub(super) const EXEC_EXAMPLES: &str = "\
# EXAMPLES
Start a sandbox with a name, and a shell in it:

    subroot run --name web --read-only ./rootfs -- python3 -m http.server 8000 &
    subroot exec -t web -- sh
";

pub(super) const PS_NOTES: &str = "\
# NOTES
Each running sandbox is found by a file in memory that its own process has open. Only the caller's own sandboxes are listed.

With --all, the column STATUS is `running`, `exited (N)` with the exit status, or `lost` if the supervisor was killed or the host
was restarted. In JSON, `state` is running, exited or lost; `status` is the exit status of a sandbox that has ended; `detached` is
true for a sandbox of --detach, and `log` is then the file with its output.

For scripts written for docker or podman, `ls` is another name of the command, and `--format json` of `--json`.
";

pub(super) const PS_EXAMPLES: &str = "\
# EXAMPLES
    subroot ps
    subroot ps --all
    subroot ps --json
    subroot ps -q
";

pub(super) const KILL_EXAMPLES: &str = "\
# NOTES
Any signal except KILL goes to the command, and not to other processes in the sandbox, as in docker and podman. STOP stops the
command until it gets CONT. With --as-pid-1, the kernel drops signals for which the command has no handler, except STOP; `subroot`
ends the sandbox instead if such a signal would end a process. KILL ends everything in the sandbox.

# EXAMPLES
End a sandbox and everything in it, and send a signal to the command of another one:

    subroot kill web
    subroot kill -s HUP db
";

pub(super) const LOGS_EXAMPLES: &str = "\
# EXAMPLES
Print all output, or the last 20 lines and everything that follows:

    subroot logs train
    subroot logs -n 20 -f train
";

pub(super) const ATTACH_STATUS: &str = "\
# EXIT STATUS
- The command's own status: The sandbox has ended.
- 0: The user has detached.
- 128+N: Signal N ended subroot-attach(1). The sandbox goes on.
- 125: subroot failed. Standard error says what was attempted, on what, and why.
";

pub(super) const ATTACH_NOTES: &str = "\
# NOTES
If the sandbox was started with -t, and standard input is a terminal, that terminal becomes raw, and every key except the two that
detach reaches the command. The size of the terminal is passed on. Otherwise Ctrl-C ends only subroot-attach(1); the end of
standard input is passed on if the sandbox was started with -i. Several callers can be attached at once.
";

pub(super) const ATTACH_EXAMPLES: &str = "\
# EXAMPLES
Start a shell with a terminal of its own, use it, leave it with Ctrl-P Ctrl-Q, and come back:

    subroot run -d -t --name shell ./rootfs -- bash
    subroot attach shell
";

pub(super) const WAIT_NOTES: &str = "\
# NOTES
The exit statuses are printed in the order of the arguments, each on its own line: the command's status; 128+N if signal N ended
it; 137 and a warning if the supervisor was killed, because everything in the sandbox was killed then.
";

pub(super) const WAIT_EXAMPLES: &str = "\
# EXAMPLES
    subroot wait train
    test \"$(subroot wait train)\" = 0 && echo done
";

pub(super) const STOP_NOTES: &str = "\
# NOTES
All sandboxes get TERM at once, and have the same time to end. For each, a line says whether it ended or was killed and, if it is
detached, with which exit status.
";

pub(super) const STOP_EXAMPLES: &str = "\
# EXAMPLES
    subroot stop web
    subroot stop --time 60 db
";

pub(super) const RM_EXAMPLES: &str = "\
# EXAMPLES
Remove the log and the exit status of a sandbox that was started with --rm=false:

    subroot rm build

Remove a root filesystem:

    subroot rm ./rootfs
";
