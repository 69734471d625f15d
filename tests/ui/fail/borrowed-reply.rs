#[micro::service]
pub trait Greeter {
    async fn hello(&self, req: String) -> micro::Result<&'static str>;
}

fn main() {}
