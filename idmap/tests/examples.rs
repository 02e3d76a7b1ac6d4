//! Every directory in etc-subuid-examples/, judged as the mapper judges the files in /etc.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::{Path, PathBuf};

use subroot_idmap::{Account, IdKind, Policy, RequestedMap, authorize, each_line};

const FILES: [&str; 4] = ["passwd", "subuid", "subgid", "expected"];

/// A line of `expected`.
#[derive(Debug)]
struct Expectation {
    account: String,
    kind: IdKind,
    map: String,
    granted: bool,
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../etc-subuid-examples")
}

fn dirs() -> Vec<PathBuf> {
    let entries = fs::read_dir(examples()).unwrap().map(|entry| entry.unwrap().path());
    let mut dirs: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    dirs.sort();
    dirs
}

/// Visits the lines of a file through a buffer like the mapper's.
fn visit(file: &Path, mut visit: impl FnMut(&[u8])) {
    let content = fs::read(file).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
    let mut rest = content.as_slice();
    let read = |into: &mut [u8], _| std::io::Read::read(&mut rest, into);
    each_line(&mut [0; 2048], read, |_, line| visit(line)).unwrap();
}

fn expectation(line: &str) -> Expectation {
    let (request, why) = line.split_once(" # ").unwrap_or_else(|| panic!("{line:?} has no reason"));
    assert!(!why.trim().is_empty(), "{line:?} has no reason");
    let words: Vec<_> = request.split_whitespace().collect();
    let [account, kind, map, verdict] = words[..] else { panic!("{line:?} does not have four words") };
    let kind = match kind {
        "uid" => IdKind::Uid,
        "gid" => IdKind::Gid,
        _ => panic!("{line:?} is about neither uid nor gid"),
    };
    let granted = match verdict {
        "granted" => true,
        "refused" => false,
        _ => panic!("{line:?} expects neither granted nor refused"),
    };
    Expectation { account: account.to_owned(), kind, map: map.to_owned(), granted }
}

fn expectations(dir: &Path) -> Vec<Expectation> {
    let text = fs::read_to_string(dir.join("expected")).unwrap();
    text.lines().map(expectation).collect()
}

/// The IDs of the account. `#4711` is the uid and gid 4711 without an account.
fn caller_ids(passwd: &Path, account: &str) -> (u32, u32) {
    let mut found = account.strip_prefix('#').map(|uid| uid.parse().unwrap()).map(|uid| (uid, uid));
    visit(passwd, |line| {
        let Some(known) = Account::parse(line) else { return };
        if account.strip_prefix('#').is_some_and(|uid| uid.parse().ok() == known.uid) {
            panic!("{account} has an account");
        }
        if known.name == account.as_bytes() {
            found = known.uid.zip(known.gid);
        }
    });
    found.unwrap_or_else(|| panic!("{account} is not in {}", passwd.display()))
}

/// The files of an example, as if they were the host's.
struct Files<'a>(&'a Path);

impl subroot_idmap::Files for Files<'_> {
    type Error = subroot_idmap::BadSetting;

    fn each_line(
        &mut self,
        path: &'static str,
        visit_line: &mut dyn FnMut(u32, &[u8]),
    ) -> Result<(), Self::Error> {
        let file = self.0.join(Path::new(path).file_name().unwrap());
        if file.exists() {
            visit(&file, |line| visit_line(0, line));
        }
        Ok(())
    }

    fn each_plugin_grant(
        &mut self,
        _: &subroot_idmap::PluginQuestion<'_>,
        _: &mut dyn FnMut(subroot_idmap::IdRange),
    ) -> Result<(), Self::Error> {
        Ok(())
    }
}

fn policy(dir: &Path, account: &str) -> Box<Policy> {
    let (uid, gid) = caller_ids(&dir.join("passwd"), account);
    let mut policy = Box::new(Policy::EMPTY);
    assert!(policy.read_caller(uid, gid, &mut Files(dir)).is_ok());
    assert!(policy.read_grants(|_| true, &mut Files(dir)).is_ok(), "{}", dir.display());
    policy
}

fn is_granted(dir: &Path, request: &Expectation) -> bool {
    let mut map = RequestedMap::EMPTY;
    map.push_text(request.map.as_bytes()).unwrap_or_else(|why| panic!("{request:?}: {why:?}"));
    let policy = policy(dir, &request.account);
    authorize(request.kind, &map, policy.caller(), policy.granted(request.kind)).is_ok()
}

#[test]
fn every_request_of_every_example_has_the_expected_result() {
    let wrong: Vec<_> = dirs()
        .iter()
        .flat_map(|dir| expectations(dir).into_iter().map(move |request| (dir, request)))
        .filter(|(dir, request)| is_granted(dir, request) != request.granted)
        .map(|(dir, request)| format!("{}: {request:?}", dir.display()))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn there_are_ten_examples_or_more() {
    assert!(dirs().len() >= 10, "{:?}", dirs());
}

#[test]
fn every_example_is_complete() {
    for (dir, file) in dirs().iter().flat_map(|dir| FILES.map(|file| (dir, file))) {
        assert!(dir.join(file).is_file(), "{} has no {file}", dir.display());
    }
}

#[test]
fn every_example_grants_something_and_refuses_something() {
    for dir in dirs() {
        let expected = expectations(&dir);
        assert!(expected.len() >= 3, "{} expects too little", dir.display());
        for granted in [true, false] {
            let some = expected.iter().any(|request| request.granted == granted);
            assert!(some, "{} has no line with granted = {granted}", dir.display());
        }
    }
}

#[test]
fn every_example_has_the_accounts_that_every_host_has() {
    for dir in dirs() {
        for (account, ids) in [("root", (0, 0)), ("daemon", (1, 1)), ("nobody", (65534, 65534))] {
            assert_eq!(caller_ids(&dir.join("passwd"), account), ids, "{}", dir.display());
        }
    }
}

#[test]
fn the_readme_has_a_line_for_every_example_and_no_other() {
    let readme = fs::read_to_string(examples().join("README.md")).unwrap();
    let mut named: Vec<_> =
        readme.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    named.sort_unstable();
    let dirs = dirs();
    let present: Vec<_> = dirs.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(named, present);
}
