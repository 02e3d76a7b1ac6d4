//! The accounts of every test: alice and bob have grants, carol does not.

/// `/etc/passwd`.
pub(crate) const PASSWD: &str = "\
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
_apt:x:42:65534::/nonexistent:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
alice:x:1000:1000:Alice:/home/alice:/bin/sh
bob:x:1001:1001:Bob:/home/bob:/bin/sh
carol:x:1002:1002:Carol:/home/carol:/bin/sh
";

/// `/etc/group`.
pub(crate) const GROUP: &str = "\
root:x:0:
daemon:x:1:
nogroup:x:65534:
alice:x:1000:
bob:x:1001:
carol:x:1002:
";

/// `/etc/subuid` and `/etc/subgid`.
pub(crate) const GRANTS: &str = "alice:100000:65536\nbob:165536:65536\n";

/// The directory, uid and gid of each user with a home.
pub(crate) const HOMES: [(&str, u32, u32); 3] =
    [("alice", 1000, 1000), ("bob", 1001, 1001), ("carol", 1002, 1002)];
