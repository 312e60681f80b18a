//! What is asked of OBS to show how it stands: all of it once connected, and again when something came, went or got another name.
//! Later changes come as events.

use std::collections::{BTreeMap, VecDeque};

use crate::frame::{Data, Facts};
use crate::shown::{Shown, Value};

/// Questions that are asked at once; OBS answers each with a frame of its own.
const AT_ONCE: usize = 8;

/// Most questions that wait: a thousand scenes are not all shown.
const MOST: usize = 1_000;

/// Something that is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Look {
    Scenes,
    Program,
    Preview,
    Record,
    Stream,
    Replay,
    Camera,
    Studio,
    Transition,
    Inputs,
    Muted(String),
    Volume(String),
    /// The items of a scene, or those of a group.
    Items(String, bool),
    Filters(String),
}

impl Look {
    pub(crate) fn request(&self) -> (&'static str, Data) {
        let data = Data::default();
        let named = |name: &String| Some(name.clone());
        match self {
            Self::Scenes => ("GetSceneList", data),
            Self::Program => ("GetCurrentProgramScene", data),
            Self::Preview => ("GetCurrentPreviewScene", data),
            Self::Record => ("GetRecordStatus", data),
            Self::Stream => ("GetStreamStatus", data),
            Self::Replay => ("GetReplayBufferStatus", data),
            Self::Camera => ("GetVirtualCamStatus", data),
            Self::Studio => ("GetStudioModeEnabled", data),
            Self::Transition => ("GetCurrentSceneTransition", data),
            Self::Inputs => ("GetInputList", data),
            Self::Muted(name) => ("GetInputMute", Data { input_name: named(name), ..data }),
            Self::Volume(name) => ("GetInputVolume", Data { input_name: named(name), ..data }),
            Self::Items(scene, false) => ("GetSceneItemList", Data { scene_name: named(scene), ..data }),
            Self::Items(group, true) => ("GetGroupSceneItemList", Data { scene_name: named(group), ..data }),
            Self::Filters(source) => ("GetSourceFilterList", Data { source_name: named(source), ..data }),
        }
    }
}

/// What is looked for, and what was found.
#[derive(Default)]
pub(crate) struct Sync {
    waiting: VecDeque<Look>,
    /// Questions that are asked, and whether they were when the clock was looked at.
    flying: BTreeMap<u32, (Look, bool)>,
    /// It has begun and has not ended.
    busy: bool,
    /// Something changed while it was at work.
    again: bool,
    /// The sources of items, by scene and number.
    items: BTreeMap<(String, u64), String>,
}

impl Sync {
    /// Begins to look at everything.
    pub(crate) fn begin(&mut self, shown: &mut Shown) {
        if self.busy {
            self.again = true;
            return;
        }
        self.busy = true;
        self.items.clear();
        shown.begin();
        self.waiting.extend([
            Look::Scenes,
            Look::Record,
            Look::Stream,
            Look::Studio,
            Look::Inputs,
            Look::Transition,
            Look::Replay,
            Look::Camera,
        ]);
    }

    /// Looks at one thing more.
    pub(crate) fn look(&mut self, look: Look) {
        if self.waiting.len() < MOST && !self.waiting.contains(&look) {
            self.waiting.push_back(look);
        }
    }

    /// The next question, where it may be asked now; it gets the number `id`.
    pub(crate) fn next(&mut self, id: u32) -> Option<&Look> {
        if self.flying.len() >= AT_ONCE {
            return None;
        }
        let look = self.waiting.pop_front()?;
        Some(&self.flying.entry(id).or_insert((look, false)).0)
    }

    /// The question with this number, which is answered.
    pub(crate) fn take(&mut self, id: u32) -> Option<Look> {
        self.flying.remove(&id).map(|(look, _)| look)
    }

    /// An answer that was passed over, or never came, holds up no other.
    pub(crate) fn give_up(&mut self, shown: &mut Shown) {
        self.flying.retain(|_, (_, old)| !std::mem::replace(old, true));
        self.settle(shown);
    }

    /// Whether all is answered: then what was not found is gone, and where something has changed, everything is looked at anew.
    pub(crate) fn settle(&mut self, shown: &mut Shown) {
        if self.busy && self.flying.is_empty() && self.waiting.is_empty() {
            self.busy = false;
            shown.end();
            if std::mem::take(&mut self.again) {
                self.begin(shown);
            }
        }
    }

