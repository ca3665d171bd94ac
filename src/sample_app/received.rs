//! What reached the app: request line, header fields, body size; identity first.

use http::request::Parts;
use http::{HeaderMap, HeaderName};
use serde_json::{Value, json};

/// Beginnings of the names that speak of identity.
const IDENTITY: [&str; 9] = [
    "x-account-",
    "x-forwarded-user",
    "x-forwarded-preferred-username",
    "x-forwarded-email",
    "x-forwarded-name",
    "x-forwarded-groups",
    "x-homerealm-",
    "x-auth-request-",
    "x-ms-",
];

/// Beginnings of the names whose values open doors.
const CREDENTIALS: [&str; 3] = ["authorization", "x-forwarded-access-token", "x-ms-token-"];

/// Values longer than this are cut on the page, in characters; the JSON has them whole.
const SHOWN: usize = 160;

/// A request as the app sees it.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) method: String,
    pub(super) path: String,
    /// Who the app thinks this is; `None` if nobody is named.
    pub(super) who: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) fields: Vec<Field>,
    pub(super) body_bytes: u64,
}

/// A header field.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) is_identity: bool,
}

impl Field {
    fn read(name: &HeaderName, value: &[u8]) -> Self {
        let value = String::from_utf8_lossy(value);
        // The app shows what came, but a page is no place for something that still opens doors.
        let opens_doors = CREDENTIALS.iter().any(|beginning| name.as_str().starts_with(beginning));
        let value = if opens_doors { credential(&value) } else { value.into_owned() };
        let is_identity = IDENTITY.iter().any(|beginning| name.as_str().starts_with(beginning));
        Self { name: name.to_string(), value, is_identity }
    }

    /// The value, cut to a length that a table bears.
    pub(super) fn shown(&self) -> String {
        match self.value.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}… ({} bytes)", &self.value[..end], self.value.len()),
            None => self.value.clone(),
        }
    }
}

impl Received {
    /// Notes everything down.
    pub(super) fn of(head: &Parts, body_bytes: u64) -> Self {
        let first = |names: &[&str]| names.iter().find_map(|name| text(&head.headers, name));
        let mut fields: Vec<_> = head.headers.iter().map(|(name, value)| Field::read(name, value.as_bytes())).collect();
        fields.sort_by_key(|field| !field.is_identity);
        Self {
            method: head.method.to_string(),
            path: head.uri.path_and_query().map_or_else(|| head.uri.path().to_owned(), ToString::to_string),
            who: first(&["x-forwarded-preferred-username", "x-forwarded-name", "x-forwarded-user"]),
            kind: text(&head.headers, "x-account-kind"),
            fields,
            body_bytes,
        }
    }

    /// The same for programs. A field that came more than once is a list.
    pub(super) fn as_json(&self) -> Value {
        let mut headers = serde_json::Map::new();
        for field in &self.fields {
            match headers.get_mut(&field.name) {
                None => drop(headers.insert(field.name.clone(), json!(field.value))),
                Some(Value::Array(values)) => values.push(json!(field.value)),
                Some(earlier) => *earlier = json!([earlier.take(), field.value]),
            }
        }
        json!({
            "app": "homerealm sample app",
            "method": self.method,
            "path": self.path,
            "who": self.who,
            "kind": self.kind,
            "headers": headers,
            "body_bytes": self.body_bytes,
        })
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).filter(|value| !value.is_empty())
}

fn credential(value: &str) -> String {
    let (scheme, rest) = value.split_once(' ').unwrap_or(("", value));
    format!("{scheme} [{} characters]", rest.chars().count())
}
