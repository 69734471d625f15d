//! axum and hyper's pooled client: JSON over HTTP/1.1, a connection for each call in flight.

use axum::{Json, Router, routing::post};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};

use super::{Contestant, Outcome};
use crate::message::Text;

#[derive(Clone)]
pub struct Axum {
    client: Client<HttpConnector, Full<Bytes>>,
    uri: hyper::Uri,
}

impl Contestant for Axum {
    const NAME: &'static str = "axum";

    async fn serve(ready: fn(&str)) -> Outcome<()> {
        use axum::serve::ListenerExt;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        ready(&listener.local_addr()?.to_string());
        let listener = listener.tap_io(|socket| {
            let _ = socket.set_nodelay(true);
        });
        let echo = post(async |Json(text): Json<Text>| Json(text));
        Ok(axum::serve(listener, Router::new().route("/echo", echo)).await?)
    }

    async fn connect(address: String) -> Outcome<Self> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            uri: format!("http://{address}/echo").parse()?,
        })
    }

    async fn echo(&self, body: Bytes) -> Outcome<Bytes> {
        let text = Text {
            body: String::from_utf8(body.to_vec())?,
        };
        let request = hyper::Request::post(self.uri.clone())
            .header("content-type", "application/json")
            .body(Full::new(serde_json::to_vec(&text)?.into()))?;
        let reply = self.client.request(request).await?;
        let bytes = reply.into_body().collect().await?.to_bytes();
        let text: Text = serde_json::from_slice(&bytes)?;
        Ok(text.body.into())
    }
}
