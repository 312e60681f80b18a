//! The name that is probably meant.

/// The name among `known` that takes the fewest edits to reach from `name`, when those are few.
pub(in crate::sandbox) fn nearest(name: &str, known: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    if name.len() > 64 {
        return None; // nobody mistypes that much, and the comparison is quadratic
    }
    let best = known.map(|candidate| (distance(name.as_bytes(), candidate.as_bytes()), candidate)).min()?;
    (best.0 <= name.len().div_ceil(3)).then_some(best.1)
}

/// Edits (insert, remove, replace a byte) from `a` to `b`.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        row[0] = left; // b.len() + 1 ≥ 1 entries
        for (cell, y) in row[1..].iter_mut().zip(b) {
            let value = (diagonal + usize::from(x != y)).min(*cell + 1).min(left + 1);
            diagonal = *cell;
            left = value;
            *cell = value;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_a_stranger_is_not() {
        let known = ["log", "output_set", "config_get", "midi_send"];
        assert_eq!(nearest("midi_sent", known.into_iter()), Some("midi_send"));
        assert_eq!(nearest("set_output", known.into_iter()), None);
        assert_eq!(nearest("outputset", known.into_iter()), Some("output_set"));
        assert_eq!(nearest("", known.into_iter()), None);
    }
}
