//! A runner like GitLab's: it calls the four stages in order, with the environment, arguments and exit codes
//! of the protocol.

use nix::unistd::Pid;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use subroot_tests::{Host, Outcome, Rootfs, User};

/// The files of the recipe.
const FILES: [(&str, &str); 6] = [
    ("config", include_str!("../../../../../packaging/recipes/gitlab-runner/config")),
    ("prepare", include_str!("../../../../../packaging/recipes/gitlab-runner/prepare")),
    ("run", include_str!("../../../../../packaging/recipes/gitlab-runner/run")),
    ("cleanup", include_str!("../../../../../packaging/recipes/gitlab-runner/cleanup")),
    ("job.bash", include_str!("../../../../../packaging/recipes/gitlab-runner/job.bash")),
    ("settings", include_str!("../../../../../packaging/recipes/gitlab-runner/settings")),
];
const CONFIG: &str = include_str!("../../../../../packaging/recipes/gitlab-runner/config.toml");
/// Neither is the runner's current value: the driver must read them.
const BUILD_FAILURE: i32 = 61;
const SYSTEM_FAILURE: i32 = 62;
const PATIENCE: Duration = Duration::from_secs(120);

/// The stages before and after that of the job's own script: docs.gitlab.com/runner/executors/custom.
const BEFORE: [&str; 4] = ["prepare_script", "get_sources", "restore_cache", "download_artifacts"];
const AFTER: [&str; 4] =
    ["after_script", "archive_cache", "upload_artifacts_on_success", "cleanup_file_variables"];

/// The runner's result for a job.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    Success,
    BuildFailure,
    SystemFailure,
}

/// A job as GitLab sends it: the variables are the author's; the ID and the project are not.
pub(crate) struct Job {
    pub(crate) id: u32,
    pub(crate) project: u32,
    pub(crate) variables: Vec<(&'static str, &'static str)>,
    /// The scripts of the stages that have work to do.
    pub(crate) scripts: Vec<(&'static str, String)>,
}

impl Job {
    /// A job with a script in this root.
    pub(crate) fn new(id: u32, image: &'static str, script: impl Into<String>) -> Job {
        let scripts = vec![("step_script", script.into())];
        Job { id, project: 7, variables: vec![("CI_JOB_IMAGE", image)], scripts }
    }

    fn script(&self, stage: &str) -> &str {
        self.scripts.iter().find(|(name, _)| *name == stage).map_or(":", |(_, script)| script)
    }
}

/// The runner, which uses alice's account.
pub(crate) struct Runner {
    pub(crate) host: Host,
    pub(crate) alice: User,
    driver: PathBuf,
}

impl Runner {
    /// A runner with a single root of this name.
    pub(crate) fn new(host: Host, name: &str, root: &Rootfs) -> Runner {
        let alice = host.user("alice");
        let driver = PathBuf::from("/tmp/driver");
        for dir in [&driver, &alice.home.join("roots")] {
            host.make_dir(dir, &alice);
        }
        symlink(&root.path, alice.home.join("roots").join(name)).expect("a link to the root");
        for (name, content) in FILES {
            host.write(driver.join(name).to_str().expect("UTF-8"), content);
            fs::set_permissions(driver.join(name), Permissions::from_mode(0o755)).expect("a mode");
        }
        Runner { host, alice, driver }
    }

    /// A runner with a small root named `small`.
    pub(crate) fn with_busybox() -> Runner {
        let host = Host::new();
        let root = Rootfs::busybox(&host.user("alice"));
        Runner::new(host, "small", &root)
    }

    /// An executable of the driver with the environment of a job.
    fn stage(&self, job: &Job, name: &str) -> Command {
        let entry = format!("\n    {name}_exec = \"/opt/subroot-runner/{name}\"\n");
        assert!(CONFIG.contains(&entry), "config.toml does not name {name}");
        let response = PathBuf::from(format!("/tmp/response-{}", job.id));
        let project = job.project;
        let content =
            format!("{{\"id\":{},\"token\":\"t\",\"job_info\":{{\"project_id\":{project}}}}}", job.id);
        self.host.write(response.to_str().expect("UTF-8"), content);
        let mut command = self.alice.command(self.driver.join(name));
        command.env("JOB_RESPONSE_FILE", response);
        command.env("BUILD_FAILURE_EXIT_CODE", BUILD_FAILURE.to_string());
        command.env("SYSTEM_FAILURE_EXIT_CODE", SYSTEM_FAILURE.to_string());
        command
            .env("BUILD_EXIT_CODE_FILE", self.exit_code_file(job))
            .env("CUSTOM_ENV_CI_JOB_ID", job.id.to_string());
        command.envs(job.variables.iter().map(|(name, value)| (format!("CUSTOM_ENV_{name}"), value)));
        command
    }

