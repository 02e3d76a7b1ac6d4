//! The variant with name services: a directory's accounts, and a `subid:` plugin, on the real kernel and C
//! library.

mod accounts;
mod direct;
mod disturbed;
mod failures;
mod foreign_code;
mod grants;
mod handing_over;
mod launcher;
mod raced;

use crate::{assert_refused, attempt};
use subroot_tests::{DROP_INS, Host, Install, Maps, Outcome, Target, User};

/// A request by alice that no file decides about, and the resulting maps.
const ASKED: &str = "--uid-map 0:300000:65536 --gid-map 0:300000:65536";
const ALL: [Install; 2] = [Install::SetuidRoot, Install::FileCapabilities];

fn granted_maps() -> Maps {
    Maps::new("0 300000 65536", "0 300000 65536", "allow")
}

/// A host with all programs of the project, with privilege from this source.
fn host_with(how: Install) -> Host {
    let host = Host::new();
    host.install_mapper(how);
    host.install_variants(how);
    host.own_libraries();
    host
}

/// A host with a plugin that has this body of `shadow_subid_has_range` and provides the grants.
fn host_with_plugin(body: &str) -> Host {
    let host = host_with(Install::SetuidRoot);
    set_plugin(&host, body);
    host
}

fn set_plugin(host: &Host, body: &str) {
    host.make_library("libsubid_test.so", &plugin(body));
    host.write("/etc/nsswitch.conf", "passwd: files\ngroup: files\nsubid: test\n");
}

/// A plugin as defined by shadow's libsubid.
fn plugin(body: &str) -> String {
    format!(
        "#define _GNU_SOURCE
        #include <dirent.h>
        #include <fcntl.h>
        #include <signal.h>
        #include <stdbool.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/prctl.h>
        #include <unistd.h>
        int shadow_subid_has_range(const char *owner, unsigned long start, unsigned long count, unsigned type, bool *result) {{
            {body}
        }}
        struct subid_range {{ unsigned long start, count; }};
        int shadow_subid_list_owner_ranges(const char *owner, unsigned type, struct subid_range **ranges, int *count) {{
            *ranges = malloc(sizeof **ranges);
            **ranges = (struct subid_range) {{ 300000, 65536 }};
            *count = !strcmp(owner, \"alice\");
            return 0;
        }}
        int shadow_subid_find_subid_owners() {{ return 3; }}
        void shadow_subid_free(void *ranges) {{ free(ranges); }}"
    )
}

/// Grants 300000 to 365535 of both kinds to alice.
const GRANTING: &str =
    "*result = !strcmp(owner, \"alice\") && start >= 300000 && start + count <= 365536; return 0;";

/// Runs both drop-in programs for one target.
fn drop_ins(host: &Host, user: &User, ranges: &str) -> ([Outcome; 2], Maps) {
    let target = Target::new(user);
    let outcomes = DROP_INS.map(|program| {
        let mut command = user.command(program);
        command.arg(target.pid().to_string()).args(ranges.split_whitespace());
        host.output(&mut command)
    });
    (outcomes, target.maps())
}
