//! A journal.

use super::scratch::with_file;
use super::shown;
use crate::digest::Digest;
use crate::effect::{Effect, EffectHandler as _, Origin};
use crate::journal::{ConfigRecord, Header, Journal, LimitsRecord, Line, PluginRecord};
use crate::mapping::ConditionSource as _;

/// A journal that is read has its inputs in the order of their times and ends after them; its lines are the same when they are
/// written and read again, and whoever asks what it has recorded gets an answer.
///
/// Bytes that do not begin as a journal does are the lines after a header that is right, with a plugin called `p`.
pub fn journal(data: &[u8]) {
    let mut file = Vec::new();
    if !data.starts_with(b"{\"conductor_journal\"") {
        file = serde_json::to_vec(&header()).expect("JSON");
        file.push(b'\n');
    }
    file.extend(data);
    for line in file.split(|byte| *byte == b'\n') {
        if let Ok(line) = serde_json::from_slice::<Line>(line) {
            let written = serde_json::to_string(&line).expect("JSON");
            assert_eq!(serde_json::from_str::<Line>(&written).expect("what was written"), line);
        }
    }
    let journal = match with_file("journal", &file, Journal::read) {
        Ok(journal) => journal,
        Err(error) => return shown(&error),
    };
    let written = serde_json::to_string(&journal.header).expect("JSON");
    assert_eq!(serde_json::from_str::<Header>(&written).expect("what was written"), journal.header);
    assert!(journal.inputs.is_sorted_by_key(|input| input.t));
    let last = journal.inputs.last().map_or(0, |input| input.t);
    assert!(journal.end.is_none_or(|end| end >= last));
    assert!(journal.truncated.is_none() || journal.end.is_none());
    assert!(journal.revoked.iter().all(|(inputs, _, _)| *inputs <= journal.inputs.len()));
    let playback = &journal.playback;
    let origin = Origin::Plugin { plugin: "p", tenant: "default" };
    let _ = playback.perform(&Effect::Text("x".to_owned()), origin);
    let _ = playback.perform(&Effect::Text("x".to_owned()), Origin::Mapping);
    let _ = (playback.minute_of_day(), playback.weekday(), playback.app_running("x"), playback.app_frontmost("x"));
    if let Some(diverged) = playback.diverged(true) {
        shown(&diverged);
    }
}

/// The header of a session on this engine with one plugin.
pub(super) fn header() -> Header {
    let limits = LimitsRecord { max_total_memory_bytes: 1 << 30, max_instances: 64 };
    let plugin = PluginRecord {
        name: "p".to_owned(),
        digest: Some(Digest::of(b"p").to_string()),
        refused: None,
        data: None,
        approved: None,
    };
    Header::new(0, &[7; 32], limits, ConfigRecord::new("c.toml", "/", "[[modes]]\nname = \"A\"\n"), vec![plugin])
}
