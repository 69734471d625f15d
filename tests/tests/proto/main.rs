//! Services and messages from `.proto` files: all that such a file may have.

mod json;
mod service;

#[allow(missing_docs)]
mod proto {
    micro::include_protos!();
}
