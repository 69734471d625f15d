//! What the generator says of mistakes: a fixture for each rule, called like the rule.
//!
//! `TRYBUILD=overwrite cargo test -p micro-tests --test ui` writes the messages again. They are the
//! compiler's in part, so they are compared on the toolchain that wrote them only.

#[test]
fn mistakes_are_explained() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("ui/fail/*.rs");
    cases.pass("ui/pass/*.rs");
}
