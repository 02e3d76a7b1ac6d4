//! Which name may be a typing error of another one.

/// The distance of two names, if one can be a typing error of the other.
#[must_use]
pub fn distance_of_typo(name: &[u8], other: &[u8]) -> Option<usize> {
    if matches!(other, b"." | b"..") || name.len().abs_diff(other.len()) > 2 {
        return None;
    }
    let (name, other) = (name.to_ascii_lowercase(), other.to_ascii_lowercase());
    let most = (name.len() / 3).min(2);
    Some(distance(&name, &other)).filter(|distance| *distance <= most)
}

/// The number of letters to insert, remove or replace, and of neighbours to swap, that turn one name into the
/// other (optimal string alignment).
pub(crate) fn distance<T: PartialEq>(one: &[T], two: &[T]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=two.len()).collect();
    for (at, letter) in one.iter().enumerate() {
        let mut row = vec![at + 1];
        for (other_at, other) in two.iter().enumerate() {
            let (replaced, removed, inserted) = (last[other_at], last[other_at + 1] + 1, row[other_at] + 1);
            let mut least = removed.min(inserted).min(replaced + usize::from(letter != other));
            if at > 0 && other_at > 0 && *letter == two[other_at - 1] && one[at - 1] == *other {
                least = least.min(before[other_at - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{distance, distance_of_typo};

    #[test]
    fn the_distance_is_the_number_of_changed_letters() {
        for (one, other, expected) in
            [("", "", 0), ("a", "", 1), ("run", "rum", 1), ("new", "nwe", 1), ("kitten", "sitting", 3)]
        {
            let both =
                [distance(one.as_bytes(), other.as_bytes()), distance(other.as_bytes(), one.as_bytes())];
            assert_eq!(both, [expected; 2], "{one} {other}");
        }
    }

    #[test]
    fn a_typing_error_is_distinguished_from_another_name() {
        for (name, other, expected) in [
            ("rotfs", "rootfs", Some(1)),
            ("rootsf", "rootfs", Some(1)),
            ("Rootfs", "rootfs", Some(0)),
            ("debain-12", "debian-12", Some(1)),
            ("root", "rootfs", None),
            ("alpine", "rootfs", None),
            ("ab", "ac", None),
            ("src", "srv", Some(1)),
        ] {
            assert_eq!(distance_of_typo(name.as_bytes(), other.as_bytes()), expected, "{name}");
        }
    }
}
