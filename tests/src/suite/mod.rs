//! Conformance suites: what every implementation of a trait must do, built in or plugin.

pub mod selector;
