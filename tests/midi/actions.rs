//! Actions unfold in time as they are written, and nothing an action does can hold up the next one.
//!
//! A session is a line of `time=action` in milliseconds; what comes out is a line of the steps, each time named once.
//! `A` calls plugin A, `!a` runs a shell line, `d:30` is a delay, `m:1` goes to mode 1, `[…]` is a sequence, `3*20(…)` does
//! something three times with 20 ms between, `?m1(…|…)` asks whether mode 1 is current (`?T`, `?F`: always, never;
//! `?x`: whether the program x runs).

use std::cell::RefCell;
use std::fmt::Write as _;
use std::iter::Peekable;
use std::str::Chars;
use std::sync::Arc;

use conductor::internals::action::{
    Cause, ConditionSource, Holds, MAX_VISITS, MAX_WAITING, Scheduler, Step, Task, View,
};
use conductor::internals::config::{Action, Condition, MappingId, ModeTarget, Params, PluginCall};
use conductor::internals::effect::Effect;
use conductor::internals::gesture::{DeviceId, Gesture, GestureEvent};
use conductor::internals::midi::Channel;
use conductor::internals::state::StateTable;

/// Reads one action from the notation above.
struct Notation<'a>(Peekable<Chars<'a>>);

impl Notation<'_> {
    fn action(&mut self) -> Action {
        match self.next() {
            '[' => {
                let mut parts = Vec::new();
                while self.peek() != ']' {
                    parts.push(self.action());
                }
                self.expect(']');
                Action::Sequence(parts)
            }
            '!' => Action::Shell(self.next().to_string()),
            'd' => {
                self.expect(':');
                Action::Delay(i64::from(self.number()).into())
            }
            'm' => {
                self.expect(':');
                let to = ModeTarget::Index(self.number() as usize);
                Action::ModeChange { to, while_held: false }
            }
            '?' => {
                let condition = match self.next() {
                    'T' => Condition::Always,
                    'F' => Condition::Never,
                    'm' => Condition::ModeIs { mode: self.number() as usize },
                    app => Condition::AppRunning { app_name: app.to_string() },
                };
                self.expect('(');
                let then_action = Box::new(self.action());
                let else_action = if self.peek() == '|' {
                    self.expect('|');
                    Some(Box::new(self.action()))
                } else {
                    None
                };
                self.expect(')');
                Action::Conditional { condition, then_action, else_action }
            }
            plugin if plugin.is_ascii_uppercase() => Action::WasmPlugin {
                values: None,
                call: Arc::new(PluginCall {
                    plugin: plugin.to_string(),
                    tenant: "default".into(),
                    params: Params::default(),
                }),
            },
            digit => {
                let count = digit.to_digit(10).expect("a count");
                let count = if self.peek().is_ascii_digit() { self.number_after(count) } else { count };
                self.expect('*');
                let delay_ms = if self.peek() == '(' { 0 } else { self.number() };
                self.expect('(');
                let action = Box::new(self.action());
                self.expect(')');
                Action::Repeat { action, count: i64::from(count).into(), delay_ms: i64::from(delay_ms).into() }
            }
        }
    }
    fn number(&mut self) -> u32 {
        self.number_after(0)
    }
    fn number_after(&mut self, mut number: u32) -> u32 {
        while let Some(digit) = self.0.peek().and_then(|digit| digit.to_digit(10)) {
            number = number * 10 + digit;
            self.0.next();
        }
        number
    }
    fn peek(&mut self) -> char {
        while self.0.next_if_eq(&' ').is_some() {}
        *self.0.peek().expect("more of the action")
    }
    fn next(&mut self) -> char {
        self.peek();
        self.0.next().expect("more of the action")
    }
    #[track_caller]
    fn expect(&mut self, wanted: char) {
        assert_eq!(self.next(), wanted);
    }
}

fn action(text: &str) -> Arc<Action> {
    let mut notation = Notation(text.chars().peekable());
    let action = notation.action();
    assert_eq!(notation.0.next(), None, "{text} goes on");
    Arc::new(action)
}

fn cause(mapping: usize) -> Cause {
    let channel = Channel::new(1).expect("1 is a channel");
    let gesture = Gesture::Press { note: 60, velocity: 100 };
    let event = GestureEvent { t: 0, device: Some(DeviceId(0)), channel: Some(channel), gesture };
    Cause { mapping: MappingId(mapping), event, hold: None }
}

