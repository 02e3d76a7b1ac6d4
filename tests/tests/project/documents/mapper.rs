//! The mapper: its options, exit statuses and settings are the same in the sources, the usage, the man pages
//! and the README.

use crate::documents::{has_word, page, printed, read, section};
use std::collections::BTreeSet;

const README: &str = "newidmap-helper/README.md";

/// The words in `"…"` or `b"…"` in a part of the sources.
fn strings(source: &str) -> BTreeSet<&str> {
    source.split('"').skip(1).step_by(2).collect()
}

/// The words in `b"…"` in a part of the sources.
fn byte_strings(source: &str) -> BTreeSet<&str> {
    source.split("b\"").skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

/// The arms of a `match` or the words of a list: the text from `from` up to the next `to`.
#[track_caller]
fn part<'a>(source: &'a str, from: &str, to: &str) -> &'a str {
    let (_, after) = source.split_once(from).unwrap_or_else(|| panic!("no {from}"));
    after.split_once(to).unwrap_or_else(|| panic!("no {to}")).0
}

#[test]
fn each_option_is_in_the_usage_the_page_and_the_readme() {
    let sources = ["idmap/src/request.rs", "idmap/src/kind.rs"].map(read);
    let words = sources.iter().flat_map(|source| strings(source));
    let options: BTreeSet<&str> = words.filter(|word| word.starts_with("--")).collect();
    assert!(options.len() >= 5, "{options:?}");
    let (usage, page, readme) =
        (printed("newidmap-helper", &["--help"]), page("newidmap-helper.8"), read(README));
    for option in &options {
        assert!(has_word(section(&page, ".SH OPTIONS"), option), "{option} in the page");
        let is_of_all = matches!(*option, "--help" | "--version");
        assert!(is_of_all || has_word(&usage, option) && has_word(&readme, option), "{option}");
    }
    for text in [section(&page, ".SH SYNOPSIS"), section(&page, ".SH OPTIONS"), &usage] {
        let named = text.split_whitespace().map(|word| word.trim_matches(['[', ']', '"', '|']));
        let unknown: Vec<&str> = named
            .flat_map(|word| word.split('|'))
            .filter(|word| word.starts_with("--") && !options.contains(word))
            .collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}

#[test]
fn both_ways_to_name_a_target_are_in_each_page_and_in_the_readme() {
    for name in ["newidmap-helper.8", "newuidmap.1", "newgidmap.1"] {
        let page = page(name);
        assert!(page.contains("\n.I PID\n") && page.contains("\n.BI fd: N\n"), "{name}");
    }
    let target = "TARGET is a PID or `fd:N`";
    assert!(read(README).contains(target));
    assert!(printed("newidmap-helper", &["--help"]).contains("TARGET is fd:N"));
}

/// The numbers at the start of lines, after a mark.
fn statuses(text: &str, mark: &str) -> BTreeSet<u8> {
    text.lines().filter_map(|line| line.strip_prefix(mark)?.split_whitespace().next()?.parse().ok()).collect()
}

#[test]
fn each_exit_status_is_in_the_usage_the_page_and_the_readme() {
    let source = read("newidmap-helper/src/error.rs");
    let arms = part(&source, "fn status(&self) -> u8 {", "\n    }\n");
    let numbers =
        arms.lines().filter_map(|line| line.rsplit_once("=> ")?.1.trim_end_matches(',').parse().ok());
    let expected: BTreeSet<u8> = numbers.chain([0]).collect();
    assert_eq!(expected, (0..=6).collect());
    assert_eq!(statuses(section(&page("newidmap-helper.8"), ".SH \"EXIT STATUS\""), ".B "), expected);
    assert_eq!(statuses(&read(README), "| "), expected);
    let usage = printed("newidmap-helper", &["--help"]);
    let in_usage = usage.split_once("exit status: ").expect("exit statuses").1.split([',', '\n']);
    let in_usage = in_usage.filter_map(|part| part.split_whitespace().next()?.parse().ok());
    assert_eq!(in_usage.collect::<BTreeSet<u8>>(), expected);
}

#[test]
fn the_drop_ins_end_with_1_for_every_failure() {
    for name in ["newuidmap.1", "newgidmap.1"] {
        assert_eq!(
            statuses(section(&page(name), ".SH \"EXIT STATUS\""), ".B "),
            BTreeSet::from([0, 1]),
            "{name}"
        );
    }
}

/// The possible keys of mapper.conf.
fn keys(source: &str) -> BTreeSet<&str> {
    let arms = part(source, "match key {", "_ => return Err(Invalid::Key)").lines();
    let keys: BTreeSet<&str> =
        arms.filter_map(|line| line.strip_prefix("            b\"")?.split("\" =>").next()).collect();
    assert!(keys.len() >= 6, "{keys:?}");
    keys
}

#[test]
fn each_setting_is_in_its_page_with_a_default_and_in_the_readme() {
    let source = read("idmap/src/config.rs");
    let expected = keys(&source);
    let page = page("subroot-mapper.conf.5");
    let settings: Vec<&str> = section(&page, ".SH SETTINGS").split(".TP\n").skip(1).collect();
    let in_page = settings
        .iter()
        .filter_map(|text| text.trim_start_matches(['.', 'B', 'I', 'R', ' ', '"']).split([' ', '"']).next());
    assert_eq!(in_page.collect::<BTreeSet<_>>(), expected);
    assert!(settings.iter().all(|text| text.contains("\nDefault:")), "{settings:?}");
    let readme = read(README);
    let rows = section(&readme, "## mapper.conf").lines();
    let in_readme = rows.filter_map(|row| row.strip_prefix("| `")?.split(" = ").next());
    assert_eq!(in_readme.collect::<BTreeSet<_>>(), expected);
}

#[test]
fn each_value_of_a_setting_is_in_its_page() {
    let source = read("idmap/src/config.rs");
    let lists = [part(&source, "const YES_OR_NO", ";\n"), part(&source, "const LOGS", ";\n")].concat();
    let page = page("subroot-mapper.conf.5");
    for word in byte_strings(&lists) {
        assert!(has_word(section(&page, ".SH SETTINGS"), word), "{word}");
    }
}

#[test]
fn each_setting_of_the_page_has_an_example() {
    let page = page("subroot-mapper.conf.5");
    let source = read("idmap/src/config.rs");
    for key in keys(&source) {
        assert!(section(&page, ".SH EXAMPLES").contains(&format!("\n{key} = ")), "{key}");
    }
}
