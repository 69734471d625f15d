//! stub
#[derive(Clone, Debug)]
pub enum Filter {}
