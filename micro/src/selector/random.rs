//! stub
pub struct Random;
