//! The steps of a launch in order: `--print-plan` prints them, and `-v` prints each as it happens.

mod base;

use crate::plan::id_plan::{Candidate, IdPlan, Writer};
use crate::plan::root::{BOUND_DEV, DEV, DEVICES, PROC, PTS, PlannedMount, RootPlan, SHM, SYS, Sys};
use crate::plan::root_owner::Ownership;
use crate::plan::steps::{Kind, Step};
use crate::plan::{FirstProcess, Plan};
use crate::request::capabilities;
use crate::request::ids::Account;
use crate::request::mount::{
    Attributes, Bind, Content, Mount, MountFlags, NODEV, NOEXEC, NOSUID, Propagation, READ_ONLY,
};
use crate::request::namespaces::KINDS;
use crate::request::network::Port;
use crate::request::passed::Passed;
use crate::request::process::{Process, SHELLS, Seccomp, Workdir};
use crate::request::root::{Dev, Overlay, Proc};
use nix::libc;
use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use subroot_idmap::{IdKind, PlannedMap};

/// The text for changes that are not kept.
const DISCARDED: &str = "discarded";

/// The steps of a launch. `why_not_better` says why no better candidate maps IDs.
pub(crate) fn steps(plan: &Plan, why_not_better: Option<String>) -> Vec<Step> {
    let mut outline = Outline::default();
    outline.parent(plan, why_not_better);
    outline.namespaces(plan);
    if let Some(root) = &plan.root {
        outline.root(root);
    }
    if plan.first == Some(FirstProcess::Init) {
        outline.add(Kind::StartInit).with("pid", 1.into());
    }
    outline.process(&plan.process, &plan.passed, plan.first == Some(FirstProcess::Command));
    outline.0
}

/// The steps of a process that joins a sandbox.
pub(crate) fn steps_of_joined(process: &Process, passed: &Passed) -> Vec<Step> {
    let mut outline = Outline::default();
    outline.oom_score(process);
    outline.process(process, passed, false);
    outline.0
}

#[derive(Default)]
struct Outline(Vec<Step>);

impl Outline {
    #[inline(never)]
    fn add(&mut self, kind: Kind) -> &mut Step {
        let at = self.0.len();
        self.0.push(Step::new(kind));
        &mut self.0[at]
    }

    fn parent(&mut self, plan: &Plan, why_not_better: Option<String>) {
        if let Some(name) = &plan.name {
            self.add(Kind::ReserveName).text("name", name);
        }
        if let Some(Overlay::Kept(dir)) = plan.root.as_ref().and_then(|root| root.overlay.as_ref()) {
            self.add(Kind::LockChanges).text("path", dir);
        }
        let names = KINDS.iter().filter(|(_, flag)| plan.namespaces & flag != 0);
        self.add(Kind::CreateNamespaces).texts("namespaces", &mut names.map(|(name, _)| OsStr::new(*name)));
        self.map(&plan.ids, why_not_better);
        if let Some(network) = &plan.network {
            let step = self.add(Kind::ConnectNetwork).text("program", &network.path);
            step.texts("options", &mut network.options.iter().map(OsStr::new));
            let ports: Vec<String> = network.ports.iter().map(Port::to_string).collect();
            step.texts("ports", &mut ports.iter().map(OsStr::new));
        }
    }

    fn map(&mut self, ids: &IdPlan, why_not_better: Option<String>) {
        let Some((best, others)) = ids.candidates.split_first() else { return };
        let (mapper, program) = named(best);
        let step = self.add(Kind::MapIds).text("mapper", mapper);
        if let Some(program) = program {
            step.text("program", program);
        }
        step.with("uid_map", lines(best.maps.of(IdKind::Uid)))
            .with("gid_map", lines(best.maps.of(IdKind::Gid)));
        step.text("setgroups", if best.maps.may_set_groups { "allowed" } else { "denied" });
        step.texts("otherwise", &mut others.iter().map(|other| OsStr::new(named(other).0)));
        if let Some([uid, _]) = ids.root_owner_if(Ownership::Chosen).filter(|_| best.maps.are_subids) {
            step.with("root_owner", uid.into());
        }
        if let Some(why) = why_not_better {
            step.text("why_not_better", why);
        }
    }

    fn oom_score(&mut self, process: &Process) {
        if let Some(value) = process.oom_score_adj {
            self.add(Kind::AdjustOomScore).with("value", value.into());
        }
    }

    fn namespaces(&mut self, plan: &Plan) {
        self.oom_score(&plan.process);
        if let Some(candidate) = plan.ids.candidates.first() {
            let [uid, gid] = candidate.first;
            let step = self.add(Kind::BecomeRoot).with("uid", uid.into()).with("gid", gid.into());
            step.text("groups", if plan.process.keeps_groups { "kept" } else { "dropped" });
        }
        if let Some(name) = &plan.hostname {
            self.add(Kind::SetHostname).text("name", name);
        }
        if plan.namespaces & libc::CLONE_NEWNET != 0 {
            self.add(Kind::BringUpLoopback).text("interface", "lo");
        }
        if let Some(clocks) = plan.clocks {
            let step = self.add(Kind::SetClocks).with("monotonic", clocks.monotonic.into());
            step.with("boottime", clocks.boottime.into());
        }
    }

