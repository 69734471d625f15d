//! What the generator says of mistakes: a fixture for each rule, called like the rule.
//!
//! `TRYBUILD=overwrite cargo test -p micro-tests --test ui` writes the messages again. They are the
//! compiler's in part, so they are compared with the compiler that wrote them only: another one
//! passes.

use std::process::Command;

const WRITTEN_BY: &str = "rustc 1.95.";

#[test]
fn mistakes_are_explained() {
    let cases = trybuild::TestCases::new();
    cases.pass("ui/pass/*.rs");
    if is_written_by_this_compiler() {
        cases.compile_fail("ui/fail/*.rs");
    }
}

fn is_written_by_this_compiler() -> bool {
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(compiler).arg("--version").output();
    version.is_ok_and(|version| version.stdout.starts_with(WRITTEN_BY.as_bytes()))
}
