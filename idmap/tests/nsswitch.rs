//! The `subid:` line of nsswitch.conf.

use subroot_idmap::plugin_of_line;

#[test]
fn the_first_word_names_the_plugin() {
    for (line, plugin) in [
        ("subid: sss", "sss"),
        ("subid:sss files", "sss"),
        ("  subid:\t sss # comment", "sss"),
        ("SubID: sss\r", "sss"),
    ] {
        assert_eq!(plugin_of_line(line.as_bytes()), Some(plugin.as_bytes()), "{line:?}");
    }
}

#[test]
fn files_and_every_other_line_name_none() {
    for line in [
        "subid: files",
        "subid: files sss",
        "subid:",
        "subid: # sss",
        "# subid: sss",
        "passwd: sss",
        "subids: sss",
        "",
    ] {
        assert_eq!(plugin_of_line(line.as_bytes()), None, "{line:?}");
    }
}
