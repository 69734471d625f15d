//! stub
pub struct ConsistentHash;
