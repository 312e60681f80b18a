//! The committed guest modules are what the plugin contract asks for. That they are what their sources give is held by
//! `plugins/build.sh --check`.

use std::collections::BTreeSet;
use std::path::Path;

use conductor::internals::host;
use wasmi::{Engine, ExternType, Module};

fn module(name: &str) -> Module {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/plugins").join(name);
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Module::new(&Engine::default(), &bytes).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Exported functions with their types, and the memory.
fn exports(module: &Module) -> BTreeSet<String> {
    module
        .exports()
        .filter_map(|export| match export.ty() {
            ExternType::Func(ty) => Some(format!("{}{:?} -> {:?}", export.name(), ty.params(), ty.results())),
            ExternType::Memory(_) => Some(export.name().to_owned()),
            _ => None,
        })
        .collect()
}

fn conductor_imports(module: &Module) -> BTreeSet<String> {
    module.imports().filter(|import| import.module() == "conductor").map(|import| import.name().to_owned()).collect()
}

#[track_caller]
fn assert_exports(module: &Module, wanted: &[&str]) {
    let wanted: BTreeSet<String> = wanted.iter().map(|export| (*export).to_owned()).collect();
    assert_eq!(exports(module), wanted);
}

#[test]
fn a_plugin_made_with_the_sdk_has_the_wide_dialect_and_imports_only_what_it_uses() {
    let module = module("note_logger.wasm");
    assert_exports(
        &module,
        &[
            "_initialize[] -> []",
            "alloc[I32] -> [I32]",
            "dealloc[I32, I32] -> []",
            "execute[I32, I32] -> [I32]",
            "init[] -> [I64]",
            "memory",
        ],
    );
    let imports: Vec<String> = conductor_imports(&module).into_iter().collect();
    assert_eq!(imports, ["config_get", "last_error", "log", "output_set"], "midi_send would ask for Midi");
}

#[test]
fn the_metadata_section_can_be_read_without_running_anything() {
    let module = module("note_logger.wasm");
    let section: Vec<_> = module.custom_sections().filter(|section| section.name() == "conductor.plugin").collect();
    assert_eq!(section.len(), 1);
    let metadata: serde_json::Value = serde_json::from_slice(section[0].data()).expect("JSON");
    assert_eq!(metadata["name"], "note-logger");
    assert_eq!(metadata["type"], "action");
    assert_eq!(metadata["capabilities"], serde_json::json!(["Filesystem"]));
    for key in ["version", "description", "author", "license"] {
        assert!(metadata[key].as_str().is_some_and(|text| !text.is_empty()), "{key} is missing");
    }
    let actions: Vec<&str> =
        metadata["actions"].as_array().expect("actions").iter().filter_map(|action| action["name"].as_str()).collect();
    assert_eq!(actions, ["log", "count", "clear"]);
}

#[test]
fn the_documentations_example_has_neither_allocator_nor_host_functions() {
    let module = module("plain_example.wasm");
    assert_exports(&module, &["execute[I32, I32] -> [I32]", "init[] -> []", "memory"]);
    assert!(conductor_imports(&module).is_empty());
}

#[test]
fn the_probe_of_the_benchmarks_starts_with_two_pages() {
    let module = module("json_probe.wasm");
    assert!(conductor_imports(&module).is_empty());
    let memory = module.exports().find_map(|export| export.ty().memory().copied()).expect("a memory");
    assert_eq!(memory.minimum(), 2, "a larger stack is paid for by every instance");
}

/// The SDK's declarations as the host's table would word them: names, and types as WebAssembly has them.
fn declared_by_the_sdk() -> BTreeSet<String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins/sdk/src/imports.rs");
    let source = std::fs::read_to_string(source).expect("the SDK");
    let functions = source.lines().filter_map(|line| line.trim().strip_prefix("pub(super) fn ")?.strip_suffix(';'));
    functions
        .map(|function| {
            let (name, rest) = function.split_once('(').expect("parameters");
            let (params, result) = rest.rsplit_once(')').expect("a closing parenthesis");
            let params = params.split(", ").filter_map(|param| param.split_once(": "));
            // Pointers, lengths and numbers are all 32 bits wide here.
            let params = params.map(|(_, ty)| match ty {
                "i32" | "usize" | "*const u8" | "*mut u8" => "i32",
                other => panic!("{name}: {other}"),
            });
            let result = if result.is_empty() { "" } else { "i32" };
            format!("{name}({}) -> ({result})", params.collect::<Vec<_>>().join(", "))
        })
        .collect()
}

#[test]
fn the_sdk_declares_every_host_function_as_the_host_has_it() {
    let lent: BTreeSet<String> = host::TABLE
        .iter()
        .map(|function| {
            let types = |types: &[conductor::internals::sandbox::ValueType]| {
                types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            };
            format!("{}({}) -> ({})", function.name, types(function.params), types(function.results))
        })
        .collect();
    assert_eq!(declared_by_the_sdk(), lent);
}
