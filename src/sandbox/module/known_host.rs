//! Hosts other than this one, by the imports of what is built for them: one table, for every message about an import that nobody here
//! provides.

/// A host that modules are built for, or a tool that leaves an import to one.
#[derive(Debug, PartialEq, Eq)]
pub struct KnownHost {
    /// Patterns of the modules it provides. A `*` at the end or in the middle stands for anything.
    modules: &'static [&'static str],
    /// Patterns of the names in them; any name where there is none.
    names: &'static [&'static str],
    kind: Kind,
    /// What it is, and what to do where another build is enough.
    advice: &'static str,
}

/// What it takes to run here what is built for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A program with plugins of its own: they have to be written anew.
    Host,
    /// Another platform: it takes another build.
    Platform,
    /// No host at all, but something that a build has left over.
    Leftover,
}

impl KnownHost {
    /// Whether it is no host, but something that a build has left over.
    pub(in crate::sandbox) fn is_left_over(&self) -> bool {
        self.kind == Kind::Leftover
    }

    /// What a message about a plugin goes on with.
    pub(in crate::sandbox) fn advice_for_plugins(&self) -> String {
        let Self { advice, .. } = self;
        match self.kind {
            Kind::Host => {
                format!(
                    "{advice}: the plugin was made for another host, and has to be written for this one (docs/plugins.md)"
                )
            }
            Kind::Platform | Kind::Leftover => (*advice).to_owned(),
        }
    }

    /// What a message about a program goes on with.
    pub(in crate::sandbox) fn advice_for_programs(&self) -> String {
        match self.kind {
            Kind::Host => format!("{}, another host; build it for wasm32-wasip1", self.advice),
            Kind::Platform | Kind::Leftover => self.advice.to_owned(),
        }
    }
}