    /// The file for the script's own status.
    fn exit_code_file(&self, job: &Job) -> PathBuf {
        self.alice.home.join(format!("exit-code-{}", job.id))
    }

    /// The status that the driver reports for the script of a failed job.
    pub(crate) fn exit_code(&self, job: &Job) -> String {
        fs::read_to_string(self.exit_code_file(job)).expect("the exit code")
    }

    /// `run_exec`, with the script that the runner creates for a stage.
    pub(crate) fn run(&self, job: &Job, stage: &str) -> Command {
        let path = self.alice.home.join(format!("script-{}-{stage}", job.id));
        let script = format!(
            "#!/usr/bin/env bash\n\nset -o errexit\nset +o noclobber\n: | eval 'export CI=true\nmkdir -p /builds/group/project\n\
             cd /builds/group/project\n{}'\nexit 0\n",
            job.script(stage).replace('\'', "'\"'\"'")
        );
        fs::write(&path, script).expect("writing a script");
        let mut command = self.stage(job, "run");
        command.arg(path).arg(stage);
        command
    }

    /// Config and prepare.
    pub(crate) fn begin(&self, job: &Job) -> Outcome {
        let config = self.host.output(&mut self.stage(job, "config"));
        if config.code() != 0 {
            return config;
        }
        assert!(config.stdout.contains("\"builds_dir\": \"/builds\""), "{config:?}");
        self.host.output(&mut self.stage(job, "prepare"))
    }

    /// The cleanup, which is done whatever happened before.
    pub(crate) fn clean_up(&self, job: &Job) {
        let cleaned = self.host.output(&mut self.stage(job, "cleanup"));
        assert_eq!((cleaned.code(), cleaned.stderr.as_str()), (0, ""), "{cleaned:?}");
        assert!(!self.dir(job).exists(), "the job's directory remains");
    }

    /// The directory of a job.
    pub(crate) fn dir(&self, job: &Job) -> PathBuf {
        self.alice.home.join(format!("jobs/{}", job.id))
    }

    /// A whole job, as far as it gets: its result and its log.
    pub(crate) fn perform(&self, job: &Job) -> (End, String) {
        let mut log = String::new();
        let mut end = self.take(self.begin(job), &mut log);
        for stage in BEFORE.iter().chain(&["step_script"]) {
            if end == End::Success {
                end = self.take(self.host.output_within(PATIENCE, &mut self.run(job, stage)), &mut log);
            }
        }
        if end != End::SystemFailure {
            for stage in AFTER {
                let after = self.host.output(&mut self.run(job, stage));
                assert_eq!(self.take(after, &mut log), End::Success, "{stage}: {log}");
            }
        }
        self.clean_up(job);
        (end, log)
    }

    /// The runner's result for a stage; any other status is a failure of the driver.
    pub(crate) fn take(&self, outcome: Outcome, log: &mut String) -> End {
        log.push_str(&outcome.stdout);
        log.push_str(&outcome.stderr);
        match outcome.code() {
            0 => End::Success,
            BUILD_FAILURE => End::BuildFailure,
            SYSTEM_FAILURE => End::SystemFailure,
            _ => panic!("an unknown exit code: {outcome:?}"),
        }
    }

    /// The files in the account's home, except those that this runner puts there itself.
    pub(crate) fn left(&self) -> Vec<PathBuf> {
        let jobs = self.alice.home.join("jobs");
        let entries = fs::read_dir(&jobs).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect()
    }
}

/// Sends a stage a signal as the runner does: to its process group.
pub(crate) fn signal(stage: Pid, signal: nix::sys::signal::Signal) {
    nix::sys::signal::killpg(stage, signal).expect("signalling a process group");
}
