//! Hosts that hide processes from their users: /proc with hidepid (proc(5)).

use crate::sandbox::Sandbox;
use crate::{READY, unique_name};
use nix::mount::{MsFlags, mount};
use subroot_tests::running::Running;
use subroot_tests::skip;

#[test]
fn sandboxes_are_started_listed_joined_and_ended_whatever_proc_hides() {
    for hidden in ["hidepid=0", "hidepid=1", "hidepid=2"] {
        let sandbox = Sandbox::new();
        if mount(Some("proc"), "/proc", Some("proc"), MsFlags::empty(), Some(hidden)).is_err() {
            skip!("this user namespace may not mount /proc");
        }
        for options in [&[][..], &["--as-pid-1"], &["-u", "1"]] {
            let name = unique_name();
            let running =
                Running::new(&mut sandbox.run(&[&["--name", &name], options].concat(), &["sh", "-c", READY]));
            assert!(sandbox.listed(&name).is_some(), "{hidden} {options:?}");
            let joined = sandbox.says(&["exec", &name, "sh", "-c", "ps | grep -c 'sleep 1000'; exit 7"]);
            assert_eq!((joined.stderr.as_str(), joined.code()), ("", 7), "{hidden} {options:?}: {joined:?}");
            sandbox.says(&["kill", &name]).ok();
            assert_eq!(running.end().code(), 137, "{hidden} {options:?}");
            let gone = sandbox.says(&["exec", &name, "true"]);
            assert!(gone.code() == 125 && gone.stderr.contains(&name), "{gone:?}");
        }
    }
}
