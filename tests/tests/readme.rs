//! That the README's commands do what it says.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace is above")
        .to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What stands in the README's blocks of commands, in their order.
fn commands() -> Vec<String> {
    let readme = read("README.md");
    let blocks = readme.split("\n```sh\n").skip(1);
    blocks
        .map(|block| {
            let (block, _) = block.split_once("\n```").expect("a block is closed");
            block.to_owned()
        })
        .collect()
}

#[test]
fn the_first_command_shows_a_service_from_its_start_to_its_stop() {
    let command = &commands()[0];
    let output = Command::new("sh")
        .args(["-c", command])
        .current_dir(root())
        .output()
        .expect("there is a shell");
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{command}: {out}\n{err}");
    for shown in [
        "one call:  Hello Ada!",
        "a stream:  Hello Barbara!",
        "stopped in order",
    ] {
        assert!(
            out.contains(shown),
            "{command} shows no {shown:?}: {out}\n{err}"
        );
    }
}

/// Running the second would run this test again.
#[test]
fn the_second_command_is_the_script_that_runs_all_tests_and_that_ci_runs() {
    let command = &commands()[1];
    let script = read(command);
    assert!(script.contains("cargo test --workspace"), "{script}");
    assert!(
        read(".ci/run")
            .lines()
            .any(|line| line.ends_with(command.as_str())),
        ".ci/run does not run {command}"
    );
}

#[test]
fn every_example_is_a_program_that_the_lists_name() {
    let (list, manifest) = (read("examples/README.md"), read("examples/Cargo.toml"));
    for folder in fs::read_dir(root().join("examples")).expect("there are examples") {
        let folder = folder.expect("they can be read").path();
        if !folder.join("main.rs").exists() {
            continue;
        }
        let name = folder.file_name().expect("it has a name").to_string_lossy();
        let path = format!("path = \"{name}/main.rs\"");
        assert!(
            manifest.contains(&path),
            "examples/Cargo.toml has no program with {path}"
        );
        let command = format!("| `cargo run --bin {name}` |");
        assert!(
            list.contains(&command),
            "examples/README.md has no line with {command}"
        );
    }
}
