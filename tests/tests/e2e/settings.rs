//! What a service is told by its builder, by `MICRO_*` variables and by default. Variables belong to
//! a process, so each case runs this test program once more.

use std::process::Command;

use micro::{Service, registry::MemoryRegistry};
use serde_json::{Value, json};

use crate::common::Prober;

const ROLE: &str = "E2E_SETTINGS";

/// Not a test of its own: what the others run in a process of its own.
#[tokio::test]
async fn child() {
    let Ok(role) = std::env::var(ROLE) else {
        return;
    };
    let mut service = Service::new(if role == "builder" { "built" } else { "" });
    if role == "builder" {
        service = service
            .version("built-version")
            .id("built-id")
            .address("127.0.0.1:0")
            .metadata("zone", "built")
            .registry(MemoryRegistry::new());
    }
    let said = match service.handle(Prober::default()).start().await {
        Ok(running) => json!({
            "record": running.record(),
            "client": format!("{:?}", running.client()),
        }),
        Err(error) => json!({ "code": error.code().to_string(), "detail": error.detail() }),
    };
    // On a line of its own, whatever the test harness printed before.
    let mut out = std::io::stdout().lock();
    std::io::Write::write_all(&mut out, format!("\nSAID {said}\n").as_bytes()).unwrap();
}

fn child_says(role: &str, variables: &[(&str, &str)]) -> Value {
    let out = Command::new(std::env::current_exe().unwrap())
        .args(["settings::child", "--exact", "--nocapture"])
        .env(ROLE, role)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    let said = text.lines().find_map(|line| line.strip_prefix("SAID "));
    serde_json::from_str(said.unwrap_or_else(|| panic!("it said nothing: {out:?}"))).unwrap()
}

const ALL: &[(&str, &str)] = &[
    ("MICRO_SERVER_NAME", "told"),
    ("MICRO_SERVER_VERSION", "told-version"),
    ("MICRO_SERVER_ID", "told-id"),
    ("MICRO_SERVER_METADATA", "zone=told,tier=web"),
    ("MICRO_SERVER_ADVERTISE", "192.0.2.7"),
    ("MICRO_REGISTRY", "memory"),
    ("MICRO_CLIENT_REQUEST_TIMEOUT", "1m30s"),
    ("MICRO_CLIENT_RETRIES", "7"),
];

#[test]
fn variables_come_before_defaults() {
    let said = child_says("variables", &[("MICRO_REGISTRY", "memory")]);
    let record = &said["record"];
    assert_eq!(record["name"], "go.micro.server");
    assert_eq!(record["version"], "latest");
    assert!(
        record["nodes"][0]["address"]
            .as_str()
            .unwrap()
            .starts_with("127.0.0.1:")
    );
    assert!(said["client"].as_str().unwrap().contains("timeout: 30s"));

    let said = child_says("variables", ALL);
    let record = &said["record"];
    assert_eq!(record["name"], "told");
    assert_eq!(record["version"], "told-version");
    let node = &record["nodes"][0];
    assert_eq!(node["id"], "told-told-id");
    assert_eq!(node["metadata"]["zone"], "told");
    assert_eq!(node["metadata"]["tier"], "web");
    assert!(node["address"].as_str().unwrap().starts_with("192.0.2.7:"));
    let client = said["client"].as_str().unwrap();
    assert!(
        client.contains("timeout: 90s") && client.contains("retries: 7"),
        "{client}"
    );
}

#[test]
fn the_builder_comes_before_variables() {
    let said = child_says("builder", ALL);
    let record = &said["record"];
    assert_eq!(record["name"], "built");
    assert_eq!(record["version"], "built-version");
    let node = &record["nodes"][0];
    assert_eq!(node["id"], "built-built-id");
    assert_eq!(node["metadata"]["zone"], "built");
    assert_eq!(
        node["metadata"]["tier"], "web",
        "what only the variable says holds beside it"
    );
}

#[test]
fn a_wrong_value_is_an_error_that_names_its_variable() {
    for (name, value) in [
        ("MICRO_REGISTER_TTL", "soon"),
        ("MICRO_REGISTER_INTERVAL", "-1s"),
        ("MICRO_CLIENT_REQUEST_TIMEOUT", "1 s"),
        ("MICRO_CLIENT_RETRIES", "many"),
        ("MICRO_SERVER_METADATA", "zone"),
        ("MICRO_SERVER", "grpc-only"),
        ("MICRO_REGISTRY", "file://"),
    ] {
        let said = child_says("variables", &[("MICRO_REGISTRY", "memory"), (name, value)]);
        let detail = said["detail"]
            .as_str()
            .unwrap_or_else(|| panic!("{name}={value}: {said}"));
        assert!(detail.contains(name), "{name}={value}: {detail}");
    }
}

#[test]
fn the_name_of_a_part_that_is_not_there_lists_those_that_are() {
    for (name, those) in [
        ("MICRO_REGISTRY", &["memory", "mdns", "file"][..]),
        ("MICRO_BROKER", &["memory"]),
        ("MICRO_TRANSPORT", &["tcp", "memory", "unix"]),
        ("MICRO_SELECTOR", &["random", "p2c"]),
    ] {
        let said = child_says("variables", &[("MICRO_REGISTRY", "memory"), (name, "etdc")]);
        let detail = said["detail"].as_str().unwrap();
        let all = [name, "etdc"]
            .iter()
            .chain(those)
            .all(|word| detail.contains(word));
        assert!(all, "{name}: {detail}");
    }
}
