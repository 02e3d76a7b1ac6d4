//! The example of mapper.conf sets nothing; without the `#` before each setting, it has every key.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use subroot_idmap::{Caller, Config, Log};

const EXAMPLE: &str = include_str!("../../newidmap-helper/mapper.conf");
const PARSER: &str = include_str!("../src/config.rs");

fn config<'a>(lines: impl Iterator<Item = &'a str>) -> Config {
    let caller = Caller::new(1000, 1000);
    let mut config = Config::DEFAULT;
    for line in lines {
        config.add_line(&caller, line.as_bytes()).unwrap_or_else(|why| panic!("{line}: {why:?}"));
    }
    config
}

/// A setting is `#KEY = VALUE`; every other comment has a blank behind its `#`.
fn settings() -> impl Iterator<Item = &'static str> {
    EXAMPLE
        .lines()
        .filter_map(|line| line.strip_prefix('#'))
        .filter(|line| line.starts_with(|c: char| c != ' '))
}

#[test]
fn unchanged_it_sets_nothing() {
    assert!(EXAMPLE.lines().all(|line| line.is_empty() || line.starts_with('#')));
    config(EXAMPLE.lines());
}

#[test]
fn the_mapper_accepts_all_its_settings_at_once() {
    let config = config(settings());
    assert!(config.denies_setgroups);
    assert_eq!(config.rules().len(), 1);
}

#[test]
fn a_setting_that_has_a_default_has_its_default() {
    let config = config(settings());
    assert!(!config.allows_live_ids && !config.allows_own_groups);
    assert_eq!(config.log, Log::Nothing);
}

#[test]
fn every_key_is_in_it() {
    let arms = PARSER.lines().filter_map(|line| line.trim().strip_prefix("b\"")?.split_once("\" => "));
    let known: BTreeSet<&str> = arms.map(|(key, _)| key).collect();
    let named: BTreeSet<&str> = settings().map(|line| line.split(" = ").next().unwrap()).collect();
    assert!(known.len() >= 6, "{known:?}");
    assert_eq!(named, known);
}
