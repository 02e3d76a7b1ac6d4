//! A Slurm cluster for one test: a controller and four nodes on one machine, in a network and a pid namespace
//! that end with it.

use nix::sched::{CloneFlags, setns, unshare};
use std::fs::{self, File};
use std::process::Command;
use subroot_tests::running::{PATIENCE, soon};
use subroot_tests::{Host, Outcome, Rootfs, Started, User, children};

/// The time in seconds from SIGTERM until a job is killed.
pub(crate) const KILL_WAIT: u32 = 3;
/// The number of nodes.
pub(crate) const NODES: usize = 4;

/// `HOST` stands for the machine's name, by which slurmctld and slurmd find their own lines.
const CONFIGURATION: &str = "\
ClusterName=test
SlurmctldHost=HOST(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
StateSaveLocation=/run/slurm/state
SlurmdSpoolDir=/run/slurm/spool/%n
SlurmctldPidFile=/run/slurm/slurmctld.pid
SlurmdPidFile=/run/slurm/%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/builtin
SchedulerParameters=sched_interval=1,batch_sched_delay=0
SlurmdParameters=config_overrides
MpiDefault=none
ReturnToService=2
KillWait=KILL_WAIT
NodeName=n[1-4] NodeHostname=HOST NodeAddr=127.0.0.1 Port=[17001-17004] CPUs=8 RealMemory=1000
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
";

/// A script of the recipe, by name.
macro_rules! script {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../../../packaging/recipes/slurm/", $name)))
    };
}

const SCRIPTS: [(&str, &str); 2] = [script!("array.sbatch"), script!("scratch.sbatch")];

/// PID 1 of the cluster. Each node has its own mounts.
const DAEMONS: &str = "
    mkdir -p /run/munge /run/slurm/state /run/slurm/spool
    munged --foreground --key-file=/etc/munge.key --seed-file=/run/munge/seed --log-file=/run/munge/log &
    until [ -S /run/munge/munge.socket.2 ]; do sleep 0.02; done
    slurmctld -D &
    for node in n1 n2 n3 n4; do unshare --mount slurmd -D -N $node & done
    wait";

/// alice, her busybox root, and a cluster that she may use. Everything in the cluster is killed with it.
pub(crate) struct Cluster {
    pub(crate) host: Host,
    pub(crate) alice: User,
    pub(crate) rootfs: Rootfs,
    daemons: Option<Started>,
    network_outside: File,
}

impl Cluster {
    /// `None` if Slurm or munge is not installed.
    pub(crate) fn new() -> Option<Cluster> {
        Cluster::on(Host::new)
    }

    /// The same, while no other test has a host. alice has the same uid in each, and the kernel counts the keys
    /// of a uid.
    pub(crate) fn alone() -> Option<Cluster> {
        Cluster::on(Host::alone)
    }

    fn on(host: impl FnOnce() -> Host) -> Option<Cluster> {
        let programs = ["slurmctld", "slurmd", "munged"].map(|name| format!("/usr/sbin/{name}"));
        if !programs.iter().all(|program| fs::exists(program).is_ok_and(|exists| exists)) {
            return None;
        }
        let host = host();
        let alice = host.user("alice");
        let rootfs = Rootfs::busybox(&alice);
        let network_outside = own_network(&host);
        configure(&host);
        let daemons = Some(start_daemons(&host));
        let cluster = Cluster { host, alice, rootfs, daemons, network_outside };
        let idle = || cluster.shell("sinfo --noheader --Node --format=%T").stdout.matches("idle").count();
        assert!(soon(PATIENCE, || idle() == NODES), "the nodes do not come up: {}", cluster.log());
        Some(cluster)
    }

    /// A shell line of alice in her home, which contains the recipe's scripts.
    pub(crate) fn shell(&self, script: &str) -> Outcome {
        self.shell_of(&self.alice, script)
    }

    /// The same for another user.
    pub(crate) fn shell_of(&self, user: &User, script: &str) -> Outcome {
        self.host.output(user.shell(script).env("ROOTFS", &self.rootfs.path))
    }

