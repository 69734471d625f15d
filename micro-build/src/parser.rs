//! The parser: protox, with what real files need beside it.

use std::{
    cell::RefCell,
    collections::HashMap,
    path::{Path, PathBuf},
};

use protox::file::{
    ChainFileResolver, File, FileResolver, GoogleFileResolver, IncludeFileResolver,
};

use crate::{
    ranges, resolve,
    source::{self, OPTIONS, OPTIONS_NAME, Source},
};

/// Our own file, for imports.
struct Own;

impl FileResolver for Own {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        match name {
            OPTIONS_NAME => File::from_source(name, OPTIONS),
            _ => Err(protox::Error::file_not_found(name)),
        }
    }
}

/// An include directory.
struct Include {
    directory: PathBuf,
    inner: IncludeFileResolver,
}

impl FileResolver for Include {
    fn resolve_path(&self, path: &Path) -> Option<String> {
        self.inner.resolve_path(path)
    }

    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        let text = std::fs::read_to_string(self.directory.join(name)).ok();
        match text.and_then(|text| ranges::blank(&text)) {
            Some(text) => File::from_source(name, &text),
            None => self.inner.open_file(name),
        }
    }
}

/// The files of another resolver with names that are resolved already.
struct Resolved {
    inner: ChainFileResolver,
    files: RefCell<HashMap<String, File>>,
}

impl Resolved {
    /// Each file is read once, whoever imports it.
    fn read(&self, name: &str) -> Result<File, protox::Error> {
        if let Some(file) = self.files.borrow().get(name) {
            return Ok(file.clone());
        }
        let file = self.inner.open_file(name)?;
        self.files
            .borrow_mut()
            .insert(name.to_owned(), file.clone());
        Ok(file)
    }

    /// The files that one sees which imports `name`: that, and what it passes on.
    fn visible(&self, name: &str, seen: &mut HashMap<String, File>) {
        if let (false, Ok(file)) = (seen.contains_key(name), self.read(name)) {
            let descriptor = file.file_descriptor_proto().clone();
            seen.insert(name.to_owned(), file);
            for place in descriptor.public_dependency {
                if let Some(public) = descriptor.dependency.get(place as usize) {
                    self.visible(public, seen);
                }
            }
        }
    }
}

impl FileResolver for Resolved {
    fn resolve_path(&self, path: &Path) -> Option<String> {
        self.inner.resolve_path(path)
    }

    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        let file = self.read(name)?;
        if file.source().is_none() {
            return Ok(file);
        }
        let mut descriptor = file.file_descriptor_proto().clone();
        let mut seen = HashMap::new();
        for import in &descriptor.dependency {
            self.visible(import, &mut seen);
        }
        resolve::names(
            &mut descriptor,
            seen.values().map(File::file_descriptor_proto),
        );
        Ok(File::from_file_descriptor_proto(descriptor))
    }
}

/// Reads files that lie in these include directories, and what they import.
pub(crate) fn parse(protos: &[PathBuf], includes: &[PathBuf]) -> Result<Source, protox::Error> {
    let error = match with(resolver(includes), protos, includes) {
        Ok(source) => return Ok(source),
        Err(error) => error,
    };
    if error.is_parse() || error.is_io() || error.is_file_not_found() {
        return Err(error);
    }
    let resolved = Resolved {
        inner: resolver(includes),
        files: RefCell::default(),
    };
    // Where it helps not, the first error is the one with a place.
    with(resolved, protos, includes).map_err(|_| error)
}

fn resolver(includes: &[PathBuf]) -> ChainFileResolver {
    let mut resolver = ChainFileResolver::new();
    for include in includes {
        resolver.add(Include {
            directory: include.clone(),
            inner: IncludeFileResolver::new(include.clone()),
        });
    }
    resolver.add(Own);
    resolver.add(GoogleFileResolver::new());
    resolver
}

fn with(
    resolver: impl FileResolver + 'static,
    protos: &[PathBuf],
    includes: &[PathBuf],
) -> Result<Source, protox::Error> {
    let mut compiler = protox::Compiler::with_file_resolver(resolver);
    compiler.include_imports(true).include_source_info(true);
    for proto in protos {
        compiler.open_file(proto)?;
    }
    let names = |imports: bool| {
        let files = compiler
            .files()
            .filter(move |file| imports || !file.is_import());
        files.map(|file| file.name())
    };
    Ok(Source {
        set: compiler.encode_file_descriptor_set(),
        asked: Some(names(false).map(str::to_owned).collect()),
        read: names(true)
            .filter_map(|name| source::find(name, includes))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Cargo is told to look at: what was read from the disk, imports of imports included, and
    /// nothing that came with this crate.
    #[test]
    fn all_that_was_read_is_known() {
        let protos = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/proto");
        let source = parse(
            &[protos.join("kitchen/sink.proto")],
            std::slice::from_ref(&protos),
        )
        .unwrap();
        let read = ["kitchen/types.proto", "kitchen/sink.proto"].map(|name| protos.join(name));
        assert_eq!(source.read, read);
        assert_eq!(source.asked, Some(vec!["kitchen/sink.proto".to_owned()]));
    }
}
