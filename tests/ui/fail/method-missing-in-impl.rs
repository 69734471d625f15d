#[micro::service]
pub trait Greeter {
    async fn hello(&self, req: String) -> micro::Result<String>;
}

struct Hello;

#[micro::service]
impl Greeter for Hello {
}

fn main() {}
