//! What the page weighs on the wire: each file raw, with gzip (level 9) and with brotli (quality 11).

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::Result;

use crate::dist;

/// The window that brotli uses at its best, as an exponent of two.
const BROTLI_WINDOW: u32 = 22;

/// Prints a table of the files below `folder`, in bytes, and their sum.
pub fn print(folder: &Path) -> Result<()> {
    println!(
        "{:<32} {:>12} {:>12} {:>12}",
        "file", "raw", "gzip", "brotli"
    );
    let mut sum = [0; 3];
    for file in dist::files_below(folder)? {
        let bytes = fs::read(&file)?;
        let row = [bytes.len(), gzip(&bytes)?, brotli(&bytes)?];
        print_row(&file.strip_prefix(folder)?.display().to_string(), row);
        sum.iter_mut().zip(row).for_each(|(sum, n)| *sum += n);
    }
    print_row("all", sum);
    Ok(())
}

fn print_row(name: &str, [raw, gzip, brotli]: [usize; 3]) {
    println!("{name:<32} {raw:>12} {gzip:>12} {brotli:>12}");
}

fn gzip(bytes: &[u8]) -> Result<usize> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}

fn brotli(bytes: &[u8]) -> Result<usize> {
    let mut compressed = Vec::new();
    let mut encoder = brotli::CompressorWriter::new(&mut compressed, 1 << 16, 11, BROTLI_WINDOW);
    encoder.write_all(bytes)?;
    drop(encoder);
    Ok(compressed.len())
}
