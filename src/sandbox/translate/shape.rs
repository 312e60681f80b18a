//! The parts of a module that the walk over its code needs to know, and where they stand.

use std::ops::Range;

use wasmparser::{
    CompositeInnerType, DataKind, ElementItems, ElementKind, Export, ExternalKind, FuncType, FunctionBody, MemoryType,
    Operator, Parser, Payload, TableInit, TypeRef, ValType,
};

use super::Refused;
use super::bounds::Measure;
use super::instrument::{Account, DEPTH, NOTES};

/// Numbers of sections.
pub(super) const TYPES: u8 = 1;
pub(super) const FUNCTIONS: u8 = 3;
pub(super) const MEMORIES: u8 = 5;
pub(super) const GLOBALS: u8 = 6;
pub(super) const EXPORTS: u8 = 7;
pub(super) const CODE: u8 = 10;

/// What a module declares, with its code unread.
#[derive(Default)]
pub(super) struct Shape<'a> {
    /// Sections in order: number and place of the content.
    pub(super) sections: Vec<(u8, Range<usize>)>,
    /// Function types; `None` for a type that is none.
    pub(super) types: Vec<Option<FuncType>>,
    pub(super) imported_functions: u32,
    pub(super) globals: u32,
    /// Which of them are defined here and never change.
    pub(super) constants: Vec<bool>,
    pub(super) memories: u32,
    /// Type of every function, imported ones first.
    pub(super) functions: Vec<u32>,
    /// Bodies of those that are not imported.
    pub(super) bodies: Vec<FunctionBody<'a>>,
    /// Bytes of all bodies.
    pub(super) code_bytes: usize,
    /// Whether it has an export of a name that the account of calls takes.
    taken: bool,
    /// The memory it defines, and where the last of its data segments ends in it.
    pub(super) memory: Option<MemoryType>,
    pub(super) data_end: u64,
    /// Whether something happens to its memory before the first call that is not known here.
    pub(super) memory_is_used: bool,
    /// The highest function, global and memory that something other than code names.
    named_function: Option<u32>,
    named_global: Option<u32>,
    named_memory: Option<u32>,
}

