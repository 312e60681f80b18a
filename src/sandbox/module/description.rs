//! What a module says of itself and what it would need, without translating or running any of it.

use std::collections::BTreeSet;

use crate::capability::Capability;
use crate::sandbox::module::error::PluginErrorKind;
use crate::sandbox::module::metadata::Metadata;
use crate::sandbox::module::parse::{Export, ExportKind, Import, Sections, Sizes};
use crate::sandbox::module::producer::Language;
use crate::sandbox::module::wasi;
use crate::text::clean_name;

/// The module host functions are imported from.
pub(in crate::sandbox) const MODULE: &str = "conductor";

/// Longest name of a capability that is repeated in a remark, in bytes.
const MAX_NAME: usize = 40;

/// What a module says of itself and what it would need. Claims: whether it can be loaded, only loading it tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// What stands in its section `conductor.plugin`.
    pub metadata: Option<Metadata>,
    /// The functions it imports, in its order.
    pub imports: Vec<Import>,
    /// What it exports, in its order.
    pub exports: Vec<Export>,
    /// The capabilities it needs: what that section declares, united with what its imports imply.
    pub needs: BTreeSet<Capability>,
    /// What is odd about it, and no reason to refuse it.
    pub remarks: Vec<String>,
    pub(in crate::sandbox) sizes: Sizes,
    pub(in crate::sandbox) language: Language,
}

impl Description {
    /// Reads the sections of `wasm` and holds imports and exports against the contract; `implies` says which capability a host
    /// function of this name needs.
    pub(in crate::sandbox) fn read_with(
        wasm: &[u8],
        implies: impl Fn(&str) -> Option<Capability>,
    ) -> Result<Self, PluginErrorKind> {
        let sections = Sections::read(wasm)?;
        sections.check(&[MODULE, wasi::MODULE])?;
        let metadata = sections
            .metadata
            .as_deref()
            .map(Metadata::parse)
            .transpose()
            .map_err(|reason| PluginErrorKind::Metadata { reason })?;
        let implied = sections.imports.iter().filter_map(|import| match import.module.as_str() {
            wasi::MODULE => wasi::implies(&import.name),
            _ => implies(&import.name),
        });
        let declared = metadata.iter().flat_map(Metadata::capabilities);
        let needs = implied.chain(declared).collect();
        let mut remarks = Vec::new();
        if sections.metadata_sections > 1 {
            remarks.push(format!(
                "has {} sections conductor.plugin; the last one counts, and a plugin has one",
                sections.metadata_sections
            ));
        }
        remarks.extend(metadata.as_ref().and_then(|metadata| unknown_capabilities(&metadata.capability_names)));
        let hears = sections.exports.iter().any(|export| export.name == "on_event");
        remarks.extend(metadata.iter().flat_map(|metadata| metadata.unknown_words(hears)));
        let Sections { imports, exports, sizes, language, .. } = sections;
        Ok(Self { metadata, imports, exports, needs, remarks, sizes, language })
    }

    /// Whether only running it tells all that it needs: its section says nothing, and it exports `capabilities`, or an `init` that
    /// returns metadata.
    #[must_use]
    pub fn declares_by_running(&self) -> bool {
        self.metadata.is_none() && self.exports.iter().any(declares)
    }
}

/// Whether calling it can declare anything: `capabilities`, or an `init` that returns metadata.
fn declares(export: &Export) -> bool {
    match (export.name.as_str(), &export.kind) {
        ("capabilities", ExportKind::Function(_)) => true,
        ("init", ExportKind::Function(signature)) => !signature.results.is_empty(),
        _ => false,
    }
}

/// That names of capabilities were given which do not exist; what is meant by them is not granted.
pub(in crate::sandbox) fn unknown_capabilities(names: &[String]) -> Option<String> {
    /// Names a remark repeats.
    const MOST: usize = 5;
    let unknown: Vec<_> = names.iter().filter(|name| Capability::from_name(name).is_none()).collect();
    if unknown.is_empty() {
        return None;
    }
    let mut shown: Vec<_> =
        unknown.iter().take(MOST).map(|name| format!("\"{}\"", clean_name(name, MAX_NAME))).collect();
    if unknown.len() > MOST {
        shown.push("…".to_owned());
    }
    let known: Vec<_> = Capability::ALL.iter().map(|capability| capability.name()).collect();
    let what = if unknown.len() == 1 { "which is no capability" } else { "which are no capabilities" };
    Some(format!("asks for {}, {what}; there are {}", shown.join(", "), known.join(", ")))
}
