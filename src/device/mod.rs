//! MIDI input: ports, raw devices and pipes; hot-plug.
