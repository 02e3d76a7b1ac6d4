//! `--volume`, `--mount`, `--tmpfs` and `--device`, in podman's spelling.

use crate::cdi::is_qualified;
use crate::cli::mistakes::nearest::not_one_of;
use crate::cli::values::{number, shown, split, split_once, utf8};
use crate::failure::reason_of;
use crate::request::mount::{Content, Mount, READ_ONLY, inside_path};
use crate::request::mount_options::{attribute, propagation, set};
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

/// `--volume SOURCE:TARGET[:OPTION,…]`.
///
/// # Errors
/// Why the value is invalid.
pub(crate) fn volume(value: &OsStr) -> Result<Mount, String> {
    let mut parts = split(value, b':');
    let (Some(source), Some(target)) = (parts.next(), parts.next()) else {
        return Err(format!(
            "{} is not SOURCE:TARGET[:OPTIONS]; volumes without a source are not kept here",
            shown(value)
        ));
    };
    let (options, None) = (parts.next().unwrap_or_default(), parts.next()) else {
        return Err(format!("{} has more than three parts; paths with a colon take --mount", shown(value)));
    };
    if !source.as_bytes().contains(&b'/') && source != "." && source != ".." {
        return Err(format!(
            "{0} is a named volume, which subroot has none of; for a directory write ./{0}",
            shown(source)
        ));
    }
    let mut mount = Mount::bind(host_path(source)?, inside_path(target)?);
    for option in split(options, b',').filter(|option| !option.is_empty()) {
        bind_option(&mut mount, utf8(option)?)?;
    }
    Ok(mount)
}

/// `--tmpfs TARGET[:OPTION,…]`.
///
/// # Errors
/// Why the value is invalid.
pub(crate) fn tmpfs(value: &OsStr) -> Result<Mount, String> {
    let (target, options) = split_once(value, b':');
    let mut mount = Mount::tmpfs(inside_path(target)?);
    for option in split(options.unwrap_or_default(), b',').filter(|option| !option.is_empty()) {
        tmpfs_option(&mut mount, utf8(option)?)?;
    }
    mount.check().map(|()| mount)
}

/// `--device HOST[:TARGET[:rwm]]`: a device node of the host. The node's mode decides who can use it.
///
/// # Errors
/// Why the value is invalid.
pub(crate) fn device(value: &OsStr) -> Result<Mount, String> {
    let mut parts = split(value, b':');
    let source = parts.next().unwrap_or_default();
    let target = parts.next().filter(|target| !target.is_empty()).unwrap_or(source);
    if let Some(rights) = parts.next().filter(|rights| *rights != "rwm" && *rights != "rw") {
        return Err(format!(
            "{}: the rights are the device node's own; leave {} out",
            shown(value),
            shown(rights)
        ));
    }
    Ok(Mount::device(host_path(source)?, inside_path(target)?))
}

/// `--gpus all|COUNT|device=N[,N…]`, in docker's meaning: the names of devices.
///
/// # Errors
/// Why the value is invalid.
pub(crate) fn gpus(value: &str) -> Result<Vec<String>, String> {
    // docker's documentation has the list in quotes, inside those of the shell.
    let plain = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    let name = |gpu: &str| format!("nvidia.com/gpu={gpu}");
    let invalid = || format!("{value} is none of all, a number of GPUs, and device=N[,N…]");
    let names: Vec<String> = match plain.strip_prefix("device=") {
        Some(list) => list.split(',').map(name).collect(),
        None if plain == "all" => vec![name(plain)],
        None => {
            let count = number::<u8>(plain.as_ref()).map_err(|_| invalid())?;
            (0..count).map(|gpu| name(&gpu.to_string())).collect()
        }
    };
    if !names.is_empty() && names.iter().all(|name| is_qualified(name)) { Ok(names) } else { Err(invalid()) }
}

