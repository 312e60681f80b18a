//! What a host call pays for holding itself against the grant: the same among one rule and a thousand. And what a run of the
//! conformance gate takes.

use std::hint::black_box;
use std::path::PathBuf;

use conductor::internals::config::{PathScope, PluginConfig};
use conductor::internals::effect::Url;
use conductor::internals::grant::{Capability, Grant, GrantCell};
use conductor::internals::host;
use conductor::internals::package::{Policy, admit};
use conductor::internals::sandbox::{LoadOptions, Manifest, conformance};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

fn grant(rules: usize) -> Grant {
    let many = |name: &str| (0..rules).map(|index| name.replace('#', &index.to_string())).collect::<Vec<_>>();
    Grant::from_config(&PluginConfig {
        granted_capabilities: Capability::ALL.to_vec(),
        allowed_hosts: [many("host-#.example.com"), many("*.suffix-#.example.org")].concat(),
        allowed_commands: many("program-#"),
        allowed_paths: PathScope::default(),
        allowed_ports: many("port #"),
        ..PluginConfig::new(PathBuf::from("plugin.wasm"))
    })
}

fn checks(criterion: &mut Criterion) {
    let exact = Url::parse("https://host-0.example.com/v1/play").expect("a URL");
    let suffix = Url::parse("https://a.b.suffix-0.example.org/v1/play").expect("a URL");
    let mut group = criterion.benchmark_group("grant");
    for rules in [1, 1000] {
        let view = GrantCell::fixed(grant(rules)).view();
        group.bench_function(BenchmarkId::new("port", rules), |bencher| {
            bencher.iter(|| view.get().port(black_box("port 0")));
        });
        group.bench_function(BenchmarkId::new("command", rules), |bencher| {
            bencher.iter(|| view.get().command(black_box("program-0")));
        });
        group.bench_function(BenchmarkId::new("host", rules), |bencher| {
            bencher.iter(|| view.get().url(black_box(&exact)));
        });
        group.bench_function(BenchmarkId::new("host by suffix", rules), |bencher| {
            bencher.iter(|| view.get().url(black_box(&suffix)));
        });
        group.bench_function(BenchmarkId::new("denied host", rules), |bencher| {
            let other = Url::parse("https://elsewhere.example.net/").expect("a URL");
            bencher.iter(|| view.get().url(black_box(&other)));
        });
    }
    group.finish();
}

/// A run of the conformance gate over the committed guests: two rehearsals each.
fn gate(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("conformance");
    group.sample_size(10);
    for name in ["note_logger", "json_probe"] {
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/plugins/{name}.wasm"));
        let admitted = admit(&file, &Policy { name: name.to_owned(), ..Policy::default() }).expect("a committed guest");
        let settings = PluginConfig::new(file);
        let manifest = Manifest::read(&admitted, host::TABLE).expect("read");
        group.bench_function(name, |bencher| bencher.iter(|| conformance(&manifest, LoadOptions::from(&settings))));
    }
    group.finish();
}

criterion_group!(benches, checks, gate);
criterion_main!(benches);
