//! Loads and stores, memory that grows, blocks that are moved; and tables.

use super::{UNROLLED, chain, locals, text};
use crate::case::{Bound, Case, Rounds, Text};

/// Loads and stores: of what is in the cache, each address from the load before; and across 64 MiB, where it is not.
pub(super) fn memory_access() -> Vec<Case> {
    let mut cases = Vec::new();
    let loads: &[(&str, &str)] = &[
        ("i32_load", ""),
        ("i32_load8_s", ""),
        ("i32_load8_u", ""),
        ("i32_load16_s", ""),
        ("i32_load16_u", ""),
        ("i64_load", "i32.wrap_i64"),
        ("i64_load8_s", "i32.wrap_i64"),
        ("i64_load8_u", "i32.wrap_i64"),
        ("i64_load16_s", "i32.wrap_i64"),
        ("i64_load16_u", "i32.wrap_i64"),
        ("i64_load32_s", "i32.wrap_i64"),
        ("i64_load32_u", "i32.wrap_i64"),
        ("f32_load", "i32.reinterpret_f32"),
        ("f64_load", "i64.reinterpret_f64 i32.wrap_i64"),
    ];
    for &(operator, back) in loads {
        // Zeroes from address 0 on.
        let body = chain("(local.get $a)", &format!("{} offset=4096 {back}", text(operator)), "(local.set $a)");
        cases.push(Case::of(text(operator), &[operator], Text { body: &body, ..Text::default() }.module()));
    }
    let stores = [
        "i32_store",
        "i64_store",
        "f32_store",
        "f64_store",
        "i32_store8",
        "i32_store16",
        "i64_store8",
        "i64_store16",
        "i64_store32",
    ];
    for operator in stores {
        let (value, _) = locals(&operator[..3]);
        let body = format!("({} offset=4096 (local.get $a) (local.get {value})) ", text(operator)).repeat(UNROLLED);
        cases.push(Case::of(text(operator), &[operator], Text { body: &body, ..Text::default() }.module()));
    }
    // Each of 2^20 lines of 64 bytes holds the address of another; all make one ring, in an order nobody can guess.
    let ring = r#"(func (export "init") (local $n i32)
      (loop $line
        (i32.store (i32.add (i32.const 65536) (i32.shl (local.get $n) (i32.const 6)))
          (i32.shl (i32.and (i32.add (i32.mul (local.get $n) (i32.const 843314861)) (i32.const 453816693)) (i32.const 0xfffff)) (i32.const 6)))
        (br_if $line (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 0x100000)))))"#;
    let body = chain("(local.get $a)", "i32.load offset=65536", "(local.set $a)");
    let module = Text { memory: "1025", fields: ring, body: &body, ..Text::default() }.module();
    let latency = Bound::Elsewhere("the memory's latency: the clock is looked at every 100,000 units");
    cases.push(Case { bound: latency, ..Case::of("i32.load, each a miss in 64 MiB", &["i32_load"], module) });
    let body =
        "(local.set $a (i32.load offset=65536 (local.get $a))) (i32.store offset=65540 (local.get $a) (local.get $b)) "
            .repeat(UNROLLED);
    let module = Text { memory: "1025", fields: ring, body: &body, ..Text::default() }.module();
    cases.push(Case {
        bound: latency,
        ..Case::of("i32.load and i32.store, each a miss in 64 MiB", &["i32_load", "i32_store"], module)
    });
    // As programs walk a list: with the loop and the count that belong to it.
    let body = "(local.set $a (i32.load offset=65536 (local.get $a)))";
    let module = Text { memory: "1025", fields: ring, body, ..Text::default() }.module();
    cases.push(Case { bound: latency, ..Case::of("i32.load in a loop, each a miss in 64 MiB", &["i32_load"], module) });
    // Independent addresses: the processor looks several steps ahead.
    let body = "(local.set $b (i32.add (i32.mul (local.get $b) (i32.const 843314861)) (i32.const 453816693)))
      (i32.store8 offset=65536 (i32.and (local.get $b) (i32.const 0x3ffffff)) (local.get $b)) "
        .repeat(8);
    let module = Text { memory: "1025", fields: ring, body: &body, ..Text::default() }.module();
    cases.push(Case::of("i32.store8 at random in 64 MiB", &["i32_store8"], module));
    cases
}

