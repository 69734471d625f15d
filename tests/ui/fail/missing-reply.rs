#[micro::service]
pub trait Greeter {
    async fn hello(&self, req: String);
}

fn main() {}
