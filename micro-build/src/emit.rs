//! Writes what was generated, and tells Cargo what it came from.

use std::{
    collections::HashSet,
    io::Write,
    path::{Path, PathBuf},
};

use prost::encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint, skip_field};

use crate::{Error, Result};

/// Writes a file, unless it is as it should be already: Cargo looks at times.
pub(crate) fn write(path: &Path, contents: &[u8]) -> Result<()> {
    if std::fs::read(path).is_ok_and(|there| there == contents) {
        return Ok(());
    }
    std::fs::write(path, contents).map_err(|error| Error::io("write", path, &error))
}

/// What Cargo is told: to run the build script again when one of these files changes.
pub(crate) fn rerun(read: &[PathBuf]) -> String {
    let mut seen = HashSet::new();
    read.iter()
        .filter(|path| seen.insert(*path))
        .map(|path| format!("cargo:rerun-if-changed={}\n", path.display()))
        .collect()
}

/// Tells Cargo something.
pub(crate) fn tell_cargo(lines: &str) {
    // A closed output is no reason to fail the build.
    let _ = std::io::stdout().write_all(lines.as_bytes());
}

/// One encoded file of a descriptor set, with what the set says of it.
pub(crate) struct RawFile<'a> {
    pub(crate) name: &'a str,
    pub(crate) imports: &'a [String],
    raw: &'a [u8],
}

fn append(file: &[u8], set: &mut Vec<u8>) {
    const FILE: u32 = 1;
    encode_key(FILE, WireType::LengthDelimited, set);
    encode_varint(file.len() as u64, set);
    set.extend_from_slice(file);
}

/// Takes an encoded descriptor set apart. Encoding it anew would lose options that prost does not
/// know.
pub(crate) fn raw_files<'a>(
    set: &'a [u8],
    files: &'a [prost_types::FileDescriptorProto],
) -> Result<Vec<RawFile<'a>>> {
    let mut raw = Vec::with_capacity(files.len());
    fields(set, |number, whole, inside| {
        if number == 1 {
            raw.push(inside.unwrap_or(whole));
        }
    })?;
    let pairs = files.iter().zip(raw);
    Ok(pairs
        .map(|(file, raw)| RawFile {
            name: file.name(),
            imports: &file.dependency,
            raw,
        })
        .collect())
}

/// The descriptor set of these files and all that they import, without comments and places.
pub(crate) fn closure(files: &[RawFile<'_>], of: &HashSet<&str>) -> Result<Vec<u8>> {
    const SOURCE_CODE_INFO: u32 = 9;
    let mut wanted = of.clone();
    // Files stand behind those that they import.
    for file in files.iter().rev() {
        if wanted.contains(file.name) {
            wanted.extend(file.imports.iter().map(String::as_str));
        }
    }
    let mut set = Vec::new();
    for file in files.iter().filter(|file| wanted.contains(file.name)) {
        let mut slim = Vec::with_capacity(file.raw.len());
        fields(file.raw, |number, whole, _| {
            if number != SOURCE_CODE_INFO {
                slim.extend_from_slice(whole);
            }
        })?;
        append(&slim, &mut set);
    }
    Ok(set)
}

/// Goes through the fields of an encoded message: number, the whole field, and what is inside of one
/// with a length.
fn fields<'a>(
    mut bytes: &'a [u8],
    mut each: impl FnMut(u32, &'a [u8], Option<&'a [u8]>),
) -> Result<()> {
    let malformed = |error| Error::new(format!("the descriptor set is malformed: {error}"));
    while !bytes.is_empty() {
        let start = bytes;
        let (number, wire_type) = decode_key(&mut bytes).map_err(malformed)?;
        let mut inside = None;
        if wire_type == WireType::LengthDelimited {
            let mut rest = bytes;
            let length = decode_varint(&mut rest).map_err(malformed)?;
            inside = usize::try_from(length)
                .ok()
                .and_then(|length| rest.get(..length));
        }
        let context = prost::encoding::DecodeContext::default();
        skip_field(wire_type, number, &mut bytes, context).map_err(malformed)?;
        each(number, &start[..start.len() - bytes.len()], inside);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    #[test]
    fn cargo_looks_at_every_file_once() {
        let read = ["proto/b.proto", "proto/a.proto", "proto/b.proto"].map(PathBuf::from);
        assert_eq!(
            super::rerun(&read),
            "cargo:rerun-if-changed=proto/b.proto\ncargo:rerun-if-changed=proto/a.proto\n"
        );
    }
}
