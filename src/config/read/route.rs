//! `[[route]]`.

use std::collections::BTreeMap;
use std::ops::Range;

use super::Reader;
use super::report::Report;
use super::settings::tables;
use super::table::Table;
use super::value::Value;
use super::variant::choice;
use crate::config::model::Mapping;
use crate::config::problem::Problem;
use crate::config::route::{Route, RouteKind, RouteKinds, RoutePass};
use crate::gesture::MessageKey;
use crate::midi::{Channel, Channels, Message, Numbers, SystemMessage};

/// Most routes: a message is held against each of them.
const MAX_ROUTES: usize = 64;
/// Longest name of a port or device, in bytes.
const MAX_NAME: usize = 255;
/// Semitones; further no note goes.
const TRANSPOSE: std::ops::RangeInclusive<i64> = -127..=127;

/// A route, and where it stands.
pub(super) type Placed = (Route, Range<usize>);

impl Reader<'_> {
    /// `[[route]]`, or `[route]`.
    pub(super) fn routes(&mut self, value: Option<Value<'_>>) -> Vec<Placed> {
        let tables = value.map(|value| tables(value, MAX_ROUTES, "[route]")).unwrap_or_default();
        let mut routes: Vec<Placed> = Vec::new();
        for mut table in tables {
            let (span, before) = (table.span(), self.report.errors());
            let route = self.route(&mut table);
            table.finish();
            // Where something was wrong, stand-ins would be compared.
            let Some(route) = route.filter(|_| self.report.errors() == before) else { continue };
            if let Some((other, _)) = routes.iter().find(|(other, _)| is_sent_twice(other, &route)) {
                self.report.add(span.clone(), Problem::RoutedTwice { line: other.line });
            }
            routes.push((route, span));
        }
        routes
    }

    fn route(&mut self, table: &mut Table<'_>) -> Option<Route> {
        let line = self.report.line(table.span().start);
        let from = table.need(&["from"]).and_then(|value| {
            let name = value.text("the name of a device, as triggers call it", MAX_NAME)?;
            self.defined(&value, "device", name, &self.devices)?;
            Some(name.to_owned())
        });
        let to = table.need(&["to"]);
        let to = to.and_then(|value| value.text("the name of a MIDI output port", MAX_NAME)).map(str::to_owned);
        let only = table.take(&["only"]).map(|value| kinds(&value));
        let has = |kind: fn(RouteKind) -> bool| {
            only.as_ref().is_none_or(|kinds| kinds.iter().any(|known| known.is_none_or(kind)))
        };
        let (has_note, has_channel) = (has(RouteKind::has_note), has(RouteKind::has_channel));
        for (key, of, meant) in [
            ("notes", "a note", has_note),
            ("transpose", "a note", has_note),
            ("channels", "a channel", has_channel),
            ("channel", "a channel", has_channel),
        ] {
            if !meant && table.has(key) {
                table.report.add(table.span(), Problem::RouteKeyIdle { key, of });
            }
        }
        let channels = self.channels(table, "channels");
        let notes = table.optional_numbers(&["notes"]).unwrap_or(Numbers::ANY);
        let transpose = table.number(&["transpose"], TRANSPOSE, 0);
        let channel = table.take(&["channel"]).and_then(|value| self.channel_of(&value));
        let pass = table.take(&["pass"]).and_then(|value| {
            choice(&value, "word for what passes", &[("unmapped", RoutePass::Unmapped), ("all", RoutePass::All)])
        });
        let only = only.map_or(RouteKinds::ALL, |kinds| kinds.into_iter().flatten().collect());
        let pass = pass.unwrap_or_default();
        Some(Route { from: from?, to: to?, channels, notes, only, transpose, channel, pass, line })
    }
}

/// The kinds of messages in a list; nothing in the place of one that is wrong.
fn kinds(value: &Value<'_>) -> Vec<Option<RouteKind>> {
    let items = value.list(64);
    if items.as_ref().is_some_and(Vec::is_empty) {
        let wanted = "one kind of message or more, such as [\"NoteOn\", \"CC\"]";
        value.wrong(Problem::Empty { key: "only".to_owned(), wanted });
    }
    items.unwrap_or_default().iter().map(|item| choice(item, "message type", &RouteKind::NAMED)).collect()
}

