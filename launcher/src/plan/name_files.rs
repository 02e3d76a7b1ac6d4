//! The files for name resolution. /etc/hosts of a root gets the names that it lacks, and the host's
//! resolv.conf is mounted if the root has none.
//!
//! Images have these files empty, because the program that runs them is expected to replace them.

mod resolv_conf;

use crate::error::Error;
use crate::failure::reason;
use crate::plan::network::Connector;
use crate::plan::root_files::{Found, NO_FILE, RootFiles, is_of_content, unreadable};
use crate::request::mount::Mount;
use crate::request::namespaces::Network;
use crate::request::network::Connection;
use crate::sys;
use nix::errno::Errno;
use nix::sys::utsname::uname;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

pub(crate) const HOSTS: &str = "/etc/hosts";
pub(crate) const RESOLVER: &str = "/etc/resolv.conf";

/// More of a host's file than is used, in bytes.
const LARGEST: u64 = 1024 * 1024;

/// Which names have to be resolved.
pub(crate) struct Names<'n> {
    pub(crate) network: Network,
    /// The program that connects the sandbox's own network.
    pub(crate) connector: Option<Connector>,
    pub(crate) connection: &'n Connection,
    /// The sandbox's own host name; none if it has the host's.
    pub(crate) hostname: Option<&'n str>,
    /// True if the root is the host's own.
    pub(crate) is_host_root: bool,
}

impl Names<'_> {
    /// The mounts for /etc/hosts and /etc/resolv.conf that the root needs. A file whose content cannot be
    /// used stays unchanged, with a warning.
    ///
    /// # Errors
    /// Any other error of reading the files.
    pub(crate) fn mounts(
        &self,
        files: &RootFiles<'_>,
        warnings: &mut Vec<String>,
    ) -> Result<Vec<Mount>, Error> {
        self.refuse_requested(files)?;
        let mut mounts = Vec::new();
        let is_asked = !self.connection.hosts.is_empty();
        let mut stays = |path: &str, why: &str| {
            warnings.push(format!("names may not resolve: {path} of the root {why}"));
        };
        let mut take = |path: &str, found: Result<Found<Option<Mount>>, Errno>| match found {
            Ok(Found::Other) if is_asked => Err(unreadable(path, Errno::EINVAL)),
            Ok(Found::Other) => {
                stays(path, NO_FILE);
                Ok(())
            }
            // Only subordinate IDs may be able to search a directory of the root. It stays unchanged then.
            Err(Errno::EACCES) if !is_asked => Ok(()),
            Err(errno) if is_of_content(errno) && !is_asked => {
                stays(path, &format!("cannot be read: {}", reason(errno)));
                Ok(())
            }
            Ok(Found::File(mount)) => {
                mounts.extend(mount);
                Ok(())
            }
            Ok(Found::Missing) => Ok(()),
            Err(errno) => Err(unreadable(path, errno)),
        };
        let has_hosts_names = self.is_host_root && self.hostname.is_none() && !is_asked;
        if !has_hosts_names && !files.is_requested(HOSTS) {
            take(HOSTS, self.hosts(files))?;
        }
        if files.is_requested(RESOLVER) {
        } else if self.connector.is_some() || !self.connection.dns.is_empty() {
            let host = read_host(RESOLVER).map_err(|errno| unreadable(RESOLVER, errno))?;
            let text =
                resolv_conf::text(&self.connection.dns, &String::from_utf8_lossy(&host), self.connector);
            mounts.push(Mount::file(text.into_bytes(), RESOLVER));
        } else if !self.is_host_root && self.network == Network::Host {
            take(RESOLVER, resolver(files))?;
        }
        Ok(mounts)
    }

    /// Refuses options about a file on which something else is mounted.
    fn refuse_requested(&self, files: &RootFiles<'_>) -> Result<(), Error> {
        let asked = [
            ("--dns", RESOLVER, !self.connection.dns.is_empty()),
            ("--add-host", HOSTS, !self.connection.hosts.is_empty()),
        ];
        match asked.into_iter().find(|(_, path, is_asked)| *is_asked && files.is_requested(path)) {
            Some((what, path, _)) => Err(Error::Usage { what, why: format!("{path} is also a mount") }),
            None => Ok(()),
        }
    }

    /// The root's own file, or else the host's, with the names that it lacks; none if it has them all. It can
    /// be written to, so that programs that add a line find what they expect.
    fn hosts(&self, files: &RootFiles<'_>) -> Result<Found<Option<Mount>>, Errno> {
        let added = &self.connection.hosts;
        let own = match files.read(HOSTS)? {
            Found::Other => return Ok(Found::Other),
            Found::Missing => Vec::new(),
            Found::File(text) => text,
        };
        let name = match self.hostname {
            Some(name) => name.as_bytes().to_vec(),
            None => uname()?.nodename().as_bytes().to_vec(),
        };
        if has_name(&own, b"localhost") && has_name(&own, &name) && added.is_empty() {
            return Ok(Found::File(None));
        }
        let host = read_host(HOSTS)?;
        let mut text = if own.is_empty() { host.clone() } else { own };
        if !has_name(&text, b"localhost") {
            add_line(&mut text, b"127.0.0.1 localhost\n::1 localhost");
        }
        if !has_name(&text, &name) {
            self.add_name(&mut text, &name, &host)?;
        }
        // The first line of a name counts.
        let lines: String = added.iter().map(|(name, address)| format!("{address} {name}\n")).collect();
        text.splice(0..0, lines.into_bytes());
        Ok(Found::File(Some(Mount::file(text, HOSTS))))
    }

    /// Adds the sandbox's host name. On the host's network, the host's name has the address that the host's
    /// own file has for it. If that has none, it is left to DNS: jobs on several hosts need the address that
    /// the others know.
    fn add_name(&self, text: &mut Vec<u8>, name: &[u8], host: &[u8]) -> Result<(), Errno> {
        if self.hostname.is_none() && self.network == Network::Host {
            let known: Vec<&[u8]> = lines(host).filter(|line| has_name(line, name)).collect();
            known.iter().for_each(|line| add_line(text, line));
            if !known.is_empty() || lines(&read_host(RESOLVER)?).any(is_nameserver) {
                return Ok(());
            }
        }
        let short = name.split(|byte| *byte == b'.').next().filter(|short| *short != name);
        let names = [Some(name), short].into_iter().flatten().collect::<Vec<_>>().join(&b' ');
        add_line(text, &[b"127.0.1.1 ".as_slice(), &names].concat());
        Ok(())
    }
}

