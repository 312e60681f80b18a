//! The cases there are, and running one.

use std::fmt;

use crate::groups;

/// The directory a case works in.
pub type Dir = crate::wasi::Fd;

/// One thing that has to hold.
pub struct Case {
    group: &'static str,
    name: &'static str,
    run: fn(Dir),
}

/// Cases are functions in a group's module; this lists them.
macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        pub const CASES: &[(&str, fn(crate::cases::Dir))] = &[$((stringify!($name), $name)),*];
    };
}
pub(crate) use cases;

pub fn all() -> impl Iterator<Item = Case> {
    groups::ALL.iter().flat_map(|(group, cases)| cases.iter().map(|&(name, run)| Case { group, name, run }))
}

pub fn run(name: &str) {
    let case = all().find(|case| case.to_string() == name);
    let case = case.unwrap_or_else(|| panic!("there is no case {name}"));
    (case.run)(crate::wasi::root());
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.group, self.name)
    }
}
