//! What a command can observe of its protection and the host's.

use std::collections::{BTreeMap, BTreeSet};

/// The options that restrict a mount.
const RESTRICTIONS: [&str; 5] = ["ro", "nosuid", "nodev", "noexec", "private"];

/// The relevant lines of proc_pid_status(5).
const STATUS: [&str; 14] = [
    "Umask",
    "Uid",
    "Gid",
    "Groups",
    "SigBlk",
    "SigIgn",
    "CapInh",
    "CapPrm",
    "CapEff",
    "CapBnd",
    "CapAmb",
    "NoNewPrivs",
    "Seccomp",
    "Seccomp_filters",
];

/// The observed facts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Everything except mounts and IDs, line by line.
    lines: BTreeSet<String>,
    /// The mapped IDs.
    ids: BTreeSet<String>,
    /// The restrictions of the topmost mount at each mount point.
    mounts: BTreeMap<String, BTreeSet<&'static str>>,
}

impl Facts {
    /// Prints the facts; for a shell in the sandbox.
    pub(crate) const SCRIPT: &str = "echo /proc/self/fd/* $(pwd) $(hostname); cd /proc/self;
        exec grep '' status mountinfo uid_map gid_map setgroups limits oom_score_adj";

    /// Parses the script's output.
    pub(crate) fn read(printed: &str) -> Facts {
        let mut facts = Facts::default();
        for line in printed.lines() {
            match line.split_once(':') {
                Some(("mountinfo", mount)) => facts.add_mount(mount),
                Some(("uid_map" | "gid_map" | "setgroups", _)) => drop(facts.ids.insert(line.to_owned())),
                Some(("status", field))
                    if !STATUS.iter().any(|name| field.starts_with(&format!("{name}:"))) => {}
                _ => drop(facts.lines.insert(line.to_owned())),
            }
        }
        facts
    }

    fn add_mount(&mut self, line: &str) {
        let fields: Vec<&str> = line.split(' ').collect();
        let is_private = fields.get(6) == Some(&"-");
        let options: Vec<&str> = fields[5].split(',').chain(is_private.then_some("private")).collect();
        let restrictions = RESTRICTIONS.into_iter().filter(|name| options.contains(name)).collect();
        self.mounts.insert(fields[4].to_owned(), restrictions);
    }

    /// True if the script has printed everything.
    pub(crate) fn is_whole(printed: &str) -> bool {
        printed.lines().last().is_some_and(|line| line.starts_with("oom_score_adj:"))
    }

    /// The protections that are missing compared to `expected`, and the ones not requested. If a default was
    /// replaced by the next best, `reported` says so.
    pub(crate) fn less_than(&self, expected: &Facts, reported: &str) -> Vec<String> {
        let may_lack_ids = reported.contains("only your own") || reported.contains("IDs are mapped by");
        let may_lack_sys = reported.contains("the sandbox has no /sys");
        let mut found = differences(&self.lines, &expected.lines);
        if !may_lack_ids {
            found.extend(differences(&self.ids, &expected.ids));
        }
        for (place, restrictions) in &expected.mounts {
            match self.mounts.get(place) {
                None if may_lack_sys && place.starts_with("/sys") => {}
                None => found.push(format!("{place} is not mounted")),
                Some(seen) if !seen.is_superset(restrictions) => found.push(format!("{place} is {seen:?}")),
                Some(_) => {}
            }
        }
        // A layer that covers a root without mount points is as restricted as the root itself.
        let root = expected.mounts.get("/").cloned().unwrap_or_default();
        let others = self.mounts.iter().filter(|(place, _)| !expected.mounts.contains_key(*place));
        found.extend(
            others
                .filter(|(_, seen)| !seen.is_superset(&root))
                .map(|(place, seen)| format!("{place} is {seen:?}")),
        );
        found
    }
}

fn differences(seen: &BTreeSet<String>, expected: &BTreeSet<String>) -> Vec<String> {
    let lacking = expected.difference(seen).map(|line| format!("no {line}"));
    lacking.chain(seen.difference(expected).map(|line| format!("and {line}"))).collect()
}
