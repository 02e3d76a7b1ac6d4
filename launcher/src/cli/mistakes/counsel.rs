//! What to do here instead of what docker and podman have and subroot has not. A feature that is added loses
//! its row.

const TABLE: &str = include_str!("counsel.txt");

/// A line of the table.
struct Row {
    owner: &'static str,
    words: &'static str,
    instead: &'static str,
    fix: Option<&'static str>,
}

impl Row {
    fn read(line: &'static str) -> Option<Row> {
        let (subject, text) = line.split_once(": ").filter(|_| !line.starts_with('#'))?;
        let (owner, words) = subject.split_once(' ')?;
        let (instead, fix) = text.split_once(" => ").map_or((text, None), |(text, fix)| (text, Some(fix)));
        Some(Row { owner, words, instead, fix })
    }

    fn is_about(&self, owner: &str, typed: &str) -> bool {
        self.owner == owner && self.words.split(' ').any(|word| word == typed || word == "*")
    }
}

/// What to do instead of this option of a command, command of `subroot` or value of an option; and a command
/// that replaces it exactly.
#[cold]
pub(crate) fn of(owner: &str, typed: &str) -> Option<(&'static str, Option<&'static str>)> {
    let row = TABLE.lines().filter_map(Row::read).find(|row| row.is_about(owner, typed))?;
    Some((row.instead, row.fix))
}

#[cfg(test)]
mod tests {
    use crate::cli::args::Cli;
    use crate::cli::mistakes::counsel::{Row, TABLE};
    use clap::CommandFactory as _;
    use std::collections::BTreeSet;

    #[test]
    fn no_word_has_two_rows_or_exists() {
        let program = Cli::command();
        let mut seen = BTreeSet::new();
        for row in TABLE.lines().filter_map(Row::read) {
            for word in row.words.split(' ') {
                assert!(seen.insert((row.owner, word)), "{} {word} has two rows", row.owner);
                let command = program.find_subcommand(row.owner).unwrap_or(&program);
                let is_option = command.get_arguments().any(|arg| names(arg).contains(&word.to_owned()));
                assert!(!is_option && command.find_subcommand(word).is_none(), "{word} exists");
            }
        }
        assert!(seen.len() > 150, "{} words", seen.len());
    }

    #[test]
    fn every_line_is_a_row() {
        let lines = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let wrong: Vec<&str> = lines.filter(|line| Row::read(line).is_none()).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    fn names(arg: &clap::Arg) -> Vec<String> {
        let short = arg.get_short().map(|short| format!("-{short}"));
        short.into_iter().chain(arg.get_long().map(|long| format!("--{long}"))).collect()
    }
}
