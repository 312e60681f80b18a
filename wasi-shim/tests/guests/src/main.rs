//! `conformance list` prints every case as `group/case`; `conformance group/case` runs one, in the directory preopened at `/`,
//! which is expected to be empty. A case that does not hold panics.

mod cases;
mod groups;
mod wasi;

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("list") => {
            for case in cases::all() {
                println!("{case}");
            }
        }
        Some(name) => cases::run(name),
        None => panic!("usage: conformance list | GROUP/CASE"),
    }
}
