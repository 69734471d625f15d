//! The statically typed list of a service's handlers.

use futures_util::future::Either;

use super::{Call, Handler, Response};
use crate::{Error, Result, descriptor};

/// All that a server can call: nothing (`()`), a list and one more handler (`(list, handler)`), or
/// either of them inside [layers](super::layer).
pub trait Handlers: Send + Sync + 'static {
    /// How many services there are.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends what they offer, in the order in which [`Route::service`](super::Route) counts them.
    fn services(&self, into: &mut Vec<&'static descriptor::Service>);

    /// Runs the call.
    fn call(&self, call: Call) -> impl Future<Output = Result<Response>> + Send;
}

impl Handlers for () {
    fn len(&self) -> usize {
        0
    }

    fn services(&self, _: &mut Vec<&'static descriptor::Service>) {}

    async fn call(&self, call: Call) -> Result<Response> {
        Err(Error::unimplemented(format!(
            "nothing handles {}",
            call.route.method.path
        )))
    }
}

impl<L: Handlers, H: Handler> Handlers for (L, std::sync::Arc<H>) {
    fn len(&self) -> usize {
        self.0.len() + 1
    }

    fn services(&self, into: &mut Vec<&'static descriptor::Service>) {
        self.0.services(into);
        into.push(self.1.service());
    }

    fn call(&self, call: Call) -> impl Future<Output = Result<Response>> + Send {
        if call.route.service == self.0.len() {
            Either::Left(self.1.call(call.route.index, call))
        } else {
            Either::Right(self.0.call(call))
        }
    }
}
