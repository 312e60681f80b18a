//! How a device is told what to show: the section `[device.feedback]`, and `[feedback]` of a profile.

use std::collections::BTreeMap;

use crate::midi::{Channel, Message};

/// What the section says. What it leaves out is as the device's profile says, and else a default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedbackConfig {
    /// Name, prefix or `client:port` of the output port; default the input's client.
    pub output: Option<String>,
    /// Sent when the device comes, before anything else.
    pub init: Option<Vec<Message>>,
    /// Sent at the end, after everything else.
    pub exit: Option<Vec<Message>>,
    /// Names of values.
    pub palette: BTreeMap<String, u8>,
    /// What makes a lamp lit, flash or pulse.
    pub styles: Styles,
    /// How it is told a colour.
    pub rgb: Option<ColourMessage>,
    /// Least distance of two messages, in milliseconds.
    pub pace_ms: Option<u32>,
    /// For so long the bytes that were sent are no input when they come back, in milliseconds.
    pub echo_ms: Option<u32>,
    /// For so long nothing is sent to a control that the hand has moved, in milliseconds.
    pub hold_back_ms: Option<u32>,
}

/// How lamps are lit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Style {
    /// Steadily.
    #[default]
    Static,
    /// On and off.
    Flash,
    /// Brighter and darker.
    Pulse,
}

/// What is sent for each style that the device has; `None` leaves channel and value as they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Styles {
    /// For a lamp that is lit steadily.
    pub steady: Option<StyleRule>,
    /// For one that flashes.
    pub flash: Option<StyleRule>,
    /// For one that pulses.
    pub pulse: Option<StyleRule>,
}

/// How a message of a style differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StyleRule {
    /// It is sent on this channel.
    Channel(Channel),
    /// This is added to the value, unless that is 0, which is dark in every style.
    Add(u8),
}

impl Styles {
    /// What the device is sent for `style`.
    #[must_use]
    pub const fn of(&self, style: Style) -> Option<StyleRule> {
        match style {
            Style::Static => self.steady,
            Style::Flash => self.flash,
            Style::Pulse => self.pulse,
        }
    }
}

impl FeedbackConfig {
    /// Default of `pace_ms`: as fast as the port takes it.
    pub const PACE_MS: u32 = 0;
    /// Default of `echo_ms`.
    pub const ECHO_MS: u32 = 50;
    /// Default of `hold_back_ms`.
    pub const HOLD_BACK_MS: u32 = 500;

    /// What it says, and where it says nothing what `profile` says. Of a palette, each name by itself.
    #[must_use]
    pub fn or(self, profile: &Self) -> Self {
        let mut palette = profile.palette.clone();
        palette.extend(self.palette);
        Self {
            output: self.output.or_else(|| profile.output.clone()),
            init: self.init.or_else(|| profile.init.clone()),
            exit: self.exit.or_else(|| profile.exit.clone()),
            palette,
            styles: Styles {
                steady: self.styles.steady.or(profile.styles.steady),
                flash: self.styles.flash.or(profile.styles.flash),
                pulse: self.styles.pulse.or(profile.styles.pulse),
            },
            rgb: self.rgb.or_else(|| profile.rgb.clone()),
            pace_ms: self.pace_ms.or(profile.pace_ms),
            echo_ms: self.echo_ms.or(profile.echo_ms),
            hold_back_ms: self.hold_back_ms.or(profile.hold_back_ms),
        }
    }
}

/// How a device is told a colour: a system exclusive message with the numbers of the lamp in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColourMessage {
    /// What the message is made of, without F0 and F7.
    pub parts: Vec<ColourPart>,
}

/// A part of such a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColourPart {
    /// This byte.
    Byte(u8),
    /// The number of the note or controller.
    Number,
    /// Red (0), green (1) or blue (2), in one byte: 0–127.
    Short(usize),
    /// One of them in two bytes of seven bits: 0–255.
    Long(usize),
}

impl ColourMessage {
    /// The payload that shows `colour` at `number`.
    #[must_use]
    pub fn payload(&self, number: u8, colour: [u8; 3]) -> Box<[u8]> {
        let of = |which: usize| colour.get(which).copied().unwrap_or_default();
        let mut payload = Vec::with_capacity(self.parts.len() + 3);
        for part in &self.parts {
            match *part {
                ColourPart::Byte(byte) => payload.push(byte),
                ColourPart::Number => payload.push(number & 0x7f),
                ColourPart::Short(which) => payload.push(of(which) >> 1),
                ColourPart::Long(which) => payload.extend([of(which) >> 7, of(which) & 0x7f]),
            }
        }
        payload.into()
    }
}