/// Growing memory, and moving blocks of it.
pub(super) fn memory() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut case = |name: &str, covers: &[&'static str], memory: &str, body: String, rounds: Rounds| {
        let fields = format!("(data $d \"{}\")", "0123456789abcdef".repeat(4096));
        let module = Text { memory, fields: &fields, body: &body, ..Text::default() }.module();
        cases.push(Case { rounds, ..Case::of(name, covers, module) });
    };
    let filled = Rounds::Filled;
    case("memory.size", &["memory_size"], "2", "(local.set $a (memory.size)) ".repeat(UNROLLED), filled);
    case("memory.grow by 0", &["memory_grow"], "2", "(local.set $a (memory.grow (i32.const 0))) ".repeat(8), filled);
    case(
        "memory.grow beyond the module's maximum",
        &["memory_grow"],
        "2 2",
        "(local.set $a (memory.grow (i32.const 1))) ".repeat(8),
        filled,
    );
    // Beyond 32 MiB the system's allocator has nothing at hand that was used before: each page is new.
    case(
        "memory.grow by one page, 16 times",
        &["memory_grow"],
        "600",
        "(drop (memory.grow (i32.const 1)))".to_owned(),
        Rounds::Fresh(16),
    );
    case(
        "memory.grow by 16 pages",
        &["memory_grow"],
        "600",
        "(drop (memory.grow (i32.const 16)))".to_owned(),
        Rounds::Fresh(1),
    );
    for len in [0, 1, 64, 65_536] {
        let arguments = format!("(i32.const 65536) (i32.const 0) (i32.const {len})");
        for (operator, text) in
            [("memory_copy", "memory.copy"), ("memory_fill", "memory.fill"), ("memory_init", "memory.init $d")]
        {
            let body = format!("({text} {arguments}) ").repeat(8);
            case(&format!("{} of {len} bytes", &text[..11]), &[operator], "2", body, filled);
        }
    }
    case(
        "memory.copy of 32 MiB",
        &["memory_copy"],
        "1025",
        "(memory.copy (i32.const 65536) (i32.const 33619968) (i32.const 33554432))".to_owned(),
        filled,
    );
    case(
        "memory.copy of 64 bytes at random in 64 MiB",
        &["memory_copy"],
        "1026",
        "(local.set $b (i32.add (i32.mul (local.get $b) (i32.const 843314861)) (i32.const 453816693)))
         (memory.copy (i32.and (local.get $b) (i32.const 0x3ffffff)) (i32.shr_u (local.get $b) (i32.const 6)) (i32.const 64)) "
            .repeat(8),
        filled,
    );
    case(
        "memory.fill of 64 MiB, touched before",
        &["memory_fill"],
        "1025",
        "(memory.fill (i32.const 65536) (i32.const 1) (i32.const 0x4000000))".to_owned(),
        filled,
    );
    case(
        "memory.fill of 8 MiB, for the first time",
        &["memory_fill"],
        "129",
        "(memory.fill (i32.const 65536) (i32.const 1) (i32.const 0x800000))".to_owned(),
        Rounds::Fresh(1),
    );
    case("data.drop", &["data_drop"], "2", "(data.drop $d) ".repeat(UNROLLED), filled);
    let touch = "(i32.store (local.get $a) (i32.const 1)) (local.set $a (i32.add (local.get $a) (i32.const 4096)))";
    let module = Text { memory: "129", body: touch, ..Text::default() }.module();
    cases.push(Case {
        rounds: Rounds::Fresh(2_000),
        bound: Bound::Elsewhere("once for each page an instance begins with: a part of what its start takes"),
        ..Case::of("i32.store to a page for the first time", &["i32_store"], module)
    });
    cases
}

/// Tables.
pub(super) fn tables() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut case = |name: &str, covers: &[&'static str], table: &str, body: String, rounds: Rounds| {
        let fields = format!(
            "(func $callee) (table $t {table} funcref) (table $u 5000 funcref) (elem $e func {})",
            "$callee ".repeat(5_000)
        );
        let mut case = Case::of(name, covers, Text { fields: &fields, body: &body, ..Text::default() }.module());
        case.rounds = rounds;
        case.settings.wasm.max_table_elements = 100_000;
        cases.push(case);
    };
    let filled = Rounds::Filled;
    case("table.size", &["table_size"], "1", "(local.set $a (table.size $t)) ".repeat(UNROLLED), filled);
    case("table.get", &["table_get"], "1", "(local.set $s (table.get $t (local.get $a))) ".repeat(UNROLLED), filled);
    case("table.set", &["table_set"], "1", "(table.set $t (local.get $a) (local.get $s)) ".repeat(UNROLLED), filled);
    case(
        "table.set of ref.func",
        &["table_set", "ref_func"],
        "1",
        "(table.set $t (local.get $a) (ref.func $callee)) ".repeat(UNROLLED),
        filled,
    );
    let grow = |by: u32| format!("(local.set $a (table.grow $t (ref.null func) (i32.const {by}))) ");
    case("table.grow by 0", &["table_grow"], "1", grow(0).repeat(8), filled);
    case("table.grow beyond the table's maximum", &["table_grow"], "1 1", grow(1).repeat(8), filled);
    case("table.grow beyond the limit", &["table_grow"], "1", grow(100_000).repeat(8), filled);
    case("table.grow by one element, 5,000 times", &["table_grow"], "1", grow(1), Rounds::Fresh(5_000));
    case("table.grow by 90,000 elements", &["table_grow"], "1", grow(90_000), Rounds::Fresh(1));
    for len in [0, 1, 5_000] {
        let at = format!("(i32.const 0) (i32.const 0) (i32.const {len})");
        let body = format!("(table.copy $t $u {at}) ").repeat(8);
        case(&format!("table.copy of {len} elements"), &["table_copy"], "5000", body, filled);
        let body = format!("(table.copy $t $t (i32.const 1) (i32.const 0) (i32.const {len})) ").repeat(8);
        case(&format!("table.copy of {len} elements within a table"), &["table_copy"], "5001", body, filled);
        let body = format!("(table.init $t $e {at}) ").repeat(8);
        case(&format!("table.init of {len} elements"), &["table_init"], "5000", body, filled);
        let body = format!("(table.fill $t (i32.const 0) (local.get $s) (i32.const {len})) ").repeat(8);
        case(&format!("table.fill of {len} elements"), &["table_fill"], "5000", body, filled);
    }
    case("elem.drop", &["elem_drop"], "1", "(elem.drop $e) ".repeat(UNROLLED), filled);
    cases
}
