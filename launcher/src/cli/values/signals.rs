//! `--signal`, and the stop signals of images.

use nix::sys::signal::Signal;

/// The real-time signals that programs may use: signal(7).
const REAL_TIME: std::ops::RangeInclusive<i32> = 34..=64;

/// Reads a signal: a name with or without SIG, also `RTMIN+N` and `RTMAX-N`, or a number.
pub(crate) fn signal(text: &str) -> Option<i32> {
    if let Ok(number) = text.parse::<i32>() {
        return (1..=64).contains(&number).then_some(number);
    }
    let name = text.to_ascii_uppercase();
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    if let Some(above) = name.strip_prefix("RTMIN") {
        return real_time(REAL_TIME.start(), above, '+');
    }
    if let Some(below) = name.strip_prefix("RTMAX") {
        return real_time(REAL_TIME.end(), below, '-');
    }
    format!("SIG{name}").parse::<Signal>().ok().map(|signal| signal as i32)
}

fn real_time(from: &i32, distance: &str, sign: char) -> Option<i32> {
    if distance.is_empty() {
        return Some(*from);
    }
    let digits = distance.strip_prefix(sign)?;
    let distance: i32 = digits.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let number = if sign == '+' { from.checked_add(distance) } else { from.checked_sub(distance) };
    number.filter(|number| REAL_TIME.contains(number))
}

#[cfg(test)]
mod tests {
    use super::signal;

    #[test]
    fn signals_have_names_and_numbers() {
        for (text, number) in [
            ("9", 9),
            ("64", 64),
            ("KILL", 9),
            ("sigterm", 15),
            ("SIGRTMIN", 34),
            ("RTMIN+3", 37),
            ("SIGRTMAX-1", 63),
        ] {
            assert_eq!(signal(text), Some(number), "{text}");
        }
        for text in
            ["", "0", "65", "-1", "SIG", "WHAT", "RTMIN-1", "RTMIN+31", "RTMAX+1", "RTMIN+", "RTMIN++1"]
        {
            assert_eq!(signal(text), None, "{text}");
        }
    }
}
