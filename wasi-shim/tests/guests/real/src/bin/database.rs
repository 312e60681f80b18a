//! `database FILE`: carries out the SQL on standard input, statement by statement, and prints the rows.

use std::io::Read;

use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::types::ValueRef;
use rusqlite::{Batch, Connection, Result};

fn main() -> Result<()> {
    let file = std::env::args().nth(1).unwrap_or_else(|| ":memory:".to_owned());
    let mut sql = String::new();
    if let Err(error) = std::io::stdin().read_to_string(&mut sql) {
        eprintln!("database: {error}");
        std::process::exit(1);
    }
    let connection = Connection::open(file)?;
    // SQLite as it is built for WASI has no temporary files.
    connection.pragma_update(None, "temp_store", "memory")?;
    let mut batch = Batch::new(&connection, &sql);
    while let Some(mut statement) = batch.next()? {
        let columns = statement.column_count();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let values: Result<Vec<String>> = (0..columns).map(|at| row.get_ref(at).map(text)).collect();
            println!("{}", values?.join("|"));
        }
    }
    Ok(())
}

fn text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => format!("{number:?}"),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}
