#[micro::service]
pub trait Greeter {
    async extern "C" fn hello(&self, req: String) -> micro::Result<String>;
}

fn main() {}
