#[micro::service]
pub trait Greeter {
    async fn hello(&self, req: String) -> micro::Result<String>;
}

struct Hello<'a> {
    greeting: &'a str,
}

#[micro::service]
impl Greeter for Hello<'_> {
    async fn hello(&self, req: String) -> micro::Result<String> {
        Ok(format!("{} {req}", self.greeting))
    }
}

fn handle<M>(_: impl micro::server::IntoHandler<M>) {}

fn main() {
    handle(Hello { greeting: "hi" });
}
