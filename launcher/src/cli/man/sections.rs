//! The sections of the man pages after OPTIONS: exit status, environment, files, examples and see also. They
//! are plain text as in `text.rs`, with a line `# HEADING` before each section.

use crate::cli::man::common_sections::{
    ENVIRONMENT, EXAMPLES, FILES, LOG_ENVIRONMENT, NO_COLOR, STATUS, STATUS_OF_ALL, STATUS_OF_COMMAND,
};
use crate::cli::man::export_sections::{COMMIT_EXAMPLES, COMMIT_NOTES, EXPORT_EXAMPLES, EXPORT_NOTES};
use crate::cli::man::id_sections::{
    COMPLETIONS_EXAMPLES, DOCTOR_EXAMPLES, DOCTOR_STATUS, EXPLAIN_EXAMPLES, EXPLAIN_STATUS, GRANT_FILES,
    IDMAP_EXAMPLES, LINT_EXAMPLES, LINT_STATUS, OWNER_EXAMPLES, SUGGEST_EXAMPLES,
};
use crate::cli::man::image_sections::{
    IMAGES_EXAMPLES, IMAGES_STATUS, IMPORT_EXAMPLES, IMPORT_FILES, IMPORT_NOTES, INSPECT_EXAMPLES,
    INSPECT_NOTES, PRUNE_NOTES, RMI_EXAMPLES, RMI_STATUS, STORE,
};
use crate::cli::man::registry_sections::{
    LOGIN_EXAMPLES, LOGIN_FILES, LOGIN_NOTES, PULL_ENVIRONMENT, PULL_EXAMPLES, PULL_FILES, PULL_NOTES,
};
use crate::cli::man::sandboxes::{
    ATTACH_EXAMPLES, ATTACH_NOTES, ATTACH_STATUS, EXEC_EXAMPLES, KILL_EXAMPLES, LOGS_EXAMPLES, PS_EXAMPLES,
    PS_NOTES, RM_EXAMPLES, STOP_EXAMPLES, STOP_NOTES, WAIT_EXAMPLES, WAIT_NOTES,
};
use crate::cli::man::text::paragraphs;
use crate::cli::man::tree_sections::{DU_EXAMPLES, DU_STATUS, RM_STATUS, UNSHARE_EXAMPLES};

