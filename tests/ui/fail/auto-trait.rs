#[micro::service]
pub auto trait Greeter {}

fn main() {}