/// What actions see of `world` while `mode` is current.
fn view<'a>(world: &'a World, mode: usize, holds: &'a Holds, state: &'a mut StateTable) -> View<'a> {
    View { world, modes: &[], mode, last_mode: mode, holds, state }
}

/// What the conditions see.
#[derive(Default)]
struct World {
    apps: RefCell<Vec<String>>,
}

impl ConditionSource for World {
    fn minute_of_day(&self) -> u16 {
        0
    }
    fn weekday(&self) -> u8 {
        1
    }
    fn app_running(&self, name: &str) -> bool {
        self.apps.borrow().iter().any(|app| app == name)
    }
    fn app_frontmost(&self, _: &str) -> bool {
        false
    }
}

/// A scheduler, its world, and the account of what came out.
#[derive(Default)]
struct Session {
    scheduler: Scheduler,
    mode: usize,
    world: World,
    steps: Vec<Step>,
    account: String,
    last: Option<u64>,
}

impl Session {
    fn start(&mut self, ms: u64, mapping: usize, action: &Arc<Action>) {
        self.advance(ms);
        let holds = Holds::default();
        self.scheduler.start(
            ms * 1000,
            action,
            cause(mapping),
            view(&self.world, self.mode, &holds, &mut StateTable::default()),
            &mut self.steps,
        );
        self.write();
    }
    fn advance(&mut self, ms: u64) {
        while let Some(due) = self.scheduler.next_due().filter(|due| *due <= ms * 1000) {
            self.scheduler.advance(
                due,
                view(&self.world, self.mode, &Holds::default(), &mut StateTable::default()),
                &mut self.steps,
            );
            self.write();
        }
    }
    fn write(&mut self) {
        for Step { at, task, .. } in self.steps.drain(..) {
            if self.last != Some(at) {
                let gap = if self.account.is_empty() { "" } else { " " };
                let _ = write!(self.account, "{gap}{}:", at / 1000);
                self.last = Some(at);
            }
            let _ = match task {
                Task::Plugin(call) => write!(self.account, " {}", call.plugin),
                Task::Effect(Effect::Shell(command)) => write!(self.account, " !{}", command.line),
                Task::Effect(other) => write!(self.account, " {other:?}"),
                Task::Mode(mode) => {
                    self.mode = mode;
                    write!(self.account, " m{mode}")
                }
                Task::State(change) => write!(self.account, " {change}"),
                Task::Dropped(_) => write!(self.account, " dropped"),
            };
        }
    }
}

/// Plays `time=action; …` to its end.
fn play(session: &str) -> String {
    let mut played = Session::default();
    for (mapping, entry) in session.split(';').enumerate() {
        let (time, text) = entry.split_once('=').expect("time=action");
        played.start(time.trim().parse().expect("milliseconds"), mapping, &action(text));
    }
    played.advance(1_000_000);
    assert_eq!(played.scheduler.next_due(), None);
    played.account
}

#[test]
fn a_single_action_is_done_at_once() {
    assert_eq!(play("0=A"), "0: A");
    assert_eq!(play("7=!a"), "7: !a");
    assert_eq!(play("7=m:2"), "7: m2");
    assert_eq!(play("0=d:50"), "");
}

#[test]
fn a_sequence_starts_its_parts_in_order_and_waits_only_for_delays() {
    assert_eq!(play("0=[A !b C]"), "0: A !b C");
    assert_eq!(play("0=[A d:30 B d:70 C d:5]"), "0: A 30: B 100: C");
    assert_eq!(play("0=[d:0 A d:0 B]"), "0: A B");
    assert_eq!(play("0=[]"), "");
}

#[test]
fn a_delay_inside_delays_what_stands_after_it_outside() {
    assert_eq!(play("0=[A [B d:10 C] D [d:5 [E d:1]] F]"), "0: A B 10: C D 15: E 16: F");
}

#[test]
fn a_delay_never_holds_up_another_action() {
    assert_eq!(play("0=[A d:30 B]; 10=[C d:5 D]; 20=E"), "0: A 10: C 15: D 20: E 30: B");
}

#[test]
fn what_is_due_at_the_same_time_comes_in_the_order_it_was_put_off() {
    assert_eq!(play("0=[d:20 A]; 0=[d:20 B]; 5=[d:15 C]; 20=D"), "20: A B C D");
}

