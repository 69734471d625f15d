#[micro::service]
pub trait Greeter {
    async fn calls(&self, req: String) -> micro::Result<String>;
}

fn main() {}
