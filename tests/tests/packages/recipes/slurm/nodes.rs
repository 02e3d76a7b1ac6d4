//! Everything on the nodes of a cluster: processes, mounts, directories and keys.

use super::cluster::Cluster;
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::Duration;
use subroot_tests::running::{PATIENCE, program_of, soon};
use subroot_tests::status_line;

/// The state at one moment, for comparisons.
#[derive(Debug, PartialEq)]
pub(crate) struct Nodes {
    processes: BTreeMap<Pid, String>,
    mounts: Vec<String>,
    files: String,
    keys: Option<String>,
}

impl Nodes {
    /// The state after each node has run a job and nothing of it remains: two readings in a row are alike, as a
    /// daemon's short-lived child is a process like any other.
    #[track_caller]
    pub(crate) fn at_rest(cluster: &Cluster) -> Nodes {
        cluster.shell("srun --nodes=4 true").ok();
        let mut nodes = Nodes::now(cluster);
        let are_at_rest = || {
            std::thread::sleep(Duration::from_millis(500));
            let jobs = cluster.shell("squeue --noheader --states=RUNNING,COMPLETING").ok();
            let before = std::mem::replace(&mut nodes, Nodes::now(cluster));
            let has_step = nodes.processes.values().any(|program| program == "slurmstepd");
            jobs.is_empty() && !has_step && before == nodes
        };
        assert!(soon(PATIENCE, are_at_rest), "an empty job does not end");
        nodes
    }

    fn now(cluster: &Cluster) -> Nodes {
        let processes = descendants(cluster.first_process());
        // Of a node's own directory, only the files for jobs: its caches appear over time.
        let find = "find /tmp $ROOTFS /run/slurm/spool/n?/job* 2>/dev/null | sort";
        let root = cluster.host.user("root");
        let find = cluster.host.output(root.shell(find).env("ROOTFS", &cluster.rootfs.path));
        Nodes { mounts: mounts(&processes), processes, files: find.ok(), keys: keys(cluster.alice.uid) }
    }

    /// Fails the test unless the state returns to this one in time.
    #[track_caller]
    pub(crate) fn assert_unchanged(&self, cluster: &Cluster) {
        if !soon(PATIENCE, || Nodes::now(cluster) == *self) {
            assert_eq!(Nodes::now(cluster), *self);
        }
    }
}

/// Every process below this one, whatever its namespaces, with its program.
fn descendants(first: Pid) -> BTreeMap<Pid, String> {
    let listed = Command::new("ps").args(["-e", "-o", "pid="]).output().expect("starting ps").stdout;
    let listed = String::from_utf8(listed).expect("numbers");
    let pids = listed.split_whitespace().filter_map(|word| word.parse().ok()).map(Pid::from_raw);
    let descends = |pid: &Pid| {
        let mut line = std::iter::successors(Some(*pid), |pid| parent(*pid));
        line.any(|pid| pid == first)
    };
    pids.filter(descends).map(|pid| (pid, program_of(pid))).collect()
}

fn parent(pid: Pid) -> Option<Pid> {
    status_line(pid, "PPid")?.parse().ok().filter(|parent| *parent != 0).map(Pid::from_raw)
}

/// The mounts of each node.
fn mounts(processes: &BTreeMap<Pid, String>) -> Vec<String> {
    let nodes = processes.iter().filter(|(_, program)| *program == "slurmd");
    nodes.filter_map(|(pid, _)| fs::read_to_string(format!("/proc/{pid}/mountinfo")).ok()).collect()
}

/// The number of a user's keys: proc_key_users(5).
fn keys(uid: u32) -> Option<String> {
    let users = fs::read_to_string("/proc/key-users").ok()?;
    let line = users.lines().find_map(|line| line.trim_start().strip_prefix(&format!("{uid}:")))?;
    line.split_whitespace().nth(1).map(str::to_owned)
}
