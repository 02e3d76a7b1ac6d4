//! Names of images, in the grammar of Docker's references: `[HOST[:PORT]/]PATH[:TAG][@DIGEST]`.

use crate::images::run_file::is_digest;
use std::ffi::OsStr;

const HUB: &str = "docker.io";
/// The path of the hub's images that have only one name.
const OFFICIAL: &str = "library/";
const LATEST: &str = "latest";
/// The longest host and path.
const LONGEST: usize = 255;
const LONGEST_TAG: usize = 128;

/// The name of an image.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImageName {
    canonical: String,
    familiar: String,
}

impl ImageName {
    /// Reads a name. A name without a host is one of docker.io, and one without a tag has the tag `latest`.
    /// If there is a digest, the tag has no meaning and is dropped.
    ///
    /// # Errors
    /// Why it is not a name of an image.
    pub fn parse(name: &OsStr) -> Result<ImageName, String> {
        let name = name.to_str().ok_or("it is not UTF-8")?;
        let canonical = canonical(name)?;
        let familiar = familiar(&canonical).to_owned();
        Ok(ImageName { canonical, familiar })
    }

    /// The whole name, such as `docker.io/library/busybox:latest`.
    #[must_use]
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// The shortest name, such as `busybox`.
    #[must_use]
    pub fn familiar(&self) -> &str {
        &self.familiar
    }
}

fn canonical(name: &str) -> Result<String, String> {
    let (name, digest) = name.split_once('@').map_or((name, None), |(name, digest)| (name, Some(digest)));
    let (repository, tag) = split_tag(name);
    let (host, path) = split_host(repository);
    check_host(host)?;
    check_path(path)?;
    let is_official = host == HUB && !path.contains('/');
    let repository = format!("{host}/{}{path}", if is_official { OFFICIAL } else { "" });
    if repository.len() > LONGEST {
        return Err(format!("it is longer than {LONGEST} bytes"));
    }
    if let Some(tag) = tag {
        check_tag(tag)?;
    }
    match digest {
        Some(digest) if is_digest(digest) => Ok(format!("{repository}@{digest}")),
        Some(_) => Err("after @ there must be sha256: and 64 hexadecimal digits".into()),
        // Docker's command line takes these digits for the ID of an image.
        None if tag.is_none() && !repository_has_host(name) && is_image_id(path) => {
            Err("64 hexadecimal digits are not a name".into())
        }
        None => Ok(format!("{repository}:{}", tag.unwrap_or(LATEST))),
    }
}

/// The tag follows the last colon, unless that colon is in front of a port.
fn split_tag(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
        _ => (name, None),
    }
}

/// The first part is a host if it cannot be a part of a path: it has a dot, a colon or a capital letter, or is
/// localhost.
fn split_host(repository: &str) -> (&str, &str) {
    match repository.split_once('/') {
        Some(("index.docker.io", path)) => (HUB, path),
        Some((host, path)) if is_host(host) => (host, path),
        _ => (HUB, repository),
    }
}

fn repository_has_host(repository: &str) -> bool {
    repository.split_once('/').is_some_and(|(host, _)| is_host(host))
}

fn is_host(part: &str) -> bool {
    part == "localhost"
        || part.contains(['.', ':'])
        || part.contains(|letter: char| letter.is_ascii_uppercase())
}

fn is_image_id(path: &str) -> bool {
    path.len() == 64 && path.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn check_host(host: &str) -> Result<(), String> {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').ok_or("its host has no closing bracket")?,
        None => host.find(':').map_or((host, ""), |at| host.split_at(at)),
    };
    let is_port = match port.strip_prefix(':') {
        Some(digits) => !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()),
        None => port.is_empty(),
    };
    let is_address =
        |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':');
    let is_name = if host.starts_with('[') { is_address(name) } else { name.split('.').all(is_label) };
    if is_name && is_port { Ok(()) } else { Err(format!("{host} is not a host")) }
}

fn is_label(label: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !label.is_empty() && label.bytes().all(is_inner) && !label.starts_with('-') && !label.ends_with('-')
}

fn check_path(path: &str) -> Result<(), String> {
    match path.split('/').find(|part| !is_part(part)) {
        Some("") => Err("a part of it is empty".into()),
        Some(part) => Err(format!(
            "{part} is not a part of a name: small letters and digits, and single dots, one or two underscores or dashes between them"
        )),
        None => Ok(()),
    }
}

