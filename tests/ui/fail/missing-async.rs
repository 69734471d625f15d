#[micro::service]
pub trait Greeter {
    fn hello(&self, req: String) -> micro::Result<String>;
}

struct Hello;

#[micro::service]
impl Greeter for Hello {
    async fn hello(&self, req: String) -> micro::Result<String> {
        Ok(req)
    }
}

fn main() {
    let greeter = MockGreeter::new().client();
    let _ = greeter.hello(String::new());
    let _ = GreeterServer::new(Hello);
}
