//! The only user of wasmi: engine, limits, guest memory, ABI, instance, pool.
