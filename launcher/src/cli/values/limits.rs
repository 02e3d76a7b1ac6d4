//! `--ulimit` and `--umask`.

use crate::cli::values::{mode, number};
use crate::request::limits::{Limit, Resource};

/// `--ulimit NAME=SOFT[:HARD]`; -1 or `unlimited` removes the limit.
///
/// # Errors
/// Why the value is invalid.
pub(crate) fn limit(value: &str) -> Result<Limit, String> {
    let (name, values) = value.split_once('=').ok_or_else(|| format!("{value} is not NAME=SOFT[:HARD]"))?;
    let name = name.to_ascii_lowercase();
    let name = name.strip_prefix("rlimit_").unwrap_or(&name);
    let resource = Resource::named(name).ok_or_else(|| format!("unknown limit {name}"))?;
    let value = |value: &str| match value {
        "-1" | "unlimited" => Ok(Limit::UNLIMITED),
        value => number(value.as_ref()),
    };
    let (soft, hard) = values.split_once(':').unwrap_or((values, values));
    Ok(Limit::new(resource, value(soft)?, value(hard)?))
}

/// `--umask MODE`, in octal.
///
/// # Errors
/// The value is not one to four octal digits.
pub(crate) fn umask(value: &str) -> Result<u32, String> {
    mode(value).ok_or_else(|| format!("{value} is not an octal mode up to 0777"))
}

#[cfg(test)]
mod tests {
    use super::{limit, umask};

    #[test]
    fn a_limit_has_a_soft_and_a_hard_value() {
        let nofile = limit("nofile=64:128").map(|limit| (limit.resource.name(), limit.soft, limit.hard));
        assert_eq!(nofile, Ok(("nofile", 64, 128)));
        assert_eq!(limit("RLIMIT_CORE=-1").map(|limit| limit.soft), Ok(u64::MAX));
        for wrong in ["nofile", "files=1", "nofile=x", "nofile=", "nofile=+1"] {
            assert!(limit(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_umask_is_octal() {
        assert_eq!(umask("0027"), Ok(0o27));
        for wrong in ["8", "11777", "", "-1", "+22222", "+22"] {
            assert!(umask(wrong).is_err(), "{wrong}");
        }
    }
}