    fn root(&mut self, root: &RootPlan) {
        self.base(root);
        if root.read_only && !root.is_read_only_last() {
            self.add(Kind::MakeRootReadOnly);
        }
        self.essential_mounts(root);
        root.mounts.iter().for_each(|planned| self.asked(planned));
        if root.is_read_only_last() {
            self.add(Kind::MakeRootReadOnly);
        }
        for path in &root.masked {
            self.add(Kind::Mask).text("path", path);
        }
        for path in &root.read_only_paths {
            self.add(Kind::MakeReadOnly).text("path", path);
        }
        self.add(Kind::PivotRoot);
        self.add(Kind::DetachOldRoot);
    }

    fn essential_mounts(&mut self, root: &RootPlan) {
        match root.proc {
            Proc::None => {}
            Proc::Bind => {
                self.bind("/proc", PROC);
            }
            Proc::Auto => {
                self.new_mount("/proc", "proc", PROC).text("otherwise", "rbind /proc");
            }
            Proc::New => {
                self.new_mount("/proc", "proc", PROC);
            }
        }
        match root.dev {
            Dev::None => {}
            Dev::Bind => {
                self.bind("/dev", BOUND_DEV);
            }
            Dev::New => {
                let devices = &mut DEVICES.iter().map(|(_, device)| OsStr::from_bytes(device.to_bytes()));
                self.new_mount("/dev", "tmpfs", DEV).texts("devices", devices);
                self.new_mount("/dev/shm", "tmpfs", SHM);
                self.new_mount("/dev/pts", "devpts", PTS);
            }
        }
        match root.sys {
            Sys::None => {}
            Sys::Bind => {
                self.bind("/sys", SYS).text("otherwise", "nothing");
            }
            Sys::New => {
                self.new_mount("/sys", "sysfs", SYS).text("otherwise", "rbind /sys");
            }
        }
    }

    fn new_mount(&mut self, target: &str, kind: &str, attributes: MountFlags) -> &mut Step {
        let options = options(Attributes::new(attributes));
        self.mount(target.as_ref(), kind).with("options", options.into())
    }

    fn bind(&mut self, path: &str, attributes: MountFlags) -> &mut Step {
        self.new_mount(path, "rbind", attributes).text("source", path)
    }

    fn mount(&mut self, target: &Path, kind: &str) -> &mut Step {
        self.add(Kind::Mount).text("target", target).text("type", kind)
    }

    fn asked(&mut self, planned: &PlannedMount) {
        let path = &planned.mount.target;
        match &planned.mount.content {
            Content::Directory(mode) => {
                self.add(planned.step()).text("path", path).text("mode", format!("{mode:04o}"));
            }
            Content::Symlink(text) => {
                self.add(planned.step()).text("path", path).text("text", text);
            }
            _ => self.asked_mount(&planned.mount),
        }
    }

    fn asked_mount(&mut self, asked: &Mount) {
        let mut options = options(asked.attributes);
        let step = self.mount(&asked.target, type_of(&asked.content));
        match &asked.content {
            Content::Bind(Bind { source, id_mapped, .. }) => {
                options.extend(id_mapped.then(|| "idmap".into()));
                step.text("source", source);
            }
            Content::Layered(source) => {
                step.texts("lower", &mut [source.as_os_str()].into_iter()).text("changes", DISCARDED);
            }
            Content::Tmpfs(further) => options.extend(further.iter().map(|(name, value)| match value {
                Some(value) => format!("{name}={value}").into(),
                None => name.as_str().into(),
            })),
            Content::File { content, .. } => {
                step.with("bytes", content.len().into());
            }
            Content::Overlay { lower, upper } => {
                step.texts("lower", &mut paths(lower));
                if let Some((upper, _)) = upper {
                    step.text("upper", upper);
                }
            }
            Content::Proc | Content::Devpts | Content::Mqueue => {}
            Content::Directory(_) | Content::Symlink(_) => {}
        }
        step.with("options", options.into());
    }

    /// The steps of a process in its root.
    fn process(&mut self, process: &Process, passed: &Passed, is_pid_1: bool) {
        if process.terminal {
            self.add(Kind::OpenTerminal);
        }
        self.descriptors(passed);
        for limit in &process.limits {
            let step = self.add(Kind::SetLimit).text("name", limit.resource.name());
            step.with("soft", limit.soft.into()).with("hard", limit.hard.into());
        }
        if let Some(mask) = process.umask {
            self.add(Kind::SetUmask).text("mask", format!("{mask:04o}"));
        }
        self.add(Kind::LeaveKeyring);
        if process.changes_user() {
            self.user(Kind::FindUser, process);
        }
        self.confinement(process);
        if process.changes_user() {
            self.user(Kind::BecomeUser, process);
        }
        if process.capabilities.is_some() {
            self.add(Kind::SetCapabilities);
        }
        if process.no_new_privileges {
            self.add(Kind::SetNoNewPrivs);
        }
        self.run(process, is_pid_1);
    }

