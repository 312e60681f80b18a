//! A key on a PKCS#11 token signs and co-signs without ever being read: for real, against `SoftHSM` 2.

#![cfg(feature = "hardware-key")]

use std::path::Path;
use std::process::Command;

use crate::support::signing::{SMALL_PLUGIN, key_file};
use crate::support::{Program, Ran, Scratch, bin, missing};

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// A token of its own, with two keys called `k1` and `k2`.
struct Token(Scratch);

impl Token {
    fn new() -> Option<Self> {
        let tools = ["softhsm2-util", "pkcs11-tool"].map(|tool| Command::new(tool).arg("--version").output().is_ok());
        let there = tools == [true; 2] && Path::new(MODULE).exists();
        if !missing::present(there, "signing_hardware", "softhsm2 opensc") {
            return None;
        }
        let token = Self(Scratch::new());
        let directory = token.0.path();
        std::fs::create_dir(directory.join("tokens")).unwrap();
        token.0.file("softhsm2.conf", format!("directories.tokendir = {}/tokens\n", directory.display()));
        token.0.file("my_plugin.wasm", SMALL_PLUGIN);
        token.tool("softhsm2-util", &["--init-token", "--free", "--label", "t", "--pin", "1234", "--so-pin", "5678"]);
        for (label, id) in [("k1", "01"), ("k2", "02")] {
            let generate = ["--keypairgen", "--key-type", "EC:edwards25519", "--label", label, "--id", id];
            let login = ["--module", MODULE, "--login", "--pin", "1234"];
            token.tool("pkcs11-tool", &[&login[..], &generate[..]].concat());
        }
        Some(token)
    }
    fn conf(&self) -> std::path::PathBuf {
        self.0.path().join("softhsm2.conf")
    }
    fn tool(&self, name: &str, arguments: &[&str]) {
        let output = Command::new(name).args(arguments).env("SOFTHSM2_CONF", self.conf()).output().unwrap();
        assert!(output.status.success(), "{name} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    fn run(&self, line: &str, pin: Option<&str>) -> Ran {
        let home = self.0.path();
        let program = bin("conductor-sign").directory(home).env("HOME", home).env("SOFTHSM2_CONF", self.conf());
        let program = program.env("PKCS11_MODULE_PATH", MODULE).hide(home, "~");
        let program = match pin {
            Some(pin) => program.env("CONDUCTOR_SIGN_PIN", pin),
            None => program,
        };
        line.split('|').fold(program, Program::arg).run()
    }
}

#[test]
fn a_token_signs_and_co_signs_what_verifies_here() {
    let Some(token) = Token::new() else { return };
    let sign =
        "sign|my_plugin.wasm|--hardware-key|pkcs11:token=t;object=k1|--name|Ada|--email|ada@example.com|--require|2";
    token.run(sign, Some("1234")).exits(0);
    let uri = format!("pkcs11:token=t;id=%02;type=private?module-path={MODULE}");
    token
        .run(&format!("cosign|my_plugin.wasm|--hardware-key|{uri}|--name|Bob|--email|bob@example.com"), Some("1234"))
        .exits(0);
    let signature: serde_json::Value =
        serde_json::from_slice(&std::fs::read(token.0.path().join("my_plugin.wasm.sig")).unwrap()).unwrap();
    for key in [&signature["public_key"], &signature["cosignatures"][0]["public_key"]] {
        token.run("verify|my_plugin.wasm", None).exits(1);
        token.run(&format!("trust|add|{}|Somebody", key.as_str().unwrap()), None).exits(0);
    }
    let verified = token.run("verify|my_plugin.wasm", None).exits(0);
    assert!(verified.stdout.contains("✓ 2 of 2 signatures by trusted keys"), "{}", verified.transcript());
}

#[test]
fn a_file_key_hands_over_to_a_token() {
    let Some(token) = Token::new() else { return };
    key_file(token.0.path(), "ada");
    let ada = std::fs::read_to_string(crate::support::repository("fixtures/keys/ada.public")).unwrap();
    token.run(&format!("trust|add|{ada}|Ada"), None).exits(0);
    token.run("rotate|ada|pkcs11:token=t;object=k1|--output|to-token.succession", Some("1234")).exits(0);
    token.run("trust|add|--succession|to-token.succession", None).exits(0);
    let sign = "sign|my_plugin.wasm|--hardware-key|pkcs11:object=k1|--name|Ada|--email|ada@example.com";
    token.run(sign, Some("1234")).exits(0);
    token.run("verify|my_plugin.wasm", None).exits(0);
}

#[test]
fn the_pin_comes_from_a_file_when_the_uri_says_so() {
    let Some(token) = Token::new() else { return };
    let pin = token.0.file("pin", "1234\n");
    let uri = format!("pkcs11:token=t;object=k1?pin-source=file:{}", pin.display());
    token.run(&format!("sign|my_plugin.wasm|--hardware-key|{uri}|--name|Ada|--email|a@example.com"), None).exits(0);
}

#[test]
fn what_is_wrong_with_a_token_is_named() {
    let Some(token) = Token::new() else { return };
    for (uri, pin, message) in [
        ("pkcs11:token=t;object=k1", Some("4321"), "the token did not accept the PIN"),
        ("pkcs11:token=t;object=k1", None, "set CONDUCTOR_SIGN_PIN"),
        ("pkcs11:token=t;object=k9", Some("1234"), "no Ed25519 private key on the token \"t\" matches the URI"),
        ("pkcs11:token=u;object=k1", Some("1234"), "no token matches the URI; there are: \"t\""),
        (
            "pkcs11:token=t;object=k1?module-path=/nowhere.so",
            Some("1234"),
            "/nowhere.so: cannot load the PKCS#11 module",
        ),
        (
            "pkcs11:token=t;object=k1?module-path=/etc/passwd",
            Some("1234"),
            "/etc/passwd: cannot load the PKCS#11 module",
        ),
        ("pkcs11:token=t", Some("1234"), "the PKCS#11 URI names no key"),
        ("/dev/yubikey", Some("1234"), "give the key's URI: --hardware-key 'pkcs11:"),
    ] {
        let line = format!("sign|my_plugin.wasm|--hardware-key|{uri}|--name|Ada|--email|ada@example.com");
        let ran = token.run(&line, pin).exits(2);
        assert!(ran.stderr.contains(message), "{}", ran.transcript());
        assert!(!token.0.path().join("my_plugin.wasm.sig").exists());
    }
}
