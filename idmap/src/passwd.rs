//! One line of `/etc/passwd`, as in passwd(5): only what a grant depends on.

use crate::number::parse_number;

/// Where local accounts are.
pub const ACCOUNTS_FILE: &str = "/etc/passwd";

/// Longer than any line of an account, in bytes, and shorter than what a reader's buffer would cut off.
const MAX_ACCOUNT: usize = 16 * 1024;

/// A local account. An ID that is no number is left out, and the rest still counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account<'a> {
    /// The account's name.
    pub name: &'a [u8],
    /// Its user ID.
    pub uid: Option<u32>,
    /// Its primary group ID.
    pub gid: Option<u32>,
    /// False for a damaged line: its IDs are in use, but its name owns nothing.
    pub is_whole: bool,
}

impl<'a> Account<'a> {
    /// Reads the first four fields of a line; `None` where it is no account.
    ///
    /// Numbers are taken as the C library takes them, so that whoever can log in is seen here.
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

/// As strtoul(3) with base 10: blanks, a plus and zeros may come first.
fn id(field: &[u8]) -> Option<u32> {
    let digits = field.trim_ascii();
    let digits = digits.strip_prefix(b"+").unwrap_or(digits);
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count().min(digits.len().saturating_sub(1));
    parse_number(digits.get(zeros..)?).ok()
}
