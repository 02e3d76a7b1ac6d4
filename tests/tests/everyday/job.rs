//! The setup of every job: alice, her Debian, and the launcher started by her.

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;
use subroot_tests::{Host, Outcome, Rootfs, User};

/// Longer than the largest installation takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// Why a job is skipped.
pub(crate) const NO_ROOT: &str = "no Debian root: tests/run makes one where mmdebstrap works";

/// A Debian with compilers, interpreters and package managers, and alice, who owns it.
pub(crate) struct Debian {
    pub(crate) host: Host,
    pub(crate) alice: User,
    pub(crate) rootfs: Rootfs,
}

impl Debian {
    /// `None` if there is no such archive.
    pub(crate) fn new() -> Option<Debian> {
        let (host, rootfs) = Host::with_everyday_root()?;
        let alice = host.user("alice");
        Some(Debian { host, alice, rootfs })
    }

    /// `subroot run ROOTFS -- WORDS`, by alice.
    pub(crate) fn run(&self, words: &[&str]) -> Command {
        self.run_with(&[], words)
    }

    /// `subroot run OPTIONS ROOTFS -- WORDS`, by alice.
    pub(crate) fn run_with(&self, options: &[&str], words: &[&str]) -> Command {
        let mut command = self.alice.command("subroot");
        command.arg("run").args(options).arg(&self.rootfs.path).arg("--").args(words);
        command
    }

    /// A script that ends at its first failure.
    pub(crate) fn script(&self, script: &str) -> Command {
        self.run(&["bash", "-euo", "pipefail", "-c", script])
    }

    /// The outcome of such a script.
    pub(crate) fn outcome(&self, script: &str) -> Outcome {
        self.host.output_within(PATIENCE, &mut self.script(script))
    }

    /// The output of such a script. The test fails unless the script succeeds.
    #[track_caller]
    pub(crate) fn output(&self, script: &str) -> String {
        self.outcome(script).ok()
    }

    /// Installs packages by name, from a repository made of the files in /srv/packages.
    #[track_caller]
    pub(crate) fn install(&self, packages: &str) -> String {
        self.output(&format!(
            "cd /srv/packages
            dpkg-scanpackages --multiversion . >Packages 2>/dev/null
            echo 'deb [trusted=yes] file:/srv/packages ./' >/etc/apt/sources.list
            export DEBIAN_FRONTEND=noninteractive
            apt-get -q update 2>&1
            apt-get -q install --yes --no-install-recommends {packages} 2>&1"
        ))
    }
}

/// The first host ID granted to alice, which is 1 inside.
pub(crate) const GRANTED: u32 = 100_000;

/// A port of the loopback interface that is free at the moment.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("its number").port()
}

/// Calls a function with each of these in several threads, which have the calling thread's view of the host.
/// The results are in order.
pub(crate) fn in_parallel<T: Sync + Copy, R: Send>(
    threads: usize,
    items: &[T],
    work: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let work_through = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { return done };
            done.push((at, work(*item)));
        }
    };
    let mut results: Vec<(usize, R)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work_through)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a worker")).collect()
    });
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}
