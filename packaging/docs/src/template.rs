//! The parts of a page around its body: the list of all pages, the search, and links to the next page.

use crate::chapters::Chapter;
use crate::html::escape;

pub(crate) fn page(chapters: &[Chapter], at: usize, body: &str) -> String {
    let chapter = &chapters[at];
    let title = escape(&chapter.title);
    let list = list(chapters, at);
    let neighbours = neighbours(chapters, at);
    let kind = if chapter.is_manual() { "manual" } else { "text" };
    format!(
        "<!DOCTYPE html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<title>{title} - subroot</title>
<link rel=\"stylesheet\" href=\"book.css\">
<script src=\"search-index.js\" defer></script>
<script src=\"search.js\" defer></script>
</head>
<body>
<nav>
<p><a href=\"index.html\">subroot {version}</a></p>
<input id=\"search\" type=\"search\" placeholder=\"Search\" aria-label=\"Search\" hidden>
<ol id=\"found\" hidden></ol>
{list}</nav>
<main class=\"{kind}\">
{body}
<footer>{neighbours}</footer>
</main>
</body>
</html>
",
        version = env!("CARGO_PKG_VERSION")
    )
}

fn list(chapters: &[Chapter], at: usize) -> String {
    let mut list = String::new();
    for group in chapters.chunk_by(|one, next| one.group == next.group) {
        let name = group[0].group;
        let open = if name == "Guide" || name == chapters[at].group { " open" } else { "" };
        list += &format!("<details{open}><summary>{name}</summary>\n<ul>\n");
        for chapter in group {
            let current = if chapter.file == chapters[at].file { " aria-current=\"page\"" } else { "" };
            list += &format!(
                "<li><a href=\"{}\"{current}>{}</a></li>\n",
                escape(&chapter.file),
                escape(&chapter.title)
            );
        }
        list += "</ul>\n</details>\n";
    }
    list
}

fn neighbours(chapters: &[Chapter], at: usize) -> String {
    let link = |chapter: &Chapter, relation: &str, before: &str, after: &str| {
        let (file, title) = (escape(&chapter.file), escape(&chapter.title));
        format!("<a rel=\"{relation}\" href=\"{file}\">{before}{title}{after}</a>")
    };
    let previous = at.checked_sub(1).map(|before| link(&chapters[before], "prev", "← ", ""));
    let next = chapters.get(at + 1).map(|next| link(next, "next", "", " →"));
    previous.unwrap_or_else(|| "<span></span>".to_owned()) + &next.unwrap_or_default()
}
