use std::{fs, path::PathBuf, time::Duration};

use futures_util::StreamExt as _;
use micro::registry::{Event, FileRegistry, Registry, Service};
use tokio::time::timeout;

use super::suite::registry::{self, Suite};

const PATIENCE: Duration = Duration::from_secs(20);

/// A file that is gone after the test.
struct Temp(PathBuf);

impl Temp {
    fn new(services: &[Service]) -> Self {
        let unique = registry::service("services", "", 0).name;
        let temp = Self(std::env::temp_dir().join(format!("{unique}.json")));
        temp.write(&serde_json::to_string(services).unwrap());
        temp
    }

    fn write(&self, text: &str) {
        fs::write(&self.0, text).unwrap();
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[tokio::test]
async fn suite() {
    let temp = Temp::new(&[
        registry::service("a", "1", 2),
        registry::service("b", "1", 2),
    ]);
    let file = FileRegistry::open(&temp.0).unwrap();
    let mut suite = Suite::new(move || file.clone());
    (suite.writes, suite.ttl) = (false, None);
    registry::all(&suite).await;
}

#[tokio::test]
async fn registering_changes_nothing() {
    let mine = registry::service("mine", "1", 1);
    let temp = Temp::new(&[]);
    let file = FileRegistry::open(&temp.0).unwrap();
    file.register(&mine, Duration::from_secs(30)).await.unwrap();
    assert_eq!(file.get(&mine.name).await.unwrap(), []);
    assert_eq!(fs::read_to_string(&temp.0).unwrap(), "[]");
}

#[tokio::test]
async fn edits_are_noticed_and_broken_ones_leave_the_last_good_content() {
    let (one, two) = (
        registry::service("file", "1", 1),
        registry::service("file", "1", 2),
    );
    let temp = Temp::new(std::slice::from_ref(&one));
    let file = micro::plugin::registry(&format!("file://{}", temp.0.display())).unwrap();
    let mut watch = file.watch(Some(&one.name)).await.unwrap();
    let mut next = async || timeout(PATIENCE, watch.next()).await.unwrap().unwrap();
    assert_eq!(next().await, Ok(Event::Snapshot(vec![one.clone()])));

    temp.write(r#"[{"name": "#);
    let error = next().await.unwrap_err();
    assert!(error.detail().contains(".json"), "{error}");
    assert_eq!(
        file.get(&one.name).await.unwrap(),
        std::slice::from_ref(&one)
    );

    let changed = Service {
        nodes: two.nodes,
        ..one.clone()
    };
    temp.write(&serde_json::to_string(&[&changed]).unwrap());
    assert_eq!(next().await, Ok(Event::Snapshot(vec![changed.clone()])));
    assert_eq!(
        file.get(&one.name).await.unwrap(),
        std::slice::from_ref(&changed)
    );

    fs::remove_file(&temp.0).unwrap();
    assert!(next().await.unwrap_err().is_not_found());
    assert_eq!(file.list().await.unwrap(), [changed]);
}
