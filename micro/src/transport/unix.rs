//! stub
pub struct UnixTransport;
