//! Names of devices: VENDOR/CLASS=NAME, such as nvidia.com/gpu=all.

/// True for a full name of a device. No path that podman takes for a device looks like one.
pub(crate) fn is_qualified(name: &str) -> bool {
    parse(name).is_some()
}

/// The kind (vendor and class) and the name of a device.
pub(super) fn parse(full: &str) -> Option<(&str, &str)> {
    let (kind, name) = full.split_once('=')?;
    let (vendor, class) = kind.split_once('/')?;
    let starts_with_letter = |part: &str| part.starts_with(|first: char| first.is_ascii_alphabetic());
    let is_valid = starts_with_letter(vendor)
        && starts_with_letter(class)
        && is_name(vendor, "_-.")
        && is_name(class, "_-.")
        && is_name(name, "_-.:");
    is_valid.then_some((kind, name))
}

/// Letters and digits, with these characters between them.
fn is_name(part: &str, between: &str) -> bool {
    let is_end = |end: Option<char>| end.is_some_and(|end| end.is_ascii_alphanumeric());
    is_end(part.chars().next())
        && is_end(part.chars().next_back())
        && part.chars().all(|letter| letter.is_ascii_alphanumeric() || between.contains(letter))
}

#[cfg(test)]
mod tests {
    use super::{is_qualified, parse};

    #[test]
    fn a_name_has_a_vendor_a_class_and_a_device() {
        assert_eq!(parse("nvidia.com/gpu=all"), Some(("nvidia.com/gpu", "all")));
        assert_eq!(parse("a/b=0:1"), Some(("a/b", "0:1")));
    }

    #[test]
    fn paths_are_no_names() {
        for path in [
            "/dev/fuse",
            "./a/b=c",
            "dev/fuse",
            "dev/a=",
            "dev/=c",
            "/a=b",
            "1/b=c",
            "a/b=-",
            "a/b/c=d",
            "a/b=c/d",
        ] {
            assert!(!is_qualified(path), "{path}");
        }
    }
}