/// For each command: the texts of its sections, and the pages for SEE ALSO.
pub(super) const FURTHER: [(&str, &[&str], &[&str]); 30] = [
    (
        "subroot",
        &[STATUS_OF_ALL, ENVIRONMENT, LOG_ENVIRONMENT, NO_COLOR, FILES, EXAMPLES],
        &[
            "subroot-attach(1)",
            "subroot-commit(1)",
            "subroot-completions(1)",
            "subroot-doctor(1)",
            "subroot-du(1)",
            "subroot-exec(1)",
            "subroot-export(1)",
            "subroot-grants(1)",
            "subroot-idmap(1)",
            "subroot-images(1)",
            "subroot-import(1)",
            "subroot-inspect(1)",
            "subroot-kill(1)",
            "subroot-login(1)",
            "subroot-logout(1)",
            "subroot-logs(1)",
            "subroot-ps(1)",
            "subroot-pull(1)",
            "subroot-rm(1)",
            "subroot-rmi(1)",
            "subroot-run(1)",
            "subroot-stop(1)",
            "subroot-unshare(1)",
            "subroot-wait(1)",
            "subroot-mapper.conf(5)",
            "newidmap-helper(8)",
            "subuid(5)",
            "user_namespaces(7)",
        ],
    ),
    (
        "subroot-run",
        &[include_str!("run/sections.txt")],
        &[
            "subroot(1)",
            "subroot-exec(1)",
            "subroot-attach(1)",
            "subroot-import(1)",
            "subroot-kill(1)",
            "subroot-logs(1)",
            "subroot-ps(1)",
            "subroot-pull(1)",
            "subroot-rm(1)",
            "subroot-stop(1)",
            "subroot-unshare(1)",
            "subroot-wait(1)",
            "subroot-idmap(1)",
            "subroot-doctor(1)",
            "newidmap-helper(8)",
            "subuid(5)",
            "subgid(5)",
            "capabilities(7)",
            "landlock(7)",
            "mount(8)",
            "namespaces(7)",
            "tmpfs(5)",
            "user_namespaces(7)",
        ],
    ),
    (
        "subroot-exec",
        &[STATUS_OF_COMMAND, EXEC_EXAMPLES],
        &["subroot(1)", "subroot-run(1)", "subroot-ps(1)", "subroot-kill(1)"],
    ),
    (
        "subroot-ps",
        &[STATUS, PS_NOTES, PS_EXAMPLES],
        &["subroot(1)", "subroot-run(1)", "subroot-exec(1)", "subroot-kill(1)", "subroot-rm(1)"],
    ),
    (
        "subroot-logs",
        &[STATUS, LOGS_EXAMPLES],
        &["subroot(1)", "subroot-run(1)", "subroot-attach(1)", "subroot-wait(1)", "subroot-rm(1)"],
    ),
    (
        "subroot-attach",
        &[ATTACH_STATUS, ATTACH_NOTES, ATTACH_EXAMPLES],
        &["subroot(1)", "subroot-run(1)", "subroot-logs(1)", "subroot-exec(1)"],
    ),
    (
        "subroot-wait",
        &[STATUS, WAIT_NOTES, WAIT_EXAMPLES],
        &["subroot(1)", "subroot-run(1)", "subroot-logs(1)", "subroot-stop(1)"],
    ),
    (
        "subroot-stop",
        &[STATUS, STOP_NOTES, STOP_EXAMPLES],
        &["subroot(1)", "subroot-run(1)", "subroot-kill(1)", "subroot-wait(1)", "signal(7)"],
    ),
    (
        "subroot-rm",
        &[RM_STATUS, RM_EXAMPLES],
        &["subroot(1)", "subroot-run(1)", "subroot-ps(1)", "subroot-stop(1)", "subroot-du(1)"],
    ),
    (
        "subroot-kill",
        &[STATUS, KILL_EXAMPLES],
        &["subroot(1)", "subroot-ps(1)", "subroot-exec(1)", "subroot-run(1)", "signal(7)"],
    ),
    (
        "subroot-unshare",
        &[STATUS_OF_COMMAND, ENVIRONMENT, FILES, UNSHARE_EXAMPLES],
        &[
            "subroot(1)",
            "subroot-run(1)",
            "subroot-idmap(1)",
            "newidmap-helper(8)",
            "subuid(5)",
            "user_namespaces(7)",
        ],
    ),
    (
        "subroot-import",
        &[STATUS, IMPORT_NOTES, ENVIRONMENT, IMPORT_FILES, IMPORT_EXAMPLES],
        &[
            "subroot(1)",
            "subroot-run(1)",
            "subroot-export(1)",
            "subroot-images(1)",
            "subroot-rm(1)",
            "subroot-du(1)",
            "subroot-grants-suggest(1)",
            "subuid(5)",
            "subgid(5)",
            "tar(1)",
        ],
    ),
    (
        "subroot-export",
        &[STATUS, EXPORT_NOTES, ENVIRONMENT, IMPORT_FILES, EXPORT_EXAMPLES],
        &[
            "subroot(1)",
            "subroot-import(1)",
            "subroot-images(1)",
            "subroot-pull(1)",
            "subuid(5)",
            "subgid(5)",
            "tar2sqfs(1)",
            "tar(1)",
        ],
    ),
    (
        "subroot-commit",
        &[STATUS, COMMIT_NOTES, ENVIRONMENT, IMPORT_FILES, COMMIT_EXAMPLES],
        &["subroot(1)", "subroot-run(1)", "subroot-export(1)", "subroot-images(1)", "subuid(5)", "subgid(5)"],
    ),
    (
        "subroot-pull",
        &[STATUS, PULL_NOTES, PULL_ENVIRONMENT, PULL_FILES, PULL_EXAMPLES],
        &[
            "subroot(1)",
            "subroot-run(1)",
            "subroot-login(1)",
            "subroot-images(1)",
            "subroot-import(1)",
            "subroot-rmi(1)",
            "subuid(5)",
        ],
    ),
    (
        "subroot-login",
        &[STATUS, LOGIN_NOTES, LOGIN_FILES, LOGIN_EXAMPLES],
        &["subroot(1)", "subroot-pull(1)", "subroot-logout(1)"],
    ),
    ("subroot-logout", &[STATUS, LOGIN_FILES], &["subroot(1)", "subroot-login(1)", "subroot-pull(1)"]),
    (
        "subroot-images",
        &[IMAGES_STATUS, STORE, IMAGES_EXAMPLES],
        &[
            "subroot(1)",
            "subroot-images-prune(1)",
            "subroot-import(1)",
            "subroot-rmi(1)",
            "subroot-inspect(1)",
        ],
    ),
    ("subroot-images-prune", &[STATUS, PRUNE_NOTES, STORE], &["subroot-images(1)", "subroot-rmi(1)"]),
    (
        "subroot-rmi",
        &[RMI_STATUS, STORE, RMI_EXAMPLES],
        &["subroot(1)", "subroot-images(1)", "subroot-images-prune(1)", "subroot-rm(1)"],
    ),
    (
        "subroot-inspect",
        &[STATUS, INSPECT_NOTES, STORE, INSPECT_EXAMPLES],
        &["subroot(1)", "subroot-images(1)", "subroot-ps(1)"],
    ),
    (
        "subroot-du",
        &[DU_STATUS, DU_EXAMPLES],
        &["subroot(1)", "subroot-rm(1)", "subroot-unshare(1)", "du(1)"],
    ),
    (
        "subroot-idmap",
        &[STATUS, ENVIRONMENT, FILES, IDMAP_EXAMPLES],
        &[
            "subroot(1)",
            "subroot-idmap-explain(1)",
            "subroot-grants(1)",
            "newidmap-helper(8)",
            "subuid(5)",
            "subgid(5)",
        ],
    ),
    (
        "subroot-idmap-explain",
        &[EXPLAIN_STATUS, FILES, EXPLAIN_EXAMPLES],
        &[
            "subroot-idmap(1)",
            "subroot-grants-lint(1)",
            "newidmap-helper(8)",
            "subroot-mapper.conf(5)",
            "subuid(5)",
            "subgid(5)",
        ],
    ),
    (
        "subroot-grants",
        &[STATUS],
        &[
            "subroot(1)",
            "subroot-grants-lint(1)",
            "subroot-grants-owner(1)",
            "subroot-grants-suggest(1)",
            "subuid(5)",
            "subgid(5)",
        ],
    ),
    (
        "subroot-grants-lint",
        &[LINT_STATUS, GRANT_FILES, LINT_EXAMPLES],
        &[
            "subroot-grants(1)",
            "subroot-grants-owner(1)",
            "subroot-grants-suggest(1)",
            "subroot-mapper.conf(5)",
            "newidmap-helper(8)",
            "subuid(5)",
            "subgid(5)",
        ],
    ),
    (
        "subroot-grants-owner",
        &[STATUS, GRANT_FILES, OWNER_EXAMPLES],
        &[
            "subroot-grants(1)",
            "subroot-grants-lint(1)",
            "subroot-grants-suggest(1)",
            "subroot-unshare(1)",
            "subuid(5)",
            "subgid(5)",
        ],
    ),
    (
        "subroot-grants-suggest",
        &[STATUS, GRANT_FILES, SUGGEST_EXAMPLES],
        &[
            "subroot-grants(1)",
            "subroot-grants-lint(1)",
            "subroot-grants-owner(1)",
            "subuid(5)",
            "subgid(5)",
            "usermod(8)",
        ],
    ),
    ("subroot-completions", &[STATUS, COMPLETIONS_EXAMPLES], &["subroot(1)", "bash(1)", "fish(1)", "zsh(1)"]),
    (
        "subroot-doctor",
        &[DOCTOR_STATUS, ENVIRONMENT, NO_COLOR, FILES, DOCTOR_EXAMPLES],
        &[
            "subroot(1)",
            "subroot-run(1)",
            "subroot-idmap(1)",
            "subroot-grants-lint(1)",
            "newidmap-helper(8)",
            "subroot-mapper.conf(5)",
        ],
    ),
];

