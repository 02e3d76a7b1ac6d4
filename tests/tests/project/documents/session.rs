//! The picture in the README shows what docs/session/record types.

use crate::documents::read;

/// The text of a picture, line by line.
fn text(picture: &str) -> Vec<String> {
    let lines = picture.lines().filter(|line| line.starts_with("<text "));
    lines
        .map(|line| line.split('<').filter_map(|part| Some(part.split_once('>')?.1)).collect::<String>())
        .map(|line| line.replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&"))
        .collect()
}

#[test]
fn both_pictures_show_each_command_that_is_typed() {
    let script = read("docs/session/record");
    let (_, typed) = script.split_once("TYPED = [\n").expect("the commands");
    let (typed, _) = typed.split_once("\n]").expect("their end");
    let typed: Vec<&str> = typed.lines().map(|line| line.trim().trim_matches([',', '"'])).collect();
    let pictures = ["light", "dark"].map(|name| text(&read(&format!("docs/session/session-{name}.svg"))));
    assert_eq!(pictures[0], pictures[1]);
    let shown: Vec<&str> = pictures[0]
        .iter()
        .filter_map(|line| line.split_once(['$', '#']))
        .map(|(_, rest)| rest.trim())
        .collect();
    assert_eq!(shown, typed);
}
