//! What admission costs, beside what it cannot do without: the hash and the bare verification of one signature.

use std::fs;
use std::hint::black_box;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use conductor::internals::digest::Digest;
use conductor::internals::package::signing::{KeyFileError, PrivateKey, Signing, SigningKey as _};
use conductor::internals::package::{Policy, Statement, admit};
use conductor::internals::time::Timestamp;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const SIZE: usize = 1 << 20;

/// A signed plugin of 1 MiB with a trust store, in a directory of its own.
fn signed() -> (PathBuf, Policy, PrivateKey) {
    let directory = std::env::temp_dir().join(format!("conductor-bench-{}", std::process::id()));
    fs::create_dir_all(&directory).expect("a directory");
    let private = directory.join("key.private");
    fs::write(&private, [7; 32]).expect("a key");
    fs::set_permissions(&private, fs::Permissions::from_mode(0o600)).expect("its mode");
    let key = PrivateKey::read(&directory.join("key"), |_| -> Result<_, KeyFileError> {
        unreachable!("the key is not sealed")
    })
    .expect("the key");
    let plugin = directory.join("plugin.wasm");
    let bytes: Vec<u8> = (0..SIZE).map(|index| (index % 251) as u8).collect();
    fs::write(&plugin, bytes).expect("a plugin");
    let statement = Statement {
        plugin: "plugin".into(),
        version: None,
        capabilities: Vec::new(),
        required_signatures: 1,
        expires_at: None,
    };
    let at = Timestamp::from_unix(1_763_542_752);
    Signing::read(&plugin).expect("a plugin").sign(&key, "Ada", "", at, statement).expect("signed");
    let store = directory.join("trusted_keys.toml");
    let entry =
        format!("[[keys]]\nname = \"Ada\"\nemail = \"\"\npublic_key = \"{}\"\nadded_at = \"{at}\"\n", key.public_key());
    fs::write(&store, entry).expect("a trust store");
    let policy = Policy { require_signature: true, trusted_keys: Some(store), at, ..Policy::default() };
    (plugin, policy, key)
}

fn admission(criterion: &mut Criterion) {
    let (plugin, policy, key) = signed();
    let bytes = fs::read(&plugin).expect("the plugin");
    let digest = Digest::of(&bytes);
    let signature = key.sign(digest.as_bytes()).expect("signed");
    let public = key.public_key();
    let bare = ed25519_compact::PublicKey::new(*public.as_bytes());
    let bare_signature = ed25519_compact::Signature::new(signature);

    let mut group = criterion.benchmark_group("admission of 1 MiB");
    group.throughput(Throughput::Bytes(SIZE as u64));
    group.bench_function("SHA-256 alone", |bencher| bencher.iter(|| Digest::of(black_box(&bytes))));
    group.bench_function("reading the file alone", |bencher| bencher.iter(|| fs::read(black_box(&plugin))));
    group.bench_function("admit, unsigned", |bencher| {
        bencher.iter(|| admit(black_box(&plugin), &Policy::default()).expect("admitted"));
    });
    group.bench_function("admit, signed and trusted", |bencher| {
        bencher.iter(|| admit(black_box(&plugin), &policy).expect("admitted"));
    });
    group.finish();

    let mut group = criterion.benchmark_group("one signature");
    group.bench_function("the library's verification", |bencher| {
        bencher.iter(|| bare.verify(black_box(digest.as_bytes()), &bare_signature).expect("valid"));
    });
    group.bench_function("strict verification", |bencher| {
        bencher.iter(|| assert!(public.verify(black_box(digest.as_bytes()), &signature)));
    });
    group.finish();
    if let Some(directory) = plugin.parent() {
        // What cannot be removed stays among the temporary files.
        let _ = fs::remove_dir_all(directory);
    }
}

criterion_group!(benches, admission);
criterion_main!(benches);
