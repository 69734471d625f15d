//! The native protocol: many calls at once on one connection of any transport.
//!
//! `PROTOCOL.md` at the root of the repository has it byte by byte. The cost of a call is kept down
//! by three things: a handler is polled where its frame was read, so one that is ready at once needs
//! no task (`slots`); all that is to be written gathers in one buffer, so many replies share a
//! system call (`link`); and the names of methods go over the wire once a connection.

mod client;
mod error_body;
mod frame;
mod input;
mod link;
pub(crate) mod server;
mod slots;
mod stream;
mod timer;

pub(crate) use client::Channel;
#[cfg(feature = "http")]
pub(crate) use client::merged_metadata;
pub use frame::{HEADER, Header, Kind, PREFACE, VERSION, WINDOW};
pub(crate) use link::Link;
pub use stream::{Credit, Sender};

use crate::Error;

#[cold]
fn too_large(len: usize, limit: usize) -> Error {
    Error::resource_exhausted(format!(
        "a message of {len} bytes is over the limit of {limit}"
    ))
}
