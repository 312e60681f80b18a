//! Every way to make a plan a little smaller.

use super::plan::{ActionPlan, MappingPlan, Plan};
use super::script::{Alloc, Choice, ENDLESS, Op, Script};

/// The plans that are one step smaller than `plan`, large steps first.
pub(crate) fn smaller(plan: &Plan) -> Vec<Plan> {
    let mut plans = Vec::new();
    messages(plan, &mut plans);
    for number in 0..plan.plugins.len() {
        let mut less = plan.clone();
        let gone = less.plugins.remove(number).name;
        less.approvals.retain(|change| change.plugin != gone);
        less.mappings.retain(|mapping| !mapping.action.calls(&gone));
        plans.push(less);
    }
    for number in 0..plan.mappings.len() {
        plans.push(edited(plan, |less| drop(less.mappings.remove(number))));
    }
    if plan.stop_after.is_some() {
        plans.push(edited(plan, |less| less.stop_after = None));
    }
    if plan.data {
        plans.push(edited(plan, |less| less.data = false));
    }
    for (number, mapping) in plan.mappings.iter().enumerate() {
        for action in actions(&mapping.action) {
            plans.push(edited(plan, |less| less.mappings[number].action = action));
        }
        if mapping.mode == Some(0) && !mapping.trigger.starts_with("{ Note ") {
            // A note of its own, which some message plays.
            let note = plan.messages.iter().find(|(_, bytes)| bytes[0] == 0x90).map(|(_, bytes)| bytes[1]);
            if let Some(note) = note {
                let trigger = format!("{{ Note = {{ note = {note} }} }}");
                let action = mapping.action.clone();
                plans.push(edited(plan, |less| less.mappings[number] = MappingPlan { mode: Some(0), trigger, action }));
            }
        }
    }
    for number in 0..plan.approvals.len() {
        plans.push(edited(plan, |less| drop(less.approvals.remove(number))));
    }
    for number in 0..plan.settings.len() {
        plans.push(edited(plan, |less| drop(less.settings.remove(number))));
    }
    for (number, plugin) in plan.plugins.iter().enumerate() {
        for script in scripts(&plugin.script) {
            plans.push(edited(plan, |less| less.plugins[number].script = script));
        }
        for key in 0..plugin.settings.len() {
            plans.push(edited(plan, |less| drop(less.plugins[number].settings.remove(key))));
        }
    }
    for (number, (pause, _)) in plan.messages.iter().enumerate() {
        for shorter in [0, pause / 2] {
            if shorter < *pause {
                plans.push(edited(plan, |less| less.messages[number].0 = shorter));
            }
        }
    }
    plans
}

fn edited(plan: &Plan, edit: impl FnOnce(&mut Plan)) -> Plan {
    let mut plan = plan.clone();
    edit(&mut plan);
    plan
}

/// Without some of the messages; those behind keep their times.
fn messages(plan: &Plan, plans: &mut Vec<Plan>) {
    let count = plan.messages.len();
    let mut size = count.div_ceil(2);
    while size > 0 && count > 1 {
        for start in (0..count).step_by(size).rev() {
            let end = (start + size).min(count);
            plans.push(edited(plan, |less| {
                let passed: u64 = less.messages.drain(start..end).map(|(pause, _)| pause).sum();
                if let Some((pause, _)) = less.messages.get_mut(start) {
                    *pause += passed;
                }
            }));
        }
        size = if size == 1 { 0 } else { size.div_ceil(2) };
    }
}