/// The hosts, those that are told by a name before those that are told by the module alone.
static KNOWN_HOSTS: &[KnownHost] = &[
    KnownHost {
        kind: Kind::Platform,
        modules: &["wasi_unstable"],
        names: &[],
        advice: "that is preview 0 of WASI: build for wasm32-wasip1",
    },
    KnownHost {
        kind: Kind::Platform,
        modules: &["wasi:*", "[export]wasi:*", "$root", "[export]$root"],
        names: &[],
        advice: "that is preview 2 of WASI: build for wasm32-wasip1",
    },
    KnownHost {
        kind: Kind::Platform,
        modules: &["wasi"],
        names: &["thread-spawn", "thread_spawn"],
        advice: "that is wasi-threads: build without threads, for wasm32-wasip1",
    },
    KnownHost {
        kind: Kind::Platform,
        modules: &["wasix_*"],
        names: &[],
        advice: "that is WASIX, which Wasmer has: build for wasm32-wasip1",
    },
    KnownHost {
        kind: Kind::Platform,
        modules: &["wasi_ephemeral_*", "wasi_snapshot_preview2", "wasmedge_*"],
        names: &[],
        advice: "that is an extension of WASI that only some hosts have: build without it",
    },
    KnownHost {
        kind: Kind::Platform,
        modules: &["gojs", "go"],
        names: &[],
        advice: "that is Go for browsers (GOOS=js): build with GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared",
    },
    KnownHost {
        kind: Kind::Platform,
        modules: &["__wbindgen*", "wbg", "*_bg.js"],
        names: &[],
        advice: "that is wasm-bindgen, which needs a browser: build without it",
    },
    KnownHost { kind: Kind::Host, modules: &["extism:*", "extism"], names: &[], advice: "that is Extism" },
    KnownHost { kind: Kind::Host, modules: &["env"], names: &["extism_*"], advice: "that is Extism" },
    KnownHost { kind: Kind::Host, modules: &["zellij"], names: &[], advice: "that is Zellij" },
    KnownHost {
        kind: Kind::Host,
        modules: &["env"],
        names: &["proxy_*"],
        advice: "that is Proxy-Wasm (Envoy, Istio, NGINX)",
    },
    KnownHost { kind: Kind::Host, modules: &["envoy*", "envoy_*"], names: &[], advice: "that is Envoy" },
    KnownHost {
        kind: Kind::Host,
        modules: &[
            "fermyon:spin/*",
            "spin*",
            "wasi-outbound-http",
            "outbound-redis",
            "outbound-pg",
            "outbound-mysql",
            "key-value",
        ],
        names: &[],
        advice: "that is Spin",
    },
    KnownHost {
        kind: Kind::Host,
        modules: &["wapc", "wasmbus*", "wasmcloud:*"],
        names: &[],
        advice: "that is waPC or wasmCloud",
    },
    KnownHost { kind: Kind::Host, modules: &["fastly_*", "fastly:*"], names: &[], advice: "that is Fastly Compute" },
    KnownHost {
        kind: Kind::Host,
        modules: &["shopify_*", "javy_*"],
        names: &[],
        advice: "that is Shopify Functions or Javy",
    },
    KnownHost { kind: Kind::Host, modules: &["http_handler"], names: &[], advice: "that is http-wasm (Traefik, Dapr)" },
    KnownHost { kind: Kind::Host, modules: &["env"], names: &["opa_*"], advice: "that is Open Policy Agent" },
    KnownHost {
        kind: Kind::Host,
        modules: &["seal*", "env"],
        names: &["ext_*_version_*", "seal_*", "db_read", "db_write", "addr_validate"],
        advice: "that is a blockchain",
    },
    KnownHost {
        kind: Kind::Host,
        modules: &["env"],
        names: &["blitSub", "traceUtf8", "diskr", "diskw"],
        advice: "that is WASM-4",
    },
    KnownHost {
        kind: Kind::Platform,
        modules: &["javascript_kit"],
        names: &[],
        advice: "that is Swift for browsers: build without JavaScriptKit",
    },
    KnownHost {
        kind: Kind::Platform,
        modules: &["js_code", "kotlin*"],
        names: &[],
        advice: "that is Kotlin for browsers: it needs garbage collection, which is off here",
    },
    KnownHost {
        kind: Kind::Platform,
        modules: &["spectest"],
        names: &[],
        advice: "that is the host of WebAssembly's own tests: build for wasm32-wasip1",
    },
    KnownHost {
        kind: Kind::Leftover,
        modules: &["env"],
        names: &["abort"],
        advice: "AssemblyScript imports it unless it is told not to: build with --use abort=",
    },
    KnownHost {
        kind: Kind::Platform,
        modules: &["env", "GOT.mem", "GOT.func", "GOT.data.internal"],
        names: &["__memory_base", "__table_base", "__stack_pointer", "__indirect_function_table"],
        advice: "that is a dynamic library: link it statically (without -shared, -fPIC or -sSIDE_MODULE)",
    },
    KnownHost {
        kind: Kind::Platform,
        modules: &["GOT.*"],
        names: &[],
        advice: "that is a dynamic library: link it statically (without -shared, -fPIC or -sSIDE_MODULE)",
    },
    KnownHost {
        kind: Kind::Platform,
        modules: &["env"],
        names: &[
            "emscripten_*",
            "_emscripten_*",
            "__emscripten_*",
            "__syscall_*",
            "invoke_*",
            "_abort_js",
            "_mmap_js",
            "_munmap_js",
            "_tzset_js",
            "_gmtime_js",
            "_localtime_js",
            "getTempRet0",
            "setTempRet0",
            "_embind_*",
            "_emval_*",
            "_*_js",
        ],
        advice: "that is Emscripten, whose JavaScript has it: build with -sSTANDALONE_WASM --no-entry, or with the WASI SDK",
    },
    KnownHost {
        kind: Kind::Leftover,
        modules: &["env"],
        names: &["__cxa_*", "__resumeException", "llvm_eh_typeid_for", "_Unwind_*"],
        advice: "that is for exceptions, which are off here: build with -fno-exceptions",
    },
    // What Emscripten calls everything from -O2 on.
    KnownHost {
        kind: Kind::Platform,
        modules: &["a", "asm2wasm", "global.Math"],
        names: &[],
        advice: "that is Emscripten, whose JavaScript has it: build with -sSTANDALONE_WASM --no-entry, or with the WASI SDK",
    },
    KnownHost {
        kind: Kind::Leftover,
        modules: &["env"],
        names: &["memory"],
        advice: "the memory is left to the host: link without --import-memory (AssemblyScript: without --importMemory)",
    },
    KnownHost {
        kind: Kind::Leftover,
        modules: &["env"],
        names: &[],
        advice: "a symbol was left undefined when it was linked: link the library that has it",
    },
    KnownHost {
        kind: Kind::Platform,
        modules: &["./*", "*.js", "*.mjs", "js", "imports", "console", "Math", "index"],
        names: &[],
        advice: "that is JavaScript, and there is none here: build for wasm32-wasip1, without a browser",
    },
    // An interface of the component model; the hosts above have said theirs.
    KnownHost {
        kind: Kind::Platform,
        modules: &["*:*/*", "*:*"],
        names: &[],
        advice: "that is a component's interface: a plugin is a core module, built for wasm32-wasip1",
    },
];

