//! What `run` mounts: binds, memory, overlays, a read-only root, and nothing that is left of it.

#[path = "../launcher/sandbox.rs"]
#[allow(dead_code)] // other tests use the rest
mod sandbox;

mod binds;
mod disk_layers;
mod hostile;
mod many;
mod memory;
mod old_kernel;
mod overlays;
mod points;
mod read_only;
mod words;

use sandbox::Sandbox;
use std::fs;
use std::path::PathBuf;

impl Sandbox {
    /// A folder of alice's beside the root, with these files.
    fn folder(&self, name: &str, files: &[(&str, &str)]) -> PathBuf {
        let folder = self.alice.home.join(name);
        self.host.make_folder(&folder, &self.alice);
        for (name, content) in files {
            let path = folder.join(name);
            fs::write(&path, content).expect("writing a file");
            sandbox::give(&path, &self.alice, 0o644);
        }
        folder
    }

    /// What a line of the shell's prints.
    #[track_caller]
    fn prints(&self, options: &[&str], script: &str) -> String {
        let outcome = self.output(options, script);
        assert_eq!(outcome.stderr, "", "{options:?}");
        outcome.ok()
    }
}
