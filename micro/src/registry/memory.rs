//! stub
pub struct MemoryRegistry;