    /// Takes in what OBS says of `look`.
    pub(crate) fn found(&mut self, look: Look, facts: Facts, shown: &mut Shown) {
        match look {
            Look::Scenes => {
                if let Some(name) = &facts.current_program_scene_name {
                    shown.text("scene", name);
                }
                shown.set("preview", facts.current_preview_scene_name.as_deref().map(Value::text));
                for scene in facts.scenes.unwrap_or_default() {
                    self.look(Look::Items(scene.name.clone(), false));
                    self.look(Look::Filters(scene.name));
                }
            }
            Look::Program => {
                if let Some(name) = facts.current_program_scene_name {
                    shown.text("scene", &name);
                }
            }
            Look::Preview => {
                let name = facts.scene_name.or(facts.current_preview_scene_name);
                shown.set("preview", name.as_deref().map(Value::text));
            }
            Look::Record => {
                let active = facts.output_active.unwrap_or_default();
                shown.flag("recording", active);
                shown.flag("paused", active && facts.output_paused.unwrap_or_default());
            }
            Look::Stream => {
                shown.flag("streaming", facts.output_active.unwrap_or_default());
                shown.flag("reconnecting", facts.output_reconnecting.unwrap_or_default());
            }
            Look::Replay => shown.flag("replay", facts.output_active.unwrap_or_default()),
            Look::Camera => shown.flag("camera", facts.output_active.unwrap_or_default()),
            Look::Studio => shown.flag("studio", facts.studio_mode_enabled.unwrap_or_default()),
            Look::Transition => {
                shown.set("transition", facts.transition_name.as_deref().map(Value::text));
                // A cut takes no time.
                shown.set("duration", facts.transition_duration.map(Value::Number));
            }
            Look::Inputs => {
                for input in facts.inputs.unwrap_or_default() {
                    self.look(Look::Muted(input.name.clone()));
                    self.look(Look::Volume(input.name.clone()));
                    self.look(Look::Filters(input.name));
                }
            }
            Look::Muted(name) => {
                if let Some(muted) = facts.input_muted {
                    shown.named("muted", &name, Value::Flag(muted));
                }
            }
            Look::Volume(name) => {
                if let Some(db) = facts.input_volume_db {
                    shown.named("volume", &name, loudness(db));
                }
            }
            Look::Items(scene, _) => {
                for item in facts.scene_items.unwrap_or_default() {
                    let Some(source) = item.source_name else { continue };
                    if item.is_group == Some(true) {
                        self.look(Look::Items(source.clone(), true));
                    }
                    // A source that is there twice: the first is what a name means.
                    if !shown.is_found("visible", &scene, &source) {
                        shown.inside("visible", &scene, &source, item.scene_item_enabled.unwrap_or_default());
                        if self.items.len() < MOST {
                            self.items.insert((scene.clone(), item.scene_item_id), source);
                        }
                    }
                }
            }
            Look::Filters(source) => {
                for filter in facts.filters.unwrap_or_default() {
                    shown.inside("filter", &source, &filter.filter_name, filter.filter_enabled);
                }
            }
        }
    }

    /// Something happened.
    pub(crate) fn happened(&mut self, event: &str, facts: &Facts, shown: &mut Shown) -> Changed {
        let state = facts.output_state.as_deref().unwrap_or_default();
        let state = state.strip_prefix("OBS_WEBSOCKET_OUTPUT_").unwrap_or(state);
        match (event, &facts.scene_name, &facts.input_name) {
            ("CurrentProgramSceneChanged", Some(name), _) => shown.text("scene", name),
            // The event of the scene comes when its transition has ended, and it is on program from the beginning.
            ("SceneTransitionStarted", ..) => {
                self.look(Look::Program);
                return Changed::Scene;
            }
            ("SceneTransitionEnded", ..) => self.look(Look::Program),
            ("CurrentPreviewSceneChanged", Some(name), _) => shown.text("preview", name),
            ("StudioModeStateChanged", ..) => {
                let on = facts.studio_mode_enabled.unwrap_or_default();
                shown.flag("studio", on);
                if on { self.look(Look::Preview) } else { shown.set("preview", None) }
            }
            ("RecordStateChanged", ..) => {
                if let Some(active) = active(state) {
                    shown.flag("recording", active);
                    shown.flag("paused", state == "PAUSED");
                }
            }
            ("StreamStateChanged", ..) => {
                if let Some(active) = active(state) {
                    shown.flag("streaming", active);
                    shown.flag("reconnecting", state == "RECONNECTING");
                }
            }
            ("ReplayBufferStateChanged", ..) => active(state).into_iter().for_each(|on| shown.flag("replay", on)),
            ("VirtualcamStateChanged", ..) => active(state).into_iter().for_each(|on| shown.flag("camera", on)),
            ("InputMuteStateChanged", _, Some(name)) => {
                shown.named("muted", name, Value::Flag(facts.input_muted.unwrap_or_default()));
            }
            ("InputVolumeChanged", _, Some(name)) => {
                if let Some(db) = facts.input_volume_db {
                    shown.named("volume", name, loudness(db));
                }
            }
            ("CurrentSceneTransitionChanged", ..) => self.look(Look::Transition),
            ("CurrentSceneTransitionDurationChanged", ..) => {
                shown.set("duration", facts.transition_duration.map(Value::Number));
            }
            ("SceneItemEnableStateChanged", Some(scene), _) => {
                let id = facts.scene_item_id.unwrap_or_default();
                if let Some(source) = self.items.get(&(scene.clone(), id)) {
                    shown.inside("visible", scene, source, facts.scene_item_enabled.unwrap_or_default());
                }
            }
            ("SourceFilterEnableStateChanged", ..) => {
                if let (Some(source), Some(filter)) = (&facts.source_name, &facts.filter_name) {
                    shown.inside("filter", source, filter, facts.filter_enabled.unwrap_or_default());
                }
            }
            (
                "SceneCreated"
                | "SceneRemoved"
                | "SceneNameChanged"
                | "InputCreated"
                | "InputRemoved"
                | "InputNameChanged"
                | "SceneItemCreated"
                | "SceneItemRemoved"
                | "SourceFilterCreated"
                | "SourceFilterRemoved"
                | "SourceFilterNameChanged"
                | "CurrentSceneCollectionChanged"
                | "CurrentProfileChanged",
                ..,
            ) => return Changed::Things,
            _ => {}
        }
        Changed::Values
    }
}

/// What an event was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Changed {
    /// Values of what there is.
    Values,
    /// What there is, and what it is called.
    Things,
    /// The scene, or it will have in a moment.
    Scene,
}

/// Whether an output in this state is at work; none on the way down.
fn active(state: &str) -> Option<bool> {
    match state {
        "STARTED" | "PAUSED" | "RESUMED" | "RECONNECTING" | "RECONNECTED" => Some(true),
        "STARTING" | "STOPPED" => Some(false),
        _ => None,
    }
}

/// A level in dB, as exactly as anybody can hear.
fn loudness(db: f64) -> Value {
    Value::Number((db * 100.0).round() / 100.0)
}