/// Whether a message can take both routes and is the same behind both.
fn is_sent_twice(one: &Route, other: &Route) -> bool {
    let both = (&one.from, &one.to, one.transpose, one.channel);
    both == (&other.from, &other.to, other.transpose, other.channel)
        && one.only.meets(other.only)
        && one.channels.meets(other.channels)
        && one.notes.iter().any(|note| other.notes.contains(note))
}

/// Warns of each route that never passes anything: its notes go beyond the scale, or mappings that always hold name all it could
/// pass. `modes` are the mappings of each mode, `global` those of all.
pub(super) fn warn_of_idle(routes: &[Placed], modes: &[&[Mapping]], global: &[Mapping], report: &Report) {
    let mut named: BTreeMap<&str, Named> = BTreeMap::new();
    for (route, span) in routes.iter().filter(|(route, _)| !has_others(route)) {
        let messages = messages(route);
        let is_named = |message: &Message, named: &Named| {
            let channels = MessageKey::of(message).and_then(|key| named.get(&key)).copied().unwrap_or(Channels::NONE);
            message.channel().map_or(channels == Channels::ANY, |channel| channels.contains(channel))
        };
        let why = if messages.is_empty() {
            "its notes would all lie beyond 0 to 127"
        } else if route.pass == RoutePass::Unmapped {
            let named = named.entry(&route.from).or_insert_with(|| always_named(&route.from, modes, global));
            if !messages.iter().all(|message| is_named(message, named)) {
                continue;
            }
            "mappings name all that it could pass"
        } else {
            continue;
        };
        report.add(span.clone(), Problem::RouteIdle { why });
    }
}

/// On which channels mappings name what.
type Named = BTreeMap<MessageKey, Channels>;

/// What mappings name in every mode and under every condition, from the device `from`.
fn always_named(from: &str, modes: &[&[Mapping]], global: &[Mapping]) -> Named {
    let of = |mappings: &[Mapping], named: &mut Named| {
        let holds = |mapping: &&Mapping| {
            mapping.when.is_none() && mapping.trigger.device.as_ref().is_none_or(|device| *device == from)
        };
        for mapping in mappings.iter().filter(holds) {
            for key in mapping.trigger.trigger.keys() {
                let channels = named.entry(key).or_insert(Channels::NONE);
                *channels = channels.with(mapping.trigger.channels);
            }
        }
    };
    let mut always = Named::new();
    of(global, &mut always);
    let mut rest = modes.iter().map(|mode| {
        let mut named = Named::new();
        of(mode, &mut named);
        named
    });
    let Some(mut common) = rest.next() else { return always };
    for named in rest {
        common.retain(|key, channels| {
            named.get(key).is_some_and(|others| {
                *channels = channels.common(*others);
                true
            })
        });
    }
    for (key, channels) in common {
        let known = always.entry(key).or_insert(Channels::NONE);
        *known = known.with(channels);
    }
    always
}

/// Whether it passes kinds of messages that no trigger names as a whole.
fn has_others(route: &Route) -> bool {
    use RouteKind::{Clock, Other, SongPosition, SysEx};
    [Clock, Other, SongPosition, SysEx].into_iter().any(|kind| route.only.contains(kind))
}

/// One of each message that it could pass, whatever the values.
fn messages(route: &Route) -> Vec<Message> {
    let mut all = Vec::new();
    for channel in (1..=16).filter_map(Channel::new).filter(|channel| route.channels.contains(*channel)) {
        for number in 0..128 {
            all.extend([
                Message::NoteOn { channel, note: number, velocity: 1 },
                Message::NoteOff { channel, note: number, velocity: 0 },
                Message::PolyPressure { channel, note: number, pressure: 0 },
                Message::ControlChange { channel, controller: number, value: 0 },
                Message::ProgramChange { channel, program: number },
            ]);
        }
        all.extend([Message::ChannelPressure { channel, pressure: 0 }, Message::PitchBend { channel, value: 0 }]);
    }
    all.extend([SystemMessage::Start, SystemMessage::Stop, SystemMessage::Continue].map(Message::System));
    all.retain(|message| route.takes(message) && route.sent(message).is_some());
    all
}
