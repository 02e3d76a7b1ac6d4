//! The known word that is most like a typed one.

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
    let distance_to = |word: &str| match word.trim_start_matches('-') {
        word if typed.len() > 1 && word.starts_with(typed) => 0,
        word => distance(typed, word),
    };
    let near = known.map(|word| (distance_to(word), word)).filter(|(distance, _)| *distance <= most);
    near.min_by_key(|(distance, _)| *distance).map(|(_, word)| word)
}

/// How many letters have to be added, removed, replaced or exchanged with the next one to make one word the
/// other.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=other.len()).collect()];
    for row in 1..=one.len() {
        let mut distances = vec![row];
        for column in 1..=other.len() {
            let replaced = rows[row - 1][column - 1] + usize::from(one[row - 1] != other[column - 1]);
            let added_or_removed = rows[row - 1][column].min(distances[column - 1]) + 1;
            let is_exchanged = row > 1
                && column > 1
                && one[row - 1] == other[column - 2]
                && one[row - 2] == other[column - 1];
            let exchanged = if is_exchanged { rows[row - 2][column - 2] + 1 } else { replaced };
            distances.push(replaced.min(added_or_removed).min(exchanged));
        }
        rows.push(distances);
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use crate::cli::mistakes::nearest::{distance, nearest};

    #[test]
    fn the_distance_is_the_number_of_changed_letters() {
        for (one, other, expected) in
            [("", "", 0), ("a", "", 1), ("run", "rum", 1), ("new", "nwe", 1), ("kitten", "sitting", 3)]
        {
            assert_eq!((distance(one, other), distance(other, one)), (expected, expected), "{one} {other}");
        }
    }

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
