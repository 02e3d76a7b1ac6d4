//! `--userns`, `--uidmap` and `--gidmap`.

use std::os::linux::fs::MetadataExt;
use subroot_tests::Install;
use subroot_tests::sandbox::{Sandbox, assert_refused, map_lines};

#[test]
fn the_modes_lay_ids_out_as_they_say() {
    let sandbox = Sandbox::new();
    for (mode, expected) in [
        ("auto", ["0 1000 1", "1 100000 65536"].as_slice()),
        ("auto:size=1", &["0 1000 1"]),
        ("auto:size=2001", &["0 1000 1", "1 100000 2000"]),
        ("auto:size=65537", &["0 1000 1", "1 100000 65536"]),
        ("subids", &["0 100000 65536", "65536 1000 1"]),
        ("host-id", &["1000 1000 1"]),
        ("keep-id", &["0 100000 1000", "1000 1000 1", "1001 101000 64536"]),
        ("keep-id:uid=0,gid=0", &["0 1000 1", "1 100000 65536"]),
        ("keep-id:uid=5,gid=5", &["0 100000 5", "5 1000 1", "6 100005 65531"]),
        ("keep-id:uid=100000,gid=100000", &["0 100000 65536", "100000 1000 1"]),
    ] {
        assert_eq!(sandbox.maps(&["--userns", mode]), [expected, expected], "{mode}");
    }
}

/// Of fewer than 65,535 IDs, the last one is nobody and nogroup.
#[test]
fn the_last_of_few_ids_is_65534() {
    let sandbox = Sandbox::new();
    for (granted, expected, subids) in [
        (
            "100000:65534",
            &["0 1000 1", "1 100000 65534"][..],
            &["0 100000 65533", "65534 165533 1", "65536 1000 1"][..],
        ),
        (
            "100000:65533",
            &["0 1000 1", "1 100000 65532", "65534 165532 1"],
            &["0 100000 65532", "65534 165532 1", "65536 1000 1"],
        ),
        ("100000:65535", &["0 1000 1", "1 100000 65535"], &["0 100000 65535", "65536 1000 1"]),
        (
            "100000:2001",
            &["0 1000 1", "1 100000 2000", "65534 102000 1"],
            &["0 100000 2000", "65534 102000 1", "65536 1000 1"],
        ),
        (
            "100000:2",
            &["0 1000 1", "1 100000 1", "65534 100001 1"],
            &["0 100000 1", "65534 100001 1", "65536 1000 1"],
        ),
        ("100000:1", &["0 1000 1", "65534 100000 1"], &["0 100000 1", "65536 1000 1"]),
        (
            "100000:5\nalice:300000:5",
            &["0 1000 1", "1 100000 5", "6 300000 4", "65534 300004 1"],
            &["0 100000 5", "5 300000 4", "65534 300004 1", "65536 1000 1"],
        ),
        ("100000:70000", &["0 1000 1", "1 100000 70000"], &["0 100000 70000", "70000 1000 1"]),
    ] {
        ["/etc/subuid", "/etc/subgid"]
            .iter()
            .for_each(|file| sandbox.host.write(file, format!("alice:{granted}\n")));
        assert_eq!(sandbox.maps(&[]), [expected, expected], "{granted}");
        assert_eq!(sandbox.maps(&["--userns", "subids"]), [subids, subids], "{granted}");
    }
    ["/etc/subuid", "/etc/subgid"].iter().for_each(|file| sandbox.host.write(file, "alice:100000:2001\n"));
    for (mode, expected) in [
        ("auto:size=2002", ["0 1000 1", "1 100000 2001"].as_slice()),
        ("keep-id", &["0 100000 1000", "1000 1000 1", "1001 101000 1001"]),
    ] {
        assert_eq!(
            sandbox.maps(&["--userns", mode]),
            [expected, expected],
            "{mode}: these are as they are asked for"
        );
    }
}

#[test]
fn lines_may_be_given() {
    let sandbox = Sandbox::new();
    let options = ["--uidmap", "0:1:10", "--uidmap", "10:0", "--gidmap", "0:0:3"];
    let [uid, gid] = sandbox.maps(&options);
    assert_eq!(
        (uid, gid),
        (
            vec!["0 100000 10".to_owned(), "10 1000 1".into()],
            vec!["0 1000 1".to_owned(), "1 100000 2".into()]
        )
    );
    assert_eq!(sandbox.maps(&["--uidmap", "0:1"]), [["0 100000 1"]; 2], "one ID where no count is given");
    let both = sandbox.maps(&["--uidmap", "0:@100100:5", "--uidmap", "7:0"]);
    assert_eq!(both[0], ["0 100100 5", "7 1000 1"]);
    assert_eq!(both[0], both[1], "group IDs are mapped as user IDs where nothing is said of them");
}

