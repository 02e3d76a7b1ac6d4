//! `subroot doctor`: performs the steps of a launch one by one, and reports what is missing for each.

use crate::causes::{Cause, EMPTY_ROOT, NO_RUNTIME_DIR, SETGROUPS_DENIED};
use crate::cli::args::DoctorArgs;
use crate::cli::idmap::writer;
use crate::cli::output;
use crate::diagnose::named;
use crate::diagnose::probes;
use crate::diagnose::shortfall;
use crate::error::Error;
use crate::failure::reason;
use crate::grants::Grants;
use crate::grants::accounts;
use crate::parent::explain;
use crate::parent::layers::disk_layers::{self, DiskLayers};
use crate::parent::layers::overlay_probe;
use crate::parent::trial::{self, Stopped};
use crate::plan;
use crate::plan::id_plan::{BUILT_IN_HELPER, Candidate, IdPlan, Writer};
use crate::plan::root_owner::RootOwner;
use crate::request::ids::IdWishes;
use crate::request::mount::{NODEV, NOEXEC, NOSUID};
use crate::request::namespaces::{KINDS, OF_A_LAUNCH};
use crate::rootfs::new_root;
use crate::sys::standard_error;
use crate::sys::standard_error::number_of;
use crate::sys::{self, Outcome};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::libc::{self, c_int};
use nix::sys::prctl::set_dumpable;
use nix::sys::stat::Mode;
use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use subroot_idmap::IdKind;

const LOOK: OFlag = OFlag::O_PATH.union(OFlag::O_DIRECTORY).union(OFlag::O_CLOEXEC);

/// The result of a step. The number of the worst result is the exit status.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Well,
    /// Launches work, but with restrictions.
    Less,
    /// No launch works.
    Failed,
}

impl Verdict {
    /// The word for the JSON, the sign for the table, and its colour (ECMA-48, SGR).
    const fn shown(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Verdict::Well => ("ok", "✓", "32"),
            Verdict::Less => ("less", "!", "33"),
            Verdict::Failed => ("failed", "✗", "31"),
        }
    }
}

/// One line of the report.
struct Line {
    step: &'static str,
    verdict: Verdict,
    found: String,
    causes: Vec<Cause>,
}

impl Line {
    fn well(step: &'static str, found: impl Into<String>) -> Line {
        Line { step, verdict: Verdict::Well, found: found.into(), causes: Vec::new() }
    }

    fn failed(step: &'static str, stopped: &Stopped) -> Line {
        Line { step, verdict: Verdict::Failed, found: stopped.to_string(), causes: Vec::new() }
    }

    /// A line that is well unless there are causes.
    fn with(step: &'static str, verdict: Verdict, found: impl Into<String>, causes: Vec<Cause>) -> Line {
        let verdict = if causes.is_empty() { Verdict::Well } else { verdict };
        Line { step, verdict, found: found.into(), causes }
    }
}

/// Prints the report. Returns 0 if everything works, 1 if launches work with restrictions, and 2 if no launch
/// works.
///
/// # Errors
/// This process cannot become the user, or standard output cannot be written.
pub(crate) fn print(typed: &DoctorArgs) -> anyhow::Result<u8> {
    if let Some(name) = &typed.for_user {
        become_user(name)?;
    }
    let lines = examine(typed.rootfs.as_deref())?;
    let worst = lines.iter().map(|line| line.verdict).max().unwrap_or(Verdict::Well);
    let text = if typed.json { output::json(&json(&lines, worst))? } else { table(&lines, is_coloured()) };
    output::output(&text)?;
    Ok(worst as u8)
}

