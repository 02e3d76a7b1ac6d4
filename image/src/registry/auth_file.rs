//! The files in which podman and docker keep credentials.

use crate::error::reason;
use crate::registry::helper::Helper;
use crate::registry::refusal::Refusal;
use crate::registry::user_files::{containers, from_variable};
use serde_json::{Value, json};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

const MOST_BYTES: u64 = 1 << 20;

/// A file, and what is in it.
pub(crate) struct AuthFile {
    pub(crate) path: PathBuf,
    pub(crate) content: Value,
}

/// The files, the first of which is written: podman's for this login session, podman's own, and docker's.
pub(crate) fn paths() -> Vec<PathBuf> {
    if let Some(file) = from_variable("REGISTRY_AUTH_FILE") {
        return vec![file];
    }
    let session = from_variable("XDG_RUNTIME_DIR").map(|dir| dir.join("containers/auth.json"));
    let of_docker = from_variable("DOCKER_CONFIG").or_else(|| Some(from_variable("HOME")?.join(".docker")));
    let docker = of_docker.map(|dir| dir.join("config.json"));
    [session, containers("auth.json"), docker].into_iter().flatten().collect()
}

impl AuthFile {
    /// All files that exist.
    ///
    /// # Errors
    /// One cannot be read, or is not JSON.
    pub(crate) fn read_all() -> Result<Vec<AuthFile>, Refusal> {
        paths().into_iter().filter_map(|path| AuthFile::read(path).transpose()).collect()
    }

    /// The file; `None` if it does not exist.
    ///
    /// # Errors
    /// It cannot be read, or is not such a file.
    pub(crate) fn read(path: PathBuf) -> Result<Option<AuthFile>, Refusal> {
        let failed = |why: &str| Refusal::new(format!("{}: {why}", path.display()));
        let mut text = Vec::new();
        let read = File::open(&path).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut text));
        match read {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(failed(&reason(&error))),
            Ok(_) => {}
        }
        let is_empty = text.iter().all(u8::is_ascii_whitespace);
        let content = if is_empty { Ok(json!({})) } else { serde_json::from_slice(&text) };
        let content: Value = content.map_err(|error| failed(&format!("it is malformed: {error}")))?;
        let is_object = content.is_object() && content.get("auths").is_none_or(Value::is_object);
        if !is_object {
            return Err(failed("it is malformed: it has no object of credentials"));
        }
        Ok(Some(AuthFile { path, content }))
    }

    /// The credential helper that only this registry has, under the same name.
    pub(crate) fn helper_of<'f>(&'f self, registry: &'f str) -> Option<Helper<'f>> {
        let name = self.content["credHelpers"][registry].as_str()?;
        Some(Helper { name, server: registry })
    }

    /// The credential helper of all registries. docker's hub has its address as its name there.
    pub(crate) fn helper_of_all<'f>(&'f self, registry: &'f str) -> Option<Helper<'f>> {
        let name = self.content["credsStore"].as_str().filter(|name| !name.is_empty())?;
        let server = if registry == "docker.io" { "https://index.docker.io/v1/" } else { registry };
        Some(Helper { name, server })
    }

    /// The entry of a key. docker writes a registry as an address.
    pub(crate) fn entry(&self, key: &str) -> Option<&Value> {
        let entries = self.content["auths"].as_object()?;
        entries.iter().find(|(known, _)| *known == key || plain(known) == key).map(|(_, entry)| entry)
    }

    /// Sets the entry of a key, or removes those that mean the same.
    pub(crate) fn set(&mut self, key: &str, entry: Option<Value>) {
        if self.content["auths"].is_null() {
            self.content["auths"] = json!({});
        }
        if let Some(entries) = self.content["auths"].as_object_mut() {
            entries.retain(|known, _| known != key && plain(known) != key);
            entries.extend(entry.map(|entry| (key.to_owned(), entry)));
        }
    }

    /// Writes the file at one instant, readable only by its owner.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn write(&self) -> Result<(), Refusal> {
        let text = format!("{:#}\n", self.content);
        let written = replace(&self.path, text.as_bytes());
        written.map_err(|error| Refusal::new(format!("writing {}: {}", self.path.display(), reason(&error))))
    }
}

/// `https://HOST/v1/` is HOST.
fn plain(key: &str) -> &str {
    let rest = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://"));
    rest.map_or(key, |rest| rest.split('/').next().unwrap_or(rest))
}

fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(above)?;
    let fresh = above.join(format!(".auth.json-{}", std::process::id()));
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    let written =
        file.write_all(content).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&fresh, path));
    written.inspect_err(|_| {
        // Error ignored: that of writing is reported.
        let _ = fs::remove_file(&fresh);
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{AuthFile, Helper};
    use serde_json::json;

    #[test]
    fn an_entry_replaces_those_that_mean_the_same() {
        let content = json!({"auths": {"https://r.io/v1/": {"auth": "x"}, "q.io": {}}, "credsStore": "s"});
        let mut file = AuthFile { path: "x".into(), content };
        assert_eq!(file.entry("r.io"), Some(&json!({"auth": "x"})));
        file.set("r.io", Some(json!({"auth": "y"})));
        assert_eq!(file.content, json!({"auths": {"r.io": {"auth": "y"}, "q.io": {}}, "credsStore": "s"}));
        file.set("r.io", None);
        assert_eq!(file.entry("r.io"), None);
    }

    #[test]
    fn a_helper_has_a_registry_under_one_name() {
        let content = json!({"credHelpers": {"docker.io": "one"}, "credsStore": "all"});
        let file = AuthFile { path: "x".into(), content };
        let named =
            |helper: Option<Helper<'_>>| helper.map(|helper| format!("{} {}", helper.name, helper.server));
        assert_eq!(named(file.helper_of("docker.io")).as_deref(), Some("one docker.io"));
        assert_eq!(named(file.helper_of("q.io")), None);
        assert_eq!(
            named(file.helper_of_all("docker.io")).as_deref(),
            Some("all https://index.docker.io/v1/")
        );
        assert_eq!(named(file.helper_of_all("q.io")).as_deref(), Some("all q.io"));
    }

    #[test]
    fn a_file_of_another_form_is_refused_and_not_replaced() {
        let path = std::env::temp_dir().join(format!("subroot-auth-{}", std::process::id()));
        for (text, is_read) in
            [("{}", true), (r#"{"auths":{}}"#, true), ("[]", false), (r#"{"auths":[]}"#, false)]
        {
            std::fs::write(&path, text).unwrap();
            assert_eq!(AuthFile::read(path.clone()).is_ok(), is_read, "{text}");
        }
        std::fs::remove_file(&path).unwrap();
    }
}
