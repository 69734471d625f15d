trait Greeter {}

#[micro::service]
impl dyn Greeter {
    async fn hello(&self, req: String) -> micro::Result<String> {
        Ok(req)
    }
}

fn main() {}
