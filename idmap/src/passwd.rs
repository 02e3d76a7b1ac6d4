//! One line of `/etc/passwd`, as in passwd(5): the fields that grants depend on.

use crate::number::parse_number;

/// The local accounts.
pub const ACCOUNTS_FILE: &str = "/etc/passwd";

/// A length in bytes that no valid account line reaches. It is less than the reader's buffer, so a line that
/// the buffer cuts off exceeds it.
const MAX_ACCOUNT: usize = 16 * 1024;

/// A local account. An ID that is not a valid number is `None`; the other fields still count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account<'a> {
    /// The account's name.
    pub name: &'a [u8],
    /// Its user ID.
    pub uid: Option<u32>,
    /// Its primary group ID.
    pub gid: Option<u32>,
    /// False for a damaged line. Its IDs count as used, but its name owns no grants.
    pub is_whole: bool,
}

impl<'a> Account<'a> {
    /// Reads the first four fields of a line; `None` if it is not an account.
    ///
    /// Numbers are read as leniently as the C library reads them, so that every account that can log in is
    /// seen.
    pub fn parse(line: &'a [u8]) -> Option<Account<'a>> {
        let mut fields = line.split(|byte| *byte == b':');
        let name = fields.next().filter(|name| !matches!(name.first(), None | Some(b'#' | b'+' | b'-')))?;
        let _password = fields.next().filter(|_| line.len() <= MAX_ACCOUNT)?;
        let (uid, gid) = (fields.next()?, fields.next().unwrap_or(&[]));
        let is_whole = [uid, gid].iter().all(|field| field.last().is_some_and(u8::is_ascii_digit));
        let (uid, gid) = (id(uid), id(gid));
        Some(Account { name, uid, gid, is_whole: is_whole && uid.is_some() && gid.is_some() })
    }
}

/// Accepts what strtoul(3) accepts in base 10: leading blanks, a plus sign and leading zeros.
fn id(field: &[u8]) -> Option<u32> {
    let digits = field.trim_ascii();
    let digits = digits.strip_prefix(b"+").unwrap_or(digits);
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count().min(digits.len().saturating_sub(1));
    parse_number(digits.get(zeros..)?).ok()
}
