//! Who a command is, and what it has: IDs, users of the rootfs, groups, capabilities, environment, limits, namespaces.

#[path = "../launcher/sandbox.rs"]
#[allow(dead_code)] // other tests use the rest
mod sandbox;

mod capabilities;
mod environment;
mod groups;
mod layouts;
mod limits;
mod namespaces;
mod nested;
mod users;

use sandbox::{Sandbox, map_lines};

impl Sandbox {
    /// What a line of the shell's prints.
    #[track_caller]
    fn prints(&self, options: &[&str], script: &str) -> String {
        let outcome = self.output(options, script);
        assert_eq!(outcome.stderr, "", "{options:?}");
        outcome.ok()
    }

    /// The lines of both maps.
    #[track_caller]
    fn maps(&self, options: &[&str]) -> [Vec<String>; 2] {
        ["uid_map", "gid_map"].map(|map| map_lines(&self.prints(options, &format!("cat /proc/self/{map}"))))
    }
}
