#[micro::service]
pub trait Greeter {}

struct Hello;

#[micro::service]
impl !Greeter for Hello {}

fn main() {}
