//! The directories of etc-subuid-examples, read as test cases.

use crate::ids::Kind;
use crate::kit::workspace;
use std::fs;
use std::path::Path;

/// One example.
pub struct Example {
    /// The directory's name.
    pub name: String,
    /// The files that replace those in /etc: `passwd`, `subuid`, `subgid`.
    pub files: Vec<(String, Vec<u8>)>,
    /// The expected answers of the mapper.
    pub expected: Vec<Expectation>,
}

/// A line of `expected`.
#[derive(Debug)]
pub struct Expectation {
    /// A name from the directory's passwd, or `#UID`.
    pub account: String,
    /// The kind of map that is requested.
    pub kind: Kind,
    /// `IN:OUT:COUNT[,IN:OUT:COUNT]…`.
    pub map: String,
    /// True if the mapper should grant it.
    pub granted: bool,
}

impl Example {
    /// All examples. Call this before a [`crate::Host`] exists, because it may cover their directory.
    pub fn all() -> Vec<Example> {
        let entries = fs::read_dir(workspace("etc-subuid-examples")).expect("reading etc-subuid-examples");
        let dirs = entries.map(|entry| entry.expect("reading etc-subuid-examples").path());
        let mut examples: Vec<Example> = dirs.filter(|path| path.is_dir()).map(|path| read(&path)).collect();
        examples.sort_by(|one, other| one.name.cmp(&other.name));
        examples
    }
}

fn read(dir: &Path) -> Example {
    let file = |name: &str| {
        fs::read(dir.join(name)).unwrap_or_else(|error| panic!("{}/{name}: {error}", dir.display()))
    };
    let expected = String::from_utf8(file("expected")).expect("UTF-8 in expected");
    Example {
        name: dir.file_name().expect("a directory's name").to_string_lossy().into_owned(),
        files: ["passwd", "subuid", "subgid"].map(|name| (name.to_owned(), file(name))).into(),
        expected: expected.lines().filter_map(Expectation::parse).collect(),
    }
}

impl Expectation {
    fn parse(line: &str) -> Option<Expectation> {
        let words: Vec<&str> = line.split_whitespace().take(4).collect();
        let [account, kind, map, answer] = words[..] else {
            assert!(words.is_empty() || words[0] == "#", "not an expectation: {line}");
            return None;
        };
        if account == "#" {
            return None;
        }
        Some(Expectation {
            account: account.to_owned(),
            kind: match kind {
                "uid" => Kind::Uid,
                "gid" => Kind::Gid,
                _ => panic!("neither uid nor gid: {line}"),
            },
            map: map.to_owned(),
            granted: match answer {
                "granted" => true,
                "refused" => false,
                _ => panic!("neither granted nor refused: {line}"),
            },
        })
    }
}
