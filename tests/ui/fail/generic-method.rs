#[micro::service]
pub trait Greeter {
    async fn hello<T>(&self, req: T) -> micro::Result<String>;
}

fn main() {}