/// Performs the steps. A step that depends on a failed one is skipped.
fn examine(rootfs: Option<&Path>) -> Result<Vec<Line>, Error> {
    let grants = Grants::read().examined();
    let mut lines = vec![account(&grants)];
    lines.extend(probes::namespaces::around().map(|cause| Line::well("container", cause.to_string())));
    lines.extend(probes::apparmor::told().map(|found| Line::well("apparmor", found)));
    let plan = IdPlan::examined(&IdWishes::default(), rootfs.and_then(root_owner))?;
    // A caller who can map every ID of the user namespace needs no grant.
    if plan.candidates.first().is_none_or(|candidate| candidate.writer != Writer::Privileged) {
        lines.extend(IdKind::BOTH.map(|kind| granted(&grants, kind)));
        lines.push(mapper(&plan));
    }
    lines.extend(rootfs.map(|rootfs| dir(rootfs, &plan)));
    lines.extend(
        rootfs.and_then(probes::rootfs::devices).map(|cause| Line::well("devices", cause.to_string())),
    );
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        lines.push(Line::well("session", Cause::new(&NO_RUNTIME_DIR, &[]).to_string()));
    }
    lines.push(network());
    let namespaces = namespaces();
    let failed = namespaces.verdict == Verdict::Failed;
    lines.push(namespaces);
    if failed {
        return Ok(lines);
    }
    let (maps, counts) = maps(&plan);
    lines.push(maps);
    if let Some([_, gids]) = counts {
        lines.extend([groups(&grants, &plan.candidates, gids), proc(&plan.candidates)]);
        lines.extend(host_proc());
        lines.extend([overlay(&plan.candidates), root(&plan.candidates)]);
    }
    Ok(lines)
}

/// A network of a sandbox's own is optional, so what it lacks does not count.
fn network() -> Line {
    let found = match probes::network::usable() {
        Ok(program) => format!("--network private is connected by {}", program.display()),
        Err(cause) => format!("--network private does not work: {cause}; fix: {}", cause.fix()),
    };
    Line::well("network", found)
}

fn account(grants: &Grants) -> Line {
    let uid = grants.policy().caller().id(IdKind::Uid);
    let found = format!("{} (uid {uid})", probes::grants::caller(grants));
    Line::with("account", Verdict::Less, found, probes::grants::account(grants).into_iter().collect())
}

fn granted(grants: &Grants, kind: IdKind) -> Line {
    let count = grants.count(kind);
    let causes = probes::grants::lines(grants, kind);
    Line::with(kind.grant_file(), Verdict::Less, format!("{} granted", number_of(count, "ID")), causes)
}

fn root_owner(rootfs: &Path) -> Option<RootOwner<'_>> {
    // Error ignored: the owner of a directory that cannot be examined is unknown.
    let found = std::fs::metadata(rootfs).ok()?;
    Some(RootOwner { path: rootfs, ids: [found.uid(), found.gid()] })
}

fn dir(rootfs: &Path, plan: &IdPlan) -> Line {
    if let Err(error) = plan::check_rootfs(rootfs) {
        let causes = explain::found(&error).into_iter().collect();
        return Line { step: "rootfs", verdict: Verdict::Failed, found: error.to_string(), causes };
    }
    if let Some(cause) = named::directory::cause(rootfs) {
        // In an empty directory, no launch works; in another one, a program in it can be run.
        let verdict = if cause.key() == EMPTY_ROOT.key { Verdict::Failed } else { Verdict::Less };
        return Line::with("rootfs", verdict, rootfs.display().to_string(), vec![cause]);
    }
    let mut causes = probes::rootfs::mount(rootfs);
    causes.extend(probes::rootfs::closed_dir(rootfs));
    causes.extend(probes::owner::cause(plan, rootfs));
    let found = probes::owner::chosen(plan, rootfs).unwrap_or_else(|| rootfs.display().to_string());
    Line::with("rootfs", Verdict::Less, found, causes)
}

/// Creates each kind of namespace separately, because a limit may apply to only one kind.
fn namespaces() -> Line {
    let (mut made, mut causes, mut verdict) = (Vec::new(), Vec::new(), Verdict::Less);
    for (name, flag) in KINDS {
        match sys::process::try_clone(libc::CLONE_NEWUSER | flag) {
            Err(errno) => {
                causes.extend(probes::namespaces::refused(errno, flag));
                if flag & OF_A_LAUNCH != 0 {
                    verdict = Verdict::Failed;
                }
                if name == "user" {
                    break;
                }
            }
            Ok(()) => made.push(name),
        }
    }
    causes.dedup();
    let found = if made.is_empty() { "none can be made".into() } else { made.join(" ") };
    Line::with("namespaces", verdict, found, causes)
}

