#[micro::service]
pub trait Greeter {
    async fn hello(&self, req: String) -> micro::Result<String> {
        Ok(req)
    }
}

fn main() {}
