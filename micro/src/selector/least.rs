//! stub
pub struct LeastConnections;
