#[micro::service]
pub trait Greeter {
    type Message;
    async fn hello(&self, req: String) -> micro::Result<String>;
}

fn main() {}
