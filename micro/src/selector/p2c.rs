//! stub
pub struct PowerOfTwo;
