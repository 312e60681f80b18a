//! The local time zone.

use crate::os::process::Environment;

/// The system's zone.
const LOCALTIME: &str = "/etc/localtime";

/// A time zone.
#[derive(Debug)]
pub(super) struct Zone(tz::TimeZone);

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

    /// Seconds that local time is ahead of UTC at `unix` seconds.
    pub(super) fn offset(&self, unix: i64) -> i32 {
        self.0.find_local_time_type(unix).map_or(0, tz::LocalTimeType::ut_offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{Calendar, LocalTime, Micros};

    impl Calendar for Zone {
        fn unix_at(&self, t: Micros) -> u64 {
            t
        }
        fn offset_at(&self, unix: i64) -> i32 {
            self.offset(unix)
        }
    }

    fn at(rule: &str, unix: u64) -> (u16, u8) {
        let zone = Zone::of_system(&Environment::inherited().with("TZ", rule));
        let time = LocalTime::at(unix.cast_signed(), &zone);
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
