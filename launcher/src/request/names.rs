//! Checks of names given to a sandbox.

/// Checks a hostname: at most 64 bytes, as for sethostname(2).
///
/// # Errors
/// A name that is empty, too long or has invalid characters.
pub(crate) fn check_hostname(name: &str) -> Result<(), String> {
    if is_of_name(name, 64) {
        return Ok(());
    }
    Err(format!("invalid hostname {name}: it must have 1 to 64 letters, digits, dots and dashes"))
}

/// Checks a sandbox's name: letters, digits, dots, dashes and underscores, and not only digits.
///
/// # Errors
/// Any other name.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
    if is_of_name(name, 128) && !is_number && !name.starts_with(['.', '-']) {
        return Ok(());
    }
    Err(format!(
        "invalid name {name}: it must have letters, digits, dots, dashes and underscores, and not only digits"
    ))
}

fn is_of_name(name: &str, longest: usize) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    (1..=longest).contains(&name.len()) && name.bytes().all(fits)
}
