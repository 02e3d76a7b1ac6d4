//! Generates the launcher's man pages in packaging/man from the same structs as its help, and tests that they
//! are up to date.

mod common_sections;
mod export_sections;
mod id_sections;
mod image_sections;
mod options;
mod registry_sections;
mod sandboxes;
mod sections;
mod text;
mod tree_sections;

use crate::cli::args::Cli;
use crate::cli::help::explained;
use crate::cli::man::text::{inline, paragraphs, verbatim};
use clap::{Command, CommandFactory as _};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

/// The content of each page, by file name.
type Pages = BTreeMap<String, String>;

/// Adds the pages of a command and its subcommands. `build` has named each of them `subroot-COMMAND`.
fn add_pages(command: &Command, pages: &mut Pages) {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    pages.insert(format!("{name}.1"), page(command, name));
    command.get_subcommands().filter(|below| !below.is_hide_set()).for_each(|below| add_pages(below, pages));
}

fn page(command: &Command, name: &str) -> String {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let further = if name == "subroot-run" { options::RUN } else { "" };
    [
        ".\\\" Made by SUBROOT_WRITE=1 cargo test -p subroot man\n".to_owned(),
        format!(
            ".TH {} 1 \" \" \"subroot {}\" \"subroot manual\"\n",
            name.to_uppercase(),
            env!("CARGO_PKG_VERSION")
        ),
        format!(".SH NAME\n{} \\- {}\n", verbatim(name), inline(&about)),
        format!(".SH SYNOPSIS\n{}\n", synopsis(command)),
        format!(".SH DESCRIPTION\n{}.\n{}", inline(&about), after_help(command)),
        options::section(command, further),
        commands(command),
        sections::of(name),
    ]
    .concat()
}

/// The usage line, such as `subroot run [OPTIONS] [ROOTFS]…`, with the name in bold.
fn synopsis(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let rest = usage.strip_prefix(name).unwrap_or_default();
    format!("\\fB{}\\fR{}", verbatim(name), verbatim(rest))
}

/// The text of the help after the options, without the exit statuses at its end, which have their own
/// section.
fn after_help(command: &Command) -> String {
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let after = after.split("Exit status:").next().unwrap_or_default().trim_end();
    if after.is_empty() { String::new() } else { paragraphs(after, ".PP") }
}

fn commands(command: &Command) -> String {
    let below: Vec<&Command> = command.get_subcommands().filter(|below| !below.is_hide_set()).collect();
    let entry = |below: &&Command| {
        let name = below.get_display_name().unwrap_or_else(|| below.get_name());
        let about = below.get_about().map(ToString::to_string).unwrap_or_default();
        format!(".TP\n.BR {} (1)\n{}.\n", verbatim(name), inline(&about))
    };
    let entries: String = below.iter().map(entry).collect();
    if entries.is_empty() { entries } else { format!(".SH COMMANDS\n{entries}") }
}

fn dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../packaging/man")
}

fn generated() -> Pages {
    let mut tree = explained(Cli::command());
    tree.build();
    let mut pages = Pages::new();
    add_pages(&tree, &mut pages);
    pages
}

/// The pages in packaging/man.
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
    for (name, _, _) in sections::FURTHER {
        assert!(pages.contains_key(&format!("{name}.1")), "{name}");
    }
}
