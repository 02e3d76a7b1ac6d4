//! What shows in which sandbox one is: its host name, the prompt's label.

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
