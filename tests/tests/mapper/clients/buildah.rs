//! buildah: requests the gid map first, and continues with one ID if it does not get it.

use crate::clients::client::{ALL_INSTALLS, Caller, Client, Failure};
use crate::clients::grants::own_then_all;

const UNSHARE: Client = Client {
    words: |_| "buildah --storage-driver vfs unshare".to_owned(),
    lines: own_then_all,
    tmp: "/tmp",
    first: "newgidmap",
    caller: Caller::Outside,
    installs: ALL_INSTALLS,
    failure: Failure::FallsBack,
};

check_client!(unshare, super::UNSHARE);