/// `--mount type=TYPE,KEY=VALUE,…`.
///
/// # Errors
/// Why the value is invalid.
pub(crate) fn mount(value: &OsStr) -> Result<Mount, String> {
    let mut typed = Typed::default();
    let fields = csv(value)?;
    for field in &fields {
        let (key, value) = split_once(field, b'=');
        typed.take(utf8(key)?, value)?;
    }
    typed.mount()
}

/// Splits a value at its commas, as docker and podman do: a field in double quotes can have commas, and `""`
/// for a double quote.
fn csv(value: &OsStr) -> Result<Vec<OsString>, String> {
    let mut fields = vec![Vec::new()];
    let mut bytes = value.as_bytes().iter().copied().peekable();
    let mut is_quoted = false;
    while let Some(byte) = bytes.next() {
        let field = fields.last_mut().ok_or("it is empty")?;
        match byte {
            b'"' if is_quoted && bytes.next_if_eq(&b'"').is_some() => field.push(byte),
            b'"' if is_quoted && !matches!(bytes.peek(), None | Some(b',')) => {
                return Err(format!("{}: a comma must follow the closing quote", shown(value)));
            }
            b'"' if is_quoted => is_quoted = false,
            b'"' if field.is_empty() => is_quoted = true,
            b'"' => {
                return Err(format!("{}: a quote must be before the key: \"source=a,b\"", shown(value)));
            }
            b',' if !is_quoted => fields.push(Vec::new()),
            byte => field.push(byte),
        }
    }
    if is_quoted {
        return Err(format!("{}: the closing quote is missing", shown(value)));
    }
    Ok(fields.into_iter().map(OsString::from_vec).collect())
}

/// The types of `--mount`.
const KINDS: [&str; 6] = ["bind", "tmpfs", "overlay", "proc", "devpts", "mqueue"];

/// The fields of `--mount`, collected before the type is known.
#[derive(Default)]
struct Typed<'a> {
    kind: Option<&'a str>,
    source: Option<&'a OsStr>,
    target: Option<&'a OsStr>,
    lower: Vec<&'a OsStr>,
    upper: Option<&'a OsStr>,
    work: Option<&'a OsStr>,
    options: Vec<(String, Option<&'a OsStr>)>,
}

impl<'a> Typed<'a> {
    fn take(&mut self, key: &str, value: Option<&'a OsStr>) -> Result<(), String> {
        let needed = || value.ok_or_else(|| format!("{key} needs a value"));
        let is_twice = match key {
            "type" => self.kind.replace(utf8(needed()?)?).is_some(),
            "source" | "src" => self.source.replace(needed()?).is_some(),
            "target" | "dst" | "destination" => self.target.replace(needed()?).is_some(),
            "lowerdir" => {
                self.lower.extend(split(needed()?, b':'));
                false
            }
            "upperdir" => self.upper.replace(needed()?).is_some(),
            "workdir" => self.work.replace(needed()?).is_some(),
            _ => {
                self.options.push((key.to_owned(), value));
                false
            }
        };
        if is_twice { Err(format!("{key} is given twice")) } else { Ok(()) }
    }

    fn mount(self) -> Result<Mount, String> {
        let kind = self.kind.unwrap_or("bind");
        match self.source.filter(|source| *source != kind) {
            _ if kind == "volume" => {
                return Err(
                    "there are no named volumes; type=bind,source=DIRECTORY mounts a directory".into()
                );
            }
            Some(_) if kind == "overlay" => {
                return Err("type=overlay has no source; lowerdir=DIR[:DIR…] names its directories".into());
            }
            Some(_) if kind != "bind" && KINDS.contains(&kind) => {
                return Err(format!("type={kind} has no source"));
            }
            _ => {}
        }
        let target = inside_path(self.target.ok_or("target is missing")?)?;
        let mut mount = match kind {
            "bind" => Mount::bind(host_path(self.source.ok_or("source is missing")?)?, target),
            "tmpfs" => Mount::tmpfs(target),
            "overlay" => self.overlay(target)?,
            "proc" => Mount::proc(target),
            "devpts" => Mount::devpts(target),
            "mqueue" => Mount::mqueue(target),
            other => return Err(format!("type={}", not_one_of(other, &mut KINDS.into_iter()))),
        };
        for (key, value) in &self.options {
            let value = value.map(utf8).transpose()?;
            typed_option(&mut mount, key, value)?;
        }
        mount.check().map(|()| mount)
    }

