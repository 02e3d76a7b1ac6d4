//! One spelling of a number: ASCII decimal, no sign, no blank, no leading zero (property P4).

/// Why a number was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberError {
    /// There is nothing there.
    Empty,
    /// Something other than the digits 0 to 9.
    NotDecimal,
    /// A zero before other digits: octal to some readers, decimal to others.
    LeadingZero,
    /// More than 32 bits.
    TooLarge,
}

impl NumberError {
    /// The reason in a few words.
    pub const fn reason(self) -> &'static str {
        match self {
            NumberError::Empty => "a number is missing",
            NumberError::NotDecimal => "a number is not plain decimal",
            NumberError::LeadingZero => "a number has a leading zero",
            NumberError::TooLarge => "a number does not fit 32 bits",
        }
    }
}

/// Reads a whole field as a 32-bit number.
///
/// # Errors
/// Whatever is not exactly one decimal number.
pub fn parse_number(field: &[u8]) -> Result<u32, NumberError> {
    match field {
        [] => return Err(NumberError::Empty),
        [b'0', _, ..] if field.iter().all(u8::is_ascii_digit) => return Err(NumberError::LeadingZero),
        _ => {}
    }
    field.iter().try_fold(0u32, |value, byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return Err(NumberError::NotDecimal);
        }
        value.checked_mul(10).and_then(|tens| tens.checked_add(u32::from(digit))).ok_or(NumberError::TooLarge)
    })
}
