//! What a module declares, read without running or translating anything, and what of it is refused by name.

use wasmparser::{BinaryReaderError, DataSectionReader, ExternalKind, KnownCustom, Parser, Payload, TypeRef};

use crate::sandbox::module::error::PluginErrorKind;
use crate::sandbox::module::header;
use crate::sandbox::module::known_host::{KnownHost, known_host};
use crate::sandbox::module::lengths;
use crate::sandbox::module::producer::Language;
use crate::sandbox::module::signature::{Signature, ValueType};
use crate::sandbox::translate::Measure;

/// The custom section that may hold the plugin's metadata.
const METADATA_SECTION: &str = "conductor.plugin";

/// Longest metadata that is read, in bytes.
pub(in crate::sandbox) const MAX_METADATA: usize = 64 << 10;

/// Imports or exports a module may declare: each is kept with its type, many parameters in one byte of the file.
const MAX_NAMED: u32 = 10_000;

/// Modules that a message names beside the first that nobody provides.
const MAX_ALSO: usize = 5;

/// What the sections of a module hold.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Sections {
    pub(in crate::sandbox) imports: Vec<Import>,
    /// Imports that are no functions: module, name, and what they are.
    other_imports: Vec<(String, String, &'static str)>,
    pub(in crate::sandbox) exports: Vec<Export>,
    pub(in crate::sandbox) sizes: Sizes,
    /// What stands in the last section `conductor.plugin`.
    pub(in crate::sandbox) metadata: Option<Vec<u8>>,
    /// How many such sections there are.
    pub(in crate::sandbox) metadata_sections: u32,
    has_start: bool,
    pub(in crate::sandbox) language: Language,
}

/// What a module begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::sandbox) struct Sizes {
    pub(in crate::sandbox) memory_pages: u64,
    pub(in crate::sandbox) table_elements: u64,
    /// Bytes of the data section.
    pub(in crate::sandbox) data_bytes: u64,
    /// Bytes of the element section.
    pub(in crate::sandbox) element_bytes: u64,
}

/// A function a module imports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The module it is imported from: `conductor` or `wasi_snapshot_preview1`.
    pub module: String,
    /// Its name there.
    pub name: String,
    /// The type the module expects it to have.
    pub signature: Signature,
}

/// Something a module exports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// The name it is exported by, as the module spells it.
    pub name: String,
    /// What it is.
    pub kind: ExportKind,
}

/// What an export is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportKind {
    /// A function of this type.
    Function(Signature),
    /// A linear memory.
    Memory,
    /// A table of references, such as function pointers.
    Table,
    /// A global variable or constant.
    Global,
    /// An exception tag.
    Tag,
}

impl std::fmt::Display for ExportKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Function(signature) => write!(f, "function {signature}"),
            Self::Memory => f.write_str("memory"),
            Self::Table => f.write_str("table"),
            Self::Global => f.write_str("global"),
            Self::Tag => f.write_str("tag"),
        }
    }
}

