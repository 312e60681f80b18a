//! `audio_control`.

use super::answer;
use crate::capability::Capability;
use crate::effect::Request;
use crate::effect::{Volume, VolumeOperation};
use crate::sandbox::{Args, Errno, HostCall, HostError, HostFunction, ValueType::I32};

/// Fuel of a change: a program is started for it.
const AUDIO_FUEL: u64 = 500_000;

/// Longest name of an operation, in bytes.
const MAX_OPERATION: usize = 16;

pub(super) const AUDIO_CONTROL: HostFunction = HostFunction {
    name: "audio_control",
    params: &[I32, I32, I32],
    results: &[I32],
    capability: Some(Capability::Audio),
    doc: "audio_control(operation_ptr, operation_len, percent) -> 0: changes the system's volume. Operations: up, down, set, mute, unmute. \
          percent (0 to 100) is the level for set and the step for up and down; -1 leaves the step to Conductor.",
    call: audio_control,
};

fn audio_control(call: &mut HostCall<'_>, args: Args<'_>) -> Result<i32, HostError> {
    let operation = match call.read_text(args.slice(0), MAX_OPERATION)? {
        "up" => VolumeOperation::Up,
        "down" => VolumeOperation::Down,
        "set" => VolumeOperation::Set,
        "mute" => VolumeOperation::Mute,
        "unmute" => VolumeOperation::Unmute,
        _ => return Err(Errno::Invalid.because("the operation must be one of up, down, set, mute, unmute")),
    };
    let value = match args.u32(2) {
        u32::MAX if operation != VolumeOperation::Set => None, // -1
        percent @ 0..=100 => u8::try_from(percent).ok(),
        _ => return Err(Errno::Invalid.because("percent must be 0 to 100")),
    };
    let volume = Volume::new(operation, value).ok_or_else(|| Errno::Invalid.because("percent must be 0 to 100"))?;
    call.charge(AUDIO_FUEL)?;
    call.request(&Request::Mixer(volume), answer::wait(None)).map(|_| 0)
}
