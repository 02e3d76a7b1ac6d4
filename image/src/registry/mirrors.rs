//! Mirrors and other locations of registries: containers-registries.conf(5). Only what decides where an image is pulled
//! from is read. Names without a host are always those of docker.io, and only the command line allows connections
//! without encryption.

use crate::error::reason;
use crate::registry::refusal::Refusal;
use crate::registry::user_files::{containers, from_variable};
use crate::source::documents::MOST_BYTES;
use serde::Deserialize;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

const OF_SITE: &str = "/etc/containers/registries.conf";

/// A file.
#[derive(Debug, Default, Deserialize)]
struct Settings {
    #[serde(default)]
    registry: Vec<Entry>,
}

/// What it says about names that begin with a prefix.
#[derive(Clone, Debug, Deserialize)]
struct Entry {
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    location: String,
    #[serde(default)]
    blocked: bool,
    #[serde(default)]
    mirror: Vec<Mirror>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Mirror {
    location: String,
    #[serde(default)]
    pull_from_mirror: String,
}

/// The repositories to ask for an image, in order. The last one is the registry itself.
///
/// # Errors
/// A file cannot be read, or says that the registry must not be used.
pub(crate) fn places(repository: &str, reference: &str) -> Result<Vec<String>, Refusal> {
    let mut entries: Vec<Entry> = Vec::new();
    for path in files().map_err(|error| Refusal::new(format!("registries.conf: {}", reason(&error))))? {
        for entry in read(&path)?.registry {
            entries.retain(|known| known.key() != entry.key());
            entries.push(entry);
        }
    }
    of_entries(&entries, repository, reference)
}

fn of_entries(entries: &[Entry], repository: &str, reference: &str) -> Result<Vec<String>, Refusal> {
    let matching = entries.iter().filter_map(|entry| Some((entry, entry.rest(repository)?)));
    let Some((entry, rest)) = matching.max_by_key(|(entry, _)| entry.key().len()) else {
        return Ok(vec![repository.to_owned()]);
    };
    if entry.blocked {
        return Err(Refusal::new(format!("registries.conf blocks {}", entry.key())));
    }
    let is_digest = reference.contains(':');
    let mirrors = entry.mirror.iter().filter(|mirror| match mirror.pull_from_mirror.as_str() {
        "digest-only" => is_digest,
        "tag-only" => !is_digest,
        _ => true,
    });
    let mut places: Vec<String> = mirrors.map(|mirror| format!("{}{rest}", mirror.location)).collect();
    let is_moved = !entry.location.is_empty() && !entry.prefix.starts_with("*.");
    places.push(if is_moved { format!("{}{rest}", entry.location) } else { repository.to_owned() });
    Ok(places)
}

impl Entry {
    fn key(&self) -> &str {
        if self.prefix.is_empty() { &self.location } else { &self.prefix }
    }

    /// What follows the prefix in a name; `None` if the name has another one.
    fn rest<'n>(&self, name: &'n str) -> Option<&'n str> {
        if let Some(domain) = self.key().strip_prefix('*') {
            let host = name.split('/').next().unwrap_or_default();
            return host.ends_with(domain).then(|| name.get(host.len()..)).flatten();
        }
        let rest = name.strip_prefix(self.key())?;
        (!self.key().is_empty() && (rest.is_empty() || rest.starts_with('/'))).then_some(rest)
    }
}

/// The user's file, or the site's, and those in the directories beside both. Later ones take precedence.
fn files() -> io::Result<Vec<PathBuf>> {
    if let Some(file) = from_variable("CONTAINERS_REGISTRIES_CONF") {
        return Ok(vec![file]);
    }
    let own = containers("registries.conf");
    let site = PathBuf::from(OF_SITE);
    let main = own.clone().filter(|path| path.exists()).unwrap_or_else(|| site.clone());
    let mut files = vec![main];
    for dir in [Some(site), own].into_iter().flatten().map(|path| path.with_extension("conf.d")) {
        let mut found = match fs::read_dir(dir) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            entries => {
                entries?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?
            }
        };
        found.retain(|path| path.extension().is_some_and(|end| end == "conf"));
        found.sort();
        files.extend(found);
    }
    Ok(files)
}

/// A file that is missing says nothing.
fn read(path: &Path) -> Result<Settings, Refusal> {
    let failed = |why: &str| Refusal::new(format!("{}: {}", path.display(), why.trim().replace('\n', " ")));
    let mut text = String::new();
    match File::open(path).and_then(|file| file.take(MOST_BYTES).read_to_string(&mut text)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Settings::default()),
        Err(error) => Err(failed(&reason(&error))),
        Ok(_) => toml::from_str(&text).map_err(|error| failed(error.message())),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Settings, of_entries};

    const TEXT: &str = r#"
        unqualified-search-registries = ["x.io"]
        [[registry]]
        prefix = "docker.io"
        location = "docker.io"
        [[registry.mirror]]
        location = "mirror.io/hub"
        [[registry.mirror]]
        location = "tags.io"
        pull-from-mirror = "tag-only"
        [[registry]]
        prefix = "docker.io/library"
        location = "inner.io/copies"
        [[registry]]
        location = "bad.io"
        blocked = true
        [[registry]]
        prefix = "*.corp"
        [[registry.mirror]]
        location = "near.corp:5000"
    "#;

    fn places(repository: &str, reference: &str) -> Result<Vec<String>, String> {
        let settings: Settings = toml::from_str(TEXT).unwrap();
        of_entries(&settings.registry, repository, reference).map_err(|refusal| refusal.why)
    }

    #[test]
    fn the_longest_prefix_decides_where_an_image_is() {
        for (repository, reference, expected) in [
            ("docker.io/a/b", "latest", &["mirror.io/hub/a/b", "tags.io/a/b", "docker.io/a/b"][..]),
            ("docker.io/a/b", "sha256:0", &["mirror.io/hub/a/b", "docker.io/a/b"]),
            ("docker.io/library/busybox", "1", &["inner.io/copies/busybox"]),
            ("docker.io.evil/a", "1", &["docker.io.evil/a"]),
            ("r.corp/a", "1", &["near.corp:5000/a", "r.corp/a"]),
            ("corp/a", "1", &["corp/a"]),
        ] {
            assert_eq!(places(repository, reference).unwrap(), expected, "{repository}");
        }
        assert_eq!(places("bad.io/a", "1").unwrap_err(), "registries.conf blocks bad.io");
    }
}
