#[micro::service]
pub trait Greeter {
    async unsafe fn hello(&self, req: String) -> micro::Result<String>;
}

fn main() {}