/// The sections of a page. Every page must have an entry.
pub(super) fn of(name: &str) -> String {
    let own = FURTHER.iter().find(|(command, _, _)| *command == name);
    let (_, texts, pages) = own.unwrap();
    let sections: String = texts.iter().map(|text| sections(text)).collect();
    format!("{sections}.SH \"SEE ALSO\"\n{}", see_also(pages))
}

/// Formats one text. If it does not begin with a heading, it continues the previous section.
fn sections(text: &str) -> String {
    let of_heading = |part: &str| match part.strip_prefix("# ").and_then(|part| part.split_once('\n')) {
        Some((heading, body)) => format!(".SH \"{heading}\"\n{}", paragraphs(body.trim_matches('\n'), ".PP")),
        None => paragraphs(part.trim_matches('\n'), ".PP"),
    };
    text.split_inclusive('\n')
        .fold(Vec::<String>::new(), joined)
        .iter()
        .map(|part| of_heading(part))
        .collect()
}

/// Collects lines into parts. Each heading begins a new part.
fn joined(mut parts: Vec<String>, line: &str) -> Vec<String> {
    match parts.last_mut().filter(|_| !line.starts_with("# ")) {
        Some(part) => part.push_str(line),
        None => parts.push(line.to_owned()),
    }
    parts
}

fn see_also(pages: &[&str]) -> String {
    let line = |page: &&str| page.replace('-', "\\-").replace('(', " (");
    let lines: Vec<String> = pages.iter().map(|page| format!(".BR {}", line(page))).collect();
    lines.join(",\n") + "\n"
}