#[test]
fn a_repetition_pauses_between_its_rounds_and_not_after_the_last() {
    assert_eq!(play("0=3*(A)"), "0: A A A");
    assert_eq!(play("0=[3*20(A) B]"), "0: A 20: A 40: A B");
    assert_eq!(play("0=[2*10([A d:5 B]) C]"), "0: A 5: B 15: A 20: B C");
    assert_eq!(play("0=2*100(2*10(A))"), "0: A 10: A 110: A 120: A");
    assert_eq!(play("0=[0*10(A) B]"), "0: B");
}

#[test]
fn a_condition_is_asked_when_it_is_reached() {
    assert_eq!(play("0=[?T(A|B) ?F(A|B) ?F(A) C]"), "0: A B C");
    let mut session = Session::default();
    session.start(0, 0, &action("[?x(A|B) d:10 ?x(A|B)]"));
    session.world.apps.borrow_mut().push("x".into());
    session.advance(10);
    assert_eq!(session.account, "0: B 10: A");
}

#[test]
fn a_branch_that_waits_goes_on_in_the_branch_it_chose() {
    assert_eq!(play("0=[?m0([m:1 A d:10 B]|C) D]"), "0: m1 A 10: B D");
}

#[test]
fn a_mode_change_is_seen_by_the_conditions_after_it() {
    assert_eq!(play("0=[?m1(A|B) m:1 ?m1(A|B)]"), "0: B m1 A");
    assert_eq!(play("0=[m:1 d:10 ?m1(A|B)]; 5=m:2"), "0: m1 5: m2 10: B");
    assert_eq!(play("0=[d:10 m:1]; 0=[d:10 ?m1(A|B)]"), "10: m1 A");
}

#[test]
fn a_late_call_hands_out_everything_due_in_order_with_the_times_it_was_due() {
    let mut session = Session::default();
    session.start(0, 0, &action("[A d:10 B d:10 C]"));
    session.start(0, 1, &action("[d:15 X]"));
    session.scheduler.advance(
        1_000_000,
        view(&session.world, session.mode, &Holds::default(), &mut StateTable::default()),
        &mut session.steps,
    );
    let late: Vec<_> = session.steps.iter().map(|step| (step.at, step.cause.mapping)).collect();
    assert_eq!(late, [(10_000, 0), (15_000, 1), (20_000, 0)].map(|(at, mapping)| (at, MappingId(mapping))));
}

#[test]
fn a_flood_of_waiting_actions_is_cut_counted_and_told() {
    let mut session = Session::default();
    let action = action("[d:1000 A]");
    for mapping in 0..MAX_WAITING + 3 {
        session.start(0, mapping, &action);
    }
    assert_eq!(session.account, "0: dropped dropped dropped");
    assert_eq!(session.scheduler.stop(&StateTable::default()).actions, MAX_WAITING as u64);
    assert_eq!(session.scheduler.next_due(), None);
}

#[test]
fn an_endless_action_hands_out_a_bounded_number_of_steps_a_call_and_lets_others_in() {
    let mut session = Session::default();
    let holds = Holds::default();
    session.scheduler.start(
        0,
        &action("40000*(50000*([]))"),
        cause(0),
        view(&session.world, session.mode, &holds, &mut StateTable::default()),
        &mut session.steps,
    );
    assert!(session.steps.is_empty());
    assert_eq!(session.scheduler.next_due(), Some(0), "the rest is due at once");
    session.start_without_waiting("A");
    assert_eq!(session.account, "0: A");

    let mut session = Session::default();
    session.start_without_waiting("1000*(A)");
    let mut calls = 1;
    while session.scheduler.next_due().is_some() {
        session.scheduler.advance(
            0,
            view(&session.world, session.mode, &holds, &mut StateTable::default()),
            &mut session.steps,
        );
        assert!(session.steps.len() <= MAX_VISITS);
        session.write();
        calls += 1;
    }
    assert_eq!(session.account.matches('A').count(), 1000);
    assert_eq!(calls, 1000 / MAX_VISITS + 1);
}

impl Session {
    fn start_without_waiting(&mut self, text: &str) {
        let holds = Holds::default();
        self.scheduler.start(
            0,
            &action(text),
            cause(0),
            view(&self.world, self.mode, &holds, &mut StateTable::default()),
            &mut self.steps,
        );
        self.write();
    }
}