    fn descriptors(&mut self, passed: &Passed) {
        if passed.descriptors.is_empty() {
            return;
        }
        let numbers: Vec<Value> = passed.numbered().map(|(number, _)| number.into()).collect();
        let step = self.add(Kind::PassDescriptors).with("descriptors", numbers.into());
        if let Some((_, count)) = passed.activation.first() {
            step.text("listen_fds", count);
        }
    }

    fn confinement(&mut self, process: &Process) {
        if let Some(kept) = process.capabilities {
            let names: Vec<String> = capabilities::names(kept).collect();
            self.add(Kind::LimitCapabilities).texts("capabilities", &mut names.iter().map(OsStr::new));
        }
        if let Some(rules) = &process.landlock {
            let values = rules.values().join(OsStr::new(","));
            let step = self.add(Kind::EnforceLandlock).text("rules", values);
            step.texts("writable", &mut paths(&process.writable));
        }
        let filter = match &process.seccomp {
            Seccomp::Default => Some(OsStr::new("default")),
            Seccomp::Unconfined => None,
            Seccomp::Profile(file) => Some(file.as_os_str()),
        };
        if let Some(filter) = filter {
            let step = self.add(Kind::InstallSeccomp).text("filter", filter);
            if process.native_calls_only {
                step.text("architecture", "native");
            }
        }
    }

    fn user(&mut self, kind: Kind, process: &Process) {
        let shown = |account: &Account| OsString::from_vec(account.shown());
        let step = self.add(kind);
        if let Some(user) = &process.user {
            step.text("user", shown(&user.user));
            if let Some(group) = &user.group {
                step.text("group", shown(group));
            }
        }
        let groups: Vec<OsString> = process.groups.iter().map(shown).collect();
        step.texts("groups", &mut groups.iter().map(OsString::as_os_str));
    }

    fn run(&mut self, process: &Process, is_pid_1: bool) {
        match &process.workdir {
            Workdir::Asked(dir) => {
                self.add(Kind::EnterDirectory).text("path", dir);
            }
            Workdir::Callers(dir) => {
                self.add(Kind::EnterDirectory).text("path", dir).text("otherwise", "/");
            }
            Workdir::Unchanged => {}
        }
        let assignment =
            |(name, value): &(OsString, OsString)| [name.as_os_str(), value].join(OsStr::new("="));
        let environment: Vec<OsString> = process.environment.iter().map(assignment).collect();
        let step = self.add(Kind::SetEnvironment);
        step.texts("environment", &mut environment.iter().map(OsString::as_os_str));
        if !process.environment.iter().any(|(name, _)| name == "HOME") {
            step.text("home", "user");
        }
        let step = self.add(Kind::RunCommand);
        step.texts("command", &mut process.command.iter().map(OsString::as_os_str));
        if process.command.is_empty() {
            step.texts("shells", &mut SHELLS.iter().map(OsStr::new));
        }
        if is_pid_1 {
            step.with("pid", 1.into());
        }
    }
}

fn paths(paths: &[PathBuf]) -> impl Iterator<Item = &OsStr> {
    paths.iter().map(|path| path.as_os_str())
}

/// The name of a writer, and its program if it has one.
fn named(candidate: &Candidate) -> (&'static str, Option<&Path>) {
    match &candidate.writer {
        Writer::Helper(program) => ("newidmap-helper", Some(program)),
        Writer::Shadow(program, _) => ("newuidmap", Some(program)),
        Writer::Privileged => ("capabilities", None),
        Writer::OwnId => ("own-id", None),
    }
}

fn type_of(content: &Content) -> &'static str {
    match content {
        Content::Bind(Bind { recursive: true, .. }) => "rbind",
        Content::Bind(_) => "bind",
        Content::Layered(_) | Content::Overlay { .. } => "overlay",
        Content::Tmpfs(_) => "tmpfs",
        Content::File { .. } => "file",
        Content::Proc => "proc",
        Content::Devpts => "devpts",
        Content::Mqueue => "mqueue",
        Content::Directory(_) => "directory",
        Content::Symlink(_) => "symlink",
    }
}

/// Each line of a map: inside, outside, count.
fn lines(map: &PlannedMap) -> Value {
    let line = |line: subroot_idmap::MapLine| {
        Value::Array([line.inside, line.outside, line.count].map(Value::from).into())
    };
    Value::Array(map.joined().map(line).collect())
}

fn options(Attributes { set, propagation, .. }: Attributes) -> Vec<Value> {
    let names = [
        ("ro", set.contains(READ_ONLY)),
        ("nosuid", set.contains(NOSUID)),
        ("nodev", set.contains(NODEV)),
        ("noexec", set.contains(NOEXEC)),
        ("slave", propagation == Propagation::Slave),
        ("shared", propagation == Propagation::Shared),
        ("unbindable", propagation == Propagation::Unbindable),
    ];
    names.into_iter().filter(|(_, is_set)| *is_set).map(|(name, _)| name.into()).collect()
}
