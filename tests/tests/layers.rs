//! Layers on both sides: what they see and what they may do.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context as Cx, Poll},
};

use micro::{
    Code, Context, Error, Result,
    client::{self, Client, Request},
    server::{self, Call},
    testing,
};

#[micro::service]
trait Greeter {
    async fn hello(&self, name: String) -> Result<String>;
}

struct Hello;

#[micro::service]
impl Greeter for Hello {
    async fn hello(&self, ctx: &Context, name: String) -> Result<String> {
        let tenant = ctx.metadata().get("tenant").unwrap_or("nobody");
        Ok(format!("hello {name} from {tenant}"))
    }
}

/// Refuses the wicked, and welcomes the shy by another name.
async fn door(mut call: Call, next: server::layer::Next<'_>) -> Result<server::Response> {
    if call.context.metadata().get("tenant") == Some("wicked") {
        return Err(Error::permission_denied("not you"));
    }
    let name: &mut String = call.message()?;
    if name == "shy" {
        "brave".clone_into(name);
    }
    next.run(call).await
}

#[tokio::test]
async fn a_server_layer_sees_and_changes_metadata_and_message() {
    let app = testing::app()
        .handle(Hello)
        .with(|s| s.wrap(door))
        .start()
        .await
        .unwrap();
    let greeter: GreeterClient<_> = app.client();
    assert_eq!(
        greeter.hello("shy".into()).await.unwrap(),
        "hello brave from nobody"
    );
    let refused = greeter
        .hello("a".into())
        .header("tenant", "wicked")
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}

/// A tower layer that counts, for calls of either side.
#[derive(Clone, Default)]
struct Counting(Arc<AtomicUsize>);

#[derive(Clone)]
struct Counted<S>(S, Counting);

impl<S> tower_layer::Layer<S> for Counting {
    type Service = Counted<S>;

    fn layer(&self, inner: S) -> Counted<S> {
        Counted(inner, self.clone())
    }
}

impl<T, S: tower_service::Service<T>> tower_service::Service<T> for Counted<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Cx<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, call: T) -> S::Future {
        self.1.0.fetch_add(1, SeqCst);
        self.0.call(call)
    }
}

#[tokio::test]
async fn one_tower_layer_fits_both_sides() {
    let (theirs, ours) = (Counting::default(), Counting::default());
    let layer = theirs.clone();
    let app = testing::app()
        .handle(Hello)
        .with(|s| s.layer(layer))
        .start()
        .await
        .unwrap();
    let client = app.running().client().layer(ours.clone());
    let greeter = GreeterClient::new(testing::NAME, client);
    for _ in 0..3 {
        greeter.hello("Ada".into()).await.unwrap();
    }
    assert_eq!((ours.0.load(SeqCst), theirs.0.load(SeqCst)), (3, 3));
}

async fn sign(mut request: Request, next: client::layer::Next<'_>) -> Result<client::Response> {
    assert_eq!(request.path, "Greeter/Hello");
    if request.metadata().get("tenant").is_none() {
        request.options_mut().metadata.insert("tenant", "signed")?;
    }
    next.run(request).await
}

#[tokio::test]
async fn a_client_layer_sees_and_adds_metadata_inherited_included() {
    let app = testing::app().handle(Hello).start().await.unwrap();
    let client = app.running().client().wrap(sign);
    let greeter = GreeterClient::new(testing::NAME, client);
    assert_eq!(
        greeter.hello("Ada".into()).await.unwrap(),
        "hello Ada from signed"
    );
    let mut metadata = micro::Metadata::new();
    metadata.insert("tenant", "inherited").unwrap();
    let inside = Context::background().with_metadata(metadata);
    let reply = inside
        .scope(async { greeter.hello("Ada".into()).await })
        .await
        .unwrap();
    assert_eq!(reply, "hello Ada from inherited");
}

#[tokio::test]
async fn the_layers_of_tower_itself_fit() {
    let app = testing::app()
        .handle(Hello)
        .with(|s| s.layer(tower::limit::ConcurrencyLimitLayer::new(1)))
        .start()
        .await
        .unwrap();
    let client = app
        .running()
        .client()
        .layer(tower::limit::ConcurrencyLimitLayer::new(1));
    let greeter = GreeterClient::new(testing::NAME, client);
    let calls = (0..50).map(|n| greeter.hello(n.to_string()).into_future());
    let replies = futures_util::future::join_all(calls).await;
    assert!(replies.iter().all(Result::is_ok), "{replies:?}");
}
