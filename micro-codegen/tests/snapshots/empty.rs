//! A service without methods.
/// Offers nothing.
pub trait Nothing: ::micro::__private::v1::Send + ::micro::__private::v1::Sync + 'static {}
/// Calls [`Nothing`] by way of a client `C`.
#[derive(Clone, Debug)]
pub struct NothingClient<C>(::micro::__private::v1::Stub<C>);
/// Serves a [`Nothing`].
#[derive(Debug)]
pub struct NothingServer<S>(::micro::__private::v1::Arc<S>);
/// Stands in for a [`Nothing`] in tests: answers by closures and logs the calls.
#[derive(Clone, Debug, Default)]
pub struct MockNothing(::micro::__private::v1::Mock);
#[allow(dead_code, unreachable_pub, clippy::all, clippy::pedantic, clippy::nursery)]
const _: () = {
    use ::micro::__private::v1 as __v1;
    impl NothingServer<()> {
        /// What the service offers.
        pub const SERVICE: &__v1::Service = &__v1::Service::new(
            "Nothing",
            "Offers nothing.",
            &[],
        );
    }
    impl<C: __v1::Client> NothingClient<C> {}
    impl<S: Nothing> __v1::Handler for NothingServer<S> {
        fn service(&self) -> &'static __v1::Service {
            NothingServer::SERVICE
        }
        async fn call(&self, method: usize, _: __v1::Call) -> __v1::Answered {
            let _ = &self.0;
            __v1::Err(__v1::no_method(NothingServer::SERVICE, method))
        }
    }
    impl MockNothing {}
    __v1::common!(pub NothingClient, NothingServer, MockNothing, "Nothing");
};