impl<'a> Shape<'a> {
    /// Reads the sections of `wasm` and holds their counts to the bounds.
    pub(super) fn read(wasm: &'a [u8]) -> Result<Self, Refused> {
        let mut shape = Self::default();
        let mut defined = 0_u32;
        let (mut tables, mut elements, mut type_values) = (0_u64, 0_u64, 0_u64);
        let none = |measure: Measure, found: u64| measure.check(found, 0, None);
        for payload in Parser::new(0).parse_all(wasm) {
            let payload = payload?;
            if let Some((id, range)) = payload.as_section() {
                shape.sections.push((id, range));
            }
            match payload {
                Payload::TypeSection(section) => {
                    none(Measure::Types, section.count().into())?;
                    for group in section {
                        for ty in group?.into_types() {
                            shape.types.push(match ty.composite_type.inner {
                                CompositeInnerType::Func(ty) => {
                                    none(Measure::Parameters, ty.params().len() as u64)?;
                                    none(Measure::Results, ty.results().len() as u64)?;
                                    type_values += (ty.params().len() + ty.results().len()) as u64;
                                    none(Measure::TypeValues, type_values)?;
                                    Some(ty)
                                }
                                _ => None,
                            });
                        }
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section {
                        match import?.ty {
                            TypeRef::Func(ty) => shape.functions.push(ty),
                            TypeRef::Global(_) => {
                                shape.globals = shape.globals.saturating_add(1);
                                shape.constants.push(false);
                            }
                            TypeRef::Memory(_) => shape.memories = shape.memories.saturating_add(1),
                            TypeRef::Table(_) => tables += 1,
                            TypeRef::Tag(_) => {}
                        }
                    }
                    shape.imported_functions = u32::try_from(shape.functions.len()).unwrap_or(u32::MAX);
                }
                Payload::FunctionSection(section) => {
                    defined = section.count();
                    for ty in section {
                        shape.functions.push(ty?);
                    }
                }
                Payload::TableSection(section) => {
                    tables += u64::from(section.count());
                    none(Measure::Tables, tables)?;
                    for table in section {
                        if let TableInit::Expr(expression) = table?.init {
                            shape.names(&expression)?;
                        }
                    }
                }
                Payload::MemorySection(section) => {
                    shape.memories = shape.memories.saturating_add(section.count());
                    shape.memory = section.into_iter().next().transpose()?;
                }
                Payload::GlobalSection(section) => {
                    none(Measure::Globals, section.count().into())?;
                    let imported = shape.globals;
                    shape.globals = imported.saturating_add(section.count());
                    for global in section {
                        let global = global?;
                        shape.constants.push(!global.ty.mutable);
                        shape.names(&global.init_expr)?;
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        shape.export(&export?);
                    }
                }
                Payload::StartSection { func, .. } => {
                    shape.memory_is_used = true;
                    shape.named_function = shape.named_function.max(Some(func));
                }
                Payload::ElementSection(section) => {
                    none(Measure::ElementSegments, section.count().into())?;
                    for segment in section {
                        let segment = segment?;
                        if let ElementKind::Active { offset_expr, .. } = &segment.kind {
                            shape.names(offset_expr)?;
                        }
                        elements += shape.segment(segment.items)?;
                        none(Measure::Elements, elements)?;
                    }
                }
                Payload::DataSection(section) => {
                    none(Measure::DataSegments, section.count().into())?;
                    for segment in section {
                        let segment = segment?;
                        if let DataKind::Active { memory_index, offset_expr } = segment.kind {
                            shape.named_memory = shape.named_memory.max(Some(memory_index));
                            shape.names(&offset_expr)?;
                            shape.data(&offset_expr, segment.data.len());
                        }
                    }
                }
                Payload::CodeSectionEntry(body) => {
                    shape.code_bytes += body.range().len();
                    shape.bodies.push(body);
                }
                _ => {}
            }
        }
        let functions = shape.functions.len() as u64;
        Measure::Functions.check(functions, shape.code_bytes, None)?;
        // Where they differ the parser says so, or the engine.
        if shape.bodies.len() != defined as usize || shape.functions.len() < defined as usize {
            shape.bodies.clear();
        }
        Ok(shape)
    }

    /// Notes where a data segment ends.
    fn data(&mut self, offset: &wasmparser::ConstExpr<'_>, len: usize) {
        let mut operators = offset.get_operators_reader();
        match (operators.read(), operators.read()) {
            (Ok(Operator::I32Const { value }), Ok(Operator::End)) => {
                let end = u64::from(value.cast_unsigned()) + len as u64;
                self.data_end = self.data_end.max(end);
            }
            _ => self.memory_is_used = true,
        }
    }

    fn export(&mut self, export: &Export<'_>) {
        self.taken |= [DEPTH, NOTES].contains(&export.name);
        match export.kind {
            ExternalKind::Func => self.named_function = self.named_function.max(Some(export.index)),
            ExternalKind::Global => self.named_global = self.named_global.max(Some(export.index)),
            ExternalKind::Memory => self.named_memory = self.named_memory.max(Some(export.index)),
            _ => {}
        }
    }

    /// Notes what a segment names, and says how many elements it has.
    fn segment(&mut self, items: ElementItems<'_>) -> Result<u64, Refused> {
        match items {
            ElementItems::Functions(functions) => {
                let count = u64::from(functions.count());
                Measure::Elements.check(count, 0, None)?;
                for function in functions {
                    self.named_function = self.named_function.max(Some(function?));
                }
                Ok(count)
            }
            ElementItems::Expressions(_, expressions) => {
                let count = u64::from(expressions.count());
                Measure::Elements.check(count, 0, None)?;
                for expression in expressions {
                    self.names(&expression?)?;
                }
                Ok(count)
            }
        }
    }

    /// Notes what a constant expression names.
    fn names(&mut self, expression: &wasmparser::ConstExpr<'_>) -> Result<(), Refused> {
        for (count, operator) in (1..).zip(expression.get_operators_reader()) {
            Measure::ConstantOperators.check(count, 0, None)?;
            match operator? {
                Operator::RefFunc { function_index } => {
                    self.named_function = self.named_function.max(Some(function_index));
                }
                Operator::GlobalGet { global_index } => self.named_global = self.named_global.max(Some(global_index)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Functions there are, imported ones included.
    pub(super) fn function_count(&self) -> u32 {
        u32::try_from(self.functions.len()).unwrap_or(u32::MAX)
    }

    /// The type of this number.
    pub(super) fn function_type_at(&self, ty: u32) -> Option<&FuncType> {
        self.types.get(ty as usize)?.as_ref()
    }

    /// Whether everything outside the code names only what is there: what is appended must not come to be named by chance.
    pub(super) fn names_only_its_own(&self) -> bool {
        self.named_function.is_none_or(|named| named < self.function_count())
            && self.named_global.is_none_or(|named| named < self.globals)
            && self.named_memory.is_none_or(|named| named < self.memories)
            && self.functions.iter().all(|ty| (*ty as usize) < self.types.len())
    }

    /// Where an account of calls up to `frames` deep goes; `None` when the module has no room for one, or already has its names.
    pub(super) fn account(&self, frames: u32) -> Option<Account> {
        let plain = |ty: &ValType| match ty {
            ValType::Ref(_) => *ty == ValType::FUNCREF || *ty == ValType::EXTERNREF,
            _ => true,
        };
        let encodable = self.types.iter().flatten().all(|ty| ty.results().iter().all(plain));
        if self.bodies.is_empty() || self.taken || !encodable {
            return None;
        }
        Some(Account::new(self.globals, self.memories, frames))
    }
}
