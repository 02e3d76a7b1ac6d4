//! Times in the form of RFC 3339, as configs have them.

use std::time::{SystemTime, UNIX_EPOCH};

const DAY: i64 = 86_400;

/// The seconds since 1970.
pub(crate) fn now() -> i64 {
    // Error ignored: a clock before 1970 is only shown.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok().unwrap_or_default();
    i64::try_from(since.as_secs()).ok().unwrap_or(i64::MAX)
}

/// `YYYY-MM-DDTHH:MM:SSZ`.
pub(crate) fn text(seconds: i64) -> String {
    let (days, second) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The seconds since 1970 of a time with any offset; fractions are dropped. `None` if it is not a time.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let (date, rest) = text.split_at_checked(10)?;
    let (time, zone) = rest.split_at_checked(9)?;
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time.strip_prefix(['T', 't'])?, ':')?;
    let zone = zone.trim_start_matches(|letter: char| letter == '.' || letter.is_ascii_digit());
    let offset = match zone {
        "Z" | "z" => 0,
        zone => {
            let [hours, minutes] = numbers(zone.get(1..)?, ':')?;
            let offset = hours * 3600 + minutes * 60;
            if zone.starts_with('-') { -offset } else { offset }
        }
    };
    let is_valid = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60;
    is_valid.then(|| days(year, month, day) * DAY + hour * 3600 + minute * 60 + second - offset)
}

fn numbers<const N: usize>(text: &str, separator: char) -> Option<[i64; N]> {
    let number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?;
    text.split(separator).map(number).collect::<Option<Vec<i64>>>()?.try_into().ok()
}

/// How long ago something was, in the largest unit.
pub(crate) fn ago(seconds: i64) -> String {
    const UNITS: [(i64, &str); 6] = [
        (365 * DAY, "year"),
        (30 * DAY, "month"),
        (7 * DAY, "week"),
        (DAY, "day"),
        (3600, "hour"),
        (60, "minute"),
    ];
    let unit = UNITS.iter().find(|(length, _)| seconds >= 2 * length || seconds >= *length && *length <= DAY);
    match unit {
        Some((length, unit)) => {
            let count = seconds / length;
            format!("{count} {unit}{} ago", if count == 1 { "" } else { "s" })
        }
        None => "less than a minute ago".into(),
    }
}

/// The days from 1970-01-01 to a date of the Gregorian calendar. A year begins in March, so that a leap day is its
/// last one.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    365 * year + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * month + 2) / 5
        + day
        - 719_469
}

fn civil(days: i64) -> (i64, i64, i64) {
    // Of the two years that are possible, the later one that does not begin after the day.
    let guess = 1970 + days.div_euclid(366);
    let year = (guess..).take_while(|year| self::days(*year, 1, 1) <= days).last().unwrap_or(guess);
    let month = (1..=12).take_while(|month| self::days(year, *month, 1) <= days).last().unwrap_or(1);
    (year, month, days - self::days(year, month, 1) + 1)
}

#[cfg(test)]
mod tests {
    use super::{ago, parse, text};

    #[test]
    fn times_are_those_of_date() {
        for (seconds, written) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_823_999, "2026-11-27T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(text(seconds), written);
            assert_eq!(parse(written), Some(seconds), "{written}");
        }
    }

    #[test]
    fn offsets_and_fractions_are_read() {
        assert_eq!(parse("1970-01-01T02:00:00.123456789+01:30"), Some(1800));
        assert_eq!(parse("1970-01-01T00:00:00-00:01"), Some(60));
        for wrong in ["", "1970-01-01", "1970-13-01T00:00:00Z", "1970-01-01T00:00:00", "x970-01-01T00:00:00Z"]
        {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_age_has_one_unit() {
        let minute = 60;
        assert_eq!(
            [5, minute, 3 * 3600, 86_400, 20 * 86_400, 40 * 86_400, 800 * 86_400].map(ago),
            [
                "less than a minute ago",
                "1 minute ago",
                "3 hours ago",
                "1 day ago",
                "2 weeks ago",
                "5 weeks ago",
                "2 years ago"
            ]
        );
    }
}
