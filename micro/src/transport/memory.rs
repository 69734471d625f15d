//! stub
pub struct MemoryTransport;
