//! The known word that is most like a typed one.

use crate::images::typo::distance;

/// Why a value of a closed set is refused.
#[cold]
pub(crate) fn not_one_of(typed: &str, known: &mut dyn Iterator<Item = &str>) -> String {
    let known: Vec<&str> = known.collect();
    match known.as_slice() {
        _ if typed.is_empty() => format!("an empty value is not one of {}", known.join(", ")),
        [only] => format!("{typed} is not {only}"),
        _ => {
            let question = question(typed, &mut known.iter().copied());
            format!("{typed} is not one of {}{question}", known.join(", "))
        }
    }
}

/// `; did you mean WORD?`, or nothing if no known word is like the typed one.
#[cold]
pub(crate) fn question(typed: &str, known: &mut dyn Iterator<Item = &str>) -> String {
    nearest(typed, known).map_or_else(String::new, |word| format!("; did you mean {word}?"))
}

/// The known word that begins with the typed one, or else the one that differs from it in the fewest letters:
/// in one, or in a third of them.
fn nearest<'k>(typed: &str, known: &mut dyn Iterator<Item = &'k str>) -> Option<&'k str> {
    let typed = typed.trim_start_matches('-');
    let most = (typed.chars().count() / 3).max(1);
    let letters = |word: &str| word.chars().collect::<Vec<char>>();
    let distance_to = |word: &str| match word.trim_start_matches('-') {
        word if typed.len() > 1 && word.starts_with(typed) => 0,
        word => distance(&letters(typed), &letters(word)),
    };
    let near = known.map(|word| (distance_to(word), word)).filter(|(distance, _)| *distance <= most);
    near.min_by_key(|(distance, _)| *distance).map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use crate::cli::mistakes::nearest::nearest;

    #[test]
    fn only_a_word_that_is_much_alike_is_near() {
        let known = ["--network", "--name", "--volume", "--pid"];
        for (typed, expected) in [
            ("--netwrok", Some("--network")),
            ("--vol", Some("--volume")),
            ("--nam", Some("--name")),
            ("--publish", None),
            ("-z", None),
        ] {
            assert_eq!(nearest(typed, &mut known.into_iter()), expected, "{typed}");
        }
    }
}
