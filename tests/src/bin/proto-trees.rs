//! Generates services and messages from the `.proto` files of real projects, and compiles them.
//!
//! The files are those that packages of PyPI and crates carry; `pip` and `cargo` fetch them into the
//! folder that `MICRO_TEST_CACHE` names, `target/test-cache` otherwise. Every file of a tree must be
//! generated and must compile, with all warnings denied. One line is printed for each tree; the
//! exit code is 1 where one fails. Names of trees as arguments restrict it to these.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Instant,
};

type Result<T> = std::result::Result<T, String>;

/// Where a package is.
#[derive(Clone, Copy)]
enum From {
    PyPi,
    Crates,
}

/// One tree of files.
struct Tree {
    package: &'static str,
    from: From,
    /// The include directories inside of the package.
    includes: &'static [&'static str],
}

const TREES: &[Tree] = &[
    Tree {
        package: "googleapis-common-protos",
        from: From::PyPi,
        includes: &["."],
    },
    Tree {
        package: "grpcio-tools",
        from: From::PyPi,
        includes: &["grpc_tools/_proto"],
    },
    // These two carry Python alone today; the crates below have the same files.
    Tree {
        package: "grpcio-health-checking",
        from: From::PyPi,
        includes: &["."],
    },
    Tree {
        package: "opentelemetry-proto",
        from: From::PyPi,
        includes: &["."],
    },
    Tree {
        package: "tonic-health",
        from: From::Crates,
        includes: &["proto"],
    },
    Tree {
        package: "etcd-client",
        from: From::Crates,
        includes: &["proto"],
    },
    Tree {
        package: "opentelemetry-proto",
        from: From::Crates,
        includes: &["src/proto/opentelemetry-proto", "src/proto"],
    },
    // Half a thousand files, whose packages import each other.
    Tree {
        package: "envoy-types",
        from: From::Crates,
        includes: &[
            "proto/data-plane-api",
            "proto/xds",
            "proto/googleapis",
            "proto/cel-spec/proto",
            "proto/client_model",
            "proto/opentelemetry-proto",
            "proto/protoc-gen-validate",
            "proto/ratelimit",
        ],
    },
];

/// The crates to fetch, with as little as they can have.
const CRATES: &str = r#"[package]
name = "fetch"
version = "0.0.0"
edition = "2024"

[lib]
path = "lib.rs"

[dependencies]
envoy-types = { version = "*", default-features = false }
etcd-client = { version = "*", default-features = false }
opentelemetry-proto = { version = "*", default-features = false }
tonic-health = { version = "*", default-features = false }

[workspace]
"#;

fn main() -> ExitCode {
    let only: Vec<_> = env::args().skip(1).collect();
    let cache = cache();
    let mut failed = false;
    for tree in TREES {
        if !only.is_empty() && !only.iter().any(|name| name == tree.package) {
            continue;
        }
        let kind = match tree.from {
            From::PyPi => "pypi",
            From::Crates => "crate",
        };
        let name = format!("{} ({kind})", tree.package);
        match check(tree, &cache, kind) {
            Ok(line) => println!("ok    {name}: {line}"),
            Err(error) => {
                failed = true;
                println!("FAIL  {name}: {error}");
            }
        }
    }
    if only.is_empty() || only.iter().any(|name| name == "editions") {
        match editions(&cache) {
            Ok(line) => println!("ok    editions: {line}"),
            Err(error) => {
                failed = true;
                println!("FAIL  editions: {error}");
            }
        }
    }
    ExitCode::from(u8::from(failed))
}

/// The folder for what is fetched and generated.
fn cache() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    match env::var_os("MICRO_TEST_CACHE") {
        Some(cache) => cache.into(),
        None => root.join("target/test-cache"),
    }
}

/// Fetches, generates and compiles one tree.
fn check(tree: &Tree, cache: &Path, kind: &str) -> Result<String> {
    let package = match tree.from {
        From::PyPi => pypi(tree.package, cache)?,
        From::Crates => krate(tree.package, cache)?,
    };
    let includes: Vec<_> = tree
        .includes
        .iter()
        .map(|include| package.join(include))
        .collect();
    let mut protos = Vec::new();
    for include in &includes {
        find(include, &mut protos)?;
    }
    protos.sort();
    protos.dedup();
    if protos.is_empty() {
        return Ok("carries no .proto files".to_owned());
    }
    let project = cache.join(format!("check/{kind}-{}", tree.package));
    generate(
        micro_build::configure(),
        &protos,
        &includes,
        &project,
        tree.package,
    )
}

/// Generates what is in these files, compiles it, and says how much it was.
fn generate(
    builder: micro_build::Builder,
    protos: &[PathBuf],
    includes: &[PathBuf],
    project: &Path,
    name: &str,
) -> Result<String> {
    let out = project.join("src/generated");
    // What an earlier run left must not be taken for what this one made.
    let _ = fs::remove_dir_all(&out);
    make_dir(&out)?;
    let start = Instant::now();
    builder
        .out_dir(&out)
        .compile_protos(protos, includes)
        .map_err(|error| format!("\n{error}"))?;
    let generated = start.elapsed();
    let services = count(&out, "Handler for")?;
    let start = Instant::now();
    compile(project, name)?;
    Ok(format!(
        "{} files, {} packages, {} messages, {services} services; generated in {:.1} s, compiled in {:.1} s",
        protos.len(),
        files(&out, "rs")?.len() - 1,
        count(&out, "json::Message for")?,
        generated.as_secs_f32(),
        start.elapsed().as_secs_f32(),
    ))
}