/// subroot's own mapper, or shadow's programs if only these are installed.
fn mapper(plan: &IdPlan) -> Line {
    let programs = plan.candidates.iter().filter_map(|candidate| match &candidate.writer {
        Writer::Helper(program) | Writer::Shadow(program, _) => Some(program.as_path()),
        Writer::Privileged | Writer::OwnId => None,
    });
    let mut judged: Vec<(&Path, Option<Cause>)> =
        programs.map(|program| (program, probes::mapper::lacks(program))).collect();
    if judged.is_empty() {
        let built_in = Path::new(BUILT_IN_HELPER);
        judged.push((built_in, probes::mapper::lacks(built_in)));
    }
    let working = judged.iter().find(|(_, cause)| cause.is_none()).or(judged.first());
    let found = working.map_or_else(String::new, |(program, _)| program.display().to_string());
    let causes = judged.iter().map_while(|(_, cause)| cause.clone()).collect();
    Line::with("mapper", Verdict::Less, found, causes)
}

/// Writes the maps of a launch. Returns the number of IDs of each kind if it succeeds.
fn maps(plan: &IdPlan) -> (Line, Option<[u32; 2]>) {
    match trial::perform(libc::CLONE_NEWUSER, &plan.candidates, || Ok(())) {
        Ok((at, reasons)) => {
            let candidate = plan.candidates.get(at);
            let count = |kind| {
                candidate.map_or(0, |candidate| {
                    candidate.maps.of(kind).joined().map(|line| line.count).sum::<u32>()
                })
            };
            let by = candidate.map(writer).unwrap_or_default();
            let [uids, gids] = IdKind::BOTH.map(count);
            let [user_ids, group_ids] = [number_of(uids, "user ID"), number_of(gids, "group ID")];
            let found = format!("{user_ids} and {group_ids}, written by {by}");
            let why: Vec<String> =
                reasons.into_iter().chain(shortfall::lack(plan).as_ref().map(Cause::to_string)).collect();
            let found = if why.is_empty() { found } else { format!("{found} ({})", why.join("; ")) };
            let causes: Vec<Cause> = if uids > 1 { shortfall::cuts(plan) } else { Vec::new() };
            let verdict = if uids > 1 && causes.is_empty() { Verdict::Well } else { Verdict::Less };
            (Line { step: "maps", verdict, found, causes }, Some([uids, gids]))
        }
        Err(stopped) => {
            let causes = match &stopped {
                Stopped::Maps(error) => explain::found(error).into_iter().collect(),
                Stopped::Namespaces(_) | Stopped::Step(_) => Vec::new(),
            };
            (Line { causes, ..Line::failed("maps", &stopped) }, None)
        }
    }
}

/// Performs a step in user and mount namespaces. If the kernel refuses it, the line has the cause.
fn step(
    name: &'static str,
    (well, less): (&str, &str),
    (flags, candidates): (c_int, &[Candidate]),
    step: impl FnOnce() -> Outcome<()>,
    cause: impl FnOnce(Errno) -> Cause,
) -> Line {
    match trial::perform(libc::CLONE_NEWUSER | flags, candidates, step) {
        Ok(_) => Line::well(name, well),
        Err(Stopped::Step(errno)) => Line::with(name, Verdict::Less, less, vec![cause(errno)]),
        Err(stopped) => Line::failed(name, &stopped),
    }
}

fn groups(grants: &Grants, candidates: &[Candidate], gids: u32) -> Line {
    if gids <= 1 {
        let found = "setgroups is denied, which follows from maps".into();
        return Line { step: "groups", verdict: Verdict::Less, found, causes: Vec::new() };
    }
    let user = probes::grants::caller(grants);
    let is_denied = grants.policy().config().denies_setgroups;
    let cause = |_| {
        if is_denied {
            Cause::new(&SETGROUPS_DENIED, &[("user", &user)])
        } else {
            probes::grants::no_setgroups()
        }
    };
    step("groups", ("setgroups is allowed", "setgroups is denied"), (0, candidates), || setgroups(&[]), cause)
}

fn proc(candidates: &[Candidate]) -> Line {
    let flags = libc::CLONE_NEWNS | libc::CLONE_NEWPID;
    let mount = || sys::mount::new_mount(c"proc", &[], (NOSUID | NODEV | NOEXEC).bits()).map(drop);
    let words = ("a new one in every sandbox", "the one that is here, with its processes to be seen");
    step("/proc", words, (flags, candidates), mount, |_| probes::rootfs::proc_refused())
}

