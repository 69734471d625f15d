#[micro::service(package = "acme..greeter")]
pub trait Greeter {
    async fn hello(&self, req: String) -> micro::Result<String>;
}

fn main() {}
