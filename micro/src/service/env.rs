//! Options from the environment: Go Micro's names, our values.

use std::{collections::BTreeMap, str::FromStr, time::Duration};

use crate::{Error, Result};

/// Where variables come from: the process, or a table in tests.
pub(super) type Source<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The process's own variables; what is no text counts as wrong, not as missing.
pub(super) fn process(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// A variable; one that is empty counts as not set.
pub(super) fn text(env: Source<'_>, name: &str) -> Option<String> {
    env(name).filter(|value| !value.is_empty())
}

/// A variable that is read with `read`.
fn read<T>(
    env: Source<'_>,
    name: &str,
    expected: &str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>> {
    let Some(value) = text(env, name) else {
        return Ok(None);
    };
    match read(value.trim()) {
        Some(value) => Ok(Some(value)),
        None => Err(Error::invalid_argument(format!(
            "{name}={value} is wrong: expected {expected}"
        ))),
    }
}

/// A whole number.
pub(super) fn number<T: FromStr>(env: Source<'_>, name: &str) -> Result<Option<T>> {
    read(env, name, "a whole number", |value| value.parse().ok())
}

/// A time as Go writes it, `1m30s`, `250ms`, or a number of seconds.
pub(super) fn duration(env: Source<'_>, name: &str) -> Result<Option<Duration>> {
    read(
        env,
        name,
        "a time like 30s, 1m30s, 250ms, or a number of seconds",
        parse_duration,
    )
}

/// `key=value,key=value`.
pub(super) fn pairs(env: Source<'_>, name: &str) -> Result<Option<BTreeMap<String, String>>> {
    read(env, name, "pairs like zone=a,tier=web", |value| {
        value
            .split(',')
            .map(|pair| {
                let (key, value) = pair.split_once('=')?;
                (!key.trim().is_empty()).then(|| (key.trim().to_owned(), value.trim().to_owned()))
            })
            .collect()
    })
}

/// The URL of a part: the variable itself, completed by its `_ADDRESS`, as Go Micro splits them.
pub(super) fn part(env: Source<'_>, name: &str) -> Option<String> {
    let part = text(env, name)?;
    match text(env, &format!("{name}_ADDRESS")) {
        Some(address) if !part.contains("://") => Some(format!("{part}://{address}")),
        _ => Some(part),
    }
}

fn parse_duration(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(end);
        let unit_end = tail
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let seconds = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        let part = Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()?;
        total = total.checked_add(part)?;
        rest = tail;
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_go_writes_them() {
        for (text, millis) in [
            ("30s", 30_000),
            ("1m30s", 90_000),
            ("250ms", 250),
            ("1.5s", 1500),
            ("90", 90_000),
            ("1h", 3_600_000),
        ] {
            assert_eq!(
                parse_duration(text),
                Some(Duration::from_millis(millis)),
                "{text}"
            );
        }
        for text in [
            "",
            "s",
            "5 s",
            "-1s",
            "1x",
            "1s2",
            "1e400s",
            "99999999999999999999h",
        ] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn a_wrong_value_is_an_error_that_names_its_variable() {
        let env = |name: &str| (name == "MICRO_CLIENT_RETRIES").then(|| "many".to_owned());
        let error = number::<u32>(&env, "MICRO_CLIENT_RETRIES").unwrap_err();
        assert_eq!(
            error.detail(),
            "MICRO_CLIENT_RETRIES=many is wrong: expected a whole number"
        );
    }

    #[test]
    fn an_address_beside_a_name_makes_a_url() {
        let env = |name: &str| match name {
            "MICRO_REGISTRY" => Some("etcd".to_owned()),
            "MICRO_REGISTRY_ADDRESS" => Some("a:2379,b:2379".to_owned()),
            _ => None,
        };
        assert_eq!(
            part(&env, "MICRO_REGISTRY").as_deref(),
            Some("etcd://a:2379,b:2379")
        );
        assert_eq!(part(&env, "MICRO_BROKER"), None);
    }
}
