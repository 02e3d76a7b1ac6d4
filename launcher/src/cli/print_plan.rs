//! `--print-plan`: everything that a launch would do, as text or JSON.

use crate::child::prepared::Launch;
use crate::cli::idmap::writer;
use crate::cli::output;
use crate::diagnose::causes::Cause;
use crate::diagnose::shortfall;
use crate::plan::{FirstProcess, Plan};
use crate::request::capabilities;
use crate::request::mount::{Bind, Content, Mount, NODEV, NOEXEC, NOSUID, READ_ONLY};
use crate::request::namespaces::KINDS;
use crate::request::process::{Landlock, Seccomp, Workdir};
use crate::request::sandbox::Sandbox;
use crate::sys::standard_error;
use idmap::IdKind;
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::path::Path;

/// Prints a plan and returns the exit status.
///
/// # Errors
/// What cannot be meant, and those of the output.
pub(crate) fn print(sandbox: &Sandbox, as_json: bool) -> anyhow::Result<u8> {
    let plan = describe(&Launch::new(sandbox)?.plan);
    let text = if as_json { format!("{plan}\n") } else { lines(&plan) };
    output::output(&text)?;
    Ok(0)
}

fn describe(plan: &Plan) -> Value {
    let process = &plan.process;
    let words = |words: &[std::ffi::OsString]| words.iter().map(|word| text(word)).collect::<Vec<_>>();
    let candidate = plan.ids.candidates.first();
    let map = |kind: IdKind| -> Vec<Value> {
        let lines = candidate.iter().flat_map(|candidate| candidate.maps.of(kind).joined());
        lines.map(|line| json!([line.inside, line.outside, line.count])).collect()
    };
    let namespaces = KINDS.iter().filter(|(_, flag)| plan.namespaces & flag != 0).map(|(name, _)| *name);
    json!({
        "root": plan.root.as_ref().map(|root| root.dir().map_or_else(|| "the host's, layered".into(), text)),
        "overlay": plan.root.as_ref().and_then(|root| root.overlay.as_ref()).map(|overlay| format!("{overlay:?}")),
        "read_only": plan.root.as_ref().is_some_and(|root| root.read_only),
        "mounts": plan.root.as_ref().map(|root| root.mounts.iter().map(|planned| mount(&planned.mount)).collect::<Vec<_>>()).unwrap_or_default(),
        "namespaces": namespaces.chain(plan.clocks.map(|_| "time")).collect::<Vec<_>>(),
        "hostname": plan.hostname,
        "pid_1": plan.first.map(|first| if first == FirstProcess::Init { "init" } else { "command" }),
        "ids_written_by": candidate.map(writer),
        "no_better_because": shortfall::lack(&plan.ids).iter().chain(&shortfall::cuts(&plan.ids)).next().map(Cause::to_string),
        "uid_map": map(IdKind::Uid),
        "gid_map": map(IdKind::Gid),
        "user": process.user.as_ref().map(|user| format!("{user:?}")),
        "command": if process.words.is_empty() { vec!["/bin/bash or /bin/sh".into()] } else { words(&process.words) },
        "workdir": match &process.workdir {
            Workdir::Asked(dir) | Workdir::Callers(dir) => Some(text(dir.as_os_str())),
            Workdir::Unchanged => None,
        },
        "environment": process.environment.iter().map(|(name, value)| format!("{}={}", text(name), text(value))).collect::<Vec<_>>(),
        "capabilities": process.capabilities.map(|set| capabilities::names(set).collect::<Vec<_>>()),
        "no_new_privileges": process.no_new_privileges,
        "seccomp": seccomp(&process.seccomp),
        "seccomp_arch": process.native_calls_only.then_some("native"),
        "landlock": process.landlock.as_ref().map(landlock),
        "limits": process.limits.iter().map(|limit| json!({"name": limit.resource.name(), "soft": limit.soft, "hard": limit.hard})).collect::<Vec<_>>(),
        "terminal": process.terminal,
    })
}

fn text(word: &OsStr) -> String {
    word.to_string_lossy().into_owned()
}

fn seccomp(seccomp: &Seccomp) -> String {
    match seccomp {
        Seccomp::Default => "default".into(),
        Seccomp::Unconfined => "unconfined".into(),
        Seccomp::Profile(file) => text(file.as_os_str()),
    }
}

fn landlock(landlock: &Landlock) -> String {
    landlock.words().iter().map(|word| text(word)).collect::<Vec<_>>().join(",")
}

fn mount(mount: &Mount) -> Value {
    let path = |path: &Path| text(path.as_os_str());
    let (kind, source) = match &mount.content {
        Content::Bind(Bind { source, recursive, .. }) => {
            (if *recursive { "rbind" } else { "bind" }, Some(path(source)))
        }
        Content::Layered(source) => ("layered", Some(path(source))),
        Content::Tmpfs(_) => ("tmpfs", None),
        Content::Overlay { lower, .. } => {
            ("overlay", Some(lower.iter().map(|lower| path(lower)).collect::<Vec<_>>().join(":")))
        }
        Content::Proc => ("proc", None),
        Content::Devpts => ("devpts", None),
        Content::Mqueue => ("mqueue", None),
    };
    let names = [("ro", READ_ONLY), ("nosuid", NOSUID), ("nodev", NODEV), ("noexec", NOEXEC)];
    let attributes: Vec<&str> = names
        .iter()
        .filter(|(_, flag)| mount.attributes.set.contains(*flag))
        .map(|(name, _)| *name)
        .collect();
    json!({"type": kind, "source": source, "target": path(&mount.target), "options": attributes})
}

/// One line for each thing, and one for each of several.
fn lines(plan: &Value) -> String {
    let mut lines = String::new();
    for (key, value) in plan.as_object().into_iter().flatten() {
        let several = match value {
            Value::Null => continue,
            Value::Array(several) => several.clone(),
            one => vec![one.clone()],
        };
        for value in several {
            let value = value.as_str().map_or_else(|| value.to_string(), standard_error::escaped);
            lines.push_str(&format!("{key}: {value}\n"));
        }
    }
    lines
}
