//! The steps of a launch as data, each with its kind and objects, and their output as text or JSON.

use crate::sys::standard_error::escaped;
use serde_json::{Map, Value};
use std::ffi::OsStr;

/// Defines the kinds, their JSON names and their texts from one list.
macro_rules! kinds {
    ($($kind:ident $name:literal: $words:literal,)*) => {
        /// What a step does. The names and fields are those of docs/plan.schema.json.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Kind {
            $(#[doc = $words] $kind,)*
        }

        impl Kind {
            /// The JSON name, and the text with the step's fields in braces.
            const fn texts(self) -> (&'static str, &'static str) {
                match self {
                    $(Kind::$kind => ($name, $words),)*
                }
            }

            /// The JSON names, in the order of a launch.
            #[cfg(test)]
            const NAMES: &[&str] = &[$($name),*];
        }
    };
}

// Text in brackets is omitted if one of its fields is missing or is an empty list.
kinds! {
    ReserveName "reserve_name": "reserve the name {name}",
    LockChanges "lock_changes": "lock {path} against other sandboxes",
    CreateNamespaces "create_namespaces": "create namespaces: {namespaces}",
    MapIds "map_ids": "map IDs with {mapper}[ {program}]: uid_map {uid_map}; gid_map {gid_map}; setgroups {setgroups}[; as by --userns subids, as uid {root_owner} owns the root][; if that fails, with {otherwise}][; not better because {why_not_better}]",
    ConnectNetwork "connect_network": "connect the network with {program}[ ({options})][; publish {ports}]",
    AdjustOomScore "adjust_oom_score": "set oom_score_adj to {value}",
    BecomeRoot "become_root": "become user ID {uid} and group ID {gid} of the user namespace[; supplementary groups: {groups}]",
    SetHostname "set_hostname": "set the host name to {name}",
    BringUpLoopback "bring_up_loopback": "bring up network interface {interface}",
    SetClocks "set_clocks": "create a time namespace: monotonic {monotonic} s, boottime {boottime} s ahead",
    MakeRoot "make_root": "make the new root of {source}[, an image with the layers {layers}][, an image that is unpacked first, for the maps {unpacked_for}, and that has a command and a user of its own][; changes are {changes}][; changes go to {changes_dir}]",
    MakeEmptyRoot "make_empty_root": "make the new root of an empty filesystem in memory",
    MakeRootReadOnly "make_root_read_only": "make the new root read-only",
    Mount "mount": "mount {target}: {type}[ of {bytes} bytes][ {source}][, lower {lower}][, upper {upper}][, changes are {changes}][ ({options})][, with {devices}][; if that is refused: {otherwise}]",
    MakeDirectory "make_directory": "make directory {path} in memory with mode {mode}, unless it exists",
    MakeSymlink "make_symlink": "make symbolic link {path} to {text}",
    Mask "mask": "mask {path}, if it exists",
    MakeReadOnly "make_read_only": "make {path} read-only, if it exists",
    PivotRoot "pivot_root": "change the root with pivot_root",
    DetachOldRoot "detach_old_root": "detach the old root",
    StartInit "start_init": "start the command's process, and stay as its init, PID {pid}",
    OpenTerminal "open_terminal": "open a terminal for the command",
    PassDescriptors "pass_descriptors": "pass descriptors {descriptors}[; LISTEN_FDS is {listen_fds}, and LISTEN_PID the command's PID]",
    SetLimit "set_limit": "set limit {name}: soft {soft}, hard {hard}",
    SetUmask "set_umask": "set the umask to {mask}",
    LeaveKeyring "leave_keyring": "leave the caller's session keyring",
    FindUser "find_user": "look up[ user {user}][ group {group}][ groups {groups}] in the new root",
    LimitCapabilities "limit_capabilities": "drop all capabilities[ except {capabilities}] from the bounding set",
    EnforceLandlock "enforce_landlock": "enforce Landlock: {rules}[; writable mounts: {writable}]",
    InstallSeccomp "install_seccomp": "install the seccomp filter {filter}[, {architecture} system calls only]",
    BecomeUser "become_user": "set the user and groups:[ user {user}][ group {group}][ supplementary groups {groups}]",
    SetCapabilities "set_capabilities": "drop them from the other sets, and all capabilities if the user is not root",
    SetNoNewPrivs "set_no_new_privs": "set no_new_privs",
    EnterDirectory "enter_directory": "change to directory {path}[ or {otherwise}]",
    SetEnvironment "set_environment": "set the environment: [{environment}][; HOME is that of the {home}]",
    RunCommand "run_command": "run [{command}][the first of {shells}][ as PID {pid}]",
}

/// A step with its objects, each under the name of its field.
pub(crate) struct Step {
    kind: Kind,
    fields: Vec<(&'static str, Value)>,
}

impl Step {
    /// A step without objects.
    pub(crate) fn new(kind: Kind) -> Step {
        Step { kind, fields: Vec::new() }
    }

    /// Adds a field. It is not inlined because there are many calls, to keep the program small.
    #[inline(never)]
    pub(crate) fn with(&mut self, field: &'static str, value: Value) -> &mut Step {
        self.fields.push((field, value));
        self
    }

