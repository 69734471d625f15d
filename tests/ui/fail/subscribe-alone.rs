use micro::subscribe;

#[subscribe(topic = "greeted")]
async fn greeted(name: String) {
    drop(name);
}

fn main() {}
