//! Converts plain text to man(7): the help, and the text that the pages add to it.
//!
//! Blank lines separate paragraphs. Lines that begin with a dash and a blank form a list, `- NAME: TEXT`; an
//! indented line after such a line continues the item. Other indented lines are an example. Text in
//! backquotes is printed bold, as are options and names of pages.

/// The element that a line belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Item,
    Example,
}

/// Formats paragraphs, each after a macro that begins one: `.PP`, or `.IP` in the text of an option, in which
/// lists are indented.
pub(super) fn paragraphs(text: &str, begin: &str) -> String {
    let mut roff = String::new();
    for paragraph in text.split("\n\n").map(|paragraph| paragraph.trim_matches('\n')) {
        for (at, (kind, lines)) in chunks(paragraph).into_iter().enumerate() {
            let begins = if at == 0 && kind != Kind::Item { format!("{begin}\n") } else { String::new() };
            roff += &match kind {
                Kind::Text => format!("{begins}{}", lines_of(&lines, inline)),
                Kind::Item if begin == ".IP" => dense(&items(&lines)),
                Kind::Item => items(&lines),
                Kind::Example => begins + &example(&lines, begin),
            };
        }
    }
    roff
}

/// Groups consecutive lines of one kind.
fn chunks(paragraph: &str) -> Vec<(Kind, Vec<&str>)> {
    let mut chunks: Vec<(Kind, Vec<&str>)> = Vec::new();
    for line in paragraph.lines().filter(|line| !line.is_empty()) {
        let previous = chunks.last().map(|(kind, _)| *kind);
        let kind = match line {
            line if line.starts_with("- ") => Kind::Item,
            line if line.starts_with(' ') && previous == Some(Kind::Item) => Kind::Item,
            line if line.starts_with(' ') => Kind::Example,
            _ => Kind::Text,
        };
        match chunks.last_mut().filter(|(last, _)| *last == kind) {
            Some((_, lines)) => lines.push(line),
            None => chunks.push((kind, vec![line])),
        }
    }
    chunks
}

fn lines_of(lines: &[&str], make: fn(&str) -> String) -> String {
    lines.iter().map(|line| make(line) + "\n").collect()
}

/// Formats an example, indented by four as in the source. In the text of an option, which is already
/// indented, it is not indented further.
fn example(lines: &[&str], begin: &str) -> String {
    let bare: Option<Vec<&str>> = lines.iter().map(|line| line.strip_prefix("    ")).collect();
    let text = lines_of(bare.as_deref().unwrap_or(lines), verbatim);
    match bare.is_some() && begin != ".IP" {
        true => format!(".RS 4\n.EX\n{text}.EE\n.RE\n"),
        false => format!(".EX\n{text}.EE\n"),
    }
}

fn items(lines: &[&str]) -> String {
    lines.iter().map(|line| item(line)).collect()
}

/// Formats a line of a list: the name and text of an item, or more of its text.
fn item(line: &str) -> String {
    match line.strip_prefix("- ").map(|item| item.split_once(": ").unwrap_or((item, ""))) {
        Some((name, text)) => format!(".TP\n.B {}\n{}\n", verbatim(name), inline(text)),
        None => inline(line.trim_start()) + "\n",
    }
}

/// Formats a list in the text of an option: indented, without blank lines between its items.
fn dense(list: &str) -> String {
    let second = list.match_indices(".TP\n").nth(1).map_or(list.len(), |(at, _)| at);
    let (first, rest) = list.split_at(second);
    format!(".RS\n{first}.PD 0\n{rest}.PD\n.RE\n")
}

/// Formats one line of running text, with bold words.
pub(super) fn inline(line: &str) -> String {
    let spans = line.split('`').enumerate();
    let spans = spans.map(|(at, span)| if at % 2 == 1 { bold(span) } else { words(span) });
    guarded(spans.collect())
}

fn words(span: &str) -> String {
    span.split_inclusive(' ').map(word).collect()
}

fn word(word: &str) -> String {
    let (before, rest) = word.split_at(word.find(|letter| letter != '(').unwrap_or(word.len()));
    let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let name = rest.split(|letter| !is_of_name(letter)).next().unwrap_or_default().trim_end_matches('.');
    let after = &rest[name.len()..];
    let is_option = name.starts_with('-') && name.contains(|letter: char| letter.is_ascii_alphabetic());
    let is_page = matches!(after.as_bytes(), [b'(', b'1'..=b'8', b')', ..]) && !name.is_empty();
    if is_option || is_page { format!("{before}{}{}", bold(name), escaped(after)) } else { escaped(word) }
}

fn bold(text: &str) -> String {
    format!("\\fB{}\\fR", escaped(text))
}

/// Formats one line unchanged, as in an example.
pub(super) fn verbatim(line: &str) -> String {
    guarded(escaped(line).replace('\'', "\\(aq"))
}

/// Escapes dashes, so that they can be copied from the page, and non-ASCII letters as groff_char(7) names
/// them, because not every troff knows the encoding of a page.
fn escaped(text: &str) -> String {
    let one = |letter: char| match letter {
        '\\' => "\\e".to_owned(),
        '-' => "\\-".to_owned(),
        letter if letter.is_ascii() => letter.to_string(),
        letter => format!("\\[u{:04X}]", u32::from(letter)),
    };
    text.chars().map(one).collect()
}

/// Prevents a dot or an apostrophe at the beginning of a line from making it a request.
fn guarded(line: String) -> String {
    if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line }
}

#[cfg(test)]
mod tests {
    use crate::cli::man::text::paragraphs;

    #[test]
    fn text_lists_and_examples_become_macros() {
        let text = "Use --mount or\n.`x-y`, see tmpfs(5).\n\nTwo:\n- ro, rw: whether\n  or not\n- z: more\n\n    echo 'a-b'\n";
        let expected = ".PP\nUse \\fB\\-\\-mount\\fR or\n\\&.\\fBx\\-y\\fR, see \\fBtmpfs\\fR(5).\n.PP\nTwo:\n.TP\n.B ro, rw\n\
            whether\nor not\n.TP\n.B z\nmore\n.PP\n.RS 4\n.EX\necho \\(aqa\\-b\\(aq\n.EE\n.RE\n";
        assert_eq!(paragraphs(text, ".PP"), expected);
    }
}
