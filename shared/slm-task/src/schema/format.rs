//! The formats of texts that are checked, as RFC 3339 (dates and times) has them. It must not know
//! schemas.

/// A named form of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// `2026-02-28`, a day of the calendar.
    Date,
    /// `13:30:00Z`, `13:30:00.5+02:00`
    Time,
    /// A date, `T`, and a time.
    DateTime,
    /// Something on both sides of one `@`, without white space.
    Email,
}

impl Format {
    pub(super) const NAMES: [(&'static str, Self); 4] = [
        ("date", Self::Date),
        ("time", Self::Time),
        ("date-time", Self::DateTime),
        ("email", Self::Email),
    ];

    /// For people, after "expected".
    pub(super) fn in_words(self) -> &'static str {
        match self {
            Self::Date => "a day of the calendar, YYYY-MM-DD",
            Self::Time => "a time with its zone, 13:30:00Z",
            Self::DateTime => "a date and time, 2026-02-28T13:30:00Z",
            Self::Email => "an e-mail address",
        }
    }

    pub(super) fn has(self, text: &str) -> bool {
        match self {
            Self::Date => is_date(text),
            Self::Time => is_time(text),
            Self::DateTime => (text.split_once(['T', 't']))
                .is_some_and(|(date, time)| is_date(date) && is_time(time)),
            Self::Email => (text.split_once('@')).is_some_and(|(name, host)| {
                let odd = |c: char| c == '@' || c.is_whitespace() || c.is_control();
                !name.is_empty() && !host.is_empty() && !name.contains(odd) && !host.contains(odd)
            }),
        }
    }
}

/// A number of exactly so many digits.
fn digits(text: &str, count: usize) -> Option<u32> {
    let all = text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| all)
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else {
        return false;
    };
    let (Some(year), Some(month), Some(day)) = (digits(year, 4), digits(month, 2), digits(day, 2))
    else {
        return false;
    };
    let leaps = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 => 28 + u32::from(leaps),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

fn is_time(text: &str) -> bool {
    let zone = text.find(['Z', 'z', '+']).or_else(|| text.rfind('-'));
    let Some(zone) = zone else { return false };
    let (clock, zone) = text.split_at(zone);
    let hour_minute = |text: &str| match text.split_once(':') {
        Some((hour, minute)) => {
            digits(hour, 2).is_some_and(|h| h < 24) && digits(minute, 2).is_some_and(|m| m < 60)
        }
        None => false,
    };
    let zone = zone.eq_ignore_ascii_case("z") || hour_minute(&zone[1..]);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let fraction = !fraction.is_empty() && fraction.bytes().all(|b| b.is_ascii_digit());
    // 60 is a leap second.
    let clock = (clock.rsplit_once(':')).is_some_and(|(rest, second)| {
        hour_minute(rest) && digits(second, 2).is_some_and(|s| s <= 60)
    });
    zone && fraction && clock
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_those_of_rfc_3339() {
        let check = |format: Format, text: &str, expected: bool| {
            assert_eq!(format.has(text), expected, "{format:?} {text}");
        };
        check(Format::Date, "2024-02-29", true);
        check(Format::Date, "2023-02-29", false);
        check(Format::Date, "1900-02-29", false);
        check(Format::Date, "2000-02-29", true);
        check(Format::Date, "2024-04-31", false);
        check(Format::Date, "2024-00-10", false);
        check(Format::Date, "2024-4-3", false);
        check(Format::Date, "24-04-03", false);
        check(Format::Date, "2024-04-03 ", false);
        check(Format::Time, "13:30:00Z", true);
        check(Format::Time, "13:30:60.25+02:00", true);
        check(Format::Time, "13:30:00-05:30", true);
        check(Format::Time, "24:00:00Z", false);
        check(Format::Time, "13:30Z", false);
        check(Format::Time, "13:30:00", false);
        check(Format::Time, "13:30:00.Z", false);
        check(Format::DateTime, "2024-02-29T13:30:00Z", true);
        check(Format::DateTime, "2024-02-29 13:30:00Z", false);
        check(Format::DateTime, "2024-02-30T13:30:00Z", false);
        check(Format::Email, "a@b", true);
        check(Format::Email, "a b@c", false);
        check(Format::Email, "@c", false);
        check(Format::Email, "a@b@c", false);
    }
}
