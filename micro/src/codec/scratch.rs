//! Where messages are encoded: blocks shared by many of them, so that most allocate nothing.

use std::cell::RefCell;

use bytes::{Bytes, BytesMut};

const BLOCK: usize = 16 * 1024;

thread_local! {
    static SCRATCH: RefCell<BytesMut> = RefCell::new(BytesMut::new());
}

/// Gives `write` a buffer with room for `len` bytes and takes what it wrote.
///
/// Messages of up to an eighth of a block are cut from a block of this thread; larger ones get a
/// buffer of their own, so that no small message keeps a large one in memory.
pub(super) fn encode<E>(
    len: usize,
    write: impl FnOnce(&mut BytesMut) -> Result<(), E>,
) -> Result<Bytes, E> {
    if len > BLOCK / 8 {
        let mut own = BytesMut::with_capacity(len);
        write(&mut own)?;
        return Ok(own.freeze());
    }
    // Taken out, so that a message whose encoding encodes another finds a fresh one.
    let mut block = SCRATCH.take();
    if block.capacity() < len {
        // Reuses the block where all that was cut from it is gone.
        block.reserve(BLOCK);
    }
    let written = write(&mut block);
    let bytes = block.split().freeze();
    SCRATCH.set(block);
    written.map(|()| bytes)
}
