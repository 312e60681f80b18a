//! Who types and clicks: the devices, and the thread that keeps their pace.

use std::time::Duration;

use super::super::process::Environment;
use super::super::requirements::{Pointer, Requirements};
use super::super::revoked::Permit;
use super::super::worker::Worker;
use super::downs::Downs;
use super::{Input, Keys, Sent};
use crate::effect::{EffectError, InputEffect};

/// Types and clicks, one thing after the other.
#[derive(Debug)]
pub(in crate::os) struct Typist {
    keys: Keys,
    worker: Worker,
    downs: Downs,
}

impl Typist {
    pub(in crate::os) fn new() -> Self {
        Self { keys: Keys::new(), worker: Worker::new("keys"), downs: Downs::default() }
    }

    /// Makes the devices that `needs` names, so that they have been found by the time they are needed; what cannot be made.
    pub(in crate::os) fn prepare(&self, needs: &Requirements, environment: &Environment) -> Vec<EffectError> {
        let mut missing = Vec::new();
        if needs.keyboard {
            missing.extend(self.keys.prepare_keyboard().err());
        }
        if needs.pointer != Pointer::Unused {
            let somewhere = needs.pointer == Pointer::Places;
            missing.extend(self.keys.prepare_pointer(somewhere, environment).err());
        }
        if needs.mouse {
            missing.extend(self.keys.prepare_mouse().err());
        }
        missing
    }

    /// Takes `input`, which happens as long as `permit` holds, and tells `tell` what came of it.
    pub(in crate::os) fn submit(
        &self,
        input: InputEffect<'_>,
        environment: &Environment,
        permit: Option<Permit>,
        tell: impl FnOnce(Result<(), EffectError>) + Send + 'static,
    ) -> Result<(), EffectError> {
        let input = Input::of(input)?;
        let part = input.part();
        let send = self.keys.sending(input, environment)?;
        self.downs.submit(&self.worker, part, move || {
            match (send(&|| permit.as_ref().is_none_or(Permit::holds)), permit) {
                (Ok(Sent::Stopped), Some(permit)) => permit.drop_effect(),
                (sent, _) => tell(sent.map(|_| ())),
            }
        })
    }

    pub(in crate::os) fn has_room(&self) -> bool {
        self.worker.has_room()
    }

    pub(in crate::os) fn drain(&self, limit: Duration) -> bool {
        self.worker.drain(limit)
    }
}