/// The host's file over one that is missing or empty.
fn resolver(files: &RootFiles<'_>) -> Result<Found<Option<Mount>>, Errno> {
    Ok(match files.size(RESOLVER)? {
        Found::Missing | Found::File(0) => {
            Found::File(on_host(RESOLVER).map(|path| Mount::bind(path, RESOLVER).read_only()))
        }
        Found::File(_) => Found::File(None),
        Found::Other => Found::Other,
    })
}

/// The host's file, with symlinks resolved: it is often a symlink into /run.
fn on_host(path: &str) -> Option<PathBuf> {
    // Error ignored: names are then not resolved on the host either.
    let file = std::fs::canonicalize(Path::new(path)).ok()?;
    file.is_file().then_some(file)
}

/// A file of the host; empty if it is missing.
fn read_host(path: &str) -> Result<Vec<u8>, Errno> {
    let mut text = Vec::new();
    match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        file => {
            sys::outcome_of(file.and_then(|file| file.take(LARGEST).read_to_end(&mut text)))?;
        }
    }
    Ok(text)
}

/// The lines of a file, without their newlines.
pub(crate) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n')
}

/// True if a line of a hosts file has this name: hosts(5).
fn has_name(text: &[u8], name: &[u8]) -> bool {
    lines(text).any(|line| {
        let line = line.split(|byte| *byte == b'#').next().unwrap_or_default();
        let mut fields = line.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
        fields.next().is_some() && fields.any(|field| field.eq_ignore_ascii_case(name))
    })
}

fn is_nameserver(line: &[u8]) -> bool {
    line.trim_ascii_start().starts_with(b"nameserver")
}

/// Appends a line, even if the last one has no newline.
pub(crate) fn add_line(text: &mut Vec<u8>, line: &[u8]) {
    if text.last().is_some_and(|last| *last != b'\n') {
        text.push(b'\n');
    }
    text.extend_from_slice(line);
    text.push(b'\n');
}