/// Small letters and digits, with separators between them: a dot, one or two underscores, or dashes.
fn is_part(part: &str) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = part.as_bytes();
    let ends = [bytes.first(), bytes.last()];
    ends.iter().all(|end| end.is_some_and(is_plain))
        && part
            .split(|letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit())
            .all(|separator| matches!(separator, "" | "." | "_" | "__") || is_dashes(separator))
}

fn is_dashes(separator: &str) -> bool {
    separator.bytes().all(|byte| byte == b'-')
}

fn check_tag(tag: &str) -> Result<(), String> {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    let fits = (1..=LONGEST_TAG).contains(&tag.len());
    if fits && tag.bytes().all(is_inner) && !tag.starts_with(['.', '-']) {
        return Ok(());
    }
    Err(format!("{tag} is not a tag: up to {LONGEST_TAG} letters, digits, underscores, dots and dashes"))
}

/// The shortest text that is read as the same name.
fn familiar(whole: &str) -> &str {
    let path = whole.strip_prefix(HUB).and_then(|path| path.strip_prefix('/'));
    let short = path.map(|path| path.strip_prefix(OFFICIAL).unwrap_or(path));
    let without_tag =
        |name: &'_ str| name.len() - name.strip_suffix(":latest").map_or(0, |_| ":latest".len());
    // Error ignored: a text that is not a name is not the same one.
    [short, path, Some(whole)]
        .into_iter()
        .flatten()
        .flat_map(|name| [&name[..without_tag(name)], name])
        .find(|name| canonical(name).is_ok_and(|read| read == whole))
        .unwrap_or(whole)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::ImageName;

    fn read(name: &str) -> Result<[String; 2], String> {
        let name = ImageName::parse(name.as_ref())?;
        Ok([name.canonical().to_owned(), name.familiar().to_owned()])
    }

    #[test]
    fn names_have_one_canonical_and_one_familiar_form() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        let with_digest = format!("busybox:1.36@{digest}");
        let canonical_digest = format!("docker.io/library/busybox@{digest}");
        let familiar_digest = format!("busybox@{digest}");
        for (typed, canonical, familiar) in [
            ("busybox", "docker.io/library/busybox:latest", "busybox"),
            ("busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36"),
            ("docker.io/busybox", "docker.io/library/busybox:latest", "busybox"),
            ("index.docker.io/library/busybox", "docker.io/library/busybox:latest", "busybox"),
            ("library/busybox:latest", "docker.io/library/busybox:latest", "busybox"),
            ("user/app", "docker.io/user/app:latest", "user/app"),
            ("docker.io/library/a/b", "docker.io/library/a/b:latest", "library/a/b"),
            ("docker.io/localhost/a", "docker.io/localhost/a:latest", "docker.io/localhost/a"),
            ("localhost/a", "localhost/a:latest", "localhost/a"),
            ("localhost:5000/a", "localhost:5000/a:latest", "localhost:5000/a"),
            ("quay.io/a/b_c:V.1-x", "quay.io/a/b_c:V.1-x", "quay.io/a/b_c:V.1-x"),
            ("[::1]:5000/a", "[::1]:5000/a:latest", "[::1]:5000/a"),
            ("Host/a", "Host/a:latest", "Host/a"),
            ("a__b/c---d.e", "docker.io/a__b/c---d.e:latest", "a__b/c---d.e"),
            (&with_digest, &canonical_digest, &familiar_digest),
        ] {
            assert_eq!(read(typed), Ok([canonical, familiar].map(str::to_owned)), "{typed}");
            assert_eq!(read(canonical), read(typed));
            assert_eq!(read(familiar), read(typed));
        }
    }

    #[test]
    fn other_texts_are_not_names() {
        let long = format!("a/{}", "b".repeat(255));
        let id = "0a".repeat(32);
        for name in [
            "",
            "Busybox",
            "-a",
            "a-",
            "a..b",
            "a___b",
            "a//b",
            "/a",
            "a/",
            "a:",
            "a:.b",
            "a:-b",
            "a b",
            "a:b:c",
            "a@sha256:00",
            "a@",
            "../a",
            "./a",
            ".",
            "..",
            "a/../b",
            "localhost:x/a",
            "-h.io/a",
            "ä",
            "a\nb",
            "[::1/a",
            &long,
            &id,
        ] {
            let why = read(name).unwrap_err();
            assert!(!why.is_empty(), "{name}");
        }
    }
}
