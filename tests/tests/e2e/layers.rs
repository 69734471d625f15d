//! Layers around handlers: what they see, change and refuse.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use micro::{
    Code, Error, Result,
    client::Client,
    server::{Call, Response, layer::Next},
    testing,
};

use crate::common::{Note, ProbeClient, Prober, note, tasks, until};

/// Speaks for the tenant of the call, and hears what is not for it.
async fn tenants(mut call: Call, next: Next<'_>) -> Result<Response> {
    let tenant = call.context.metadata().get("tenant").map(str::to_owned);
    let Some(tenant) = tenant else {
        return Err(Error::unauthenticated("who is it?"));
    };
    if call.method().path == "e2e.Probe/Say" {
        let note = call.message::<Note>()?;
        if note.text == "forbidden" {
            return Err(Error::permission_denied("not that"));
        }
        note.text = format!("{tenant}: {}", note.text);
    }
    let mut reply = next.run(call).await?;
    reply.metadata.insert("served-for", &tenant)?;
    Ok(reply)
}

#[tokio::test]
async fn a_function_sees_metadata_and_message_changes_them_and_refuses() {
    let app = testing::app()
        .handle(Prober::default())
        .with(|service| service.wrap(tenants))
        .start()
        .await
        .unwrap();
    let client: ProbeClient<_> = app.client();
    let error = client.say(note("a")).await.unwrap_err();
    assert_eq!(error.code(), Code::Unauthenticated);
    assert_eq!(
        client.say(note("a")).header("tenant", "b").await.unwrap(),
        note("b: a")
    );
    let error = client.say(note("forbidden")).header("tenant", "b").await;
    assert_eq!(error.unwrap_err().code(), Code::PermissionDenied);
    // A body that can't be decoded is found by the layer that looks at it.
    let mut request = micro::client::Request::new(
        testing::NAME,
        "e2e.Probe/Say",
        micro::descriptor::Kind::Unary,
        micro::codec::ContentType::Json,
        micro::client::RequestBody::Message("{".into()),
    );
    request
        .options_mut()
        .metadata
        .insert("tenant", "b")
        .unwrap();
    let error = app.running().client().call(request).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    app.stop().await.unwrap();
}

/// Lets so many calls in at a time: a layer of the `tower` kind, with readiness to wait for.
#[derive(Clone)]
struct AtMost(Arc<tokio::sync::Semaphore>);

#[derive(Clone)]
struct Limited<S> {
    inner: S,
    limit: AtMost,
}

impl<S> tower_layer::Layer<S> for AtMost {
    type Service = Limited<S>;

    fn layer(&self, inner: S) -> Limited<S> {
        let limit = self.clone();
        Limited { inner, limit }
    }
}

impl<S> tower_service::Service<Call> for Limited<S>
where
    S: tower_service::Service<Call, Response = Response, Error = Error> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let mut inner = self.inner.clone();
        let AtMost(semaphore) = self.limit.clone();
        Box::pin(async move {
            let _permit = semaphore
                .acquire()
                .await
                .map_err(|_| Error::unavailable("closed"))?;
            inner.call(call).await
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tower_layer_waits_and_lets_go_where_its_calls_are_cancelled() {
    let limit = AtMost(Arc::new(tokio::sync::Semaphore::new(2)));
    let semaphore = limit.0.clone();
    let app = testing::app()
        .handle(Prober::default())
        .with(|service| service.layer(limit))
        .start()
        .await
        .unwrap();
    let client: ProbeClient<_> = app.client();
    let calls = (0..50).map(|_| client.wait(note("2")).into_future());
    let replies = futures_util::future::join_all(calls).await;
    assert!(replies.into_iter().all(|reply| reply.is_ok()));
    let before = tasks();
    // Two hang and the others wait for them; all give up, and what they held is free again.
    let calls = (0..50).map(|_| {
        client
            .hang(note(""))
            .timeout(Duration::from_millis(50))
            .into_future()
    });
    for reply in futures_util::future::join_all(calls).await {
        assert_eq!(reply.unwrap_err().code(), Code::DeadlineExceeded);
    }
    until(|| semaphore.available_permits() == 2).await;
    assert_eq!(client.wait(note("1")).await.unwrap(), note("1"));
    until(|| tasks() <= before).await;
    app.stop().await.unwrap();
}

#[tokio::test]
async fn the_layer_that_was_added_last_is_the_outermost() {
    async fn mark(mut call: Call, next: Next<'_>, mark: &str) -> Result<Response> {
        let note = call.message::<Note>()?;
        note.text.push_str(mark);
        next.run(call).await
    }
    async fn inner(call: Call, next: Next<'_>) -> Result<Response> {
        mark(call, next, " inner").await
    }
    async fn outer(call: Call, next: Next<'_>) -> Result<Response> {
        mark(call, next, " outer").await
    }
    let app = testing::app()
        .handle(Prober::default())
        .with(|service| service.wrap(inner).wrap(outer))
        .start()
        .await
        .unwrap();
    let client: ProbeClient<_> = app.client();
    assert_eq!(
        client.say(note("in:")).await.unwrap(),
        note("in: outer inner")
    );
}

#[tokio::test]
async fn a_layer_that_panics_or_answers_by_itself_harms_nobody() {
    async fn odd(mut call: Call, next: Next<'_>) -> Result<Response> {
        match call.message::<Note>()?.text.as_str() {
            "panic" => panic!("a layer"),
            "other type" => call.message::<String>().map(|_| Response::default()),
            _ => next.run(call).await,
        }
    }
    let app = testing::app()
        .handle(Prober::default())
        .with(|service| service.wrap(odd))
        .start()
        .await
        .unwrap();
    let client: ProbeClient<_> = app.client();
    for text in ["panic", "other type"] {
        let error = client.say(note(text)).await.unwrap_err();
        assert_eq!(error.code(), Code::Internal, "{text}");
    }
    assert_eq!(client.say(note("a")).await.unwrap(), note("a"));
}
