//! stub
pub struct MdnsRegistry;
