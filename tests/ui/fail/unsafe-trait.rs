#[micro::service]
pub unsafe trait Greeter {
    async fn hello(&self, req: String) -> micro::Result<String>;
}

fn main() {}
