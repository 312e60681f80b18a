//! Programs that the configuration starts.

/// A line that is run, or the program that is started, with what it finds in its environment of the event that set it off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The line, as written.
    pub line: String,
    /// The event's numbers.
    pub variables: Variables,
}

impl From<String> for Command {
    fn from(line: String) -> Self {
        Self { line, variables: Variables::default() }
    }
}

/// The numbers of an event, as variables of a program's environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Variables {
    numbers: [i16; Self::NAMES.len()],
    /// A bit for each that is there, the first lowest.
    present: u16,
}

impl Variables {
    /// What every variable's name begins with.
    pub const PREFIX: &str = "CONDUCTOR_";

    /// The names.
    pub const NAMES: [&str; 9] = [
        "CONDUCTOR_VALUE",
        "CONDUCTOR_VELOCITY",
        "CONDUCTOR_NOTE",
        "CONDUCTOR_CC",
        "CONDUCTOR_PROGRAM",
        "CONDUCTOR_CHANNEL",
        "CONDUCTOR_PRESSURE",
        "CONDUCTOR_BEND",
        "CONDUCTOR_DELTA",
    ];

    /// Variables with these numbers, in the order of their names.
    #[must_use]
    pub fn of(numbers: [Option<i16>; Self::NAMES.len()]) -> Self {
        let mut variables = Self::default();
        for (index, number) in numbers.into_iter().enumerate() {
            if let (Some(number), Some(place)) = (number, variables.numbers.get_mut(index)) {
                *place = number;
                variables.present |= 1 << index;
            }
        }
        variables
    }

    /// Every name with its number; nothing where the event has none, so that no program sees one of an event before.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Option<i16>)> {
        let present = self.present;
        Self::NAMES
            .into_iter()
            .zip(self.numbers)
            .enumerate()
            .map(move |(index, (name, number))| (name, (present & 1 << index != 0).then_some(number)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_event_does_not_have_is_named_without_a_number() {
        let variables =
            Variables::of([Some(0), None, Some(60), None, None, Some(16), None, Some(16_383), Some(-1_008)]);
        let numbers: Vec<_> = variables.iter().map(|(_, number)| number).collect();
        assert_eq!(numbers, [Some(0), None, Some(60), None, None, Some(16), None, Some(16_383), Some(-1_008)]);
        assert!(variables.iter().all(|(name, _)| name.starts_with(Variables::PREFIX)));
        assert!(Variables::default().iter().all(|(_, number)| number.is_none()));
    }
}