impl Sections {
    /// Reads the sections of `wasm`. What it does not look at, the engine validates afterwards.
    pub(in crate::sandbox) fn read(wasm: &[u8]) -> Result<Self, PluginErrorKind> {
        header::check(wasm)?;
        lengths::check(wasm).map_err(|too_long| PluginErrorKind::Truncated { offset: too_long.offset })?;
        let mut found = Self::default();
        let mut types: Vec<Option<Signature>> = Vec::new();
        let mut functions: Vec<u32> = Vec::new();
        let mut memories = 0_u32;
        let mut exports = Vec::new();
        let mut data = None;
        for payload in Parser::new(0).parse_all(wasm) {
            match payload.map_err(|error| malformed(&error))? {
                Payload::TypeSection(section) => {
                    Measure::Types.check(section.count().into(), 0, None).map_err(PluginErrorKind::Bounds)?;
                    for group in section {
                        for ty in group.map_err(|error| malformed(&error))?.into_types() {
                            types.push(match &ty.composite_type.inner {
                                wasmparser::CompositeInnerType::Func(ty) => Some(Signature::from(ty)),
                                _ => None,
                            });
                        }
                    }
                }
                Payload::ImportSection(section) => {
                    bounded("imports", section.count())?;
                    for import in section {
                        let import = import.map_err(|error| malformed(&error))?;
                        let what = match import.ty {
                            TypeRef::Func(index) => {
                                functions.push(index);
                                let signature = types.get(index as usize).cloned().flatten();
                                let signature =
                                    signature.ok_or_else(|| invalid("an import names a type that does not exist"))?;
                                found.imports.push(Import {
                                    module: import.module.to_owned(),
                                    name: import.name.to_owned(),
                                    signature,
                                });
                                continue;
                            }
                            TypeRef::Memory(_) => "memory",
                            TypeRef::Table(_) => "table",
                            TypeRef::Global(_) => "global",
                            TypeRef::Tag(_) => "tag",
                        };
                        found.other_imports.push((import.module.to_owned(), import.name.to_owned(), what));
                    }
                }
                Payload::FunctionSection(section) => {
                    for index in section {
                        functions.push(index.map_err(|error| malformed(&error))?);
                    }
                }
                Payload::TableSection(section) => {
                    Measure::Tables.check(section.count().into(), 0, None).map_err(PluginErrorKind::Bounds)?;
                    for table in section {
                        let table = table.map_err(|error| malformed(&error))?;
                        if table.ty.table64 {
                            return Err(PluginErrorKind::Memory64);
                        }
                        found.sizes.table_elements = found.sizes.table_elements.saturating_add(table.ty.initial);
                    }
                }
                Payload::MemorySection(section) => {
                    for memory in section {
                        let memory = memory.map_err(|error| malformed(&error))?;
                        if memory.memory64 {
                            return Err(PluginErrorKind::Memory64);
                        }
                        if memory.shared {
                            return Err(PluginErrorKind::SharedMemory);
                        }
                        if memory.page_size_log2.is_some() {
                            return Err(PluginErrorKind::Feature {
                                feature: "custom page sizes",
                                remedy: "build with pages of 64 KiB",
                            });
                        }
                        memories = memories.saturating_add(1);
                        found.sizes.memory_pages = found.sizes.memory_pages.max(memory.initial);
                    }
                    if memories > 1 {
                        return Err(PluginErrorKind::MultiMemory { count: memories });
                    }
                }
                Payload::ExportSection(section) => {
                    bounded("exports", section.count())?;
                    for export in section {
                        let export = export.map_err(|error| malformed(&error))?;
                        exports.push((export.name.to_owned(), export.kind, export.index));
                    }
                }
                Payload::DataSection(section) => {
                    found.sizes.data_bytes = section.range().len() as u64;
                    data = Some(section);
                }
                Payload::ElementSection(section) => found.sizes.element_bytes = section.range().len() as u64,
                Payload::StartSection { .. } => found.has_start = true,
                Payload::CustomSection(section) if section.name() == METADATA_SECTION => {
                    let data = section.data();
                    if data.len() > MAX_METADATA {
                        return Err(PluginErrorKind::Metadata {
                            reason: format!("it is {} bytes long, at most {MAX_METADATA} are read", data.len()),
                        });
                    }
                    found.metadata = Some(data.to_owned());
                    found.metadata_sections = found.metadata_sections.saturating_add(1);
                }
                Payload::CustomSection(section) => {
                    let language = match section.as_known() {
                        KnownCustom::Producers(producers) => Language::of(producers),
                        _ => Language::of_custom_section(section.name()),
                    };
                    found.language = found.language.or(language);
                }
                _ => {}
            }
        }
        for (name, kind, index) in exports {
            let kind = match kind {
                ExternalKind::Func => {
                    let ty = functions.get(index as usize).and_then(|ty| types.get(*ty as usize)).cloned().flatten();
                    ExportKind::Function(ty.ok_or_else(|| invalid("an export names a function that does not exist"))?)
                }
                ExternalKind::Memory => ExportKind::Memory,
                ExternalKind::Table => ExportKind::Table,
                ExternalKind::Global => ExportKind::Global,
                ExternalKind::Tag => ExportKind::Tag,
            };
            found.exports.push(Export { name, kind });
        }
        if found.language == Language::Unknown {
            found.language = found.untold_language(data)?;
        }
        Ok(found)
    }

    /// The language of a module without a word on it, by what only one compiler makes.
    fn untold_language(&self, data: Option<DataSectionReader<'_>>) -> Result<Language, PluginErrorKind> {
        if self.imports.iter().any(|import| import.module == "env" && import.name == "abort") {
            return Ok(Language::AssemblyScript);
        }
        for segment in data.into_iter().flatten() {
            let language = Language::of_data(segment.map_err(|error| malformed(&error))?.data);
            if language != Language::Unknown {
                return Ok(language);
            }
        }
        Ok(Language::Unknown)
    }

    fn export(&self, name: &str) -> Option<&ExportKind> {
        self.exports.iter().find(|export| export.name == name).map(|export| &export.kind)
    }

    /// Holds imports and exports against the contract. `provided` are the modules that can be imported from: what is made for another
    /// host is told before what it lacks for this one.
    pub(in crate::sandbox) fn check(&self, provided: &[&str]) -> Result<(), PluginErrorKind> {
        self.check_modules(provided)?;
        if self.has_start {
            return Err(PluginErrorKind::StartFunction);
        }
        if let Some((module, name, kind)) = self.other_imports.first() {
            return Err(PluginErrorKind::ImportKind { module: module.clone(), name: name.clone(), kind });
        }
        self.check_exports()
    }

