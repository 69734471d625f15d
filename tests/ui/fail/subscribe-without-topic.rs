#[micro::service]
pub trait Greeter {
    #[subscribe]
    async fn hello(&self, req: String) -> micro::Result<String>;
}

fn main() {}
