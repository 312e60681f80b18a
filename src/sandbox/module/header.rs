//! What a file is by its first bytes: a core module, or something else that people hand over in its place, told by its name.

use crate::sandbox::module::error::LoadReason;

/// A file that is not WebAssembly, and how to come by one that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Foreign {
    /// What it is: `an HTML page`.
    pub what: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

const fn foreign(what: &'static str, remedy: &'static str) -> Foreign {
    Foreign { what, remedy }
}

const DOWNLOADED: &str =
    "the download brought it in the place of the file: look into it, and take the file's own address";
const BUILT: &str = "build it for WebAssembly: wasm32-wasip1";
const LINKED: &str = "what a compiler hands to the linker; link it to a module";
const PACKED: &str = "unpack it, and take the module out of it";

/// What files begin with, at which offset.
const MAGICS: &[(usize, &[u8], Foreign)] = &[
    (0, b"\x7fELF", foreign("an ELF program or library", BUILT)),
    (0, b"\xcf\xfa\xed\xfe", foreign("a Mach-O program or library", BUILT)),
    (0, b"\xce\xfa\xed\xfe", foreign("a Mach-O program or library", BUILT)),
    (0, b"\xca\xfe\xba\xbe", foreign("a Mach-O program or library, or a Java class", BUILT)),
    (0, b"MZ", foreign("a Windows program or library", BUILT)),
    (0, b"BC\xc0\xde", foreign("LLVM bitcode", LINKED)),
    (0, b"!<arch>\n", foreign("a static library", LINKED)),
    (0, b"\x1f\x8b", foreign("compressed with gzip", "unpack it first: gunzip FILE.gz")),
    (0, b"BZh", foreign("compressed with bzip2", "unpack it first: bunzip2 FILE.bz2")),
    (0, b"\xfd7zXZ\0", foreign("compressed with xz", "unpack it first: unxz FILE.xz")),
    (0, b"\x28\xb5\x2f\xfd", foreign("compressed with zstd", "unpack it first: unzstd FILE.zst")),
    (0, b"PK\x03\x04", foreign("a ZIP archive", PACKED)),
    (257, b"ustar", foreign("a tar archive", PACKED)),
    (0, b"7z\xbc\xaf\x27\x1c", foreign("a 7z archive", PACKED)),
    (0, b"#!", foreign("a script", "hand over the module that it starts")),
    (
        0,
        b"version https://git-lfs.github.com/",
        foreign("a Git LFS pointer, not the file itself", "fetch it: git lfs pull"),
    ),
];

/// How text begins, whatever space and marks stand before.
const TEXTS: &[(&str, Foreign)] = &[
    ("<!doctype html", foreign("an HTML page", DOWNLOADED)),
    ("<html", foreign("an HTML page", DOWNLOADED)),
    ("<head", foreign("an HTML page", DOWNLOADED)),
    ("<body", foreign("an HTML page", DOWNLOADED)),
    ("<?xml", foreign("XML", DOWNLOADED)),
    ("<", foreign("HTML or XML", DOWNLOADED)),
    ("{", foreign("JSON", DOWNLOADED)),
];

/// Bytes of a text that are looked at; comments before a module in text are rarely longer.
const LOOKED_AT: usize = 64 << 10;

/// Tells a core module from everything else by its first bytes.
pub(in crate::sandbox) fn check(wasm: &[u8]) -> Result<(), LoadReason> {
    const MAGIC: &[u8] = b"\0asm";
    if wasm.is_empty() {
        return Err(LoadReason::Empty);
    }
    if !wasm.starts_with(MAGIC) {
        return Err(stranger(wasm));
    }
    match wasm.get(4..8) {
        None => Err(LoadReason::Truncated { offset: wasm.len() }),
        Some([1, 0, 0, 0]) => Ok(()),
        // Version 0x0d, layer 1.
        Some([_, _, 1, 0]) => Err(LoadReason::Component),
        Some([a, b, c, d]) => Err(LoadReason::Version { version: u32::from_le_bytes([*a, *b, *c, *d]) }),
        Some(_) => Err(LoadReason::NotWasm { found: None }), // get(4..8) has four bytes
    }
}

