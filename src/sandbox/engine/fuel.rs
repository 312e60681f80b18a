//! The unit of fuel: what each WebAssembly operator costs, fixed by this project.
//!
//! The table is written out in full, so that a newer engine with other defaults changes nothing, and with an operator
//! this table does not know does not compile. Its [digest](cost_table_digest) stands in every journal.
//!
//! One unit is one operator. Those that generate no code are free. Growing a memory or a table costs as much as the
//! engine's table can say, because a *failing* one leaves some 190 bytes on the native stack until the slice ends.
//! On top come, from the engine: one per function entry, loop iteration and arm of an `if`; one per host call; one per 8 bytes moved
//! by bulk operations; 8,192 per page grown. Ten per function that is entered keep the account of what is running
//! ([`crate::sandbox::translate`]). Fuel is charged in advance for whole blocks, branches not taken included, so it is the same on every
//! machine and in every mode, but not a count of executed instructions.

use wasmi::{CustomFuelCosts, OperatorCost};

use crate::digest::Digest;

/// Fuel between two looks at the clock: some 30 microseconds on a desktop machine, of which going on takes a hundredth; eight
/// milliseconds where each unit is a load that misses every cache. And few enough failing `memory.grow` (see above) to stay far from
/// the end of the stack.
pub(in crate::sandbox) const SLICE: u64 = 100_000;

/// Bytes that bulk operations move for one unit of fuel. Moving takes a tenth of that; but the engine has one price for moving
/// and for growing, and memory that is new takes a page fault for each 4 KiB: 1 to 5 microseconds, as much as thousands of operators.
pub(in crate::sandbox) const BYTES_PER_FUEL: u32 = 8;

/// Fuel of bulk operations and none for compilation, so that the first call costs what every other costs.
pub(in crate::sandbox) const BULK_COSTS: CustomFuelCosts = CustomFuelCosts {
    bytes_copied_per_fuel: BYTES_PER_FUEL,
    fuel_per_bytes_translated: 0,
    fuel_per_bytes_validated: 0,
};

/// Fuel that the account of calls takes for each function that is entered: its operators, at the prices below.
const ACCOUNT_FUEL: u64 = 10;

macro_rules! cost_table {
    ($($cost:literal: $($operator:ident)*;)*) => {
        /// What each operator costs.
        pub(in crate::sandbox) const OPERATOR_COSTS: OperatorCost = OperatorCost { $($($operator: $cost,)*)* };
        /// The costs by the names of operators, for the digest.
        const LISTING: &[(&str, u8)] = &[$($((stringify!($operator), $cost),)*)*];
    };
}

cost_table! {
    0:
        unreachable nop block loop_ else_ end return_ drop;
    1:
        if_ br br_if br_table call call_indirect select local_get local_set local_tee global_get global_set
        i32_load i64_load f32_load f64_load i32_load8_s i32_load8_u i32_load16_s i32_load16_u i64_load8_s
        i64_load8_u i64_load16_s i64_load16_u i64_load32_s i64_load32_u i32_store i64_store f32_store
        f64_store i32_store8 i32_store16 i64_store8 i64_store16 i64_store32 memory_size i32_const i64_const
        f32_const f64_const i32_eqz i32_eq i32_ne i32_lt_s i32_lt_u i32_gt_s i32_gt_u i32_le_s i32_le_u
        i32_ge_s i32_ge_u i64_eqz i64_eq i64_ne i64_lt_s i64_lt_u i64_gt_s i64_gt_u i64_le_s i64_le_u
        i64_ge_s i64_ge_u f32_eq f32_ne f32_lt f32_gt f32_le f32_ge f64_eq f64_ne f64_lt f64_gt f64_le
        f64_ge i32_clz i32_ctz i32_popcnt i32_add i32_sub i32_mul i32_div_s i32_div_u i32_rem_s i32_rem_u
        i32_and i32_or i32_xor i32_shl i32_shr_s i32_shr_u i32_rotl i32_rotr i64_clz i64_ctz i64_popcnt
        i64_add i64_sub i64_mul i64_div_s i64_div_u i64_rem_s i64_rem_u i64_and i64_or i64_xor i64_shl
        i64_shr_s i64_shr_u i64_rotl i64_rotr f32_abs f32_neg f32_ceil f32_floor f32_trunc f32_nearest
        f32_sqrt f32_add f32_sub f32_mul f32_div f32_min f32_max f32_copysign f64_abs f64_neg f64_ceil
        f64_floor f64_trunc f64_nearest f64_sqrt f64_add f64_sub f64_mul f64_div f64_min f64_max
        f64_copysign i32_wrap_i64 i32_trunc_f32_s i32_trunc_f32_u i32_trunc_f64_s i32_trunc_f64_u
        i64_extend_i32_s i64_extend_i32_u i64_trunc_f32_s i64_trunc_f32_u i64_trunc_f64_s i64_trunc_f64_u
        f32_convert_i32_s f32_convert_i32_u f32_convert_i64_s f32_convert_i64_u f32_demote_f64
        f64_convert_i32_s f64_convert_i32_u f64_convert_i64_s f64_convert_i64_u f64_promote_f32
        i32_reinterpret_f32 i64_reinterpret_f64 f32_reinterpret_i32 f64_reinterpret_i64 i32_extend8_s
        i32_extend16_s i64_extend8_s i64_extend16_s i64_extend32_s i32_trunc_sat_f32_s i32_trunc_sat_f32_u
        i32_trunc_sat_f64_s i32_trunc_sat_f64_u i64_trunc_sat_f32_s i64_trunc_sat_f32_u i64_trunc_sat_f64_s
        i64_trunc_sat_f64_u ref_null ref_is_null ref_func typed_select return_call return_call_indirect
        table_get table_set table_size i64_add128 i64_sub128 i64_mul_wide_s i64_mul_wide_u;
    // Bulk operations look up memories, tables and segments, check both ranges and call the system's copying or freeing.
    8:
        data_drop elem_drop memory_init memory_copy table_init table_copy table_fill;
    // The same, and filling no bytes of a page that is not there yet takes some processors hundreds of cycles.
    48:
        memory_fill;
    255:
        memory_grow table_grow;
}

/// Every operator of the engine with what it costs, by the engine's names: the benchmark of prices measures each of them.
#[cfg(any(test, feature = "internals"))]
#[must_use]
pub fn cost_table() -> Vec<(&'static str, u8)> {
    LISTING.to_vec()
}

/// Digest of the whole cost table, for journals: two sessions with the same digest count fuel alike.
#[must_use]
pub fn cost_table_digest() -> Digest {
    let mut text = String::new();
    for (operator, cost) in LISTING {
        text.push_str(operator);
        text.push(' ');
        text.push_str(&cost.to_string());
        text.push('\n');
    }
    let CustomFuelCosts { bytes_copied_per_fuel, fuel_per_bytes_translated, fuel_per_bytes_validated } = BULK_COSTS;
    for number in [u64::from(bytes_copied_per_fuel), fuel_per_bytes_translated.into(), fuel_per_bytes_validated.into()]
    {
        text.push_str(&number.to_string());
        text.push('\n');
    }
    text.push_str("account ");
    text.push_str(&ACCOUNT_FUEL.to_string());
    text.push('\n');
    Digest::of(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_of_fuel_has_not_changed() {
        assert_eq!(LISTING.len(), 207);
        // Recorded sessions depend on it: a journal with another digest is refused.
        assert_eq!(cost_table_digest().to_string(), "1c8508dffe26adb0ae673eb594ad1fbcb0f52bd1054c9386de2d3d92e4e1129d");
    }
}
