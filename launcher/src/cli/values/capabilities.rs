//! `--cap-add` and `--cap-drop`.

use crate::request::capabilities::{ALL, bit, default};

/// The set that is left of the default one after additions and removals, each a name or ALL.
///
/// # Errors
/// A name that is none.
pub(crate) fn set<W: AsRef<str>>(added: &[W], dropped: &[W]) -> Result<u64, String> {
    let (added, dropped) = (words(added)?, words(dropped)?);
    let kept = if dropped == ALL { 0 } else { default() & !dropped };
    Ok(if added == ALL { ALL & !(if dropped == ALL { 0 } else { dropped }) } else { kept | added })
}

fn words<W: AsRef<str>>(words: &[W]) -> Result<u64, String> {
    let mut set = 0;
    for word in words.iter().flat_map(|word| word.as_ref().split(',')) {
        set |= match word {
            word if word.eq_ignore_ascii_case("all") => ALL,
            word => bit(word).ok_or_else(|| format!("{word} is no capability"))?,
        };
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::set;
    use crate::request::capabilities::{ALL, default, names};

    #[test]
    fn names_are_taken_in_every_spelling() {
        let one = set(&["sys_ptrace"], &[]).ok();
        assert_eq!(one, Some(default() | 1 << 19));
        assert_eq!(set(&["CAP_SYS_PTRACE"], &[]).ok(), one);
        assert_eq!(set(&["ptrace"], &[]), Err("ptrace is no capability".into()));
    }

    #[test]
    fn all_may_be_dropped_or_added_and_single_ones_come_on_top() {
        assert_eq!(set(&[], &["ALL"]), Ok(0));
        assert_eq!(set(&["CHOWN"], &["all"]), Ok(1));
        assert_eq!(set(&["all"], &["CHOWN"]), Ok(ALL & !1));
        assert_eq!(set(&[], &["CHOWN,KILL"]), Ok(default() & !0b10_0001));
        assert_eq!(names(0b10_0001).collect::<Vec<_>>(), ["CAP_CHOWN", "CAP_KILL"]);
    }
}
