//! The invariants of ARCHITECTURE.md, checked by plain rules over the text of the sources.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

#[path = "tidy/project.rs"]
mod project;

use project::{files, manifests, root, sources};

/// The longest that a source file may be.
const LINES: usize = 400;
/// Files over [`LINES`] that are yet to be split, and how long they may be until then.
const TOO_LONG: [(&str, usize); 1] = [("tests/tests/proto/json.rs", 450)];
/// The folders whose `mod.rs` is a contract, and the traits that it states.
const CONTRACTS: [(&str, &[&str]); 7] = [
    ("broker", &["Broker", "Subscription"]),
    ("client", &["Client"]),
    ("codec", &["Codec"]),
    ("registry", &["Registry"]),
    ("selector", &["Selector"]),
    ("server", &["Handler"]),
    ("transport", &["Transport", "Listener"]),
];

#[track_caller]
fn check(rule: &str, broken: Vec<String>) {
    assert!(broken.is_empty(), "{rule}:\n  {}", broken.join("\n  "));
}

#[test]
fn a_crate_has_the_name_of_its_folder() {
    let manifests = manifests();
    let broken = manifests.iter().filter_map(|manifest| {
        let folder = manifest.folder.rsplit('/').next().unwrap_or_default();
        let expected = if folder == "tests" {
            "micro-tests"
        } else {
            folder
        };
        let part = |(part, _): &(&str, _)| folder.starts_with(&format!("micro-{part}-"));
        let stray = manifest.folder.starts_with("plugins/") && !CONTRACTS.iter().any(part);
        (manifest.name() != expected || stray)
            .then(|| format!("{} holds {}", manifest.folder, manifest.name()))
    });
    check(
        "the folder of a crate has its name, `tests` apart; a plugin is called micro-<part>-<name>",
        broken.collect(),
    );
}

#[test]
fn crates_know_only_those_that_they_may() {
    let mut broken = Vec::new();
    for manifest in manifests() {
        let name = manifest.name();
        for kind in ["dependencies", "build-dependencies"] {
            let ours =
                |name: &str| name == "examples" || name == "micro" || name.starts_with("micro-");
            for (on, how) in manifest
                .depends(kind)
                .into_iter()
                .filter(|(on, _)| ours(on))
            {
                let may = match name {
                    "micro" => on == "micro-macros",
                    "micro-macros" | "micro-build" => on == "micro-codegen",
                    "micro-codegen" => false,
                    "examples" | "micro-tests" => !["examples", "micro-tests"].contains(&on),
                    // A plugin, which brings no built-in part along.
                    _ => {
                        on == "micro"
                            && !how.contains("\"default\"")
                            && !how.contains("default-features = true")
                    }
                };
                if !may {
                    broken.push(format!("{name}: {on} {how}"));
                }
            }
        }
    }
    check(
        "a crate depends on another that it may not know, or with features that it may not ask for",
        broken,
    );
    let workspace =
        fs::read_to_string(root().join("Cargo.toml")).expect("the workspace has a manifest");
    let micro = workspace
        .lines()
        .find(|line| line.starts_with("micro = "))
        .unwrap_or_default();
    assert!(
        micro.contains("default-features = false"),
        "plugins inherit `{micro}`"
    );
}

#[test]
fn programs_that_use_micro_carry_no_parser_and_no_plugin() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let tree = Command::new(cargo)
        .args(
            "tree -p micro -e normal,no-proc-macro --all-features --prefix none --offline"
                .split(' '),
        )
        .current_dir(root())
        .output()
        .expect("cargo can be run");
    assert!(
        tree.status.success(),
        "{}",
        String::from_utf8_lossy(&tree.stderr)
    );
    let tree = String::from_utf8_lossy(&tree.stdout);
    assert!(tree.contains("tokio"), "{tree}");
    let unwanted = |line: &&str| {
        let name = line.split(' ').next().unwrap_or_default();
        [
            "syn",
            "quote",
            "proc-macro2",
            "prost-build",
            "prost-reflect",
            "protox",
            "prettyplease",
        ]
        .contains(&name)
            || name.starts_with("micro-")
    };
    check(
        "`micro` leads to what is only for generating code, or to a plugin",
        tree.lines().filter(unwanted).map(str::to_owned).collect(),
    );
}

