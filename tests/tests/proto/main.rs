//! Services and messages from `.proto` files: all that such a file may have.

mod json;

#[allow(missing_docs)]
mod proto {
    micro::include_protos!();
}
