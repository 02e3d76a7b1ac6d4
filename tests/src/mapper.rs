//! The mapper under test: how it is installed, and command lines for it.

use crate::kit::write_program;
use crate::target::Target;
use crate::user::User;
use crate::world::{has_own_program, set_mode};
use std::fs;
use std::process::Command;

/// Where the launcher looks for the mapper.
pub const MAPPER: &str = "/usr/libexec/subroot/newidmap-helper";

/// Where the mapper's privilege comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Install {
    /// Mode 4755.
    SetuidRoot,
    /// `cap_setuid,cap_setgid=p` on a file of mode 755.
    FileCapabilities,
    /// `=ep` instead: the capabilities are effective from the first instruction. LXC checks for that before
    /// it starts a program.
    EffectiveCapabilities,
    /// SetuidRoot and FileCapabilities together.
    Both,
    /// Neither.
    None,
}

pub(crate) fn install(how: Install, program: &[u8]) {
    let _not_there_yet = fs::remove_file(MAPPER);
    write_program(MAPPER, program);
    give_privilege(how, MAPPER, capabilities_of("newidmap-helper"));
}

/// Installs a program of the project instead of one of shadow's. The test's host has a bind mount there,
/// which keeps the original file.
pub(crate) fn install_in_place(how: Install, name: &str, program: &[u8]) {
    let path = format!("/usr/bin/{name}");
    assert!(has_own_program(name), "the host has no {name}, of uidmap: its own /usr/bin would be written to");
    write_program(&path, program);
    give_privilege(how, &path, capabilities_of(name));
}

pub(crate) fn install_variant(how: Install, name: &str, program: &[u8]) {
    let path = format!("/usr/libexec/subroot/{name}");
    let _not_there_yet = fs::remove_file(&path);
    write_program(&path, program);
    give_privilege(how, &path, capabilities_of(name));
}

fn capabilities_of(name: &str) -> &'static str {
    match name.trim_end_matches("-nss") {
        "newuidmap" => "cap_setuid",
        "newgidmap" => "cap_setgid",
        _ => "cap_setuid,cap_setgid",
    }
}

fn give_privilege(how: Install, path: &str, capabilities: &str) {
    let setuid = matches!(how, Install::SetuidRoot | Install::Both);
    set_mode(path, if setuid { 0o4755 } else { 0o755 });
    match how {
        Install::FileCapabilities | Install::Both => set_capabilities(path, &format!("{capabilities}=p")),
        Install::EffectiveCapabilities => set_capabilities(path, &format!("{capabilities}=ep")),
        Install::SetuidRoot | Install::None => {}
    }
}

fn set_capabilities(path: &str, capabilities: &str) {
    let setcap = Command::new("setcap").args([capabilities, path]).output();
    let setcap = setcap.expect("setcap, of libcap2-bin");
    assert!(setcap.status.success(), "{setcap:?}");
}

impl User {
    /// The mapper, started by this user.
    pub fn mapper(&self) -> Command {
        self.command(MAPPER)
    }

    /// The mapper with a target given by its PID, and arguments such as `--uid-map 0:100000:65536`, split at
    /// blanks.
    pub fn maps(&self, target: &Target, words: &str) -> Command {
        let mut command = self.mapper();
        command.arg(target.pid().to_string()).args(words.split_whitespace());
        command
    }
}
