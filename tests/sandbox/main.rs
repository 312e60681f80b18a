//! What runs in the sandbox, how it is limited, and what it is told.

mod calls;
mod conformance;
mod declared;
mod denials;
mod differential;
mod engine_faults;
mod fuzz;
mod go;
mod guests;
mod host;
mod host_functions;
mod limits;
mod module_bounds;
mod params_schema;
mod pool;
mod requests;
mod specification;
mod streams;
#[path = "../support/mod.rs"]
mod support;
