//! A call as a client and its layers see it, and the reply.

use std::{borrow::Cow, fmt, sync::Arc};

use bytes::Bytes;
use futures_util::stream::BoxStream;

use super::CallOptions;
use crate::{Metadata, Result, codec::ContentType, descriptor::Kind, stream::Inbound};

/// A call on its way out.
#[derive(Debug)]
#[non_exhaustive]
pub struct Request {
    /// The name under which the service is registered: `greeter`.
    pub service: Arc<str>,
    /// The method: `helloworld.Greeter/Hello`.
    pub path: Cow<'static, str>,
    /// Which sides stream.
    pub kind: Kind,
    /// Whether it may be run twice.
    pub idempotent: bool,
    /// The form of the request.
    pub content_type: ContentType,
    /// The form that the reply is to have.
    pub accept: ContentType,
    /// The message or messages.
    pub body: RequestBody,
    /// The call's options, where any is set.
    pub options: Option<Box<CallOptions>>,
    spent: bool,
}

impl Request {
    /// A call of `path` on the service registered as `service`; its kind follows the body.
    #[must_use]
    pub fn new(
        service: impl Into<Arc<str>>,
        path: impl Into<Cow<'static, str>>,
        kind: Kind,
        content_type: ContentType,
        body: RequestBody,
    ) -> Self {
        Self {
            service: service.into(),
            path: path.into(),
            kind,
            idempotent: false,
            content_type,
            accept: content_type,
            body,
            options: None,
            spent: false,
        }
    }

    /// Hands over its stream of messages, where it has one; it can't be sent again then.
    pub(crate) fn take_stream(&mut self) -> Option<BoxStream<'static, Result<Bytes>>> {
        match std::mem::replace(&mut self.body, RequestBody::Message(Bytes::new())) {
            RequestBody::Stream(messages) => {
                self.spent = true;
                Some(messages)
            }
            message => {
                self.body = message;
                None
            }
        }
    }

    /// Whether its stream of messages was handed over.
    pub(crate) fn is_spent(&self) -> bool {
        self.spent
    }

    /// The headers that it will be sent with: those set for it, and in their absence those of the
    /// call that is being handled here.
    #[must_use]
    pub fn metadata(&self) -> Metadata {
        let mut all = crate::Context::current().metadata().for_onward_call();
        if let Some(options) = &self.options {
            all.merge(&options.metadata);
        }
        all
    }

    /// The options, to be changed.
    pub fn options_mut(&mut self) -> &mut CallOptions {
        self.options.get_or_insert_default()
    }
}

/// What a call sends.
pub enum RequestBody {
    /// One encoded message.
    Message(Bytes),
    /// A stream of encoded messages; an error in it cancels the call and is what the caller gets.
    Stream(BoxStream<'static, Result<Bytes>>),
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(bytes) => write!(f, "Message({} bytes)", bytes.len()),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}

/// What came back.
#[derive(Debug)]
#[non_exhaustive]
pub struct Response {
    /// Headers beside the reply.
    pub metadata: Metadata,
    /// The form of the reply.
    pub content_type: ContentType,
    /// The reply or replies.
    pub body: ResponseBody,
}

impl Response {
    /// A reply without headers.
    #[must_use]
    pub fn new(content_type: ContentType, body: ResponseBody) -> Self {
        Self {
            metadata: Metadata::new(),
            content_type,
            body,
        }
    }
}

/// What a call gets.
#[derive(Debug)]
pub enum ResponseBody {
    /// One encoded message.
    Message(Bytes),
    /// A stream of encoded messages. Dropping it cancels the call.
    Stream(Inbound),
}

#[cfg(feature = "json")]
pub(super) async fn json(
    client: &impl super::Client,
    service: &str,
    endpoint: &str,
    message: &serde_json::Value,
) -> Result<serde_json::Value> {
    use crate::Error;
    let body = Bytes::from(message.to_string());
    let request = Request::new(
        service,
        endpoint.to_owned(),
        Kind::Unary,
        ContentType::Json,
        RequestBody::Message(body),
    );
    match client.call(request).await?.body {
        ResponseBody::Message(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
            Error::internal(format!("the reply of {endpoint} is no JSON: {error}"))
        }),
        ResponseBody::Stream(_) => Err(Error::unimplemented(format!(
            "{endpoint} answers with a stream"
        ))),
    }
}
