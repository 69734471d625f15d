//! stub
pub struct FileRegistry;
