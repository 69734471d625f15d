#[micro::service]
pub trait Greeter {
    async fn hello(&self, (name, age): (String, u32)) -> micro::Result<String>;
}

fn main() {}
