//! Debian's docker-registry on loopback.

use crate::registry::World;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use subroot_tests::{Step, start_with};

/// A registry that runs until it is dropped.
pub(crate) struct Registry {
    server: Child,
    pub(crate) name: String,
}

impl Registry {
    /// With an empty storage; with `passwords`, the content of an htpasswd file, only for its users.
    pub(crate) fn start(passwords: Option<&str>) -> Registry {
        let dir = Path::new("/tmp/registry");
        fs::create_dir(dir).expect("a directory in a fresh tmpfs");
        let mut settings = "version: 0.1\nlog: {level: info, accesslog: {disabled: true}}\n\
            storage: {filesystem: {rootdirectory: /tmp/registry/data}}\nhttp: {addr: '127.0.0.1:0'}\n"
            .to_owned();
        if let Some(passwords) = passwords {
            fs::write(dir.join("htpasswd"), passwords).expect("writing passwords");
            settings += "auth: {htpasswd: {realm: test, path: /tmp/registry/htpasswd}}\n";
        }
        fs::write(dir.join("settings.yml"), settings).expect("writing settings");
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(dir.join("settings.yml")).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut server =
            start_with(&mut command, vec![Step::DieWithParent]).spawn().expect("starting docker-registry");
        let name = address(&mut server);
        Registry { server, name }
    }

    /// The name of an image in it.
    pub(crate) fn image(&self, image: &str) -> String {
        format!("{}/{image}", self.name)
    }

    /// Copies an image into it by skopeo.
    #[track_caller]
    pub(crate) fn push(&self, world: &World, options: &[&str], source: &str, image: &str) {
        let mut skopeo = world.alice.command("skopeo");
        skopeo.args(["--insecure-policy", "copy", "-q", "--dest-tls-verify=false"]).args(options);
        world.host.output(skopeo.args([source, &format!("docker://{}", self.image(image))])).ok();
    }
}

/// The address in the log. A thread reads the rest, so that the server never waits for it.
fn address(server: &mut Child) -> String {
    let mut lines = BufReader::new(server.stderr.take().expect("its log")).lines();
    let mut seen = String::new();
    let found = lines.by_ref().map_while(Result::ok).find_map(|line| {
        seen += &line;
        let rest = line.split_once("listening on ")?.1;
        Some(
            rest.chars()
                .take_while(|letter| letter.is_ascii_digit() || matches!(letter, '.' | ':'))
                .collect(),
        )
    });
    thread::spawn(move || lines.for_each(drop));
    found.unwrap_or_else(|| panic!("docker-registry has ended: {seen}"))
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.server.kill().expect("ending docker-registry");
        self.server.wait().expect("waiting for docker-registry");
    }
}
