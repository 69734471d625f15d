use micro::Streaming;

#[micro::service]
pub trait Greeter {
    async fn hello(&self, req: Streaming<Streaming<String>>) -> micro::Result<String>;
}

fn main() {}
