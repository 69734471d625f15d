//! Compares the JSON mapping with Python's `google.protobuf.json_format`: random messages that have
//! every kind of field, read and written both ways.
//!
//! `pip` fetches Python's library into the folder that `MICRO_TEST_CACHE` names,
//! `target/test-cache` otherwise. The first argument is the seed, the second how many messages.
#![allow(clippy::print_stdout, missing_docs)]

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use micro::__private::v1::prost::Message;

mod proto {
    micro::include_protos!();
}

use proto::kitchen::sink::v1::Dish;

type Result<T> = std::result::Result<T, String>;

const SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/kitchen.sink.v1.descriptors.bin"));

fn main() -> ExitCode {
    let mut args = env::args().skip(1);
    let seed = args.next().unwrap_or_else(|| "1".to_owned());
    let count = args.next().unwrap_or_else(|| "2000".to_owned());
    match compare(&seed, &count) {
        Ok(()) => {
            println!("ok    {count} messages of seed {seed}, both ways");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("FAIL  seed {seed}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compare(seed: &str, count: &str) -> Result<()> {
    let cache = match env::var_os("MICRO_TEST_CACHE") {
        Some(cache) => cache.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/test-cache"),
    };
    let library = library(&cache)?;
    let set = cache.join("kitchen.bin");
    fs::write(&set, SET).map_err(|error| format!("{}: {error}", set.display()))?;
    let peer = |mode: &str| {
        let mut python = Command::new("python3");
        python.env("PYTHONPATH", &library);
        python.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin/proto-json/peer.py"));
        python.arg(mode).arg(&set).arg("kitchen.sink.v1.Dish");
        python
    };
    let theirs = run(peer("write").args([seed, count]), "")?;
    let mut ours = String::new();
    for line in theirs.lines() {
        ours.push_str(&again(line).map_err(|error| format!("{error}\n{line}"))?);
    }
    run(&mut peer("read"), &ours).map(drop)
}

/// Checks one line of the peer's, and writes the same from our side.
fn again(line: &str) -> Result<String> {
    let (encoded, json) = line.split_once(' ').ok_or("no line of the peer's")?;
    let bytes = from_hex(encoded.trim_matches('-')).ok_or("no hex")?;
    let dish = Dish::decode(&*bytes).map_err(|error| error.to_string())?;
    let read: Dish = serde_json::from_str(json).map_err(|error| error.to_string())?;
    if read != dish {
        return Err(format!(
            "read from JSON: {read:?}\nread from protobuf: {dish:?}"
        ));
    }
    let written = serde_json::to_string(&dish).map_err(|error| error.to_string())?;
    let tree = |text: &str| {
        let tree: serde_json::Value =
            serde_json::from_str(text).map_err(|error| error.to_string())?;
        Ok::<_, String>(numbers(tree))
    };
    if tree(&written)? != tree(json)? {
        return Err(format!("written: {written}"));
    }
    Ok(format!("{encoded} {written}\n"))
}

/// All numbers as what they are worth: `1` and `1.0` are the same to JSON.
fn numbers(tree: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match tree {
        Value::Number(number) => number.as_f64().into(),
        Value::Array(items) => items.into_iter().map(numbers).collect(),
        Value::Object(fields) => {
            let fields = fields
                .into_iter()
                .map(|(name, value)| (name, numbers(value)));
            Value::Object(fields.collect())
        }
        other => other,
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let pairs = (0..text.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
        .collect()
}

fn library(cache: &Path) -> Result<PathBuf> {
    let folder = cache.join("pypi/protobuf");
    if !folder.is_dir() {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--target"]);
        run(pip.arg(&folder).arg("protobuf"), "")?;
    }
    Ok(folder)
}

fn run(command: &mut Command, input: &str) -> Result<String> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let mut stdin = child.stdin.take();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || {
        stdin
            .as_mut()
            .map_or(Ok(()), |stdin| stdin.write_all(input.as_bytes()))
    });
    let output = child
        .wait_with_output()
        .map_err(|error| error.to_string())?;
    // What it said matters more than that it stopped listening.
    let _ = writer.join();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    String::from_utf8(output.stdout).map_err(|error| error.to_string())
}
