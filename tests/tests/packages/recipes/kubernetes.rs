//! kubernetes: the settings of pod.yaml, translated for podman.

use crate::recipes::podman::Podman;
use subroot_tests::skip;

const POD: &str = include_str!("../../../../packaging/recipes/kubernetes/pod.yaml");
/// podman's names for the settings of the pod's container, and an ID of the node for the pod's 0.
const TRANSLATE: &str = r#"
    .spec as $pod | $pod.containers[0].securityContext
    | (if $pod.hostUsers == false then "--uidmap=0:300000:65536", "--gidmap=0:300000:65536" else empty end),
      "--user=\(.runAsUser):\(.runAsGroup)",
      (if .allowPrivilegeEscalation then empty else "--security-opt=no-new-privileges" end),
      (if .procMount == "Unmasked" then "--security-opt=unmask=ALL" else empty end),
      (if .seccompProfile.type == "Unconfined" then "--security-opt=seccomp=unconfined" else empty end)"#;
const CAPABILITIES: &str =
    r#".spec.containers[0].securityContext.capabilities | select(.drop == ["ALL"]).add | join(" ")"#;
const COMMAND: &str = r#".spec.containers[0].command | map(@sh) | join(" ")"#;
const ALL: &str = "0 1000 1 1 10000 49999 65534 59999 1";

/// The result of a jq query on a pod.
fn find(podman: &Podman, pod: &str, query: &str) -> Vec<String> {
    podman.host.write("/tmp/pod.yaml", pod);
    let mut yq = podman.host.user("root").command("yq");
    let found = podman.host.output(yq.args(["--raw-output", query, "/tmp/pod.yaml"])).ok();
    found.lines().map(str::to_owned).collect()
}

/// The map that the pod's command prints, in one line, and whether the sandbox has only the container's own
/// /proc.
fn launch(podman: &Podman, pod: &str) -> (String, bool) {
    podman.limit(&find(podman, pod, CAPABILITIES).join(" "));
    let options = find(podman, pod, TRANSLATE);
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let outcome = podman.inside(&options, &find(podman, pod, COMMAND).join(""));
    let map: Vec<&str> = outcome.stdout.split_whitespace().collect();
    (map.join(" "), outcome.stderr.contains("the kernel refuses a new /proc"))
}

#[test]
fn the_pods_settings_are_enough_and_none_is_too_much() {
    let Some(podman) = Podman::new("root") else {
        skip!("no Debian root: see what packaging/test says of it")
    };
    assert_eq!(launch(&podman, POD), (ALL.to_owned(), false));
    for (setting, without, expected) in [
        ("procMount: Unmasked", "", (ALL, true)),
        ("allowPrivilegeEscalation: true", "allowPrivilegeEscalation: false", ("0 1000 1", false)),
        ("\"SETUID\", ", "", ("0 1000 1", false)),
        (", \"SETGID\"", "", ("0 1000 1", false)),
        ("hostUsers: false", "hostUsers: true", (ALL, false)),
    ] {
        assert!(POD.contains(setting), "{setting}");
        let (map, is_old) = launch(&podman, &POD.replace(setting, without));
        assert_eq!((map.as_str(), is_old), expected, "without {setting}");
    }
}
