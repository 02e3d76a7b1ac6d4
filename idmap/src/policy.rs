//! Reads everything that decides about one caller, in the order in which the files depend on each other.

use crate::caller::{Caller, MAX_NAMES};
use crate::config::{CONFIG_FILE, Config};
use crate::grants::Granted;
use crate::invalid::Invalid;
use crate::kind::{IdKind, PerKind};
use crate::nsswitch::{MAX_PLUGIN, NSSWITCH_FILE, plugin_of_line};
use crate::passwd::{ACCOUNTS_FILE, Account};
use crate::range::IdRange;
use crate::text::Text;

/// The supplementary groups of the reading process: proc(5).
pub const OWN_STATUS: &str = "/proc/self/status";

/// The caller, the administrator's settings, and the grants.
pub struct Policy {
    caller: Caller,
    config: Config,
    granted: PerKind<Granted>,
    plugin: Text<KEPT>,
    asked_name_service: bool,
}

/// How many bytes of a plugin's name are kept: one more than allowed, so that a name that is too long can be
/// recognised.
const KEPT: usize = MAX_PLUGIN + 1;

/// What a plugin is asked: the grants of one kind for one caller.
pub struct PluginQuestion<'p> {
    /// NAME in `libsubid_NAME.so`, cut to one byte more than [`MAX_PLUGIN`].
    pub plugin: &'p [u8],
    /// The caller, with all names.
    pub caller: &'p Caller,
    /// The kind of ID.
    pub kind: IdKind,
}

/// The number of a rejected line of mapper.conf, and the reason.
pub struct BadSetting(pub u32, pub Invalid);

/// Reads files by path. The visitor gets each line with its number; a missing file has no lines.
pub trait Files {
    /// Why a file could not be read or was rejected. Nothing is mapped then.
    type Error: From<BadSetting>;

    /// Visits every line.
    ///
    /// # Errors
    /// The file cannot be read to its end, or is not trusted.
    fn each_line(&mut self, path: &'static str, visit: &mut dyn FnMut(u32, &[u8]))
    -> Result<(), Self::Error>;

    /// Visits every range that the plugin named in nsswitch.conf grants to the caller.
    ///
    /// # Errors
    /// The plugin cannot be asked.
    fn each_plugin_grant(
        &mut self,
        question: &PluginQuestion<'_>,
        visit: &mut dyn FnMut(IdRange),
    ) -> Result<(), Self::Error>;
}
impl Policy {
    /// No caller and no grants.
    pub const EMPTY: Policy = Policy {
        caller: Caller::new(0, 0),
        config: Config::DEFAULT,
        granted: PerKind { uid: Granted::NONE, gid: Granted::NONE },
        plugin: Text::EMPTY,
        asked_name_service: false,
    };

    /// Reads the caller's accounts and the source of grants.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn read_caller<F: Files>(&mut self, uid: u32, gid: u32, files: &mut F) -> Result<(), F::Error> {
        let Policy { caller, plugin, .. } = self;
        caller.identify(uid, gid);
        each_account(files, |account| caller.add_account(account))?;
        files.each_line(NSSWITCH_FILE, &mut |_, line| {
            if let Some(name) = plugin_of_line(line).filter(|_| plugin.as_bytes().is_empty()) {
                plugin.push(name.get(..KEPT).unwrap_or(name));
            }
        })
    }

    /// True if the local files do not decide everything about the caller.
    pub fn needs_name_service(&self) -> bool {
        !self.caller.is_local() || !self.plugin().is_empty()
    }

    /// Records that name services were asked, and adds the name they returned unless any line of the accounts
    /// file, even a damaged one, has that name.
    ///
    /// The child process that asks name services runs with the caller's IDs. The caller can therefore use
    /// prlimit(2) to keep it from reading the local accounts, and it would then mistake a directory's account
    /// for the local account of the same name.
    ///
    /// # Errors
    /// The accounts cannot be read; the name is not added.
    pub fn add_name_of_service<F: Files>(
        &mut self,
        name: &Text<MAX_NAMES>,
        files: &mut F,
    ) -> Result<(), F::Error> {
        self.asked_name_service = true;
        let Some(name) = name.whole().filter(|name| !name.is_empty()) else { return Ok(()) };
        let mut is_local = false;
        // The C library skips blanks before a name.
        let has_name = |line: &[u8]| line.trim_ascii_start().split(|byte| *byte == b':').next() == Some(name);
        files.each_line(ACCOUNTS_FILE, &mut |_, line| is_local |= has_name(line))?;
        if !is_local {
            self.caller.add_name(name);
        }
        Ok(())
    }

    /// True if name services were asked.
    pub fn asked_name_service(&self) -> bool {
        self.asked_name_service
    }

    /// Reads the settings, and the grants of the requested kinds from the files or from the plugin.
    ///
    /// # Errors
    /// A file that cannot be read or is rejected.
    pub fn read_grants<F: Files>(
        &mut self,
        asked: impl Fn(IdKind) -> bool,
        files: &mut F,
    ) -> Result<(), F::Error> {
        self.read_config(files)?;
        if self.config.allows_own_groups && asked(IdKind::Gid) {
            files.each_line(OWN_STATUS, &mut |_, line| self.caller.add_groups(line))?;
        }
        for kind in IdKind::BOTH.into_iter().filter(|kind| asked(*kind)) {
            self.read_kind(kind, files)?;
        }
        let PerKind { uid, gid } = &mut self.granted;
        if !self.config.allows_live_ids && (uid.may_cover_accounts() || gid.may_cover_accounts()) {
            each_account(files, |account| {
                account.uid.into_iter().for_each(|id| uid.void_lines_over(id));
                account.uid.into_iter().chain(account.gid).for_each(|id| gid.void_lines_over(id));
            })?;
        }
        Ok(())
    }

    /// Reads only the settings.
    ///
    /// # Errors
    /// A file that cannot be read or is rejected.
    pub fn read_config<F: Files>(&mut self, files: &mut F) -> Result<(), F::Error> {
        let Policy { caller, config, .. } = self;
        let mut outcome = Ok(());
        files.each_line(CONFIG_FILE, &mut |number, line| {
            if outcome.is_ok() {
                outcome = config.add_line(caller, line).map_err(|why| BadSetting(number, why));
            }
        })?;
        Ok(outcome?)
    }

    fn read_kind<F: Files>(&mut self, kind: IdKind, files: &mut F) -> Result<(), F::Error> {
        let Policy { caller, config, granted, plugin, .. } = self;
        let granted = granted.get_mut(kind);
        config.computed_grant(caller).into_iter().for_each(|range| granted.push(range));
        if plugin.as_bytes().is_empty() {
            return files
                .each_line(kind.grant_file(), &mut |number, line| granted.add_line(caller, number, line));
        }
        let question = PluginQuestion { plugin: plugin.as_bytes(), caller, kind };
        files.each_plugin_grant(&question, &mut |range| {
            if range.first() != 0 {
                granted.push(range);
            }
        })
    }

    /// The caller.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The grants of a kind.
    pub fn granted(&self, kind: IdKind) -> &Granted {
        self.granted.get(kind)
    }

    /// The name of the plugin that provides the grants; empty if the files do.
    pub fn plugin(&self) -> &[u8] {
        self.plugin.as_bytes()
    }
}

fn each_account<F: Files>(files: &mut F, mut visit: impl FnMut(&Account<'_>)) -> Result<(), F::Error> {
    files.each_line(ACCOUNTS_FILE, &mut |_, line| Account::parse(line).iter().for_each(&mut visit))
}
