//! What shows in which sandbox one is: its host name, the prompt's label, and the title of its init.

use subroot_tests::sandbox::Sandbox;

#[test]
fn the_name_is_the_host_name_unless_another_is_given() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.prints(&["--name", "web"], "hostname"), "web\n");
    assert_eq!(sandbox.prints(&["--name", "web", "-h", "box"], "hostname"), "box\n");
    let host = nix::unistd::gethostname().expect("own name").into_string().expect("UTF-8") + "\n";
    assert_eq!(sandbox.prints(&["--name", &"x".repeat(65)], "hostname"), host);
    assert_eq!(sandbox.prints(&["--name", "web", "--uts", "host"], "hostname"), host);
    assert_eq!(sandbox.prints(&[], "hostname"), host);
}

#[test]
fn a_prompt_shows_the_name_or_the_directory() {
    let sandbox = Sandbox::new();
    let label = |options: &[&str]| sandbox.prints(options, "echo ${debian_chroot-unset}");
    assert_eq!(label(&[]), "rootfs\n");
    assert_eq!(label(&["--name", "web"]), "web\n");
    assert_eq!(label(&["-e", "debian_chroot="]), "\n");
    assert_eq!(label(&["-e", "debian_chroot=x", "--name", "web"]), "x\n");
    let odd = sandbox.alice.home.join("a\u{1b}[1m b");
    std::os::unix::fs::symlink(&sandbox.rootfs.path, &odd).expect("a symlink");
    let mut command = sandbox.alice.command("subroot");
    command.arg("run").arg(&odd).args(["--", "sh", "-c", "echo $debian_chroot"]);
    assert_eq!(sandbox.host.output(&mut command).ok(), "a_[1m b\n");
    let mut command = sandbox.alice.command("subroot");
    command.env("debian_chroot", "outer").args(["run", "--", "sh", "-c", "echo $debian_chroot"]);
    assert_eq!(sandbox.host.output(&mut command).ok(), "subroot\n");
}

/// The launcher's arguments and environment can have secrets.
#[test]
fn init_shows_its_name_and_no_argument_or_variable_of_the_launcher() {
    let sandbox = Sandbox::new();
    let script =
        "tr '\\0' '|' </proc/1/cmdline; echo; cat /proc/1/comm; cat /proc/1/environ 2>/dev/null | wc -c";
    for user in ["0", "12"] {
        let mut command = sandbox.shell(&["-e", "TOKEN=hidden", "-u", user, "--name", "web"], script);
        let seen = sandbox.host.output(command.env("SECRET", "hidden")).ok();
        assert_eq!(seen, "subroot-init web|\nsubroot-init\n0\n", "{user}");
    }
    assert!(sandbox.prints(&["-e", "TOKEN=hidden"], script).starts_with("subroot-init|\n"));
    // Longer than all arguments and variables.
    let name = "n".repeat(128);
    let mut command = sandbox.shell(&["--name", &name], script);
    let seen = sandbox
        .host
        .output(command.env_clear().env("PATH", "/usr/local/bin").env("HOME", "/home/alice"))
        .stdout;
    assert!(seen.starts_with(&format!("subroot-init {name}")), "{seen}");
}

/// The shared memory of init and the process that becomes the command has no old strings either.
#[test]
fn a_command_that_is_pid_1_has_its_own_arguments() {
    let sandbox = Sandbox::new();
    let script = "tr '\\0' '|' </proc/1/cmdline | cut -c 1-6; cat /proc/1/comm; true";
    assert_eq!(sandbox.prints(&["--as-pid-1", "-e", "TOKEN=hidden"], script), "sh|-c|\nsh\n");
}
