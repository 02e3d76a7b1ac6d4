//! The mapper under test: how it is installed, and command lines for it.

use crate::target::Target;
use crate::user::User;
use crate::world::set_mode;
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
    /// Both at once.
    Both,
    /// Neither.
    None,
}

pub(crate) fn install(how: Install, program: &[u8]) {
    let _not_there_yet = fs::remove_file(MAPPER);
    fs::write(MAPPER, program).expect("installing the mapper");
    let setuid = matches!(how, Install::SetuidRoot | Install::Both);
    set_mode(MAPPER, if setuid { 0o4755 } else { 0o755 });
    if matches!(how, Install::FileCapabilities | Install::Both) {
        let setcap = Command::new("setcap").args(["cap_setuid,cap_setgid=p", MAPPER]).output();
        let setcap = setcap.expect("setcap, of libcap2-bin");
        assert!(setcap.status.success(), "{setcap:?}");
    }
}

impl User {
    /// The mapper, started by this user.
    pub fn mapper(&self) -> Command {
        self.command(MAPPER)
    }

    /// The mapper with a target named by its PID and words like `--uid-map 0:100000:65536`, split at blanks.
    pub fn maps(&self, target: &Target, words: &str) -> Command {
        let mut command = self.mapper();
        command.arg(target.pid().to_string()).args(words.split_whitespace());
        command
    }
}
