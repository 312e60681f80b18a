//! `squeeze c LEVEL IN OUT` and `squeeze d IN OUT`: gzip files with zlib, and back.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};

use flate2::{Compression, GzBuilder, read::MultiGzDecoder};

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["c", level, from, to] => {
            let level = Compression::new(level.parse().map_err(io::Error::other)?);
            let mut input = BufReader::new(File::open(from)?);
            let mut output = GzBuilder::new().mtime(0).filename(from).write(BufWriter::new(File::create(to)?), level);
            let taken = io::copy(&mut input, &mut output)?;
            output.finish()?.flush()?;
            let given = std::fs::metadata(to)?.len();
            println!("{from}: {taken} bytes become {given}");
        }
        ["d", from, to] => {
            let mut output = BufWriter::new(File::create(to)?);
            let given = io::copy(&mut MultiGzDecoder::new(BufReader::new(File::open(from)?)), &mut output)?;
            output.flush()?;
            println!("{from}: {given} bytes come back");
        }
        _ => return Err(io::Error::other("usage: squeeze c LEVEL IN OUT | squeeze d IN OUT")),
    }
    Ok(())
}
