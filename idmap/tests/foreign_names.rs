//! A name from name services is the caller's only if no local account has it.

use subroot_idmap::{BadSetting, Files, IdRange, Owner, PluginQuestion, Policy, Text};

/// The text of /etc/passwd, if it can be read.
struct Accounts<'a>(Option<&'a [u8]>);

enum Failed {
    Unreadable,
    Setting,
}

impl From<BadSetting> for Failed {
    fn from(_: BadSetting) -> Failed {
        Failed::Setting
    }
}

impl Files for Accounts<'_> {
    type Error = Failed;

    fn each_line(&mut self, path: &'static str, visit: &mut dyn FnMut(u32, &[u8])) -> Result<(), Failed> {
        assert_eq!(path, "/etc/passwd");
        let accounts = self.0.ok_or(Failed::Unreadable)?;
        accounts.split(|byte| *byte == b'\n').for_each(|line| visit(0, line));
        Ok(())
    }

    fn each_plugin_grant(
        &mut self,
        _: &PluginQuestion<'_>,
        _: &mut dyn FnMut(IdRange),
    ) -> Result<(), Failed> {
        Ok(())
    }
}

fn add(policy: &mut Policy, name: &[u8], accounts: Option<&[u8]>) -> Result<(), Failed> {
    let mut text = Text::EMPTY;
    text.push(name);
    policy.add_name_of_service(&text, &mut Accounts(accounts))
}

/// True if a caller without a local account owns the lines of this name when /etc/passwd has this text.
fn is_accepted(name: &[u8], accounts: &[u8]) -> bool {
    let mut policy = Box::new(Policy::EMPTY);
    assert!(add(&mut policy, name, Some(accounts)).is_ok());
    assert!(policy.asked_name_service());
    policy.caller().owns(Owner::Name(name))
}

#[test]
fn a_name_in_any_local_line_is_rejected_whatever_the_rest_of_the_line() {
    let long = format!("alice:x:1000:1000:{}:/:/bin/sh", "x".repeat(20_000));
    for line in [
        "alice:x:1000:1000::/:/bin/sh",
        "alice:x:1000",
        "alice:x:not a number:1000",
        "alice::",
        "alice:",
        "alice",
        " \talice:x:1000:1000::/:/bin/sh",
        &long,
    ] {
        let accounts = format!("root:x:0:0::/:/bin/sh\n{line}\nbob:x:1001:1001::/:/bin/sh\n");
        assert!(!is_accepted(b"alice", accounts.as_bytes()), "{line}");
    }
    assert!(!is_accepted(b"root", b"root:x:0:0::/:/bin/sh"));
}

#[test]
fn a_name_in_no_local_line_is_accepted() {
    for accounts in ["", "alice2:x:1:1::/:/bin/sh", "bob:x:2:2:alice:/:/bin/sh", "#alice:x:1:1::/:/bin/sh"] {
        assert!(is_accepted(b"alice", accounts.as_bytes()), "{accounts}");
    }
}

#[test]
fn a_name_that_could_mean_another_owner_is_rejected() {
    for name in [&b"alice:"[..], b"alice:x", b":", b"", &[b'a'; 1024], &[b'a'; 1025]] {
        assert!(!is_accepted(name, b"bob:x:2:2::/:/bin/sh"), "{}", name.escape_ascii());
    }
}

#[test]
fn without_the_accounts_file_every_name_is_rejected() {
    let mut policy = Box::new(Policy::EMPTY);
    assert!(matches!(add(&mut policy, b"alice", None), Err(Failed::Unreadable)));
    assert!(!policy.caller().owns(Owner::Name(b"alice")));
}
