//! What was running when a program was stopped, by name: the numbers come from the account that the program keeps
//! ([`crate::sandbox::translate`]), the names from its name section.

use std::collections::BTreeMap;
use std::fmt;

use wasmi::{AsContext, Instance};
use wasmparser::{BinaryReader, BinaryReaderError, ExternalKind, Name, NameSectionReader, Parser, Payload};

use crate::sandbox::backtrace::demangle::demangle;
use crate::sandbox::module::lengths;
use crate::sandbox::translate::Shadow;
use crate::text::clean_name;

/// Frames that are shown.
const SHOWN: usize = 32;

/// Longest name that is shown, in bytes.
const MAX_NAME: usize = 200;

/// Bytes of a name that are kept: what a mangled name of so many says is longer than any that is shown.
const MAX_KEPT: usize = 2_048;

/// Exports whose names are kept, and bytes of a name section: Go's of a large program is 2 MiB.
const MAX_EXPORTS: usize = 10_000;
const MAX_SECTION: usize = 8 << 20;

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

/// What was running, the innermost first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backtrace {
    /// The functions; empty when the module could not be prepared for that.
    pub frames: Vec<Frame>,
    /// How many more there were outside of those.
    pub omitted: usize,
}

impl Backtrace {
    /// Of a prepared module's running `instance`.
    pub(in crate::sandbox) fn of(store: impl AsContext, instance: Instance, names: &FunctionNames) -> Self {
        Shadow::of(&store, instance).map_or_else(Self::default, |shadow| Self::noted(store, shadow, names))
    }

    /// Of a module whose account of calls is `shadow`.
    pub(in crate::sandbox) fn noted(store: impl AsContext, shadow: Shadow, names: &FunctionNames) -> Self {
        let frames = names.frames(shadow.running(store.as_context()).take(SHOWN));
        let omitted = shadow.count(&store).saturating_sub(frames.len());
        Self { frames, omitted }
    }

    /// One line for each function, as people read it.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let frames = self.frames.iter().enumerate().map(|(number, frame)| format!("{number:>3}: {frame}"));
        frames.chain((self.omitted > 0).then(|| format!("     … and {} more", self.omitted)))
    }

    /// About how many bytes of memory it holds beside its own size.
    pub(in crate::sandbox) fn held_bytes(&self) -> usize {
        let name = |frame: &Frame| frame.name.as_ref().map_or(0, String::len);
        self.frames.iter().map(|frame| size_of::<Frame>() + name(frame)).sum()
    }
}

/// What a module calls its functions: the names it exports them by, and its name section, read when somebody asks.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct FunctionNames {
    exports: Box<[(u32, Box<str>)]>,
    section: Box<[u8]>,
    /// Where in the module the section lay, for the reader.
    at: usize,
}

impl FunctionNames {
    /// Those of `wasm`. Of a module whose names cannot be read there are none; nor of one that has more than anybody reads.
    pub(in crate::sandbox) fn of(wasm: &[u8]) -> Self {
        let mut names = Self::default();
        // What was read until then is good.
        let _ = names.read(wasm);
        names
    }

    fn read(&mut self, wasm: &[u8]) -> Result<(), BinaryReaderError> {
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::ExportSection(exports) => {
                    let functions = exports.into_iter().filter_map(Result::ok);
                    let functions = functions.filter(|export| export.kind == ExternalKind::Func).take(MAX_EXPORTS);
                    self.exports = functions.map(|export| (export.index, cut(export.name).into())).collect();
                }
                Payload::CustomSection(section)
                    if section.name() == "name"
                        && section.data().len() <= MAX_SECTION
                        && lengths::check_names(section.data()).is_ok() =>
                {
                    (self.section, self.at) = (section.data().into(), section.data_offset());
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The name of each of `functions`, as the name section has it, or else as it is exported.
    pub(in crate::sandbox) fn frames(&self, functions: impl IntoIterator<Item = u32>) -> Vec<Frame> {
        let mut frames: Vec<Frame> = functions.into_iter().map(|function| Frame { function, name: None }).collect();
        // Names that cannot be read are none.
        let _ = self.give(&mut frames);
        frames
    }

    fn give(&self, frames: &mut [Frame]) -> Result<(), BinaryReaderError> {
        // A module may have a million names, and a profile as many functions as the module.
        let mut places: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (place, frame) in frames.iter().enumerate() {
            places.entry(frame.function).or_default().push(place);
        }
        let mut give = |function: u32, name: &str| {
            for place in places.get(&function).into_iter().flatten() {
                frames[*place].name = Some(cut(&demangle(cut(name))).to_owned()); // places are those of frames
            }
        };
        for (function, name) in &self.exports {
            give(*function, name);
        }
        // It has the last word.
        for part in NameSectionReader::new(BinaryReader::new(&self.section, self.at)) {
            let Name::Function(functions) = part? else { continue };
            for naming in functions {
                let naming = naming?;
                give(naming.index, naming.name);
            }
        }
        Ok(())
    }
}

/// The beginning of a name that is longer than any reader wants.
fn cut(name: &str) -> &str {
    let end = (0..=name.len().min(MAX_KEPT)).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
    &name[..end]
}
