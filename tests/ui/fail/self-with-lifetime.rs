#[micro::service]
pub trait Greeter {
    async fn hello(&'static self, req: String) -> micro::Result<String>;
}

fn main() {}
