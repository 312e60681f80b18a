//! Profiles that are built in, as text. Whoever has a file of the same name has that one instead.

macro_rules! shipped {
    ($($name:literal)*) => { &[$(($name, include_str!(concat!("../../profiles/", $name, ".toml")))),*] };
}

/// Name and text of each, sorted by name.
pub const SHIPPED: &[(&str, &str)] = shipped! {
    "apc-mini-mk1"
    "apc-mini-mk2"
    "launchpad-mini-mk3"
    "launchpad-pro-mk3"
    "launchpad-x"
    "nanokontrol2"
    "x-touch-mini"
};
