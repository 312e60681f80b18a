//! What the run of tests did without. Not a test itself: it runs after all others, because of its name, and says what they left out.

use std::collections::BTreeSet;
use std::fs;

#[path = "support/missing.rs"]
#[allow(dead_code)] // a part of it
mod missing;

fn main() {
    let Ok(notes) = fs::read_to_string(missing::notes()) else { return };
    fs::remove_file(missing::notes()).expect("the notes are removed once they are read");
    let notes: BTreeSet<(&str, &str)> = notes.lines().filter_map(|line| line.split_once('\t')).collect();
    let wanted: BTreeSet<&str> = notes.iter().map(|(_, wanted)| *wanted).collect();
    let tests = if notes.len() == 1 { "1 test was".to_owned() } else { format!("{} tests were", notes.len()) };
    let wanted: Vec<&str> = wanted.into_iter().collect();
    println!("\n{tests} left out, in whole or in part; to run them, install (Debian): {}\n", wanted.join(" "));
}
