//! What needs more than one crate to be tested, and the suites that every implementation of a part
//! must pass.

pub mod faults;
pub mod suite;
