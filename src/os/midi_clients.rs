//! Which ports of the sequencer are Conductor's own.
//!
//! Names do not tell: a controller can be called anything, and a device is asked for by the beginning of its name. So each port that
//! messages come from carries a mark in fields of the sequencer that only the program which makes a port can set, and the clients that
//! messages go to are known by number, as long as this process has them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use alsa::seq::PortInfo;

/// The mark: a number of voices that no synthesizer has, twice.
const MARK: (i32, i32) = (0x436f_6e64, 0x7563_746f);

/// Marks `port`, which is about to be made, as one that Conductor sends from.
pub(super) fn mark(port: &PortInfo) {
    port.set_midi_voices(MARK.0);
    port.set_synth_voices(MARK.1);
}

/// Whether a Conductor sends from this port, of this process or another.
pub(crate) fn is_marked(port: &PortInfo) -> bool {
    (port.get_midi_voices(), port.get_synth_voices()) == MARK
}

/// Clients of this process that messages go to.
static RECEIVERS: Mutex<Vec<i32>> = Mutex::new(Vec::new());

fn receivers() -> MutexGuard<'static, Vec<i32>> {
    RECEIVERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Clients of this process that messages go to, known as such for as long as this is kept.
#[derive(Debug)]
pub(crate) struct OwnReceivers(Vec<i32>);

impl OwnReceivers {
    /// These clients were made by this process.
    pub(crate) fn new(clients: Vec<i32>) -> Self {
        receivers().extend(&clients);
        Self(clients)
    }
}

impl Drop for OwnReceivers {
    fn drop(&mut self) {
        let mut all = receivers();
        for client in &self.0 {
            if let Some(position) = all.iter().position(|known| known == client) {
                all.swap_remove(position);
            }
        }
    }
}

/// Whether this process receives what goes to `client`.
pub(super) fn is_receiver(client: i32) -> bool {
    receivers().contains(&client)
}