    /// Names an import from a module that nobody here provides: the one that tells most about the host it was made for.
    fn check_modules(&self, provided: &[&str]) -> Result<(), PluginErrorKind> {
        let functions = self.imports.iter().map(|import| (&import.module, &import.name, None));
        let others = self.other_imports.iter().map(|(module, name, kind)| (module, name, Some(*kind)));
        let foreign = functions.chain(others).filter(|(module, ..)| !provided.contains(&module.as_str()));
        let foreign: Vec<_> =
            foreign.map(|(module, name, kind)| (module, name, kind, known_host(module, name))).collect();
        // A host that is known tells most, one that is not more than what a build has left over.
        let surely = |host: &Option<(usize, &'static KnownHost)>| match host {
            Some((place, host)) => (if host.is_left_over() { 2 } else { 0 }, *place),
            None => (1, 0),
        };
        let Some((module, name, kind, host)) = foreign.iter().min_by_key(|(.., host)| surely(host)) else {
            return Ok(());
        };
        // Another host has programs for plugins; here it is one more thing to mend.
        let is_ours = host.is_some_and(|(_, host)| host.is_left_over());
        let program = (is_ours && self.export("_start").is_some()).then_some(self.language);
        let mut also: Vec<String> = Vec::new();
        for (other, ..) in foreign.iter().filter(|(other, ..)| other != module) {
            if !also.contains(other) && also.len() < MAX_ALSO {
                also.push((*other).clone());
            }
        }
        Err(PluginErrorKind::UnknownModule {
            module: (*module).clone(),
            name: (*name).clone(),
            kind: *kind,
            host: host.map(|(_, host)| host),
            also,
            program,
        })
    }

    /// Holds the exports against the contract.
    fn check_exports(&self) -> Result<(), PluginErrorKind> {
        if self.export("_start").is_some() {
            return Err(PluginErrorKind::Command { language: self.language });
        }
        match self.export("memory") {
            Some(ExportKind::Memory) => {}
            Some(other) => {
                return Err(PluginErrorKind::WrongExport {
                    name: "memory",
                    expected: "memory".into(),
                    found: other.to_string(),
                });
            }
            None => return Err(PluginErrorKind::MissingExport { name: "memory" }),
        }
        if self.export("execute").is_none() && self.export("execute_with_context").is_none() {
            return Err(PluginErrorKind::MissingExport { name: "execute" });
        }
        for (name, accepted) in CONTRACT {
            match self.export(name) {
                None => {}
                Some(ExportKind::Function(found))
                    if accepted
                        .iter()
                        .any(|(params, results)| found.params == *params && found.results == *results) => {}
                Some(found) => {
                    let expected: Vec<_> =
                        accepted.iter().map(|(params, results)| Signature::new(params, results).to_string()).collect();
                    return Err(PluginErrorKind::WrongExport {
                        name,
                        expected: format!("function {}", expected.join(" or ")),
                        found: found.to_string(),
                    });
                }
            }
        }
        if self.language.claims_added_memory() && self.export("alloc").is_none() {
            return Err(PluginErrorKind::NoAllocator);
        }
        Ok(())
    }
}

/// Parameters and results a function of the contract may have.
type Accepted = (&'static [ValueType], &'static [ValueType]);

const I32: ValueType = ValueType::I32;
const I64: ValueType = ValueType::I64;

/// The functions a plugin exports: name, and the types it may have.
const CONTRACT: &[(&str, &[Accepted])] = &[
    ("execute", &[(&[I32, I32], &[I32])]),
    ("execute_with_context", &[(&[I32, I32, I32, I32], &[I32])]),
    ("on_event", &[(&[I32, I32], &[I32])]),
    ("_initialize", &[(&[], &[])]),
    ("init", &[(&[], &[]), (&[], &[I64])]),
    ("capabilities", &[(&[], &[I64]), (&[], &[I32])]),
    ("alloc", &[(&[I32], &[I32])]),
    ("dealloc", &[(&[I32, I32], &[])]),
    ("shutdown", &[(&[], &[])]),
];

fn bounded(what: &'static str, count: u32) -> Result<(), PluginErrorKind> {
    if count > MAX_NAMED { Err(invalid(&format!("{count} {what}; at most {MAX_NAMED} are read"))) } else { Ok(()) }
}

fn invalid(reason: &str) -> PluginErrorKind {
    PluginErrorKind::Invalid { reason: reason.to_owned() }
}

fn malformed(error: &BinaryReaderError) -> PluginErrorKind {
    PluginErrorKind::malformed(error.message(), error.offset())
}