#[test]
fn every_crate_has_the_lints_of_the_workspace() {
    let broken = manifests().into_iter().filter(|manifest| {
        let inherits = manifest
            .lines("lints")
            .any(|line| line == "workspace = true");
        // Examples print, and repeat all the others.
        let own = manifest
            .lines("lints.rust")
            .any(|line| line == "unsafe_code = \"forbid\"");
        !(inherits || manifest.name() == "examples" && own)
    });
    let names = broken.map(|manifest| manifest.name().to_owned()).collect();
    check("a manifest lacks `[lints] workspace = true`", names);
}

#[test]
fn files_are_short() {
    let mut broken = Vec::new();
    for (path, text) in sources() {
        let lines = text.lines().count();
        match TOO_LONG.iter().find(|(long, _)| *long == path) {
            Some((_, most)) if lines > *most => {
                broken.push(format!("{path} has grown to {lines} lines"))
            }
            Some(_) if lines <= LINES => {
                broken.push(format!("{path} is short now: take it off the list"))
            }
            None if lines > LINES => broken.push(format!("{path} has {lines} lines")),
            _ => {}
        }
    }
    check(
        "a source file has one subject, and 400 lines at the most",
        broken,
    );
}

#[test]
fn contracts_hold_no_implementation() {
    let files = files();
    let mut broken = Vec::new();
    for (folder, traits) in CONTRACTS {
        let path = format!("micro/src/{folder}/mod.rs");
        let text = files
            .get(&path)
            .unwrap_or_else(|| panic!("{path} is the contract of {folder}"));
        for name in traits {
            assert!(
                text.contains(&format!("pub trait {name}")),
                "{path} states no `{name}`"
            );
            let implements =
                |line: &&str| line.starts_with("impl") && line.contains(&format!(" {name} for "));
            broken.extend(
                text.lines()
                    .filter(implements)
                    .map(|line| format!("{path}: {line}")),
            );
        }
    }
    check(
        "a contract's `mod.rs` implements it; that belongs into a file beside it",
        broken,
    );
}

#[test]
fn the_generator_reads_no_file_and_no_environment() {
    let mut broken = Vec::new();
    for (path, text) in sources().filter(|(path, _)| path.starts_with("micro-codegen/src/")) {
        for (number, line) in (1..).zip(text.lines()) {
            let code = line.split("//").next().unwrap_or_default();
            let from_std = code.split_once("std::").is_some_and(|(_, what)| {
                let mut words = what.split(|c: char| !c.is_alphanumeric());
                words.any(|word| ["fs", "env", "io", "net", "process"].contains(&word))
            });
            if from_std
                || ["env!(", "include_str!(", "include!("]
                    .iter()
                    .any(|means| code.contains(means))
            {
                broken.push(format!("{path}:{number}: {line}"));
            }
        }
    }
    check(
        "what the generator prints follows from what it is given",
        broken,
    );
}

#[test]
fn the_macros_are_entry_points_only() {
    let files = files();
    let mut broken: Vec<_> = files
        .keys()
        .filter(|path| path.starts_with("micro-macros/src/") && *path != "micro-macros/src/lib.rs")
        .cloned()
        .collect();
    let lib = &files["micro-macros/src/lib.rs"];
    let code = lib
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with("//"));
    let fits = |line: &str| {
        ["#", "use proc_macro::TokenStream;", "pub fn ", "}"]
            .iter()
            .any(|start| line.starts_with(start))
            || line.starts_with("    micro_codegen::") && line.ends_with(".into()")
    };
    broken.extend(code.filter(|line| !fits(line)).map(str::to_owned));
    check(
        "each function of micro-macros is one call into micro-codegen",
        broken,
    );
}

#[test]
fn generated_code_names_one_module_of_the_runtime() {
    let mut broken = Vec::new();
    for (path, text) in files() {
        let (printed, runtime) = match &path {
            path if path.starts_with("micro-codegen/src/expand/") => (true, "#runtime::"),
            path if path.contains("/snapshots/") && !path.ends_with(".in.rs") => {
                (true, "::micro::")
            }
            _ => (false, ""),
        };
        for (number, line) in (1..).zip(text.lines()).filter(|_| printed) {
            let names = line.split(runtime).skip(1);
            if names
                .into_iter()
                .any(|after| !after.starts_with("__private::v1"))
            {
                broken.push(format!("{path}:{number}: {line}"));
            }
        }
    }
    check(
        "generated code reaches the runtime by `__private::v1` only",
        broken,
    );
}