/// What is a step smaller than `action`.
fn actions(action: &ActionPlan) -> Vec<ActionPlan> {
    match action {
        ActionPlan::Plain(_) => Vec::new(),
        ActionPlan::Call { plugin, tenant, params } => {
            let mut calls = Vec::new();
            if tenant != "t0" {
                calls.push(ActionPlan::Call { plugin: plugin.clone(), tenant: "t0".into(), params: params.clone() });
            }
            if !params.is_empty() {
                calls.push(ActionPlan::Call { plugin: plugin.clone(), tenant: tenant.clone(), params: String::new() });
            }
            calls
        }
        ActionPlan::Sequence(list) => {
            let mut less: Vec<ActionPlan> = list.clone();
            for number in 0..list.len() {
                if list.len() > 1 {
                    let mut rest = list.clone();
                    rest.remove(number);
                    less.push(ActionPlan::Sequence(rest));
                }
                for inner in actions(&list[number]) {
                    let mut rest = list.clone();
                    rest[number] = inner;
                    less.push(ActionPlan::Sequence(rest));
                }
            }
            less
        }
        ActionPlan::Repeat { count, delay_ms, action } => {
            let repeat = |count, delay_ms, action| ActionPlan::Repeat { count, delay_ms, action: Box::new(action) };
            let mut less = vec![(**action).clone()];
            if *count > 1 {
                less.push(repeat(count / 2, *delay_ms, (**action).clone()));
                less.push(repeat(count - 1, *delay_ms, (**action).clone()));
            }
            less.extend(actions(action).into_iter().map(|inner| repeat(*count, *delay_ms, inner)));
            less
        }
        ActionPlan::Conditional { condition, then, otherwise } => {
            let mut less = vec![(**then).clone(), (**otherwise).clone()];
            for (then, otherwise) in actions(then)
                .into_iter()
                .map(|inner| (Box::new(inner), otherwise.clone()))
                .chain(actions(otherwise).into_iter().map(|inner| (then.clone(), Box::new(inner))))
            {
                less.push(ActionPlan::Conditional { condition: condition.clone(), then, otherwise });
            }
            less
        }
    }
}

/// What is a step smaller than `script`.
fn scripts(script: &Script) -> Vec<Script> {
    let mut less = Vec::new();
    let mut edit = |change: &dyn Fn(&mut Script)| {
        let mut script = script.clone();
        change(&mut script);
        less.push(script);
    };
    if script.initialize.is_some() {
        edit(&|script| script.initialize = None);
    }
    if script.init.is_some() {
        edit(&|script| script.init = None);
    }
    if script.shutdown.is_some() {
        edit(&|script| script.shutdown = None);
    }
    if script.calls.len() > 1 {
        for number in 0..script.calls.len() {
            edit(&|script| drop(script.calls.remove(number)));
        }
    }
    let lists: Vec<Vec<Op>> = script.lists().cloned().collect();
    for (number, list) in lists.iter().enumerate() {
        for shorter in operations(list) {
            edit(&|script| {
                if let Some(list) = script.lists_mut().nth(number) {
                    list.clone_from(&shorter);
                }
            });
        }
    }
    if script.choice != Choice::Count {
        edit(&|script| script.choice = Choice::Count);
    }
    if script.shape.wide {
        edit(&|script| script.shape.wide = false);
    }
    if script.shape.context {
        edit(&|script| script.shape.context = false);
    }
    if script.shape.alloc != Alloc::None {
        edit(&|script| script.shape.alloc = Alloc::None);
    }
    if script.shape.max_pages.is_some() {
        edit(&|script| script.shape.max_pages = None);
    }
    less
}

/// What is a step smaller than `list`.
fn operations(list: &[Op]) -> Vec<Vec<Op>> {
    let mut less = Vec::new();
    let mut size = list.len();
    while size > 0 {
        for start in (0..list.len()).step_by(size) {
            let mut rest = list.to_vec();
            rest.drain(start..(start + size).min(list.len()));
            less.push(rest);
        }
        size = if size == 1 { 0 } else { size.div_ceil(2) };
    }
    for (number, op) in list.iter().enumerate() {
        let mut put = |instead: Vec<Op>| {
            let mut rest = list.to_vec();
            rest.splice(number..=number, instead);
            less.push(rest);
        };
        match op {
            Op::Repeat(rounds, body) => {
                put(body.clone());
                if *rounds != ENDLESS && *rounds > 1 {
                    put(vec![Op::Repeat(rounds / 2, body.clone())]);
                    put(vec![Op::Repeat(rounds - 1, body.clone())]);
                }
                for inner in operations(body) {
                    put(vec![Op::Repeat(*rounds, inner)]);
                }
            }
            Op::If(divisor, yes, no) => {
                put(yes.clone());
                put(no.clone());
                for inner in operations(yes) {
                    put(vec![Op::If(*divisor, inner, no.clone())]);
                }
                for inner in operations(no) {
                    put(vec![Op::If(*divisor, yes.clone(), inner)]);
                }
            }
            Op::Spin(rounds) if *rounds > 1 => put(vec![Op::Spin(rounds / 2)]),
            Op::Recurse(depth) if *depth > 1 => put(vec![Op::Recurse(depth / 2)]),
            Op::Grow(pages) if *pages > 1 => put(vec![Op::Grow(pages / 2)]),
            _ => {}
        }
    }
    less
}
