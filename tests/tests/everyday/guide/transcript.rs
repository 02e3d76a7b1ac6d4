//! Transcripts in a page: commands and their output.

/// A command of a transcript.
#[derive(Debug, PartialEq)]
pub(crate) struct Line {
    /// The line number in the page, from 1.
    pub(crate) number: usize,
    /// The typed command.
    pub(crate) command: String,
    /// The expected output, line by line; `…` matches anything.
    pub(crate) expected: Vec<String>,
}

/// A block of commands, typed into one shell.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Block {
    /// True for the prompt `#` instead of `$`.
    pub(crate) by_root: bool,
    /// The commands.
    pub(crate) lines: Vec<Line>,
}

/// Printed by the shell before each command.
const MARK: char = '\u{1}';

impl Block {
    /// The commands as one script.
    pub(crate) fn script(&self) -> String {
        self.lines.iter().map(|line| format!("printf '\\001'\n{}\n", line.command)).collect()
    }

    /// The output of each command.
    pub(crate) fn printed<'o>(&self, output: &'o str) -> impl Iterator<Item = &'o str> {
        output.split(MARK).skip(1)
    }
}

/// The blocks marked as `console`, in order.
pub(crate) fn transcripts(text: &str) -> Vec<Block> {
    let (mut blocks, mut is_inside) = (Vec::<Block>::new(), false);
    for (at, line) in text.lines().enumerate() {
        match line {
            "```console" => {
                blocks.push(Block::default());
                is_inside = true;
            }
            "```" => is_inside = false,
            line if is_inside => take(blocks.last_mut().expect("a block"), at + 1, line),
            _ => {}
        }
    }
    blocks
}

fn take(block: &mut Block, number: usize, line: &str) {
    let typed = line.strip_prefix("$ ").or_else(|| line.strip_prefix("# "));
    match typed {
        Some(command) => {
            block.by_root = line.starts_with('#');
            block.lines.push(Line { number, command: command.to_owned(), expected: Vec::new() });
        }
        None => block.lines.last_mut().expect("a command first").expected.push(line.to_owned()),
    }
}

/// The commands of jobs in YAML: `- run: …`, and `- subroot …` below `script:`.
pub(crate) fn jobs(text: &str) -> Vec<String> {
    let commands = text.lines().filter_map(|line| line.trim_start().strip_prefix("- "));
    let commands = commands.map(|line| line.strip_prefix("run: ").unwrap_or(line));
    commands.filter(|line| line.starts_with("subroot ")).map(str::to_owned).collect()
}

/// The code in the first and the last column of tables.
pub(crate) fn table_rows(text: &str) -> Vec<(String, String)> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix("` |"));
    rows.filter_map(|row| row.split_once("` | `")).map(|(left, right)| (left.into(), right.into())).collect()
}

/// The code in the last column of tables.
pub(crate) fn table_commands(text: &str) -> Vec<String> {
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let last = rows.filter_map(|row| row.trim_end_matches(" |").rsplit(" | ").next());
    last.map(|cell| cell.trim_matches('`').to_owned()).filter(|cell| cell.starts_with("subroot ")).collect()
}

/// The lines of tables with what docker's user types, what is typed here, and what happens: the second, and the
/// third if it is a message, which is code.
pub(crate) fn typed_lines(text: &str) -> Vec<(String, Option<String>)> {
    let code = |cell: &str| Some(cell.strip_prefix('`')?.strip_suffix('`')?.replace("\\|", "|"));
    let row = |line: &str| match line.trim_matches(['|', ' ']).split(" | ").collect::<Vec<_>>()[..] {
        [docker, typed, happens] if docker.starts_with("`docker ") => Some((code(typed)?, code(happens))),
        _ => None,
    };
    text.lines().filter_map(row).collect()
}

/// True if the output matches the expected lines.
pub(crate) fn matches(expected: &[String], printed: &str) -> bool {
    let printed: Vec<&str> = printed.lines().collect();
    match expected.split_first() {
        None => printed.is_empty(),
        Some((first, rest)) if first == "…" => {
            (0..=printed.len()).any(|skipped| matches(rest, &printed[skipped..].join("\n")))
        }
        Some((first, rest)) => {
            printed.first().is_some_and(|line| matches_line(first, line))
                && matches(rest, &printed[1..].join("\n"))
        }
    }
}

/// `…` in a line matches any text in it.
fn matches_line(expected: &str, printed: &str) -> bool {
    match expected.split_once('…') {
        None => expected == printed,
        Some((before, after)) => printed.strip_prefix(before).is_some_and(|rest| {
            rest.char_indices()
                .map(|(at, _)| at)
                .chain([rest.len()])
                .any(|at| matches_line(after, &rest[at..]))
        }),
    }
}

#[test]
fn transcripts_are_read_and_compared() {
    let text = "x\n```console\n$ one\nout\n…\n$ two\n```\n$ none\n```console\n# three\n```\n";
    let blocks = transcripts(text);
    assert_eq!((blocks.len(), blocks[0].lines.len(), blocks[1].by_root), (2, 2, true));
    assert_eq!((blocks[0].lines[0].command.as_str(), blocks[0].lines[0].expected.len()), ("one", 2));
    assert_eq!(blocks[0].printed("\u{1}a\n\u{1}b\n").collect::<Vec<_>>(), ["a\n", "b\n"]);
    let expected = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    for (pattern, printed, does) in [
        ("a\n…\nz", "a\nz", true),
        ("a\n…\nz", "a\nb\nc\nz", true),
        ("a\n…\nz", "a\nb", false),
        ("a … c", "a b c", true),
        ("a … c", "a b d", false),
        ("", "a", false),
        ("a", "", false),
    ] {
        assert_eq!(matches(&expected(pattern), printed), does, "{pattern:?} {printed:?}");
    }
}
