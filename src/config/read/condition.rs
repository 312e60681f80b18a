//! Conditions.

use toml::de::DeValue;

use super::Reader;
use super::table::{Table, shortened};
use super::value::Value;
use super::variant::Family;
use crate::config::condition::Condition;
use crate::config::problem::Problem;

const CONDITIONS: Family = Family {
    kind: "condition",
    names: &[
        "Always",
        "Never",
        "TimeRange",
        "DayOfWeek",
        "AppRunning",
        "AppFrontmost",
        "ModeIs",
        "State",
        "And",
        "Or",
        "Not",
    ],
    unlisted: &[],
    example: "\"Always\" or { ModeIs = { mode = \"Default\" } }",
};

/// How deep conditions may nest; beyond this nobody can read one.
const MAX_DEPTH: u64 = 16;
/// Most conditions in one list.
const MAX_LIST: usize = 64;
/// Longest name of a program, in bytes.
const MAX_APP: usize = 255;

impl Reader<'_> {
    /// The condition `value` describes, inside `depth` others.
    pub(super) fn condition(&mut self, value: Value<'_>, depth: u64) -> Option<Condition> {
        if depth >= MAX_DEPTH {
            value.wrong(Problem::TooMuch { what: "conditions inside each other", found: depth + 1, most: MAX_DEPTH });
            return None;
        }
        let variant = CONDITIONS.read(value)?;
        let mut fields = variant.fields;
        let condition = match variant.name {
            "Always" => Some(Condition::Always),
            "Never" => Some(Condition::Never),
            "TimeRange" => time_range(&mut fields),
            "DayOfWeek" => days(&mut fields).map(|days| Condition::DayOfWeek { days }),
            "AppRunning" => app(&mut fields).map(|app_name| Condition::AppRunning { app_name }),
            "AppFrontmost" => app(&mut fields).map(|app_name| Condition::AppFrontmost { app_name }),
            "ModeIs" => {
                fields.need(&["mode"]).and_then(|value| self.mode(&value)).map(|mode| Condition::ModeIs { mode })
            }
            "State" => self.state_condition(&mut fields),
            "And" => self.conditions(&mut fields, depth).map(Condition::And),
            "Or" => self.conditions(&mut fields, depth).map(Condition::Or),
            // "Not": the family has no other name.
            _ => fields
                .need(&["condition"])
                .and_then(|value| self.condition(value, depth + 1))
                .map(|condition| Condition::Not(Box::new(condition))),
        };
        fields.finish();
        condition
    }

    fn conditions(&mut self, fields: &mut Table<'_>, depth: u64) -> Option<Vec<Condition>> {
        let value = fields.need(&["conditions"])?;
        let items = value.list(MAX_LIST)?;
        if items.is_empty() {
            value.wrong(Problem::Empty { key: "conditions".into(), wanted: "one condition or more" });
        }
        Some(items.into_iter().filter_map(|item| self.condition(item, depth + 1)).collect())
    }
}

fn app(fields: &mut Table<'_>) -> Option<String> {
    let value = fields.need(&["app_name", "app"])?;
    Some(value.text("the name of a program", MAX_APP)?.to_owned())
}

fn time_range(fields: &mut Table<'_>) -> Option<Condition> {
    let start = fields.need(&["start"]).and_then(|value| minute_of_day(&value, 23 * 60 + 59));
    let end_value = fields.need(&["end"]);
    let end = end_value.and_then(|value| minute_of_day(&value, 24 * 60));
    let (start, end) = (start?, end?);
    if start == end
        && let Some(value) = end_value
    {
        value.malformed(&clock(end), "a time that differs from `start`, for example \"17:30\"");
    }
    Some(Condition::TimeRange { start, end })
}

fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// `"09:30"`, or TOML's own local time `09:30:00`.
pub(super) fn minute_of_day(value: &Value<'_>, most: u16) -> Option<u16> {
    const WANTED: &str = "a time from \"00:00\" to \"24:00\", for example \"09:30\"";
    let (text, minute) = if let DeValue::Datetime(datetime) = value.toml {
        let time = datetime.time.filter(|_| datetime.date.is_none() && datetime.offset.is_none());
        let minute = time
            .filter(|time| time.second.unwrap_or(0) == 0 && time.nanosecond.unwrap_or(0) == 0)
            .map(|time| u16::from(time.hour) * 60 + u16::from(time.minute));
        (datetime.to_string(), minute)
    } else {
        let text = value.string()?;
        (shortened(text), parse_clock(text))
    };
    let minute = minute.filter(|minute| *minute <= most);
    if minute.is_none() {
        value.malformed(&text, WANTED);
    }
    minute
}

fn parse_clock(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !(matches!(hour.len(), 1 | 2) && minute.len() == 2 && digits(hour) && digits(minute)) {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    (minute < 60 && hour * 60 + minute <= 24 * 60).then_some(hour * 60 + minute)
}

/// Weekdays, sorted, each once.
fn days(fields: &mut Table<'_>) -> Option<Vec<u8>> {
    days_of(&fields.need(&["days"])?)
}

pub(super) fn days_of(value: &Value<'_>) -> Option<Vec<u8>> {
    let items = value.list(MAX_LIST)?;
    if items.is_empty() {
        value.wrong(Problem::Empty { key: "days".into(), wanted: "weekdays from 1 (Monday) to 7 (Sunday)" });
    }
    let mut days: Vec<u8> =
        items.iter().filter_map(|item| item.integer(1..=7).and_then(|day| u8::try_from(day).ok())).collect();
    days.sort_unstable();
    days.dedup();
    Some(days)
}
