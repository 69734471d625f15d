//! A type's own methods as a service.
use crate::messages::*;
/// Counts.
#[derive(Debug)]
pub struct Counter {
    /// From here.
    pub from: u32,
}
/// Counts for others.
impl Counter {
    /// A counter that begins at zero.
    pub fn new() -> Self {
        Self { from: 0 }
    }
    /// The next number.
    pub async fn next(&self, step: Step) -> Result<Step> {
        Ok(Step { by: self.from + step.by })
    }
    /// All numbers from here.
    pub async fn each(
        &self,
        ctx: &Context,
        step: Step,
    ) -> Result<impl Stream<Item = Result<Step>>> {
        Ok(steps(ctx, self.from, step))
    }
    async fn reset(&self, _: ()) -> Result<()> {
        self.log().await;
        Ok(())
    }
    async fn log(&self) {}
}
/// Calls [`Counter`] by way of a client `C`.
#[derive(Clone, Debug)]
pub struct CounterClient<C>(::micro::__private::v1::Stub<C>);
/// Serves a [`Counter`].
#[derive(Debug)]
pub struct CounterServer<S>(::micro::__private::v1::Arc<S>);
/// Stands in for a [`Counter`] in tests: answers by closures and logs the calls.
#[derive(Clone, Debug, Default)]
pub struct MockCounter(::micro::__private::v1::Mock);
#[allow(dead_code, unreachable_pub, clippy::all, clippy::pedantic, clippy::nursery)]
const _: () = {
    use ::micro::__private::v1 as __v1;
    const NEXT: &__v1::Rpc<Step, Step> = &__v1::rpc!(
        "math.Counter/Next", "The next number.", Unary, Step, Step
    );
    const EACH: &__v1::Rpc<Step, Step> = &__v1::rpc!(
        "math.Counter/All", "All numbers from here.", ServerStream, Step, Step
    )
        .idempotent();
    impl CounterServer<()> {
        /// What the service offers.
        pub const SERVICE: &__v1::Service = &__v1::Service::new(
            "math.Counter",
            "Counts for others.",
            const { &[NEXT.method, EACH.method] },
        );
    }
    impl<C: __v1::Client> CounterClient<C> {
        /// The next number.
        pub fn next(&self, step: Step) -> __v1::Unary<C, Step, Step> {
            self.0.one(NEXT, step)
        }
        /// All numbers from here.
        pub fn each(&self, step: Step) -> __v1::ServerStream<C, Step, Step> {
            self.0.one(EACH, step)
        }
    }
    impl __v1::Handler for CounterServer<Counter>
    where
        Counter: __v1::Send + __v1::Sync + 'static,
    {
        fn service(&self) -> &'static __v1::Service {
            CounterServer::SERVICE
        }
        async fn call(&self, method: usize, call: __v1::Call) -> __v1::Answered {
            let this = &*self.0;
            let (ctx, input, output) = call.split();
            match method {
                0 => {
                    let reply = <Counter>::next(this, input.message(NEXT)?).await;
                    output.reply(NEXT, reply)
                }
                1 => {
                    let reply = <Counter>::each(this, &ctx, input.message(EACH)?).await;
                    output.stream(EACH, reply).await
                }
                _ => __v1::Err(__v1::no_method(CounterServer::SERVICE, method)),
            }
        }
    }
    impl MockCounter {
        /// Answers `next`.
        pub fn next(self, answer: impl __v1::Answer<Step, Step>) -> Self {
            self.0.unary(NEXT, answer);
            self
        }
        /// Answers `each`.
        pub fn each<R: __v1::Replies<Step>>(
            self,
            answer: impl __v1::Answer<Step, R>,
        ) -> Self {
            self.0.server_stream(EACH, answer);
            self
        }
    }
    __v1::common!(pub CounterClient, CounterServer, MockCounter, "math.Counter");
    #[automatically_derived]
    impl __v1::IntoHandler<CounterServer<()>> for Counter
    where
        Counter: __v1::Send + __v1::Sync + 'static,
    {
        type Handler = CounterServer<Self>;
        fn into_handler(self) -> (Self::Handler, __v1::Vec<__v1::Subscriber>) {
            let this = __v1::Arc::new(self);
            let subscribers = __v1::list([
                __v1::subscriber(
                    &this,
                    "counter.reset",
                    __v1::wire!(()),
                    |this, _, event| async move { Self::reset(&this, event).await },
                ),
            ]);
            (<Self::Handler>::new(this), subscribers)
        }
    }
};