    /// Adds a path or other text.
    pub(crate) fn text(&mut self, field: &'static str, value: impl AsRef<OsStr>) -> &mut Step {
        self.value_of(field, value.as_ref())
    }

    #[inline(never)]
    fn value_of(&mut self, field: &'static str, value: &OsStr) -> &mut Step {
        self.with(field, text(value))
    }

    /// Adds several paths or texts.
    #[inline(never)]
    pub(crate) fn texts(
        &mut self,
        field: &'static str,
        values: &mut dyn Iterator<Item = &OsStr>,
    ) -> &mut Step {
        self.with(field, Value::Array(values.map(text).collect()))
    }

    /// True for a step of this kind on this object; an empty object matches any.
    pub(crate) fn is(&self, kind: Kind, object: &[u8]) -> bool {
        let object = String::from_utf8_lossy(object);
        let has = |(_, value): &(_, Value)| value.as_str() == Some(&object);
        self.kind == kind && (object.is_empty() || self.fields.iter().any(has))
    }

    /// The step as one line of text.
    pub(crate) fn sentence(&self) -> String {
        let mut line = String::new();
        let (_, template) = self.kind.texts();
        for part in template.split_inclusive(']') {
            let (always, optional) = part.split_once('[').unwrap_or((part, ""));
            line.push_str(&self.filled(always).unwrap_or_default());
            line.push_str(&self.filled(optional.trim_end_matches(']')).unwrap_or_default());
        }
        escaped(&line)
    }

    /// The text with the fields filled in; none if a field is missing or is an empty list.
    fn filled(&self, template: &str) -> Option<String> {
        let mut line = String::new();
        for part in template.split_inclusive('}') {
            let (before, field) = part.split_once('{').unwrap_or((part, ""));
            line.push_str(before);
            if let Some(field) = field.strip_suffix('}') {
                let value = self.value(field)?;
                line.push_str(&match field {
                    "options" => shown(value, ","),
                    // The values can be secrets, and the output of `-v` ends up in logs.
                    "environment" => names(value),
                    _ => shown(value, " "),
                });
            }
        }
        Some(line)
    }

    fn value(&self, field: &str) -> Option<&Value> {
        let (_, value) = self.fields.iter().find(|(name, _)| *name == field)?;
        (value.as_array() != Some(&Vec::new())).then_some(value)
    }

    /// The step as a JSON object.
    pub(crate) fn into_json(self) -> Value {
        let mut object = Map::new();
        object.insert("step".to_owned(), self.kind.texts().0.into());
        for (field, value) in self.fields {
            object.insert(field.to_owned(), value);
        }
        Value::Object(object)
    }
}

/// A value as text. The lines of a map are separated by commas, the members of any other list by `separator`.
fn shown(value: &Value, separator: &str) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => {
            let separator = if values.iter().any(Value::is_array) { ", " } else { separator };
            values.iter().map(|value| shown(value, " ")).collect::<Vec<_>>().join(separator)
        }
        Value::Number(number) => number.to_string(),
        Value::Bool(value) => value.to_string(),
        Value::Null | Value::Object(_) => String::new(),
    }
}

/// The names of environment variables.
fn names(variables: &Value) -> String {
    let variables = variables.as_array().into_iter().flatten().filter_map(Value::as_str);
    variables.map(|variable| variable.split('=').next().unwrap_or_default()).collect::<Vec<_>>().join(" ")
}

fn text(value: &OsStr) -> Value {
    value.to_string_lossy().into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Kind, Step};
    use serde_json::{Value, json};

    #[test]
    fn a_missing_field_leaves_its_brackets_out() {
        let step = |options: &[&str]| {
            let mut step = Step::new(Kind::Mount);
            step.text("target", "/a").text("type", "tmpfs").with("options", json!(options)).sentence()
        };
        assert_eq!(step(&["ro", "nosuid"]), "mount /a: tmpfs (ro,nosuid)");
        assert_eq!(step(&[]), "mount /a: tmpfs");
    }

    #[test]
    fn values_of_variables_are_not_printed() {
        let mut step = Step::new(Kind::SetEnvironment);
        let step = step.with("environment", json!(["PATH=/bin", "TOKEN=secret=x"]));
        assert_eq!(step.sentence(), "set the environment: PATH TOKEN");
    }

    #[test]
    fn control_characters_are_escaped() {
        let step = Step::new(Kind::SetHostname).text("name", "a\nb\u{1b}").sentence();
        assert_eq!(step, "set the host name to a\\nb\\u{1b}");
    }

    #[test]
    fn map_lines_are_separated_by_commas() {
        let maps = json!([[0, 1000, 1], [1, 100_000, 65536]]);
        let step = Step::new(Kind::SetHostname).with("name", maps).sentence();
        assert_eq!(step, "set the host name to 0 1000 1, 1 100000 65536");
    }

    #[test]
    fn the_schema_has_each_kind_in_the_order_of_a_launch() {
        let schema: Value = serde_json::from_str(include_str!("../../../docs/plan.schema.json")).unwrap();
        let steps = schema["properties"]["steps"]["items"]["oneOf"].as_array().unwrap();
        let names: Vec<&str> =
            steps.iter().map(|step| step["properties"]["step"]["const"].as_str().unwrap()).collect();
        assert_eq!(names, Kind::NAMES);
    }
}
