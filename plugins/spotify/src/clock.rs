//! Milliseconds that never go back.

#[cfg(not(test))]
pub(crate) fn now_ms() -> u64 {
    use std::sync::OnceLock;
    use std::time::Instant;
    static START: OnceLock<Instant> = OnceLock::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
thread_local! {
    /// What the clock shows in tests.
    pub(crate) static NOW_MS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

#[cfg(test)]
pub(crate) fn now_ms() -> u64 {
    NOW_MS.get()
}
