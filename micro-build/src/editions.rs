//! Files of an edition, in the terms of proto2 and proto3 that prost knows.

use prost_types::FileDescriptorProto;

use crate::Result;

/// Rewrites the files that begin with `edition = …`.
pub(crate) fn lower(_set: &[u8], _files: &mut [FileDescriptorProto]) -> Result<()> {
    Ok(())
}
