//! stub
pub struct MemoryBroker;
