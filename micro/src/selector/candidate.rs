//! stub
#[derive(Debug)]
pub struct Candidate;
pub enum Outcome {}
