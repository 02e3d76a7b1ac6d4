//! A network of a test's own, in which users can open /dev/net/tun.

use crate::host::Host;
use crate::kit::is_nested;
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::process::Command;
use std::thread;

/// Why a test is skipped.
pub const NO_DEVICE: &str = "no device can be made in a user namespace";

/// The host's address on the interface with its default route, and another one.
pub const HOST: &str = "192.0.2.2";
/// The other one.
pub const OTHER: &str = "192.0.2.9";

/// The network of the calling thread. Dropping it returns the thread to the network outside.
pub struct OwnNetwork {
    outside: File,
}

impl OwnNetwork {
    /// A network with a default route. None in a user namespace, for the reason [`NO_DEVICE`]; anywhere else it
    /// must be possible to make one.
    pub fn new(host: &Host) -> Option<OwnNetwork> {
        if is_nested() {
            return None;
        }
        let outside = File::open("/proc/thread-self/ns/net").expect("own network namespace");
        unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace");
        let network = OwnNetwork { outside };
        // The mount point is missing if the kernel has not loaded tun yet, which opening the device does.
        fs::create_dir_all("/dev/net").expect("/dev/net");
        host.cover("/dev/net", 0o755);
        let device = makedev(10, 200);
        mknod("/dev/net/tun", SFlag::S_IFCHR, Mode::empty(), device).expect("a device node");
        network.make_tun_mode(0o666);
        // The interface has no carrier, which does not matter for addresses of the host.
        let script = format!(
            "ip link set lo up && ip tuntap add outer mode tap && ip link set outer up &&
            ip address add {HOST}/24 dev outer && ip address add {OTHER}/24 dev outer &&
            ip -6 address add 2001:db8::2/64 dev outer nodad &&
            ip route add default via 192.0.2.1 dev outer && ip -6 route add default via 2001:db8::1 dev outer"
        );
        host.output(Command::new("sh").args(["-c", &script])).ok();
        Some(network)
    }

    /// The processes in the test's network: launchers, and the programs that connect their sandboxes.
    pub fn processes(&self) -> Vec<Pid> {
        let network = |process: &str| fs::read_link(format!("/proc/{process}/ns/net")).ok();
        let own = network("thread-self");
        let entries = fs::read_dir("/proc").expect("reading /proc").flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).map(Pid::from_raw);
        pids.filter(|pid| *pid != Pid::this() && network(&pid.to_string()) == own).collect()
    }

    /// Who may open /dev/net/tun.
    pub fn make_tun_mode(&self, mode: u32) {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions("/dev/net/tun", fs::Permissions::from_mode(mode)).expect("changing a mode");
    }
}

impl Drop for OwnNetwork {
    fn drop(&mut self) {
        let returned = setns(&self.outside, CloneFlags::CLONE_NEWNET);
        if !thread::panicking() {
            returned.expect("returning to the network outside");
        }
    }
}
