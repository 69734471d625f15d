//! Tests without ports and without waiting: a mock in place of a service, a service over the memory
//! transport, and paused time. In a project of yours each function here is a `#[tokio::test]`.

use std::time::Duration;

use micro::{Error, Result, client::Client, testing};
use tokio::time::Instant;

#[micro::service]
trait Weather {
    async fn degrees(&self, city: String) -> Result<i32>;
}

/// What is to be tested: it asks the weather service, and says what to wear.
async fn advice<C: Client>(weather: &WeatherClient<C>, city: &str) -> Result<&'static str> {
    match weather.degrees(city.into()).await {
        Ok(degrees) if degrees < 10 => Ok("a coat"),
        Ok(_) => Ok("a shirt"),
        Err(error) if error.is_not_found() => Ok("both"),
        Err(error) => Err(error),
    }
}

/// A mock answers with closures, and remembers what it was asked.
async fn with_a_mock() -> Result<()> {
    let mock = MockWeather::new().degrees(|city| match city.as_str() {
        "Oslo" => Ok(-3),
        "Cairo" => Ok(35),
        _ => Err(Error::not_found("no such city")),
    });
    let weather = mock.client();
    assert_eq!(advice(&weather, "Oslo").await?, "a coat");
    assert_eq!(advice(&weather, "Cairo").await?, "a shirt");
    assert_eq!(advice(&weather, "Atlantis").await?, "both");
    assert_eq!(mock.calls().len(), 3);
    assert_eq!(mock.calls()[0].message::<String>()?, "Oslo");
    Ok(())
}

struct Slow;

#[micro::service]
impl Weather for Slow {
    async fn degrees(&self, city: String) -> Result<i32> {
        tokio::time::sleep(Duration::from_secs(3600)).await;
        Ok(city.len() as i32)
    }
}

/// The whole service, handlers, layers and limits, over a connection within the process.
async fn with_the_service() -> Result<()> {
    let app = testing::app().handle(Slow).start().await?;
    let weather: WeatherClient<_> = app.client();
    // Time is paused: it jumps ahead where nothing else is left to do.
    let started = Instant::now();
    let error = weather.degrees("Oslo".into()).await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!(started.elapsed().as_secs(), 30, "the client's own timeout");

    let patient = weather
        .degrees("Oslo".into())
        .timeout(Duration::from_secs(4000));
    assert_eq!(patient.await?, 4);
    app.stop().await
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<()> {
    let started = std::time::Instant::now();
    with_a_mock().await?;
    println!("with a mock: ok");
    with_the_service().await?;
    println!("with the service: ok");
    println!("an hour of waiting took {:?}", started.elapsed());
    Ok(())
}