#[test]
fn a_kept_user_keeps_the_id_and_owns_the_same_files() {
    let sandbox = Sandbox::new();
    for mode in ["keep-id", "host-id"] {
        let script =
            "id -u; id -g; touch /tmp/mine; stat -c %u /tmp/mine; cat /proc/self/status | grep CapEff";
        assert_eq!(
            sandbox.prints(&["--userns", mode], script),
            "1000\n1000\n1000\nCapEff:\t0000000000000000\n",
            "{mode}"
        );
        let file = sandbox.rootfs.path.join("tmp/mine");
        assert_eq!(std::fs::metadata(&file).expect("the file of uid 1000").st_uid(), 1000);
        std::fs::remove_file(file).expect("removing it");
    }
    assert_eq!(
        sandbox.prints(&["--userns", "keep-id", "-u", "0"], "id -u; touch /root/x && echo wrote"),
        "0\nwrote\n"
    );
}

#[test]
fn what_is_not_the_callers_cannot_be_mapped() {
    let sandbox = Sandbox::new();
    for (option, said) in [
        ("0:0:65538", "not have that many IDs"),
        ("0:70000:1", "not have that many IDs"),
        ("0:@0:1", "not allowed"),
        ("0:@165536:1", "not allowed"),
    ] {
        let outcome = sandbox.output(&["--uidmap", option], "touch /mark");
        assert_refused(&outcome, 125, &[said]);
    }
    let outcome = sandbox.output(&["--uidmap", "0:0:5", "--uidmap", "4:5:1"], "touch /mark");
    assert_refused(&outcome, 125, &["overlap"]);
    assert!(!sandbox.has_mark());
}

#[test]
fn wrong_words_are_named() {
    let sandbox = Sandbox::new();
    for options in [
        ["--userns", "keep-id:uid=x"],
        ["--userns", "keep-id:uid=4294967295"],
        ["--userns", "keep-id:uid=1,uid=2"],
        ["--userns", "keep-id:"],
        ["--uidmap", "4294967290:0:10"],
        ["--uidmap", "0:+1"],
        ["--userns", "private"],
        ["--uidmap", "a:b:c"],
        ["--gidmap", "0:1:0"],
    ] {
        assert_refused(&sandbox.output(&options, "true"), 125, &[options[0]]);
    }
    assert_refused(
        &sandbox.output(&["--userns", "auto", "--uidmap", "0:0"], "true"),
        125,
        &["--userns", "--uidmap"],
    );
}

#[test]
fn without_a_mapper_ones_own_id_is_laid_out_too_or_it_is_said() {
    let sandbox = Sandbox::new();
    sandbox.host.install_mapper(Install::None);
    for name in ["/usr/bin/newuidmap", "/usr/bin/newgidmap"] {
        sandbox.host.hide(name);
    }
    for (mode, expected) in
        [("auto:size=1", "0 1000 1"), ("keep-id", "1000 1000 1"), ("keep-id:uid=7,gid=7", "7 1000 1")]
    {
        let outcome = sandbox.output(&["--userns", mode], "cat /proc/self/uid_map");
        assert!(outcome.stderr.contains("only your own ID is mapped"), "{outcome:?}");
        assert_eq!(map_lines(&outcome.ok()), [expected], "{mode}");
    }
    let outcome = sandbox.output(&["--userns", "host-id"], "cat /proc/self/uid_map");
    assert_eq!((outcome.stderr.as_str(), map_lines(&outcome.stdout)), ("", vec!["1000 1000 1".to_owned()]));
    for options in [["--uidmap", "0:0:2"], ["--userns", "auto:size=9"]] {
        let outcome = sandbox.output(&options, "touch /mark");
        assert!(outcome.code() == 125 && !sandbox.has_mark(), "{outcome:?}");
    }
}

/// What was asked for explicitly and cannot be had refuses.
#[test]
fn a_size_is_never_lowered() {
    let sandbox = Sandbox::new();
    let refused = |size: &str| {
        let outcome = sandbox.output(&["--userns", &format!("auto:size={size}")], "touch /mark");
        assert_refused(&outcome, 125, &[&format!("0:0:{size}"), "you do not have that many IDs"]);
    };
    ["65538", "4000000000"].iter().for_each(|size| refused(size));
    ["/etc/subuid", "/etc/subgid"].iter().for_each(|file| sandbox.host.write(file, "alice:100000:1000\n"));
    ["1002", "65536"].iter().for_each(|size| refused(size));
    assert_eq!(sandbox.maps(&["--userns", "auto:size=1001"]), [["0 1000 1", "1 100000 1000"]; 2]);
    assert!(!sandbox.has_mark());
}
