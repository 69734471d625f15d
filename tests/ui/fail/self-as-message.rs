#[micro::service]
pub trait Greeter {
    async fn hello(&self, req: Vec<Self>) -> micro::Result<String>;
}

fn main() {}
