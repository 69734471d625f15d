//! Runs `protoc`, which only files of an edition need.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use prost::Message;

use crate::{
    Error, Result,
    source::{self, OPTIONS, OPTIONS_NAME, Source},
};

pub(crate) fn run(protoc: &Path, protos: &[PathBuf], includes: &[PathBuf]) -> Result<Source> {
    let own = std::env::temp_dir().join(format!("micro-build-{}", std::process::id()));
    let result = run_with(protoc, protos, includes, &own);
    // It is of no further use; that it stays is no failure.
    let _ = std::fs::remove_dir_all(&own);
    result
}

fn run_with(protoc: &Path, protos: &[PathBuf], includes: &[PathBuf], own: &Path) -> Result<Source> {
    let options = own.join(OPTIONS_NAME);
    let folder = options.parent().unwrap_or(own);
    std::fs::create_dir_all(folder).map_err(|error| Error::io("create", folder, &error))?;
    std::fs::write(&options, OPTIONS).map_err(|error| Error::io("write", &options, &error))?;
    let out = own.join("set.bin");
    let mut command = Command::new(protoc);
    command
        .args(["--include_imports", "--include_source_info", "-o"])
        .arg(&out);
    for include in includes.iter().map(PathBuf::as_path).chain([own]) {
        command.arg("-I").arg(include);
    }
    let output = command
        .args(protos)
        .output()
        .map_err(|error| Error::io("run", protoc, &error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Error::new(format!(
            "{} failed:\n{}",
            protoc.display(),
            said.trim_end()
        )));
    }
    let set = std::fs::read(&out).map_err(|error| Error::io("read", &out, &error))?;
    let files = prost_types::FileDescriptorSet::decode(&*set)
        .map_err(|error| Error::new(format!("protoc's descriptor set is malformed: {error}")))?;
    let read = files
        .file
        .iter()
        .filter_map(|file| source::find(file.name(), includes))
        .collect();
    let mut source = source::set(set, read)?;
    let asked = files.file.iter().map(|file| file.name().to_owned());
    source.asked = Some(
        asked
            .filter(|name| protos.iter().any(|proto| proto.ends_with(name)))
            .collect(),
    );
    Ok(source)
}