    fn overlay(&self, target: PathBuf) -> Result<Mount, String> {
        let upper = match (self.upper, self.work) {
            (Some(upper), Some(work)) => Some((upper.into(), work.into())),
            (None, None) => None,
            _ => return Err("upperdir and workdir go together".into()),
        };
        Ok(Mount::overlay(self.lower.iter().copied(), upper, target))
    }
}

/// Applies a key of `--mount`: one with its own spelling, or one that `--volume` or `--tmpfs` also has.
fn typed_option(mount: &mut Mount, key: &str, value: Option<&str>) -> Result<(), String> {
    let yes = match value {
        None | Some("true" | "1") => Some(true),
        Some("false" | "0") => Some(false),
        Some(_) => None,
    };
    match (key, yes) {
        ("ro" | "readonly", Some(yes)) => set(mount, READ_ONLY, yes),
        ("rw", Some(yes)) => set(mount, READ_ONLY, !yes),
        ("bind-nonrecursive", Some(yes)) => match &mut mount.content {
            Content::Bind(bind) => bind.recursive = !yes,
            _ => return Err("bind-nonrecursive is of type=bind".into()),
        },
        ("bind-propagation", _) => return bind_option(mount, value.unwrap_or_default()),
        ("tmpfs-size", _) => return tmpfs_option(mount, &format!("size={}", value.unwrap_or_default())),
        ("tmpfs-mode", _) => return tmpfs_option(mount, &format!("mode={}", value.unwrap_or_default())),
        _ => {
            let option = value.map_or_else(|| key.to_owned(), |value| format!("{key}={value}"));
            return match mount.content {
                Content::Tmpfs(_) => tmpfs_option(mount, &option),
                _ => bind_option(mount, &option),
            };
        }
    }
    Ok(())
}

fn bind_option(mount: &mut Mount, option: &str) -> Result<(), String> {
    if attribute(mount, option) || propagation(mount, option) {
        return Ok(());
    }
    let Content::Bind(bind) = &mut mount.content else { return Err(format!("unknown option {option}")) };
    match option {
        "bind" => bind.recursive = false,
        "rbind" => bind.recursive = true,
        "idmap" => bind.id_mapped = true,
        "O" => mount.content = Content::Layered(std::mem::take(&mut bind.source)),
        // SELinux labels and the copying of volumes do not exist here, so these options have no effect.
        "z" | "Z" | "nocopy" => {}
        "U" => return Err("U would change owners on the host; chown them with subroot unshare".into()),
        _ => return Err(format!("unknown option {option}")),
    }
    Ok(())
}

fn tmpfs_option(mount: &mut Mount, option: &str) -> Result<(), String> {
    if attribute(mount, option) || propagation(mount, option) || option == "notmpcopyup" {
        return Ok(());
    }
    let (key, value) = option.split_once('=').map_or((option, None), |(key, value)| (key, Some(value)));
    match &mut mount.content {
        Content::Tmpfs(options) => options.push((key.to_owned(), value.map(str::to_owned))),
        _ => return Err(format!("unknown option {option}")),
    }
    Ok(())
}

/// A path on the host, relative to the caller's working directory.
///
/// # Errors
/// The path is empty, or the working directory does not exist.
pub(crate) fn host_path(value: &OsStr) -> Result<PathBuf, String> {
    std::path::absolute(Path::new(value)).map_err(|error| match error.kind() {
        ErrorKind::NotFound => format!("{}: the current directory has been removed", shown(value)),
        ErrorKind::InvalidInput => "a path is empty".to_owned(),
        _ => format!("{}: {}", shown(value), reason_of(&error)),
    })
}
