//! jenkins: the sh steps of the Jenkinsfile, as an agent runs them.

use crate::recipes::project::Project;
use subroot_tests::skip;

const JENKINSFILE: &str = include_str!("../../../../packaging/recipes/jenkins/Jenkinsfile");

#[test]
fn the_steps_build_and_test_a_project_and_leave_nothing() {
    let Some(project) = Project::new() else { skip!("no Debian root: see what packaging/test says of it") };
    // In Groovy, a backslash in ''' is written twice.
    let steps = JENKINSFILE.split("'''").skip(1).step_by(2).map(|step| step.replace("\\\\", "\\"));
    let mut log = Vec::new();
    for step in steps {
        let mut command = project.alice.command("sh");
        command.args(["-xe", "-c", &step]).current_dir(&project.sources);
        command
            .env("WORKSPACE", &project.sources)
            .env("ROOTFS", "/home/alice/temp/rootfs")
            .env("BUILD_NUMBER", "7");
        log.push(project.host.output(&mut command).ok());
    }
    assert_eq!(log, ["", "built by 0\n", "hello\n", ""]);
    let left = project.host.output(&mut project.alice.shell("ls -d src@tmp/*")).stdout;
    assert_eq!(left, "");
}
