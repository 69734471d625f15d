macro_rules! methods {
    () => {};
}

#[micro::service]
pub trait Greeter {
    methods!();
    async fn hello(&self, req: String) -> micro::Result<String>;
}

fn main() {}
