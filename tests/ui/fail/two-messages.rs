#[micro::service]
pub trait Greeter {
    async fn hello(&self, name: String, age: u32) -> micro::Result<String>;
}

fn main() {}
