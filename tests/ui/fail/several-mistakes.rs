use micro::Streaming;

/// Each mistake is said, and said once.
#[micro::service(nme = "Greetings")]
pub trait Greeter {
    async fn hello(&self, req: String) -> micro::Result<String>;
    fn not_async(&self, req: String) -> micro::Result<String>;
    async fn no_self(req: String) -> micro::Result<String>;
    #[micro(idempotnt)]
    async fn no_result(&self, req: String) -> String;
    #[subscribe(topic = "")]
    async fn upload(&self, req: Streaming<String>) -> micro::Result<String>;
}

struct Hello;

#[micro::service]
impl Greeter for Hello {
    async fn hello(&self, req: String) -> micro::Result<String> {
        Ok(req)
    }

    async fn not_async(&self, req: String) -> micro::Result<String> {
        Ok(req)
    }

    async fn no_self(req: String) -> micro::Result<String> {
        Ok(req)
    }

    async fn no_result(&self, req: String) -> String {
        req
    }

    async fn upload(&self, mut req: Streaming<String>) -> micro::Result<String> {
        req.message().await.map(Option::unwrap_or_default)
    }
}

fn main() {
    let greeter = MockGreeter::new().client();
    let _ = greeter.hello(String::new());
    let _ = GreeterServer::new(Hello);
}
