//! Spans of calls, on both sides.

use std::sync::{Arc, Mutex};

use micro::{Result, testing};
use tracing::{Subscriber, field::Visit, span};
use tracing_subscriber::{Layer, layer::SubscriberExt, registry::LookupSpan};

#[micro::service(package = "acme")]
trait Greeter {
    async fn hello(&self, name: String) -> Result<String>;
}

struct Hello;

#[micro::service]
impl Greeter for Hello {
    async fn hello(&self, name: String) -> Result<String> {
        tracing::info!("in the handler");
        Ok(name)
    }
}

/// Writes down each span with its fields, and each event with the span that it is in.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        self.0.push_str(&format!(" {field}={value:?}"));
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Log {
    fn on_new_span(
        &self,
        attributes: &span::Attributes<'_>,
        _: &span::Id,
        _: tracing_subscriber::layer::Context<'_, S>,
    ) {
        let mut line = attributes.metadata().name().to_owned();
        attributes.record(&mut Fields(&mut line));
        self.0.lock().unwrap().push(line);
    }

    fn on_event(
        &self,
        event: &tracing::Event<'_>,
        context: tracing_subscriber::layer::Context<'_, S>,
    ) {
        if let Some(span) = context.event_span(event) {
            let mut line = format!("event in {}:", span.name());
            event.record(&mut Fields(&mut line));
            self.0.lock().unwrap().push(line);
        }
    }
}

#[tokio::test]
async fn a_call_has_a_span_on_each_side_and_the_handler_runs_in_it() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(log.clone()));
    let app = testing::app().handle(Hello).start().await.unwrap();
    let greeter: GreeterClient<_> = app.client();
    greeter.hello("Ada".into()).await.unwrap();
    app.stop().await.unwrap();
    let log = log.0.lock().unwrap();
    let has = |parts: &[&str]| {
        log.iter()
            .any(|line| parts.iter().all(|part| line.contains(part)))
    };
    assert!(
        has(&[
            "rpc.client",
            "rpc.system.name=\"micro\"",
            "rpc.service=app",
            "rpc.method=acme.Greeter/Hello"
        ]),
        "{log:#?}"
    );
    assert!(
        has(&[
            "rpc.server",
            "rpc.system.name=\"micro\"",
            "rpc.method=\"acme.Greeter/Hello\""
        ]),
        "{log:#?}"
    );
    assert!(has(&["event in rpc.server", "in the handler"]), "{log:#?}");
}
