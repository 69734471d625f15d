//! The code generator of micro: `parse` (Rust tokens) or micro-build's `lower` (a `.proto`) →
//! [`model`] → `check` → `expand`.
//!
//! It reads no file and no environment: what it prints follows from what it is given.

pub mod model;

use proc_macro2::TokenStream;

/// Prints all that a service definition stands for.
pub fn expand(_service: &model::Service) -> TokenStream {
    TokenStream::new()
}