#[test]
fn nothing_is_left_for_later_and_no_test_is_skipped() {
    let mut broken = Vec::new();
    for (path, text) in files() {
        if path == "tests/tests/tidy.rs" || path.ends_with(".lock") {
            continue;
        }
        for (number, line) in (1..).zip(text.lines()) {
            // A test that is run by another one, or by a script, says so.
            let skipped = line.contains("#[ignore")
                && !["by ", "only as "]
                    .iter()
                    .any(|by| line.contains(&format!("#[ignore = \"{by}")));
            let later = path.ends_with(".rs")
                && (line.contains("todo!(") || line.contains("unimplemented!("));
            let machine = ["/home/", "/root/", "/Users/", "/work/"]
                .iter()
                .any(|path| line.contains(path));
            if skipped || later || line.contains("FIXME") || machine {
                broken.push(format!("{path}:{number}: {}", line.trim()));
            }
        }
    }
    check(
        "something is left undone, skipped, or bound to one machine",
        broken,
    );
}

/// `[text](path)`, and `a/path.rs` in backticks.
#[test]
fn documents_name_only_what_is_there() {
    let files = files();
    let mut broken = Vec::new();
    for (document, text) in files.iter().filter(|(path, _)| path.ends_with(".md")) {
        let beside = document.rsplit_once('/').map_or("", |(folder, _)| folder);
        let links = text
            .split("](")
            .skip(1)
            .filter_map(|link| link.split_once(')'))
            .map(|(link, _)| link);
        let links = links
            .filter(|link| !link.contains("://"))
            .map(|link| Path::new(beside).join(link));
        let quoted = text.split('`').skip(1).step_by(2).filter(|quoted| {
            let begins = ["micro", "tests/", "examples/", "plugins/"]
                .iter()
                .any(|start| quoted.starts_with(start));
            begins && quoted.contains('/') && !quoted.contains([' ', '<', '*', '{', '\n'])
        });
        for path in links.chain(quoted.map(PathBuf::from)) {
            if !root().join(&path).exists() {
                broken.push(format!("{document}: {}", path.display()));
            }
        }
    }
    check("a document names a file that is not there", broken);
}

#[test]
fn the_protocol_is_the_one_that_is_written_down() {
    use micro::native::{HEADER, Kind, PREFACE, WINDOW};
    let text =
        fs::read_to_string(root().join("PROTOCOL.md")).expect("the protocol is written down");
    let kinds = [
        (Kind::Name, "NAME"),
        (Kind::Call, "CALL"),
        (Kind::Reply, "REPLY"),
        (Kind::Open, "OPEN"),
        (Kind::Data, "DATA"),
        (Kind::End, "END"),
        (Kind::Cancel, "CANCEL"),
        (Kind::Credit, "CREDIT"),
        (Kind::Ping, "PING"),
        (Kind::Pong, "PONG"),
        (Kind::Leave, "LEAVE"),
    ];
    for (kind, name) in kinds {
        let row = format!("\n| {} | {name} | ", kind as u8);
        assert!(text.contains(&row), "PROTOCOL.md has no row {row}");
    }
    let preface: Vec<_> = PREFACE.iter().map(|byte| format!("{byte:02X}")).collect();
    for said in [
        preface.join(" "),
        format!("a header of {HEADER} bytes"),
        format!("a window of {} KiB", WINDOW >> 10),
    ] {
        assert!(text.contains(&said), "PROTOCOL.md does not say {said:?}");
    }
}

#[test]
fn the_oldest_rust_is_the_same_everywhere() {
    let workspace =
        fs::read_to_string(root().join("Cargo.toml")).expect("the workspace has a manifest");
    let version = workspace
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = "))
        .expect("it has one");
    let said = format!("Rust {} or later", version.trim_matches('"'));
    let readme = fs::read_to_string(root().join("README.md")).expect("there is a README");
    assert!(readme.contains(&said), "README.md does not say {said:?}");
}
