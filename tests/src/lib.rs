//! What needs more than one crate to be tested, and the suites that every implementation of a part
//! must pass.

pub mod faults;
pub mod suite;

/// The programs in the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
