#[micro::service]
pub trait Greeter<T> {
    async fn hello(&self, req: String) -> micro::Result<String>;
}

fn main() {}
