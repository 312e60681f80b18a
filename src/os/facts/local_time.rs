//! The local time of day and weekday.

use crate::os::process::Environment;

/// The system's zone.
const LOCALTIME: &str = "/etc/localtime";

/// A time zone.
#[derive(Debug)]
pub(super) struct Zone(tz::TimeZone);

/// A moment as conditions see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LocalTime {
    /// Minutes since midnight, 0–1439.
    pub(super) minute: u16,
    /// 1 (Monday) to 7 (Sunday).
    pub(super) weekday: u8,
}

impl Zone {
    /// The zone of `TZ` (a name, a file or a rule, as for every other program), else of `/etc/localtime`, else UTC.
    pub(super) fn of_system(environment: &Environment) -> Self {
        let (zone, source) = match environment.get("TZ") {
            Some(name) => (tz::TimeZone::from_posix_tz(&name.to_string_lossy()), "TZ"),
            // No such file is how a system says that it counts in UTC.
            None if !std::fs::exists(LOCALTIME).unwrap_or(true) => return Self::utc(),
            None => (tz::TimeZone::local(), LOCALTIME),
        };
        Self(zone.unwrap_or_else(|error| {
            log::warn!("the time zone of {source} cannot be used: {error}; conditions count in UTC");
            tz::TimeZone::utc()
        }))
    }

    /// Coordinated universal time.
    pub(super) fn utc() -> Self {
        Self(tz::TimeZone::utc())
    }

    /// The local time at `unix` seconds.
    pub(super) fn at(&self, unix: u64) -> LocalTime {
        let unix = i64::try_from(unix).unwrap_or(i64::MAX);
        let offset = self.0.find_local_time_type(unix).map_or(0, tz::LocalTimeType::ut_offset);
        let local = unix.saturating_add(i64::from(offset));
        let (day, second) = (local.div_euclid(86_400), local.rem_euclid(86_400));
        let weekday = (day + 3).rem_euclid(7) + 1; // 1970-01-01 was a Thursday
        // Both are in range by the remainders.
        LocalTime { minute: (second / 60).cast_unsigned() as u16, weekday: weekday.cast_unsigned() as u8 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(rule: &str, unix: u64) -> (u16, u8) {
        let time = Zone::of_system(&Environment::inherited().with("TZ", rule)).at(unix);
        (time.minute, time.weekday)
    }

    #[test]
    fn time_is_told_in_the_zone_with_its_summer_time() {
        const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";
        assert_eq!(at("UTC0", 0), (0, 4)); // Thursday
        assert_eq!(at("UTC0", 1_577_836_800 + 90), (1, 3)); // Wednesday 2020-01-01 00:01:30
        assert_eq!(at(BERLIN, 1_577_836_800), (60, 3));
        assert_eq!(at(BERLIN, 1_593_640_740), (23 * 60 + 59, 3)); // 2020-07-01 23:59 in summer
        assert_eq!(at(BERLIN, 1_593_640_800), (0, 4)); // and the minute after
        assert_eq!(at("EST5", 1_577_836_800), (19 * 60, 2)); // Tuesday evening
    }

    #[test]
    fn a_zone_that_does_not_exist_is_utc() {
        assert_eq!(at("No/Such_Zone", 60), (1, 4));
    }
}