fn stranger(bytes: &[u8]) -> LoadReason {
    let magic =
        |(at, magic, _): &&(usize, &[u8], Foreign)| bytes.get(*at..).is_some_and(|rest| rest.starts_with(magic));
    if let Some((.., found)) = MAGICS.iter().find(magic) {
        return LoadReason::NotWasm { found: Some(*found) };
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = uncommented(bytes.get(..LOOKED_AT).unwrap_or(bytes));
    if let Some(rest) = text.strip_prefix(b"(") {
        let rest = rest.trim_ascii_start();
        if rest.starts_with(b"module") {
            return LoadReason::Text;
        }
        if rest.starts_with(b"component") {
            return LoadReason::Component;
        }
    }
    let begins = |(text_begins, _): &&(&str, Foreign)| {
        text.get(..text_begins.len()).is_some_and(|text| text.eq_ignore_ascii_case(text_begins.as_bytes()))
    };
    LoadReason::NotWasm { found: TEXTS.iter().find(begins).map(|(_, found)| *found) }
}

/// `text` without the space and the comments of WebAssembly's text form that it begins with.
fn uncommented(mut text: &[u8]) -> &[u8] {
    loop {
        text = text.trim_ascii_start();
        if text.starts_with(b";;") {
            let end = text.iter().position(|byte| *byte == b'\n').unwrap_or(text.len());
            text = text.get(end..).unwrap_or_default();
        } else if text.starts_with(b"(;") {
            let mut depth = 0_u32;
            let mut pairs = text.windows(2).enumerate();
            let end = loop {
                match pairs.next() {
                    Some((_, b"(;")) => depth += 1,
                    Some((at, b";)")) if depth == 1 => break at + 2,
                    Some((_, b";)")) => depth -= 1,
                    Some(_) => continue,
                    None => break text.len(),
                }
                // The two bytes belong together.
                let _ = pairs.next();
            };
            text = text.get(end..).unwrap_or_default();
        } else {
            return text;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(bytes: &[u8]) -> String {
        check(bytes).expect_err("not a module").to_string()
    }

    #[test]
    fn what_people_hand_over_in_the_place_of_a_module_is_named() {
        for (bytes, begins) in [
            (&b"\x7fELF\x02\x01"[..], "an ELF program or library, not a WebAssembly module"),
            (b"\x1f\x8b\x08\0", "compressed with gzip, not a WebAssembly module"),
            (b"PK\x03\x04", "a ZIP archive"),
            (b"\xef\xbb\xbf\n <!DOCTYPE HTML>", "an HTML page"),
            (b"<html lang=en>", "an HTML page"),
            (b"<svg", "HTML or XML"),
            (b"{\"message\":\"Not Found\"}", "JSON"),
            (b"#!/bin/sh\n", "a script"),
            (b"(module)", "WebAssembly text"),
            (b";; a comment\n(; and (; another ;) ;) ( module", "WebAssembly text"),
            (b"(component)", "a component"),
            (b"\0asm\x0d\0\x01\0", "a component"),
            (b"\0asm\x02\0\0\0", "version 0x2"),
            (b"\0as", "not a WebAssembly module: it does not begin with \\0asm"),
            (b"(", "not a WebAssembly module"),
            (b"(; no end", "not a WebAssembly module"),
            (b"", "the file is empty"),
        ] {
            let said = found(bytes);
            assert!(said.starts_with(begins), "{:?}: {said}", String::from_utf8_lossy(bytes));
        }
        let tar = [&[b'x'; 257][..], b"ustar\0"].concat();
        assert!(found(&tar).starts_with("a tar archive"));
        assert_eq!(check(b"\0asm\x01\0\0\0"), Ok(()));
    }
}
