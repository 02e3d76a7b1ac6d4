//! The man pages of the launcher in packaging/man, made from the same table as its help, and the test that they are up to date.

mod sections;

use crate::cli::args::Cli;
use clap::{Command, CommandFactory as _};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

const MANUAL: &str = "subroot manual";

/// Names of files with what belongs into them.
type Pages = BTreeMap<String, String>;

/// The pages of a command and of those below it; `build` has named each `subroot-COMMAND`.
fn add_pages(command: &Command, pages: &mut Pages) {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    pages.insert(format!("{name}.1"), page(command, name));
    command.get_subcommands().filter(|below| !below.is_hide_set()).for_each(|below| add_pages(below, pages));
}

fn page(command: &Command, name: &str) -> String {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let usage = command.clone().render_usage().to_string();
    let short = command.clone().override_usage(usage.trim_start_matches("Usage: ").to_owned());
    let source = concat!("subroot ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(short).title(name.to_uppercase()).date(" ").source(source).manual(MANUAL);
    let mut generated = Vec::new();
    let out = &mut generated;
    man.render_title(out)
        .and_then(|()| man.render_name_section(out))
        .and_then(|()| man.render_synopsis_section(out))
        .and_then(|()| description(&about, command).to_writer(out))
        .and_then(|()| man.render_options_section(out))
        .and_then(|()| if command.has_subcommands() { man.render_subcommands_section(out) } else { Ok(()) })
        .unwrap();
    let heading = format!(".\\\" Made by SUBROOT_WRITE=1 cargo test -p subroot man\n{PREAMBLE}");
    let generated =
        String::from_utf8(generated).unwrap().replace(PREAMBLE, "").replace("SUBCOMMANDS", "COMMANDS");
    in_ascii(&format!("{heading}{generated}{}", sections::of(name)))
}

/// Other letters as groff_char(7) names them: not every troff is told how a page is encoded.
fn in_ascii(text: &str) -> String {
    let named = |letter: char| format!("\\[u{:04X}]", u32::from(letter));
    text.chars().map(|letter| if letter.is_ascii() { letter.to_string() } else { named(letter) }).collect()
}

/// What the help says before and after the options.
fn description(about: &str, command: &Command) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["DESCRIPTION"]).text([roman(format!("{}.", about.trim_end_matches('.')))]);
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    for paragraph in after.split("\n\n").filter(|paragraph| !paragraph.is_empty()) {
        roff.control("PP", []);
        let lines: Vec<&str> = paragraph.lines().collect();
        lines
            .chunk_by(|line, next| is_of_list(line) == is_of_list(next))
            .for_each(|block| add(&mut roff, block));
    }
    roff
}

fn is_of_list(line: &str) -> bool {
    line.starts_with(' ')
}

/// Lines that are all of a list, which keeps its columns, or none of them.
fn add(roff: &mut Roff, block: &[&str]) {
    let text = [roman(block.join("\n"))];
    if is_of_list(block[0]) {
        roff.control("EX", []).text(text).control("EE", []);
    } else {
        roff.text(text);
    }
}

/// How crate roff defines an apostrophe: once a page is enough.
const PREAMBLE: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";

fn dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../packaging/man")
}

fn generated() -> Pages {
    let mut tree = Cli::command();
    tree.build();
    let mut pages = Pages::new();
    add_pages(&tree, &mut pages);
    pages
}

/// The launcher's pages as they are committed.
fn committed() -> Pages {
    let entries = fs::read_dir(dir()).unwrap().map(|entry| entry.unwrap());
    let names = entries.map(|entry| entry.file_name().into_string().unwrap());
    let own =
        names.filter(|name| name == "subroot.1" || name.starts_with("subroot-") && name.ends_with(".1"));
    own.map(|name| (name.clone(), fs::read_to_string(dir().join(name)).unwrap())).collect()
}

fn write(pages: &Pages) {
    committed().keys().for_each(|name| fs::remove_file(dir().join(name)).unwrap());
    pages.iter().for_each(|(name, text)| fs::write(dir().join(name), text).unwrap());
}

#[test]
fn the_pages_are_those_of_the_command_line() {
    let pages = generated();
    if std::env::var_os("SUBROOT_WRITE").is_some() {
        write(&pages);
    }
    let committed = committed();
    let names: BTreeSet<&String> = pages.keys().chain(committed.keys()).collect();
    let stale: Vec<_> = names.into_iter().filter(|name| pages.get(*name) != committed.get(*name)).collect();
    assert!(stale.is_empty(), "{stale:?}: SUBROOT_WRITE=1 cargo test -p subroot man");
}

#[test]
fn every_further_section_belongs_to_a_page() {
    let pages = generated();
    for (name, _) in sections::FURTHER {
        assert!(pages.contains_key(&format!("{name}.1")), "{name}");
    }
}
