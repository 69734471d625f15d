//! Where descriptors come from: the parser, `protoc`, or a descriptor set of the user's.

use std::path::{Path, PathBuf};

use prost::Message;

use crate::{Error, Result, parser, protoc};

/// The name by which our options are imported.
pub(crate) const OPTIONS_NAME: &str = "micro/options.proto";
/// The options themselves.
pub(crate) const OPTIONS: &str = include_str!("../proto/micro/options.proto");

/// What was read.
pub(crate) struct Source {
    /// The encoded `FileDescriptorSet`: decoding it would lose the options that prost does not know.
    pub(crate) set: Vec<u8>,
    /// The files that were read.
    pub(crate) read: Vec<PathBuf>,
    /// The names of the files that were asked for; all of them where that can't be known.
    pub(crate) asked: Option<Vec<String>>,
}

/// Finds a file as an import would.
pub(crate) fn find(name: &str, includes: &[PathBuf]) -> Option<PathBuf> {
    includes
        .iter()
        .map(|include| include.join(name))
        .find(|path| path.is_file())
}

/// Reads `.proto` files.
pub(crate) fn files(
    protos: &[PathBuf],
    includes: &[PathBuf],
    protoc: Option<&Path>,
) -> Result<Source> {
    for include in includes {
        if !include.is_dir() {
            return Err(Error::new(format!(
                "the include directory {} does not exist",
                include.display()
            ))
            .help("paths are relative to the directory of the crate's Cargo.toml"));
        }
    }
    for proto in protos {
        if !proto.is_file() && find(&proto.to_string_lossy(), includes).is_none() {
            return Err(Error::new(format!(
                "could not read {}: there is no such file",
                proto.display()
            ))
            .help("paths are relative to the directory of the crate's Cargo.toml"));
        }
    }
    parser::parse(protos, includes).or_else(|error| refused(&error, protos, includes, protoc))
}

/// The parser does not read editions; a `protoc` does.
fn refused(
    error: &protox::Error,
    protos: &[PathBuf],
    includes: &[PathBuf],
    protoc: Option<&Path>,
) -> Result<Source> {
    let path = |name: &str| {
        find(name, includes).map_or_else(|| name.to_owned(), |path| path.display().to_string())
    };
    let rendered = Error::parser(error, &path);
    let edition = error.file().is_some_and(|name| {
        find(name, includes)
            .and_then(|path| std::fs::read_to_string(path).ok())
            .is_some_and(|text| is_edition(&text))
    });
    match (edition, protoc) {
        (true, Some(protoc)) => protoc::run(protoc, protos, includes),
        (true, None) => Err(rendered.help(
            "files of an edition are read by protoc only: set PROTOC to its path, or use \
             `Builder::compile_descriptor_set`",
        )),
        (false, _) => Err(rendered),
    }
}

/// Whether a file begins with `edition = …`.
pub(crate) fn is_edition(text: &str) -> bool {
    let mut rest = text.trim_start();
    loop {
        rest = match (rest.strip_prefix("//"), rest.strip_prefix("/*")) {
            (Some(line), _) => line.split_once('\n').map_or("", |(_, rest)| rest),
            (_, Some(block)) => block.split_once("*/").map_or("", |(_, rest)| rest),
            _ => return rest.starts_with("edition"),
        }
        .trim_start();
    }
}

/// Checks a descriptor set that the user gives.
pub(crate) fn set(set: Vec<u8>, read: Vec<PathBuf>) -> Result<Source> {
    let files = prost_types::FileDescriptorSet::decode(&*set).map_err(|error| {
        Error::new(format!("the descriptor set is malformed: {error}"))
            .help("make it by `protoc --include_imports --include_source_info -o set.bin …`")
    })?;
    let mut names = std::collections::HashSet::new();
    for file in &files.file {
        if let Some(import) = file
            .dependency
            .iter()
            .find(|import| !names.contains(*import))
        {
            return Err(Error::new(format!(
                "the descriptor set has {} but not {import}, which it imports",
                file.name()
            ))
            .help("make it with `--include_imports`"));
        }
        names.insert(file.name().to_owned());
    }
    Ok(Source {
        set,
        read,
        asked: None,
    })
}