    /// Submits a job with these arguments of sbatch, and returns its ID.
    #[track_caller]
    pub(crate) fn submit(&self, words: &str) -> String {
        self.shell(&format!("sbatch --parsable {words}")).ok().trim().to_owned()
    }

    /// How each task of a job ended, as `STATE STATUS:SIGNAL`, after all of them have.
    #[track_caller]
    pub(crate) fn ends(&self, job: &str) -> Vec<String> {
        let mut tasks = Vec::new();
        let have_ended = || {
            tasks =
                self.shell(&format!("scontrol --oneliner show job {job}")).ok().lines().map(end).collect();
            !tasks.is_empty() && !tasks.iter().any(|task| is_under_way(task))
        };
        assert!(soon(PATIENCE * 3, have_ended), "job {job} does not end: {}", self.log());
        tasks
    }

    /// Waits until a file in alice's home has this text.
    #[track_caller]
    pub(crate) fn wait_for(&self, file: &str, text: &str) {
        let path = self.alice.home.join(file);
        let is_there = || fs::read_to_string(&path).is_ok_and(|content| content.contains(text));
        assert!(soon(PATIENCE, is_there), "{file} lacks {text:?}: {}", self.log());
    }

    /// The PID of the ancestor of every process on every node.
    pub(crate) fn first_process(&self) -> nix::unistd::Pid {
        children(self.daemons.as_ref().expect("running daemons").pid())[0]
    }

    fn log(&self) -> String {
        fs::read_to_string("/run/slurm.log").unwrap_or_default()
    }
}

impl Drop for Cluster {
    /// The kernel kills everything in a pid namespace with its first process: pid_namespaces(7).
    fn drop(&mut self) {
        if let Some(mut daemons) = self.daemons.take() {
            let _already_gone = daemons.child().kill();
            let _gone = daemons.child().wait();
        }
        let returned = setns(&self.network_outside, CloneFlags::CLONE_NEWNET);
        if !std::thread::panicking() {
            returned.expect("returning to the network outside");
        }
    }
}

/// Gives the calling thread its own network, so that the ports are free. Returns the previous one.
fn own_network(host: &Host) -> File {
    let outside = File::open("/proc/thread-self/ns/net").expect("own network namespace");
    unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace");
    // Slurm listens on what getaddrinfo(3) finds. With AI_ADDRCONFIG that is nothing if 127.0.0.1 is the only
    // address.
    let up = "ip link set lo up && ip address add 10.0.0.1/32 dev lo";
    host.output(Command::new("sh").args(["-c", up])).ok();
    outside
}

fn configure(host: &Host) {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").expect("the machine's name");
    let text = CONFIGURATION.replace("HOST", name.trim()).replace("KILL_WAIT", &KILL_WAIT.to_string());
    fs::create_dir("/etc/slurm").expect("a directory in a private /etc");
    host.write("/etc/slurm/slurm.conf", text);
    let key = "umask 077; head --bytes=128 /dev/urandom >/etc/munge.key";
    host.output(Command::new("sh").args(["-c", key])).ok();
    for (script, text) in SCRIPTS {
        host.write(&format!("/home/alice/{script}"), text);
    }
}

fn start_daemons(host: &Host) -> Started {
    let log = File::create("/run/slurm.log").expect("a file in a private /run");
    let mut command = host.user("root").command("unshare");
    command.args(["--pid", "--fork", "--kill-child", "--mount-proc", "bash", "-c", DAEMONS]);
    command.stdout(log.try_clone().expect("a descriptor")).stderr(log);
    Started::with_own_descriptors(&mut command)
}

/// `STATE STATUS:SIGNAL` from a line of scontrol.
fn end(line: &str) -> String {
    let field = |name: &str| {
        let value = line.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        value.unwrap_or_else(|| panic!("no {name}: {line}")).to_owned()
    };
    format!("{} {}", field("JobState"), field("ExitCode"))
}

fn is_under_way(task: &str) -> bool {
    ["PENDING", "CONFIGURING", "RUNNING", "COMPLETING"].iter().any(|state| task.starts_with(state))
}
