//! Dates in signature files, trust stores and records: RFC 3339, UTC, whole seconds.

const DAY: u64 = 86_400;

/// Seconds since the Unix epoch. Written as `2025-11-19T08:59:12Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The end of time: everything that expires has expired.
    pub const MAX: Self = Self(u64::MAX);
    /// The last second that RFC 3339 can write.
    const LAST: u64 = 253_402_300_799;

    /// `seconds` since the Unix epoch.
    #[must_use]
    pub const fn from_unix(seconds: u64) -> Self {
        Self(seconds)
    }
    /// The second of a wall clock now, as `clock` shows one; it follows a system clock that is set later.
    pub fn now(clock: &dyn crate::time::Clock) -> Self {
        Self(clock.unix_time() / 1_000_000)
    }
    /// Seconds since the Unix epoch.
    #[must_use]
    pub const fn unix(self) -> u64 {
        self.0
    }
    /// `days` later, at most at the last second that can be written.
    #[must_use]
    pub fn plus_days(self, days: u32) -> Self {
        Self(self.0.saturating_add(u64::from(days) * DAY).min(Self::LAST))
    }

    /// Reads RFC 3339 in UTC (`Z` or `+00:00`); fractions of a second are dropped. Years 1970 to 9999.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (date, rest) = text.split_once(['T', 't', ' '])?;
        let rest = ["Z", "z", "+00:00", "-00:00"].iter().find_map(|zone| rest.strip_suffix(zone))?;
        let (time, fraction) = rest.split_once('.').unwrap_or((rest, "0"));
        if fraction.is_empty() || fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let [year, month, day] = fields(date, '-', [4, 2, 2])?;
        let [hour, minute, second] = fields(time, ':', [2, 2, 2])?;
        // A leap second is read as the second before it.
        let second = if (hour, minute, second) == (23, 59, 60) { 59 } else { second };
        if year < 1970 || !(1..=12).contains(&month) || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        if day < 1 || day > days_in_month(year, month) {
            return None;
        }
        let days = days_before_year(year) + (1..month).map(|month| days_in_month(year, month)).sum::<u64>() + day - 1;
        Some(Self(days * DAY + hour * 3600 + minute * 60 + second))
    }
}

/// `N` numbers of fixed width between separators.
fn fields(text: &str, separator: char, widths: [usize; 3]) -> Option<[u64; 3]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; 3];
    for (number, width) in numbers.iter_mut().zip(widths) {
        let part = parts.next().filter(|part| part.len() == width && part.bytes().all(|byte| byte.is_ascii_digit()))?;
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

fn leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// `month` is 1 to 12.
fn days_in_month(year: u64, month: u64) -> u64 {
    match month {
        2 => 28 + u64::from(leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to the first of January of `year`, which is not before 1970.
fn days_before_year(year: u64) -> u64 {
    let leaps = |before: u64| before / 4 - before / 100 + before / 400;
    (year - 1970) * 365 + leaps(year - 1) - leaps(1969)
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = self.0.min(Self::LAST);
        let (mut day, second) = (seconds / DAY, seconds % DAY);
        let mut year = 1970 + day / 366; // not too late, and at most a few years too early
        while days_before_year(year + 1) <= day {
            year += 1;
        }
        day -= days_before_year(year);
        let mut month = 1;
        while day >= days_in_month(year, month) {
            day -= days_in_month(year, month);
            month += 1;
        }
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", day + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_they_are_read() {
        for (text, unix) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T23:59:59Z", 951_868_799),
            ("2025-11-19T08:59:12Z", 1_763_542_752),
            ("2100-03-01T00:00:00Z", 4_107_542_400),
            ("9999-12-31T23:59:59Z", Timestamp::LAST),
        ] {
            assert_eq!(Timestamp::parse(text), Some(Timestamp(unix)), "{text}");
            assert_eq!(Timestamp(unix).to_string(), text);
        }
    }

    #[test]
    fn every_day_of_four_centuries_comes_back() {
        for day in 0..146_097 {
            let time = Timestamp(day * DAY + 43_200);
            assert_eq!(Timestamp::parse(&time.to_string()), Some(time));
        }
    }

    #[test]
    fn other_writers_fractions_and_offsets_of_zero_are_read() {
        let time = Timestamp::parse("2025-11-19T08:59:12Z");
        assert_eq!(Timestamp::parse("2025-11-19T08:59:12.123456789+00:00"), time);
        assert_eq!(Timestamp::parse("2025-11-19 08:59:12.5z"), time);
    }

    #[test]
    fn what_is_not_a_date_in_utc_is_refused() {
        for text in [
            "",
            "2025-11-19",
            "2025-11-19T08:59:12",
            "2025-11-19T08:59:12+01:00",
            "2025-02-29T00:00:00Z",
            "2025-13-01T00:00:00Z",
            "2025-00-01T00:00:00Z",
            "2025-01-00T00:00:00Z",
            "2025-01-01T24:00:00Z",
            "2025-01-01T00:60:00Z",
            "1969-12-31T23:59:59Z",
            "2025-1-01T00:00:00Z",
            "2025-01-01T00:00:00.Z",
            "+025-01-01T00:00:00Z",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }
}