/// A file of an edition, which takes a `protoc`: the one that grpcio-tools has in it.
fn editions(cache: &Path) -> Result<String> {
    let project = cache.join("check/editions");
    let protoc = project.join("protoc");
    make_dir(&project)?;
    let tools = pypi("grpcio-tools", cache)?;
    let script = format!(
        "#!/bin/sh\nPYTHONPATH={} exec python3 -m grpc_tools.protoc \"$@\"\n",
        tools.display()
    );
    write(&protoc, &script)?;
    run(Command::new("chmod").arg("+x").arg(&protoc))?;
    let protos = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
    let builder = micro_build::configure().protoc(&protoc);
    let includes = [protos.clone(), tools.join("grpc_tools/_proto")];
    generate(
        builder,
        &[protos.join("edition.proto")],
        &includes,
        &project,
        "editions",
    )
}

/// Downloads a wheel, and unpacks it.
fn pypi(package: &str, cache: &Path) -> Result<PathBuf> {
    let folder = cache.join("pypi").join(package);
    if !folder.is_dir() {
        let wheels = cache.join("wheels").join(package);
        make_dir(&wheels)?;
        let mut pip = Command::new("python3");
        pip.args([
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--only-binary",
            ":all:",
            "-d",
        ]);
        run(pip.arg(&wheels).arg(package))?;
        let wheel = files(&wheels, "whl")?;
        let wheel = wheel
            .first()
            .ok_or_else(|| "pip brought no wheel".to_owned())?;
        run(Command::new("python3")
            .args(["-m", "zipfile", "-e"])
            .arg(wheel)
            .arg(&folder))?;
    }
    Ok(folder)
}

/// Lets Cargo fetch the crates.
fn krate(package: &str, cache: &Path) -> Result<PathBuf> {
    let project = cache.join("crates");
    let folder = project.join("vendor").join(package);
    if !folder.is_dir() {
        make_dir(&project)?;
        write(&project.join("Cargo.toml"), CRATES)?;
        write(&project.join("lib.rs"), "")?;
        run(cargo(&project).args(["vendor", "--quiet"]))?;
    }
    Ok(folder)
}

/// Compiles what was generated, in a crate that depends on nothing but the runtime.
fn compile(project: &Path, name: &str) -> Result<()> {
    let micro = Path::new(env!("CARGO_MANIFEST_DIR")).join("../micro");
    let manifest = format!(
        "[package]\nname = \"check-{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [dependencies]\nmicro = {{ path = {micro:?}, default-features = false, \
         features = [\"json\", \"protobuf\"] }}\n\n[workspace]\n"
    );
    write(&project.join("Cargo.toml"), &manifest)?;
    let library = "//! Generated from real files.\n#![deny(warnings)]\n#![warn(missing_docs, unreachable_pub)]\n\
                   #![allow(clippy::all)]\ninclude!(\"generated/_includes.rs\");\n";
    write(&project.join("src/lib.rs"), library)?;
    run(cargo(project).args(["check", "--quiet"]))
}

fn cargo(project: &Path) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let target =
        env::var_os("CARGO_TARGET_DIR").map_or_else(|| cache().join("target"), PathBuf::from);
    cargo
        .current_dir(project)
        .env("CARGO_TARGET_DIR", target.join("proto-trees"));
    cargo
}

fn run(command: &mut Command) -> Result<()> {
    let output = command
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    // The first mistakes say enough; there may be thousands.
    let said: Vec<_> = said.lines().take(60).collect();
    Err(format!("{command:?} failed:\n{}", said.join("\n")))
}

/// The `.proto` files in a folder, however deep.
fn find(folder: &Path, protos: &mut Vec<PathBuf>) -> Result<()> {
    for entry in read_dir(folder)? {
        if entry.is_dir() {
            find(&entry, protos)?;
        } else if entry
            .extension()
            .is_some_and(|extension| extension == "proto")
        {
            protos.push(entry);
        }
    }
    Ok(())
}

/// How many lines of the generated files have these words.
fn count(folder: &Path, words: &str) -> Result<usize> {
    let mut count = 0;
    for file in files(folder, "rs")? {
        let text =
            fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        count += text.lines().filter(|line| line.contains(words)).count();
    }
    Ok(count)
}

fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut files = read_dir(folder)?;
    files.retain(|path| path.extension().is_some_and(|found| found == extension));
    Ok(files)
}

fn read_dir(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |error| format!("{}: {error}", folder.display());
    let entries = fs::read_dir(folder).map_err(failed)?;
    let paths = entries.map(|entry| Ok(entry.map_err(failed)?.path()));
    paths.collect()
}

fn make_dir(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
