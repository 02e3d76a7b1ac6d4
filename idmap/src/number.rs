//! The only accepted spelling of a number: ASCII decimal without sign, blank or leading zero (property P4).

use crate::invalid::Invalid;

/// Reads a whole field as a 32-bit number.
///
/// # Errors
/// The field is empty, contains anything but digits, has a leading zero, or exceeds 32 bits.
pub fn parse_number(field: &[u8]) -> Result<u32, Invalid> {
    match field {
        [] => return Err(Invalid::NoNumber),
        _ if !field.iter().all(u8::is_ascii_digit) => return Err(Invalid::NotDecimal),
        [b'0', _, ..] => return Err(Invalid::LeadingZero),
        _ => {}
    }
    let append = |value: u32, digit: &u8| value.checked_mul(10)?.checked_add(u32::from(digit & 15));
    field.iter().try_fold(0, append).ok_or(Invalid::TooLarge)
}

/// Splits `text` at the separators; `None` unless there are exactly `N` fields.
pub(crate) fn fields<const N: usize>(text: &[u8], separator: u8) -> Option<[&[u8]; N]> {
    let mut fields = text.split(|byte| *byte == separator);
    let mut found: [&[u8]; N] = [b""; N];
    for field in &mut found {
        *field = fields.next()?;
    }
    fields.next().is_none().then_some(found)
}
