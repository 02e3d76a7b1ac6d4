//! podman: the namespace alone, and a container in it.

use crate::client::{ALL_INSTALLS, Caller, Client, Failure};
use crate::grants::own_then_all;

const UNSHARE: Client = Client {
    words: |_| "podman --storage-driver vfs unshare".to_owned(),
    lines: own_then_all,
    tmp: "/tmp",
    first: "newuidmap",
    caller: Caller::Outside,
    installs: ALL_INSTALLS,
    failure: Failure::IsShown,
};

const RUN: Client = Client {
    words: |_| {
        "podman --storage-driver vfs --runtime crun run --rm --network none --cgroups disabled \
         --rootfs /home/alice/rootfs"
            .to_owned()
    },
    tmp: "/home/alice/rootfs/tmp",
    ..UNSHARE
};

check_client!(unshare, super::UNSHARE);
check_client!(run, super::RUN);
