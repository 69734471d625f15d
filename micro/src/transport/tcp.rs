//! stub
pub struct TcpTransport;
