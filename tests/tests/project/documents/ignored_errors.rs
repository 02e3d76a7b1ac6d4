//! An error in the launcher never counts as "there is none": each place that ignores one says why, and no
//! other place does.
//!
//! This finds the ways in which Rust code drops an error; launcher/clippy.toml forbids the methods that
//! [`Result`] shares with [`Option`].

use crate::documents::read;
use std::fs;
use std::path::PathBuf;
use subroot_tests::workspace;

/// Code that drops the error of a result, or only checks whether there is one.
const DROPPED: [&str; 16] = [
    ".ok()",
    ".err()",
    ".is_ok()",
    ".is_err()",
    ".is_ok_and(",
    ".is_err_and(",
    "Result::ok",
    "let Ok(",
    "let Some(Ok(",
    "Err(_)",
    "Err(..)",
    "== Ok(",
    "!= Ok(",
    "== Err(",
    ".exists()",
    "matches!(",
];

/// Operations that can fail only because of a value in the program itself: numbers, texts and ranges.
const OF_A_VALUE: [&str; 14] = [
    "try_from",
    "try_into",
    "parse(",
    "parse()",
    "parse::<",
    "parse_number(",
    "from_str",
    "utf8(",
    "strip_prefix(",
    "CString::new(",
    "IdRange::new(",
    "side_range()",
    "number(",
    "seconds(",
];

/// The start of the comment above an ignored error, and of the one at the top of a file that does nothing
/// else.
const MARK: &str = "// Error ignored: ";
const MARK_OF_FILE: &str = "//! Errors ignored: ";

/// A statement in a source: its lines, and the comments above and in it.
struct Statement {
    line: usize,
    code: String,
    comments: String,
}

/// Every file of the launcher except its tests, with its path.
fn sources() -> Vec<(String, String)> {
    let (mut found, mut dirs) = (Vec::new(), vec![workspace("launcher/src")]);
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).expect("reading the sources") {
            let path: PathBuf = entry.expect("reading the sources").path();
            if path.is_dir() {
                dirs.push(path);
            } else {
                let name =
                    path.strip_prefix(workspace("launcher/src")).expect("a source").display().to_string();
                let text = read(&format!("launcher/src/{name}"));
                found.push((name, text));
            }
        }
    }
    found.sort();
    found
}

/// Splits a source, up to its unit tests, into statements: each ends with `;`, `{`, `}`, a blank line, or a
/// comma at the end of an arm.
fn statements(source: &str) -> Vec<Statement> {
    let source = source.split("\n#[cfg(test)]\nmod tests").next().unwrap_or(source);
    let mut found = Vec::new();
    let mut next = Statement { line: 0, code: String::new(), comments: String::new() };
    for (line, text) in (1..).zip(source.lines().map(str::trim)) {
        let (code, comment) = match text.find("//") {
            Some(at) if !text[..at].contains('"') => text.split_at(at),
            _ => (text, ""),
        };
        next.comments += comment;
        next.comments.push('\n');
        if code.is_empty() {
            continue;
        }
        if next.code.is_empty() {
            next.line = line;
        }
        next.code += code;
        let is_arm = code.ends_with(',') && next.code.contains("=>");
        if code.trim_end().ends_with([';', '{', '}']) || is_arm {
            found.push(std::mem::replace(
                &mut next,
                Statement { line: 0, code: String::new(), comments: String::new() },
            ));
        }
    }
    found
}

fn drops_an_error(code: &str) -> bool {
    let is_text = code.contains("write!(text") || code.contains("writeln!(text");
    let is_detail = ["log::", "detail(|| "].iter().any(|call| code.contains(call));
    let is_logged = is_detail && ["err", "reason"].iter().any(|name| code.contains(name));
    if (code.contains("let _ = ") && !is_text) || is_logged {
        return true;
    }
    let is_of_a_value = OF_A_VALUE.iter().any(|value| code.contains(value));
    let is_unused = code.contains("let _") && !code.ends_with("?;") && !is_text;
    let matched = code.split("matches!(").nth(1).and_then(|after| after.split(") =>").next()).unwrap_or("");
    let is_of_a_result = |pattern: &str| {
        pattern != "matches!(" || ["Ok(", "Err("].iter().any(|result| matched.contains(result))
    };
    let is_dropped = DROPPED.iter().any(|pattern| code.contains(pattern) && is_of_a_result(pattern));
    !is_of_a_value && (is_unused || is_dropped)
}

#[test]
fn every_ignored_error_has_a_reason() {
    let mut wrong = Vec::new();
    for (name, source) in sources() {
        let statements = statements(&source);
        let dropped = statements.iter().filter(|statement| drops_an_error(&statement.code)).count();
        if source.contains(MARK_OF_FILE) {
            if dropped == 0 {
                wrong.push(format!("{name}: no error is ignored there"));
            }
            continue;
        }
        for statement in statements {
            match (drops_an_error(&statement.code), statement.comments.contains(MARK)) {
                (true, false) => wrong.push(format!(
                    "{name}:{}: {} does not say why: {}",
                    statement.line,
                    MARK.trim(),
                    statement.code
                )),
                (false, true) => {
                    wrong.push(format!("{name}:{}: no error is ignored: {}", statement.line, statement.code))
                }
                _ => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{} places: {wrong:#?}", wrong.len());
}
