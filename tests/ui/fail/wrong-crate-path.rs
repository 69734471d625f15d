#[micro::service(crate = "micro")]
pub trait Greeter {
    async fn hello(&self, req: String) -> micro::Result<String>;
}

fn main() {}
