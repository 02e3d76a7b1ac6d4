//! The mapper's package.

use super::Packages;
use std::fs;
use subroot_tests::skip;

check_lifecycle!("newidmap-helper", "", "/usr/libexec/subroot/newidmap-helper");

#[test]
fn it_has_capabilities_that_are_not_in_force_and_no_setuid_bit() {
    let installation = Packages::built().root();
    installation.quietly("-i newidmap-helper.rpm");
    let expected = "\
0755 0:0 /etc/subroot
0755 0:0 /usr/libexec/subroot
0755 0:0 /usr/libexec/subroot/newidmap-helper cap_setgid,cap_setuid=p
0644 0:0 /usr/share/man/man5/subroot-mapper.conf.5.gz
0644 0:0 /usr/share/man/man8/newidmap-helper.8.gz
";
    assert_eq!(installation.listing(), expected);
}

#[test]
fn a_plain_user_runs_with_all_granted_ids() {
    let Some(installation) = Packages::built().debian() else { skip!("no Debian root file system was made") };
    installation.quietly("-i subroot.rpm newidmap-helper.rpm");
    let run = installation.root.alice("subroot run rootfs -- cat /proc/self/uid_map /proc/self/gid_map");
    let maps = run.ok();
    let words: Vec<&str> = maps.split_whitespace().collect();
    let map = ["0", "1000", "1", "1", "100000", "65536"];
    assert_eq!(words, [map, map].concat());
}

#[test]
fn the_administrators_configuration_outlives_it() {
    let installation = Packages::with_older().root();
    installation.quietly("-i newidmap-helper-older.rpm");
    let config = installation.root.file("/etc/subroot/mapper.conf");
    fs::write(&config, "setgroups = deny\n").expect("writing mapper.conf");
    installation.quietly("-U newidmap-helper.rpm");
    assert_eq!(fs::read_to_string(&config).expect("reading mapper.conf"), "setgroups = deny\n");
    installation.rpm("-e newidmap-helper").ok();
    assert_eq!(fs::read_to_string(&config).expect("reading mapper.conf"), "setgroups = deny\n");
}
