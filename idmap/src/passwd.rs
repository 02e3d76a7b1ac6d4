//! One line of `/etc/passwd`, as in passwd(5): only what a grant depends on.

use crate::number::parse_number;

/// Where local accounts are.
pub const ACCOUNTS_FILE: &str = "/etc/passwd";

/// A local account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account<'a> {
    /// The account's name.
    pub name: &'a [u8],
    /// Its user ID.
    pub uid: u32,
    /// Its primary group ID.
    pub gid: u32,
}

impl<'a> Account<'a> {
    /// Reads the first four fields of a line that has more; `None` where they are not an account.
    pub fn parse(line: &'a [u8]) -> Option<Account<'a>> {
        let mut fields = line.split(|byte| *byte == b':');
        let name = fields.next().filter(|name| !name.is_empty() && !name.starts_with(b"#"))?;
        let _password = fields.next()?;
        let uid = parse_number(fields.next()?).ok()?;
        let gid = parse_number(fields.next()?).ok()?;
        // A line that was cut in its fourth field has no fifth.
        let _comment = fields.next()?;
        Some(Account { name, uid, gid })
    }
}