/// Reports whether the host's /proc hides something. A new one in a sandbox hides nothing.
fn host_proc() -> Option<Line> {
    let hiding = probes::proc::hiding()?;
    let found =
        format!("mounted with {hiding}, which also holds for sandboxes with --pid host or --proc bind");
    Some(Line::well("host /proc", found))
}

/// Tests an overlay by removing a directory through it, with the changes in memory or on disk, as in a
/// launch.
fn overlay(candidates: &[Candidate]) -> Line {
    let less = "no --overlay, and no run without ROOTFS";
    match disk_layers::memory_serves() {
        Ok(true) => match overlay_probe::in_memory(candidates) {
            Ok(()) => Line::well("overlay", "--overlay works"),
            Err(Stopped::Step(errno)) => {
                Line::with("overlay", Verdict::Less, less, vec![probes::rootfs::overlay_refused(errno)])
            }
            Err(stopped) => Line::failed("overlay", &stopped),
        },
        Ok(false) => match DiskLayers::make_and_try_out(candidates) {
            Ok(path) => Line::well(
                "overlay",
                format!("--overlay works, with its changes in {} until the end", path.display()),
            ),
            Err(error) => {
                let found = format!("{less}: {error}");
                Line::with("overlay", Verdict::Less, found, explain::found(&error).into_iter().collect())
            }
        },
        Err(error) => Line {
            step: "overlay",
            verdict: Verdict::Less,
            found: format!("{less}: {error}"),
            causes: Vec::new(),
        },
    }
}

/// Creates a new root in memory, enters it, and detaches the old one.
fn root(candidates: &[Candidate]) -> Line {
    let enter = || {
        let memory = sys::mount::new_mount(c"tmpfs", &[], 0)?;
        sys::mount::attach(&memory, open("/tmp", LOOK, Mode::empty())?, c"")?;
        new_root::pivot(&memory).map_err(|failure| failure.errno)
    };
    match trial::perform(libc::CLONE_NEWUSER | libc::CLONE_NEWNS, candidates, enter) {
        Ok(_) => Line::well("root", "a new root can be entered and the old one detached"),
        Err(stopped) => Line::failed("root", &stopped),
    }
}

/// Becomes another user permanently. Only root can do this.
fn become_user(name: &str) -> Result<(), Error> {
    let refuse = |why: String| Error::Usage { what: "--for-user", why };
    let user = accounts::by_name(name.as_ref()).ok_or_else(|| refuse(format!("there is no user {name}")))?;
    let (uid, gid) = (Uid::from_raw(user.uid()), Gid::from_raw(user.primary_group_id()));
    let groups: Vec<Gid> = accounts::groups_of(&user).into_iter().map(Gid::from_raw).collect();
    setgroups(&groups)
        .and_then(|()| setresgid(gid, gid, gid))
        .and_then(|()| setresuid(uid, uid, uid))
        // After a change of user, the process is not dumpable and root owns its files in /proc: proc(5).
        .and_then(|()| set_dumpable(true))
        .map_err(|errno| refuse(format!("only root can be {name}: {}", reason(errno))))
}

fn is_coloured() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn table(lines: &[Line], is_coloured: bool) -> String {
    let mut text = String::new();
    for Line { step, verdict, found, causes } in lines {
        let (_, sign, colour) = verdict.shown();
        let sign = if is_coloured { format!("\x1b[{colour}m{sign}\x1b[0m") } else { sign.to_owned() };
        let _ = writeln!(text, "{sign} {step:<11} {}", standard_error::escaped(found));
        for cause in causes {
            let _ = writeln!(text, "{:14}{}", "", standard_error::escaped(&cause.to_string()));
            let _ = writeln!(text, "{:14}fix: {}", "", standard_error::escaped(&cause.fix()));
        }
    }
    text
}

fn json(lines: &[Line], worst: Verdict) -> Value {
    let cause = |cause: &Cause| json!({"key": cause.key(), "cause": cause.to_string(), "fix": cause.fix()});
    let line = |line: &Line| {
        json!({
            "step": line.step,
            "result": line.verdict.shown().0,
            "found": line.found,
            "causes": line.causes.iter().map(cause).collect::<Vec<_>>(),
        })
    };
    json!({"result": worst.shown().0, "steps": lines.iter().map(line).collect::<Vec<_>>()})
}
