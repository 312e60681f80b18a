//! Times of local days, and when they come.

use super::Micros;

const MINUTE: i64 = 60;
const DAY: i64 = 86_400;

/// What ties a session's time to local time.
pub trait Calendar: Send + Sync {
    /// Unix time at `t` of the session, in microseconds.
    fn unix_at(&self, t: Micros) -> u64;
    /// Seconds that local time is ahead of UTC at this Unix time, in seconds.
    fn offset_at(&self, unix: i64) -> i32;
}

/// A moment of a local day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalTime {
    /// Minutes since midnight, 0–1439.
    pub minute: u16,
    /// 1 (Monday) to 7 (Sunday).
    pub weekday: u8,
}

impl LocalTime {
    /// The moment at `local` seconds, counted as if local time were UTC.
    fn of(local: i64) -> Self {
        let (day, second) = (local.div_euclid(DAY), local.rem_euclid(DAY));
        // Both are in range by the remainders. 1970-01-01 was a Thursday.
        let minute = (second / MINUTE).cast_unsigned() as u16;
        Self { minute, weekday: ((day + 3).rem_euclid(7) + 1).cast_unsigned() as u8 }
    }

    /// The moment at this Unix time, in seconds.
    #[must_use]
    pub fn at(unix: i64, calendar: &(impl Calendar + ?Sized)) -> Self {
        Self::of(local(unix, calendar))
    }
}

fn local(unix: i64, calendar: &(impl Calendar + ?Sized)) -> i64 {
    unix.saturating_add(calendar.offset_at(unix).into())
}

/// The first Unix time after `after`, in seconds, at which a local day of `days` (1, Monday, to 7) comes to its `minute`. A time that
/// does not exist, because clocks are put forward over it, comes with the next that does; one that there is twice comes the first time.
#[must_use]
pub fn next_time(minute: u16, days: &[u8], after: i64, calendar: &(impl Calendar + ?Sized)) -> Option<i64> {
    let today = local(after, calendar).div_euclid(DAY);
    // A week, and a day on each side for what clocks are put by.
    (today - 1..=today + 8)
        .map(|day| day.saturating_mul(DAY))
        .filter(|day| days.contains(&LocalTime::of(*day).weekday))
        .map(|day| first_at(day + i64::from(minute) * MINUTE, calendar))
        .find(|unix| *unix > after)
}

/// The first Unix time at which local time has come to `wanted`.
fn first_at(wanted: i64, calendar: &(impl Calendar + ?Sized)) -> i64 {
    // The offsets before and after whatever change there may be near it.
    let offsets = [wanted - DAY, wanted + DAY].map(|unix| i64::from(calendar.offset_at(unix)));
    let mut guesses = offsets.map(|offset| wanted - offset);
    guesses.sort_unstable();
    let [mut low, mut high] = guesses;
    if let Some(exact) = guesses.into_iter().find(|unix| local(*unix, calendar) == wanted) {
        return exact;
    }
    // It does not exist: between the two, clocks are put over it.
    while low + 1 < high {
        let middle = low + (high - low) / 2;
        if local(middle, calendar) < wanted { low = middle } else { high = middle }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two hours ahead of UTC from one time on until another, else one.
    struct Summer(std::ops::Range<i64>);

    impl Calendar for Summer {
        fn unix_at(&self, t: Micros) -> u64 {
            t
        }
        fn offset_at(&self, unix: i64) -> i32 {
            if self.0.contains(&unix) { 7_200 } else { 3_600 }
        }
    }

    // Berlin in 2024: clocks go forward on Sunday 31 March at 01:00 UTC, back on Sunday 27 October at 01:00 UTC.
    const BERLIN: Summer = Summer(1_711_846_800..1_729_990_800);
    const ALL: &[u8] = &[1, 2, 3, 4, 5, 6, 7];

    #[test]
    fn a_time_that_does_not_exist_comes_with_the_next_that_does() {
        let before = 1_711_846_800 - 3_600; // 01:00
        assert_eq!(next_time(150, ALL, before, &BERLIN), Some(1_711_846_800), "02:30 is 03:00");
        let next = 1_711_846_800 + DAY - 1_800; // 02:30 of the day after
        assert_eq!(next_time(150, ALL, 1_711_846_800, &BERLIN), Some(next));
    }

    #[test]
    fn a_time_that_there_is_twice_comes_once() {
        let first = 1_729_990_800 - 1_800; // 02:30 in summer
        assert_eq!(next_time(150, ALL, first - 60, &BERLIN), Some(first));
        assert_eq!(next_time(150, ALL, first, &BERLIN), Some(first + 25 * 3_600), "and not an hour later");
    }

    #[test]
    fn days_and_midnight_are_local() {
        let sunday = 1_711_839_600; // 31 March, 00:00
        assert_eq!(next_time(0, &[7], sunday - 1, &BERLIN), Some(sunday));
        assert_eq!(next_time(0, &[7], sunday, &BERLIN), Some(sunday + 7 * DAY - 3_600));
        assert_eq!(next_time(0, &[1], sunday, &BERLIN), Some(sunday + DAY - 3_600));
        assert_eq!(next_time(0, &[], sunday, &BERLIN), None);
        assert_eq!(LocalTime::at(sunday, &BERLIN), LocalTime { minute: 0, weekday: 7 });
    }
}
