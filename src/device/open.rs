//! Opening all devices.

use std::fmt;
use std::os::unix::fs::FileTypeExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::thread::{Builder, JoinHandle};

use super::event::DeviceEvent;
#[cfg(not(feature = "alsa"))]
use super::port::PortsError;
use super::raw::{RawDevice, read_stdin, stdin_is_device};
use super::sink::{Sink, Waiting};
use super::source::Source;
use super::usb::Which;
use super::wake::{Stop, Wake, pair};
use crate::config::DeviceConfig;
use crate::gesture::DeviceId;
use crate::sandbox::ThreadError;
use crate::time::Clock;

/// A device to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceSpec {
    /// Its number in events.
    pub id: DeviceId,
    /// Where its messages come from.
    pub source: Source,
    /// Which of the devices of that name, for a sequencer port.
    pub which: Which,
    /// Which of the device's ports, 0 first, for a sequencer port.
    pub port: Option<u16>,
    /// Look for it again when it vanishes.
    pub reconnect: bool,
}

impl DeviceSpec {
    /// The devices of a configuration, numbered in its order. Those with `auto_connect = false` are left out, but keep their
    /// number.
    #[must_use]
    pub fn from_config(devices: &[DeviceConfig]) -> Vec<Self> {
        let numbered = (0..=u16::MAX).zip(devices).filter(|(_, device)| device.auto_connect);
        numbered
            .map(|(number, device)| Self {
                id: DeviceId(number),
                source: Source::parse(&device.name),
                which: Which { serial: device.serial.clone(), usb: device.usb.clone() },
                port: device.port,
                reconnect: device.auto_reconnect,
            })
            .collect()
    }

    /// Whether whoever sends waits while nobody reads: a pipe, or standard input unless a device was redirected there.
    #[must_use]
    pub fn can_wait(&self) -> bool {
        match &self.source {
            Source::Raw(path) => std::fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo()),
            Source::Stdin => !stdin_is_device(),
            Source::Port(_) | Source::Virtual(_) => false,
        }
    }

    /// The device for `--input`: number 0, looked for again when it vanishes.
    #[must_use]
    pub fn only(source: Source) -> Self {
        Self { id: DeviceId(0), source, which: Which::default(), port: None, reconnect: true }
    }
}

/// Why devices cannot be read at all. A device that is merely missing is no error: it is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceError {
    /// A sequencer port is asked for and this build has none.
    #[cfg(not(feature = "alsa"))]
    Ports(PortsError),
    /// The system gives no thread or pipe.
    System {
        /// The operating system's word for it.
        reason: String,
    },
}

impl fmt::Display for DeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            #[cfg(not(feature = "alsa"))]
            Self::Ports(error) => error.fmt(f),
            Self::System { reason } => write!(f, "cannot start reading MIDI devices: {reason}"),
        }
    }
}

impl std::error::Error for DeviceError {}

/// All devices being read. Dropping it ends their threads and closes their ports.
pub struct Devices {
    stop: Option<Stop>,
    threads: Vec<JoinHandle<()>>,
    dropped: Arc<AtomicU64>,
    waiting: Waiting,
}

impl fmt::Debug for Devices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Devices")
            .field("threads", &self.threads.len())
            .field("dropped", &self.dropped())
            .finish_non_exhaustive()
    }
}

impl Devices {
    /// Room in the queue of events that callers should make: all that the sequencer keeps for a port, or two seconds of a MIDI cable at
    /// full speed.
    pub const QUEUE: usize = 2048;

    /// Starts reading `devices`. Events are stamped by `clock` as they are received and go to `to`; a message of a device that
    /// finds it full is dropped and counted, never waited with, and one of a pipe waits for room. Who takes an event out of it calls [`Devices::taken`].
    pub fn open<T: From<DeviceEvent> + Send + 'static>(
        devices: &[DeviceSpec],
        clock: Arc<dyn Clock>,
        to: SyncSender<T>,
    ) -> Result<Self, DeviceError> {
        let (stop, wake) = pair().map_err(|error| DeviceError::System { reason: error.to_string() })?;
        let dropped = Arc::new(AtomicU64::new(0));
        let waiting = Waiting::default();
        let sink = Sink::new(to, clock, Arc::clone(&dropped), waiting.clone(), wake.clone());
        // From here on an error drops `opened`, which ends the threads already started.
        let mut opened = Self { stop: Some(stop), threads: Vec::new(), dropped, waiting };
        for device in devices {
            let (id, sink, wake) = (device.id, sink.clone(), wake.clone());
            match &device.source {
                Source::Raw(path) => {
                    let raw = RawDevice { id, path: path.clone(), reconnect: device.reconnect, sink, wake };
                    opened.spawn("midi-raw", move || raw.run())?;
                }
                Source::Stdin => opened.spawn("midi-stdin", move || read_stdin(id, &sink, &wake))?,
                Source::Port(_) | Source::Virtual(_) => {} // one thread for all, below
            }
        }
        opened.open_ports(devices, sink, wake)?;
        Ok(opened)
    }

    #[cfg(feature = "alsa")]
    fn open_ports(&mut self, devices: &[DeviceSpec], sink: Sink, wake: Wake) -> Result<(), DeviceError> {
        use super::sequencer::{PortDevice, Sequencer, Wanted};
        let ports = devices.iter().filter_map(|device| {
            let wanted = match &device.source {
                Source::Port(pattern) => {
                    let (pattern, which) = (pattern.clone(), device.which.clone());
                    Wanted::Port { pattern, which, nth: device.port, reconnect: device.reconnect }
                }
                Source::Virtual(name) => Wanted::Virtual(name.clone()),
                Source::Raw(_) | Source::Stdin => return None,
            };
            Some(PortDevice::new(device.id, wanted))
        });
        let ports: Vec<_> = ports.collect();
        if ports.is_empty() {
            return Ok(());
        }
        self.spawn("midi-ports", move || Sequencer::new(ports, sink, wake).run())
    }

    #[cfg(not(feature = "alsa"))]
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)] // as with the feature
    fn open_ports(&mut self, devices: &[DeviceSpec], _sink: Sink, _wake: Wake) -> Result<(), DeviceError> {
        if devices.iter().any(|device| matches!(device.source, Source::Port(_) | Source::Virtual(_))) {
            return Err(DeviceError::Ports(PortsError::NotBuilt));
        }
        Ok(())
    }

    fn spawn(&mut self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), DeviceError> {
        let thread = Builder::new().name(name.to_owned()).spawn(run);
        self.threads
            .push(thread.map_err(|error| DeviceError::System { reason: ThreadError::new(&error).to_string() })?);
        Ok(())
    }

    /// Whoever takes an event out of the queue says so here: what waits is bounded in bytes as well.
    pub fn taken(&self, event: &DeviceEvent) {
        self.waiting.remove(event);
    }

    /// Messages dropped so far because the queue was full.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl Drop for Devices {
    fn drop(&mut self) {
        self.stop = None; // which every thread waits for
        for thread in self.threads.drain(..) {
            // A thread that panicked has nothing left to stop.
            let _ = thread.join();
        }
        // Nothing comes any more, so this is all.
        let dropped = self.dropped();
        if dropped > 0 {
            log::warn!("MIDI messages dropped in all, because they came faster than they were worked off: {dropped}");
        }
    }
}
