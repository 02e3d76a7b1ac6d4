//! rootlesskit, the program that starts a rootless Docker.

use crate::clients::client::{ALL_INSTALLS, Caller, Client, Failure};
use crate::clients::grants::own_then_all;

const HOST_NETWORK: Client = Client {
    words: |_| "rootlesskit --net=host".to_owned(),
    lines: own_then_all,
    tmp: "/tmp",
    first: "newuidmap",
    caller: Caller::Outside,
    installs: ALL_INSTALLS,
    failure: Failure::IsShown,
};

check_client!(host_network, super::HOST_NETWORK);
