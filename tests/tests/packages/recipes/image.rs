//! image: packaging/image in containers of podman, as root with docker's settings and as an ordinary user.

use crate::recipes::podman::Podman;
use subroot_tests::{Install, Outcome, skip};

const NO_ROOT: &str = "no Debian root: see what packaging/test says of it";
/// The image's user and subordinate IDs.
const ALL: &str = "0 1000 1\n1 10000 49999\n65534 59999 1\n";
const SHOW_MAP: &str = "subroot run -- sh -c 'tr -s \" \" </proc/self/uid_map | sed \"s/^ //\"'";
const OLD_PROC: &str = "the kernel refuses a new /proc here, so the existing one is used";

/// Podman's filter without the calls that docker's allows only with CAP_SYS_ADMIN: moby's
/// profiles/seccomp/default.json.
const MAKE_DOCKERS_FILTER: &str = r#"
    jq '.syscalls |= (map(.names -= ["clone", "clone3", "fsconfig", "fsmount", "fsopen", "fspick", "mount", "mount_setattr",
            "move_mount", "open_tree", "pivot_root", "setdomainname", "sethostname", "setns", "umount", "umount2", "unshare"])
        + [{names: ["clone"], action: "SCMP_ACT_ALLOW",
            args: [{index: 0, value: 2114060288, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ"}]},
           {names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: 38}])' \
        /usr/share/containers/seccomp.json >/tmp/docker.json"#;

#[track_caller]
fn assert_says(outcome: &Outcome, lines: &[&str]) {
    for line in lines {
        assert!(outcome.stdout.contains(line), "not {line:?}: {outcome:?}");
    }
}

/// Everything as shown in the README, without any options.
#[track_caller]
fn assert_all_is_mapped(podman: &Podman) {
    let outcome = podman.inside(&[], SHOW_MAP);
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (0, ALL), "{outcome:?}");
    assert!(outcome.stderr.contains(OLD_PROC), "{outcome:?}");
    let given_away = "subroot run -- sh -c 'touch /f; chown 5:6 /f; stat -c %u:%g /f; setpriv --reuid=games --regid=games --init-groups id -u'";
    assert_eq!(podman.inside(&[], given_away).ok(), "5:6\n5\n");
    let import =
        "cd && tar -cf a.tar --owner=7 --group=8 --numeric-owner -C / etc/passwd && subroot import a.tar ./new;
        stat -c %u:%g new/etc/passwd";
    assert_eq!(podman.inside(&[], import).stdout, "10006:10007\n");
    let outcome = podman.inside(&[], "subroot doctor");
    let found = [
        "✓ account     runner (uid 1000)\n",
        "✓ container   this is the inside of a container of podman\n",
        "✓ mapper      /usr/libexec/subroot/newidmap-helper\n",
        "✓ maps        50001 user IDs and 50001 group IDs, written by /usr/libexec/subroot/newidmap-helper\n",
        "! /proc       the one that is here",
        "--security-opt unmask=ALL (podman) or systempaths=unconfined (docker)\n",
        "✓ overlay     --overlay works\n",
    ];
    assert_says(&outcome, &found);
}

#[test]
fn all_that_is_granted_is_mapped_with_dockers_capabilities_and_masks() {
    let Some(podman) = Podman::new("root") else { skip!("{NO_ROOT}") };
    assert_all_is_mapped(&podman);
}

#[test]
fn a_mapper_with_file_capabilities_keeps_them_in_an_image() {
    let Some(podman) = Podman::with_mapper("root", Install::FileCapabilities) else { skip!("{NO_ROOT}") };
    let outcome = podman.inside(&[], &format!("stat -c %a /usr/libexec/subroot/newidmap-helper; {SHOW_MAP}"));
    assert_eq!((outcome.code(), outcome.stdout), (0, format!("755\n{ALL}")));
}

#[test]
fn all_that_is_granted_is_mapped_in_a_plain_users_container() {
    let Some(podman) = Podman::new("alice") else { skip!("{NO_ROOT}") };
    assert_all_is_mapped(&podman);
    // Its root has all IDs of the container, and needs no mapper.
    let outcome = podman.inside(&["--user=0"], SHOW_MAP);
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (0, "0 0 1\n1 1 65536\n"), "{outcome:?}");
}

#[test]
fn options_of_the_container_change_what_the_readme_says() {
    let Some(podman) = Podman::new("root") else { skip!("{NO_ROOT}") };
    podman.host.output(&mut podman.host.user("root").shell(MAKE_DOCKERS_FILTER)).ok();

    let outcome = podman.inside(&["--security-opt=unmask=ALL"], SHOW_MAP);
    assert_eq!((outcome.code(), outcome.stdout.as_str(), outcome.stderr.as_str()), (0, ALL, ""));

    let filter = "--security-opt=seccomp=/tmp/docker.json";
    let outcome = podman.inside(&[filter], &format!("subroot doctor; {SHOW_MAP}"));
    let found = [
        "✗ namespaces  none can be made\n",
        "a seccomp filter of podman forbids user namespaces to this process\n",
    ];
    assert_says(&outcome, &found);
    assert_eq!(outcome.code(), 125, "{outcome:?}");
    let outcome = podman.inside(&["--security-opt=seccomp=/usr/share/containers/seccomp.json"], SHOW_MAP);
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (0, ALL), "{outcome:?}");

    let outcome =
        podman.inside(&["--security-opt=no-new-privileges"], &format!("subroot doctor; {SHOW_MAP}"));
    assert_says(
        &outcome,
        &["no_new_privs is set for this process, so that no mapper gets its privilege\n", "\n0 1000 1\n"],
    );

    let outcome = podman.inside(&["--user=0"], SHOW_MAP);
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (0, "0 0 1\n"), "{outcome:?}");

    let with_nobody = "subroot run -- setpriv --reuid=_apt --regid=nogroup --clear-groups id -gn";
    assert_eq!(podman.inside(&[], with_nobody).ok(), "nogroup\n");
}