/// The host that has `name` in its module `module`, and how surely: the lower, the more it tells.
pub(in crate::sandbox) fn known_host(module: &str, name: &str) -> Option<(usize, &'static KnownHost)> {
    let any = |patterns: &[&str], text: &str| patterns.iter().any(|pattern| fits(pattern, text));
    KNOWN_HOSTS
        .iter()
        .enumerate()
        .find(|(_, host)| any(host.modules, module) && (host.names.is_empty() || any(host.names, name)))
}

/// Whether `text` is what `pattern` says: its parts between `*`, in that order, the first at the beginning and the last at the end.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut rest = rest;
    while let Some((part, further)) = rest.split_once('*') {
        let Some((_, after)) = text.split_once(part) else { return false };
        (text, rest) = (after, further);
    }
    text.ends_with(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_host_is_told_by_what_it_provides() {
        for (module, name, expected) in [
            ("extism:host/env", "input_length", "Extism"),
            ("env", "extism_input_length", "Extism"),
            ("zellij", "host_run_plugin_command", "Zellij"),
            ("gojs", "runtime.wasmWrite", "Go for browsers"),
            ("go", "runtime.wasmWrite", "Go for browsers"),
            ("env", "emscripten_notify_memory_growth", "Emscripten"),
            ("env", "__syscall_openat", "Emscripten"),
            ("env", "_tzset_js", "Emscripten"),
            ("a", "b", "Emscripten"),
            ("env", "abort", "AssemblyScript"),
            ("wbg", "__wbindgen_throw", "wasm-bindgen"),
            ("./lights_bg.js", "__wbg_log_1", "wasm-bindgen"),
            ("__wbindgen_externref_xform__", "__wbindgen_externref_table_grow", "wasm-bindgen"),
            ("wasi_unstable", "fd_write", "preview 0"),
            ("wasi:cli/stdout@0.2.0", "get-stdout", "preview 2"),
            ("env", "proxy_log", "Proxy-Wasm"),
            ("fermyon:spin/variables@2.0.0", "get", "Spin"),
            ("wasi-outbound-http", "request", "Spin"),
            ("wasix_32v1", "proc_fork", "WASIX"),
            ("wasi", "thread-spawn", "wasi-threads"),
            ("wapc", "__guest_request", "waPC"),
            ("fastly_http_req", "new", "Fastly"),
            ("GOT.mem", "errno", "dynamic library"),
            ("env", "__memory_base", "dynamic library"),
            ("env", "memory", "--import-memory"),
            ("env", "sqlite3_open", "left undefined"),
            ("my:own/interface", "call", "a component's interface"),
            ("./index.js", "log", "JavaScript"),
        ] {
            let (_, host) = known_host(module, name).unwrap_or_else(|| panic!("{module}.{name}"));
            assert!(host.advice.contains(expected), "{module}.{name}: {}", host.advice);
        }
        assert_eq!(known_host("somebody", "else"), None);
    }

    #[test]
    fn a_star_stands_for_anything_and_nothing() {
        for (pattern, text, expected) in [
            ("env", "env", true),
            ("env", "environment", false),
            ("env*", "env", true),
            ("*_bg.js", "./x_bg.js", true),
            ("*_bg.js", "_bg.jsx", false),
            ("*:*/*", "a:b/c", true),
            ("*:*/*", "a:b", false),
            ("_*_js", "_js", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }
}
