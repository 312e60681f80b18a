//! One MIDI message.

/// A MIDI channel, 1–16 as musicians count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Channel(u8);

impl Channel {
    /// The channel with number `number`, when it is 1–16.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number >= 1 && number <= 16 { Some(Self(number)) } else { None }
    }
    /// The channel in the low four bits of a status byte.
    #[must_use]
    pub const fn from_status(status: u8) -> Self {
        Self((status & 0x0f) + 1)
    }
    /// 1–16.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
    /// 0–15, as on the wire.
    #[must_use]
    pub const fn nibble(self) -> u8 {
        self.0 - 1
    }
}

/// A complete MIDI message. Data values are 0–127 unless said otherwise; the parser makes no others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Message {
    /// Note on. Velocity 0 is kept as received; by convention it means note off (see [`Message::is_release`]).
    NoteOn {
        /// The channel it is on.
        channel: Channel,
        /// Note number, 0–127; 60 is middle C.
        note: u8,
        /// Velocity, 0–127.
        velocity: u8,
    },
    /// A note is let go.
    NoteOff {
        /// The channel it is on.
        channel: Channel,
        /// Note number, 0–127; 60 is middle C.
        note: u8,
        /// How fast it was let go, 0–127; 64 where the device does not measure it.
        velocity: u8,
    },
    /// Polyphonic key pressure (aftertouch of one note).
    PolyPressure {
        /// The channel it is on.
        channel: Channel,
        /// Number of the note that is pressed harder, 0–127.
        note: u8,
        /// How hard it is pressed, 0–127.
        pressure: u8,
    },
    /// A knob, fader or pedal has moved.
    ControlChange {
        /// The channel it is on.
        channel: Channel,
        /// Controller number, 0–127; 120 and above are channel mode messages.
        controller: u8,
        /// Where the controller stands now, 0–127.
        value: u8,
    },
    /// Another sound is chosen.
    ProgramChange {
        /// The channel it is on.
        channel: Channel,
        /// Program number, 0–127, as on the wire; many devices show one more.
        program: u8,
    },
    /// Channel pressure (aftertouch of the whole channel).
    ChannelPressure {
        /// The channel it is on.
        channel: Channel,
        /// How hard the hardest pressed key is pressed, 0–127.
        pressure: u8,
    },
    /// Pitch bend, 0–16383 with 8192 at rest.
    PitchBend {
        /// The channel it is on.
        channel: Channel,
        /// Value, 0–16383.
        value: u16,
    },
    /// System exclusive: the payload between `F0` and `F7`, both left out.
    SysEx(Box<[u8]>),
    /// System common and real-time messages.
    System(SystemMessage),
}

/// System common and system real-time messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SystemMessage {
    /// MTC quarter frame, with its data byte.
    QuarterFrame(u8),
    /// Song position pointer in MIDI beats, 0–16383.
    SongPosition(u16),
    /// Song select, with the song's number, 0–127.
    SongSelect(u8),
    /// Tune request: analogue synthesisers tune themselves.
    TuneRequest,
    /// Timing clock, 24 of them in a quarter note.
    TimingClock,
    /// Start: the sequence plays from its beginning, with the next clock.
    Start,
    /// Continue: the sequence plays on from where it stopped.
    Continue,
    /// Stop: the sequence halts where it is.
    Stop,
    /// Active sensing, sent at least every 300 ms by devices that want to be noticed when they are unplugged.
    ActiveSensing,
    /// System reset.
    Reset,
}

impl SystemMessage {
    /// Its status byte.
    #[must_use]
    pub const fn status(self) -> u8 {
        match self {
            Self::QuarterFrame(_) => 0xf1,
            Self::SongPosition(_) => 0xf2,
            Self::SongSelect(_) => 0xf3,
            Self::TuneRequest => 0xf6,
            Self::TimingClock => 0xf8,
            Self::Start => 0xfa,
            Self::Continue => 0xfb,
            Self::Stop => 0xfc,
            Self::ActiveSensing => 0xfe,
            Self::Reset => 0xff,
        }
    }
}

impl Message {
    /// How many bytes of memory it holds beside its own size: only system exclusive messages hold any.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        if let Self::SysEx(payload) = self { payload.len() } else { 0 }
    }

    /// The channel of a channel message.
    #[must_use]
    pub const fn channel(&self) -> Option<Channel> {
        match self {
            Self::NoteOn { channel, .. }
            | Self::NoteOff { channel, .. }
            | Self::PolyPressure { channel, .. }
            | Self::ControlChange { channel, .. }
            | Self::ProgramChange { channel, .. }
            | Self::ChannelPressure { channel, .. }
            | Self::PitchBend { channel, .. } => Some(*channel),
            Self::SysEx(_) | Self::System(_) => None,
        }
    }
    /// The note of a message that has one.
    #[must_use]
    pub const fn note(&self) -> Option<u8> {
        match self {
            Self::NoteOn { note, .. } | Self::NoteOff { note, .. } | Self::PolyPressure { note, .. } => Some(*note),
            _ => None,
        }
    }
    /// Whether the message lets a note go: a note off, or a note on with velocity 0.
    #[must_use]
    pub const fn is_release(&self) -> bool {
        matches!(self, Self::NoteOff { .. } | Self::NoteOn { velocity: 0, .. })
    }
}
