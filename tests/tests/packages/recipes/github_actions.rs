//! github-actions: the steps of build.yml, as a runner runs them.

use crate::recipes::project::Project;
use std::fs;
use subroot_tests::skip;

const WORKFLOW: &str = include_str!("../../../../packaging/recipes/github-actions/build.yml");
/// The number of steps that need sudo, a release or a registry.
const READ_ONLY: usize = 3;

/// The scripts of the steps, in order.
fn steps(project: &Project) -> Vec<String> {
    project.host.write("/tmp/build.yml", WORKFLOW);
    let step = |at: usize| {
        let query = format!(".jobs.build.steps | map(select(.run))[{at}].run // empty");
        let mut yq = project.host.user("root").command("yq");
        project.host.output(yq.args(["--raw-output", &query, "/tmp/build.yml"])).ok()
    };
    (0..).map(step).take_while(|step| !step.is_empty()).collect()
}

#[test]
fn the_steps_after_the_installation_build_a_project() {
    let Some(project) = Project::new() else { skip!("no Debian root: see what packaging/test says of it") };
    let steps = steps(&project);
    assert_eq!(steps.len(), READ_ONLY + 3, "{steps:?}");
    let mut log = String::new();
    for (at, step) in steps.iter().enumerate() {
        let options = if at < READ_ONLY { "-n" } else { "-e" };
        let mut command = project.alice.command("bash");
        command
            .args(["--noprofile", "--norc", options, "-o", "pipefail", "-c", step])
            .current_dir(&project.sources);
        log += &project.host.output(command.envs([("RUNNER_TEMP", "/home/alice/temp"), ("CI", "true")])).ok();
    }
    assert!(
        log.contains("✓ rootfs      /home/alice/temp/rootfs\n") && log.ends_with("built by 0\n"),
        "{log}"
    );
    assert_eq!(fs::read_to_string(project.sources.join("ci")).expect("a result"), "true\n");
}
