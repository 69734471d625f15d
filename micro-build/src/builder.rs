//! What can be set up, and the way from files to files.

use std::path::{Path, PathBuf};

use prost::Message;

use crate::{
    Error, Result, emit,
    generate::{self, Settings},
    source::{self, Source},
};

/// A descriptor set, as `protoc -o` or another tool wrote it: a path, or the bytes themselves.
#[derive(Clone, Debug)]
pub enum DescriptorSet {
    /// The file that it is in.
    Path(PathBuf),
    /// Its bytes.
    Bytes(Vec<u8>),
}

impl From<&str> for DescriptorSet {
    fn from(path: &str) -> Self {
        Self::Path(path.into())
    }
}

impl From<&Path> for DescriptorSet {
    fn from(path: &Path) -> Self {
        Self::Path(path.into())
    }
}

impl From<PathBuf> for DescriptorSet {
    fn from(path: PathBuf) -> Self {
        Self::Path(path)
    }
}

impl From<Vec<u8>> for DescriptorSet {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

/// Sets up how files are generated.
///
/// ```no_run
/// fn main() -> micro_build::Result<()> {
///     micro_build::configure()
///         .prost(|config| {
///             config.bytes(["."]).btree_map(["."]);
///         })
///         .compile_protos(&["proto/greeter.proto"], &["proto"])
/// }
/// ```
#[derive(Debug)]
#[must_use]
pub struct Builder {
    config: prost_build::Config,
    out_dir: Option<PathBuf>,
    protoc: Option<PathBuf>,
    runtime: String,
    json: bool,
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}

impl Builder {
    /// The defaults: what [`compile_protos`](crate::compile_protos) does.
    pub fn new() -> Self {
        Self {
            config: prost_build::Config::new(),
            out_dir: None,
            protoc: None,
            runtime: "::micro".to_owned(),
            json: true,
        }
    }

    /// Sets up how prost prints messages: maps, bytes, attributes, types from elsewhere.
    ///
    /// Types that `extern_path` takes from elsewhere must have come from this crate too, or have
    /// serde and `micro::Describe`. What prost would say of services, output and its own paths has no
    /// effect here.
    pub fn prost(mut self, configure: impl FnOnce(&mut prost_build::Config)) -> Self {
        configure(&mut self.config);
        self
    }

    /// Where to write, instead of Cargo's `OUT_DIR`: include the files by `include!` then.
    pub fn out_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.out_dir = Some(directory.into());
        self
    }

    /// The `protoc` for files that begin with `edition = …`, which are all that need one. Without
    /// this, the variable `PROTOC` says where it is.
    pub fn protoc(mut self, path: impl Into<PathBuf>) -> Self {
        self.protoc = Some(path.into());
        self
    }

    /// Where `micro` is, if not at `::micro`: `"::renamed"`, `"::facade::micro"`.
    pub fn runtime(mut self, path: impl Into<String>) -> Self {
        self.runtime = path.into();
        self
    }

    /// Whether messages have the JSON mapping; `true` unless said otherwise.
    pub fn json(mut self, json: bool) -> Self {
        self.json = json;
        self
    }

    /// Generates everything for these files, and for what they import.
    ///
    /// # Errors
    /// As [`compile_protos`](crate::compile_protos).
    pub fn compile_protos(
        self,
        protos: &[impl AsRef<Path>],
        includes: &[impl AsRef<Path>],
    ) -> Result<()> {
        let protos: Vec<_> = protos.iter().map(|path| path.as_ref().to_owned()).collect();
        let mut includes: Vec<_> = includes
            .iter()
            .map(|path| path.as_ref().to_owned())
            .collect();
        if includes.is_empty() {
            let beside = protos.iter().map(|path| match path.parent() {
                Some(parent) if parent != Path::new("") => parent.to_owned(),
                _ => PathBuf::from("."),
            });
            includes.extend(beside);
            includes.dedup();
        }
        let protoc = self
            .protoc
            .clone()
            .or_else(|| std::env::var_os("PROTOC").map(Into::into));
        let source = source::files(&protos, &includes, protoc.as_deref())?;
        self.run(source)
    }

    /// Generates everything for a descriptor set, by which files of any tool can be used. Make it
    /// with imports and source info, from which the docs come.
    ///
    /// # Errors
    /// As [`compile_protos`](crate::compile_protos).
    pub fn compile_descriptor_set(self, set: impl Into<DescriptorSet>) -> Result<()> {
        let (set, read) = match set.into() {
            DescriptorSet::Bytes(set) => (set, Vec::new()),
            DescriptorSet::Path(path) => {
                let set = std::fs::read(&path).map_err(|error| Error::io("read", &path, &error))?;
                (set, vec![path])
            }
        };
        self.run(source::set(set, read)?)
    }

    fn run(self, source: Source) -> Result<()> {
        let out_dir = match self.out_dir {
            Some(directory) => directory,
            None => std::env::var_os("OUT_DIR")
                .map(PathBuf::from)
                .ok_or_else(|| {
                    Error::new("there is no OUT_DIR: Cargo sets it for build scripts")
                        .help("elsewhere, say where to write by `Builder::out_dir`")
                })?,
        };
        std::fs::create_dir_all(&out_dir).map_err(|error| Error::io("create", &out_dir, &error))?;
        let runtime = syn::parse_str(&self.runtime).map_err(|_| {
            Error::new(format!(
                "`{}` is no path, as the runtime's must be",
                self.runtime
            ))
        })?;
        let files = prost_types::FileDescriptorSet::decode(&*source.set)
            .map_err(|error| Error::new(format!("the descriptor set is malformed: {error}")))?
            .file;
        let settings = Settings {
            runtime,
            json: self.json,
        };
        for (name, contents) in generate::all(self.config, &settings, &source, files)? {
            emit::write(&out_dir.join(name), &contents)?;
        }
        // OUT_DIR alone is there too where Cargo runs a program.
        if ["OUT_DIR", "NUM_JOBS"]
            .iter()
            .all(|name| std::env::var_os(name).is_some())
        {
            emit::tell_cargo(&emit::rerun(&source.read));
            if self.protoc.is_none() {
                emit::tell_cargo("cargo:rerun-if-env-changed=PROTOC\n");
            }
        }
        Ok(())
    }
}
