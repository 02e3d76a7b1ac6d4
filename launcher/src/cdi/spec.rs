//! One specification: the devices of one kind, and what they add to a sandbox.

use crate::cdi::edits::Edits;
use crate::cdi::fields::{Field, Object};
use crate::cdi::hooks::Hooks;
use crate::cdi::yaml;
use crate::error::Error;
use crate::request::environment::{check_name, set};
use crate::request::mount::{Content, Mount, inside_path};
use crate::request::mount_options::{attribute, propagation};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A specification. What a device needs is read only if the device is used.
pub(super) struct Spec {
    /// Its file.
    pub(super) file: PathBuf,
    /// VENDOR/CLASS.
    pub(super) kind: String,
    /// The names of its devices.
    pub(super) names: Vec<String>,
    document: Value,
}

impl Spec {
    /// Reads a specification. The file's name says whether it is JSON or YAML.
    ///
    /// # Errors
    /// The field or the line, and what is wrong with it.
    pub(super) fn read(file: PathBuf, text: &str) -> Result<Spec, String> {
        let document = match file.extension() {
            Some(kind) if kind == "yaml" => yaml::read(text)?,
            _ => serde_json::from_str(text).map_err(|error| error.to_string())?,
        };
        let top = top(&document)?;
        check_version(&top.needed("cdiVersion")?)?;
        let kind = top.needed("kind")?.text()?.to_owned();
        let mut names = Vec::new();
        for device in top.needed("devices")?.list()? {
            let name = device.any_object()?.needed("name")?;
            if names.iter().any(|known| Ok(known) == name.text().map(str::to_owned).as_ref()) {
                return Err(name.error("an earlier device has the same name"));
            }
            names.push(name.text()?.to_owned());
        }
        Ok(Spec { file, kind, names, document })
    }

    /// The index of a device.
    pub(super) fn index(&self, kind: &str, name: &str) -> Option<usize> {
        if self.kind != kind {
            return None;
        }
        self.names.iter().position(|known| known == name)
    }

    /// Adds what every device of the specification needs.
    ///
    /// # Errors
    /// The file, the field, and why it cannot be followed.
    pub(super) fn common_edits(&self, edits: &mut Edits, hooks: &mut Hooks) -> Result<(), Error> {
        self.take(top(&self.document), edits, hooks)
    }

    /// Adds what this device needs.
    ///
    /// # Errors
    /// The file, the field, and why it cannot be followed.
    pub(super) fn edits_of(&self, index: usize, edits: &mut Edits, hooks: &mut Hooks) -> Result<(), Error> {
        let device = || {
            let mut devices = top(&self.document)?.list("devices")?;
            devices.swap_remove(index).object(&["name", "annotations", "containerEdits"])
        };
        self.take(device(), edits, hooks)
    }

    fn take(
        &self,
        of: Result<Object<'_>, String>,
        edits: &mut Edits,
        hooks: &mut Hooks,
    ) -> Result<(), Error> {
        let taken = of.and_then(|of| match of.get("containerEdits") {
            Some(container) => take_edits(&container, edits, hooks),
            None => Ok(()),
        });
        taken.map_err(|why| Error::Unreadable { file: self.file.clone(), why })
    }
}

fn top(document: &Value) -> Result<Object<'_>, String> {
    Field::document(document).object(&["cdiVersion", "kind", "annotations", "devices", "containerEdits"])
}

/// Later versions of major version 1 can add only fields, and an unknown field is refused by its name.
fn check_version(version: &Field<'_>) -> Result<(), String> {
    let text = version.text()?;
    match text.split_once('.') {
        Some(("0" | "1", _)) => Ok(()),
        _ => Err(version.error(&format!("unknown version {text}"))),
    }
}

fn take_edits(container: &Field<'_>, edits: &mut Edits, hooks: &mut Hooks) -> Result<(), String> {
    const NOT_POSSIBLE: [&str; 3] = ["additionalGids", "intelRdt", "netDevices"];
    let object =
        container.object(&[["env", "deviceNodes", "mounts", "hooks"].as_slice(), &NOT_POSSIBLE].concat())?;
    if let Some(field) = NOT_POSSIBLE.iter().find_map(|name| object.get(name)) {
        return Err(field.error("this needs privilege on the host"));
    }
    for variable in object.list("env")? {
        let text = variable.text()?;
        let (name, value) = text.split_once('=').ok_or_else(|| variable.error("it is not NAME=VALUE"))?;
        check_name(name.as_ref(), value.as_ref()).map_err(|why| variable.error(&why))?;
        set(&mut edits.environment, name.into(), value.into());
    }
    for node in object.list("deviceNodes")? {
        edits.mount(device(&node)?);
    }
    for mount in object.list("mounts")? {
        edits.mount(file(&mount)?);
    }
    object.list("hooks")?.iter().try_for_each(|hook| hooks.take(hook))
}

/// A device node. It is bound from the host, and so keeps its type, numbers, owner and mode.
fn device(node: &Field<'_>) -> Result<Mount, String> {
    const KEPT: [&str; 6] = ["type", "major", "minor", "fileMode", "uid", "gid"];
    let object = node.object(&[["path", "hostPath", "permissions"].as_slice(), &KEPT].concat())?;
    if let Some(rights) = object.get("permissions") {
        if !matches!(rights.text()?, "" | "rw" | "rwm") {
            return Err(rights.error("the rights are the device node's own"));
        }
    }
    let path = object.needed("path")?;
    let source = object.get("hostPath").map_or_else(|| host(&path), |source| host(&source))?;
    Ok(Mount::device(source, inside(&path)?))
}

/// A file or directory of the host.
fn file(mount: &Field<'_>) -> Result<Mount, String> {
    let object = mount.object(&["hostPath", "containerPath", "type", "options"])?;
    if let Some(kind) = object.get("type") {
        if !matches!(kind.text()?, "" | "none" | "bind") {
            return Err(kind.error("only bind is supported"));
        }
    }
    let mut bind = Mount::bind(host(&object.needed("hostPath")?)?, inside(&object.needed("containerPath")?)?);
    for option in object.list("options")? {
        let text = option.text()?;
        if !attribute(&mut bind, text) && !propagation(&mut bind, text) && !recursion(&mut bind, text) {
            return Err(option.error(&format!("unknown option {text}")));
        }
    }
    Ok(bind)
}

fn recursion(mount: &mut Mount, option: &str) -> bool {
    match &mut mount.content {
        Content::Bind(bind) if matches!(option, "bind" | "rbind") => bind.recursive = option == "rbind",
        _ => return false,
    }
    true
}

fn host(path: &Field<'_>) -> Result<PathBuf, String> {
    let text = Path::new(path.text()?);
    text.is_absolute().then(|| text.to_owned()).ok_or_else(|| path.error("it is not an absolute path"))
}

fn inside(path: &Field<'_>) -> Result<PathBuf, String> {
    inside_path(path.text()?.as_ref()).map_err(|why| path.error(&why))
}
