//! Mappings that never fire: an earlier one of the same list takes everything they wait for.

use std::ops::Range;

use super::report::Report;
use crate::config::model::Mapping;
use crate::config::problem::Problem;
use crate::gesture::TriggerSpec;

/// Warns about each mapping of `list` that never fires. The ranges are where the mappings stand.
pub(super) fn warn(list: &[(Mapping, Range<usize>)], report: &Report) {
    for (position, (mapping, span)) in list.iter().enumerate() {
        let before = list.iter().take(position);
        if let Some(taker) = before
            .map(|(before, _)| before)
            .find(|before| before.when.is_none() && takes(&before.trigger, &mapping.trigger))
        {
            report.add(span.clone(), Problem::Shadowed { by: taker.line });
        }
    }
}

/// Whether `first` matches every gesture that `second` matches.
fn takes(first: &TriggerSpec, second: &TriggerSpec) -> bool {
    let filters = first.channels.covers(second.channels)
        && first.device.as_ref().is_none_or(|only| Some(only) == second.device.as_ref());
    filters && first.trigger.covers(&second.trigger)
}
