//! stub
pub struct RoundRobin;
