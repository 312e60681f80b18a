//! MIDI input: ports, raw devices and pipes; hot-plug.
//!
//! [`Devices::open`] starts reading all configured devices and delivers [`DeviceEvent`]s to one bounded queue. Devices
//! may be missing at the start, vanish and come back; they are found by name or address, never by their place in a list.
//!
//! How a device is written ([`Source`]):
//!
//! | text | input |
//! |---|---|
//! | `Maschine Mikro MK3` | a sequencer port: name of its client, of the port, or `client:port`; or the beginning of one |
//! | `20:0` | a sequencer port by address |
//! | `virtual:in` | an own port `in` of the client `Conductor`, for other programs to connect to |
//! | `/dev/snd/midiC1D0`, `/run/midi` | a raw byte stream: MIDI device, serial line, FIFO |
//! | `-` | standard input |
//!
//! `SysEx` messages of up to 64 KiB are delivered, wherever they come from and in however many pieces.
//!
//! The sequencer keeps 2,000 messages for a port whose reader has not come round yet. A program that sends more at one moment
//! overruns it: the kernel drops what it kept, and that is logged. No cable or USB device is as fast.

mod event;
mod source;
mod sink;
mod wake;
mod port;
mod raw;
mod usb;
mod open;
mod midi_file;
mod input;
#[cfg(feature = "alsa")]
mod client;
#[cfg(feature = "alsa")]
mod receiver;
#[cfg(feature = "alsa")]
mod sequencer;
#[cfg(feature = "alsa")]
mod watch;

pub use event::{DeviceEvent, DeviceEventKind, Loss};
pub use input::{Input, InputError, resolve_as};
pub use open::{DeviceError, DeviceSpec, Devices};
pub use port::{PortList, PortsError, list_ports};

pub use crate::midi::{Address, Port};
pub use midi_file::{MidiFile, MidiFileError, MidiFileErrorKind, Reading};
pub use source::Source;
pub use usb::{Usb, Which};
