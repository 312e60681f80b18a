//! What was running when a program was stopped, by name: the numbers come from the account that the program keeps
//! ([`super::translate`]), the names from its name section.

use std::collections::BTreeMap;
use std::fmt;

use wasmi::{AsContext, Instance};
use wasmparser::{BinaryReaderError, ExternalKind, KnownCustom, Name, Parser, Payload};

use super::demangle::demangle;
use super::lengths;
use super::translate::Shadow;
use crate::text::clean_name;

/// Frames that are shown.
const SHOWN: usize = 32;

/// Longest name that is shown, in bytes.
const MAX_NAME: usize = 200;

/// A function that was running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Its number in the module.
    pub function: u32,
    /// Its name, where the module has one.
    pub name: Option<String>,
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => f.write_str(&clean_name(name, MAX_NAME)),
            None => write!(f, "function {}", self.function),
        }
    }
}

/// The name of each of `functions`, as the name section has it, or else as it is exported.
pub(super) fn names(functions: impl IntoIterator<Item = u32>, wasm: &[u8]) -> Vec<Frame> {
    let mut frames: Vec<Frame> = functions.into_iter().map(|function| Frame { function, name: None }).collect();
    // A module whose names cannot be read has none.
    let _ = give_names(&mut frames, wasm);
    frames
}

/// The frames of a prepared module's `instance`, the innermost first, and how many more there were. `wasm` has the names.
pub(super) fn frames(store: impl AsContext, instance: Instance, wasm: &[u8]) -> (Vec<Frame>, usize) {
    let Some(shadow) = Shadow::of(&store, instance) else { return (Vec::new(), 0) };
    let frames = names(shadow.running(&store).take(SHOWN), wasm);
    let omitted = shadow.count(&store).saturating_sub(frames.len());
    (frames, omitted)
}

/// Names as the name section has them, or else as they are exported.
fn give_names(frames: &mut [Frame], wasm: &[u8]) -> Result<(), BinaryReaderError> {
    // A module may have a million names, and a profile as many functions as the module.
    let mut places: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (place, frame) in frames.iter().enumerate() {
        places.entry(frame.function).or_default().push(place);
    }
    let name = |frames: &mut [Frame], function: u32, name: &str| {
        for place in places.get(&function).into_iter().flatten() {
            frames[*place].name = Some(demangle(name)); // places are those of frames
        }
    };
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::ExportSection(exports) => {
                for export in exports {
                    let export = export?;
                    if export.kind == ExternalKind::Func {
                        name(frames, export.index, export.name);
                    }
                }
            }
            // It stands after the exports, and so has the last word.
            Payload::CustomSection(section) => {
                let KnownCustom::Name(names) = section.as_known() else { continue };
                if lengths::check_names(section.data()).is_err() {
                    continue;
                }
                for part in names {
                    let Name::Function(functions) = part? else { continue };
                    for naming in functions {
                        let naming = naming?;
                        name(frames, naming.index, naming.name);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}
