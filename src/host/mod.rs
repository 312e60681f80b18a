//! One file per host-function family, and one table that names them all.
