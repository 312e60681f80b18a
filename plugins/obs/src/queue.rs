//! Actions that wait for the one before them.

use std::collections::VecDeque;

use conductor_plugin::Failure;

use crate::action::{Ask, Then};

/// Most of them.
const MOST: usize = 64;

/// Actions in their order.
#[derive(Default)]
pub(crate) struct Queue {
    waiting: VecDeque<Ask>,
}

impl Queue {
    /// Adds one. A fader sends faster than OBS answers, and what counts is where it ends: it takes the place of what it said before.
    pub(crate) fn push(&mut self, ask: Ask) -> Result<(), Failure> {
        for waiting in &mut self.waiting {
            if replaces(&ask, waiting) {
                *waiting = ask;
                return Ok(());
            }
            if let (Then::Louder(input, by), Then::Louder(same, sum)) = (&ask.then, &mut waiting.then) {
                if input == same {
                    *sum += by;
                    return Ok(());
                }
            }
        }
        if self.waiting.len() >= MOST {
            return Err(Failure::new("OBS does not answer, and 64 actions wait already"));
        }
        self.waiting.push_back(ask);
        Ok(())
    }

    /// Takes the one that waits longest.
    pub(crate) fn pop(&mut self) -> Option<Ask> {
        self.waiting.pop_front()
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }
}

/// Whether `ask`, which is new, makes `waiting` pointless: both say where the same control is.
fn replaces(ask: &Ask, waiting: &Ask) -> bool {
    ask.kind == waiting.kind
        && match ask.kind {
            "SetInputVolume" => ask.data.input_name == waiting.data.input_name,
            "SetTBarPosition" => true,
            _ => false,
        }
}
