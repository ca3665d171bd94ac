//! What changes about people after they have signed in, as far as a refresh can tell: they are in other groups, or their
//! refresh tokens are worth nothing any more. For tests, which also want to know how often somebody refreshed.
//!
//! `POST /people/KEY` with `groups=…` (ids between spaces, perhaps none) or `refresh=refused|granted`, and
//! `GET /refreshes`. Like everything here it asks nobody who they are.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use super::Provider;
use super::directory::{self, Person};

/// What is different from what the directory says, and what was counted.
#[derive(Debug, Default)]
pub(super) struct Changes {
    groups: HashMap<&'static str, Vec<String>>,
    refused: HashSet<&'static str>,
    granted_refreshes: u64,
    refused_refreshes: u64,
}

impl Changes {
    /// Whether this person's refresh tokens are still worth something.
    pub(super) fn refreshes(&self, person: &Person) -> bool {
        !self.refused.contains(person.key)
    }

    /// Notes how a refresh went.
    pub(super) fn count<T, E>(&mut self, refresh: &Result<T, E>) {
        match refresh {
            Ok(_) => self.granted_refreshes += 1,
            Err(_) => self.refused_refreshes += 1,
        }
    }

    /// Puts the groups of now in the place of those of the directory.
    pub(super) fn put_into(&self, claims: &mut Value, person: &Person) {
        if let Some(groups) = self.groups.get(person.key) {
            claims["groups"] = json!(groups);
        }
    }
}

/// POST: changes something about a person.
pub(super) async fn change(State(provider): State<Arc<Provider>>, Path(key): Path<String>, form: String) -> Response {
    let Some(person) = directory::people().iter().find(|person| person.key == key) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut changes = provider.changes();
    for (name, value) in url::form_urlencoded::parse(form.as_bytes()) {
        match (&*name, &*value) {
            ("groups", ids) => {
                changes.groups.insert(person.key, ids.split_whitespace().map(str::to_owned).collect());
            }
            ("refresh", "refused") => {
                changes.refused.insert(person.key);
            }
            ("refresh", "granted") => {
                changes.refused.remove(person.key);
            }
            _ => return StatusCode::BAD_REQUEST.into_response(),
        }
    }
    StatusCode::NO_CONTENT.into_response()
}

/// GET: how many refresh tokens were spent, and how many in vain.
pub(super) async fn counted(State(provider): State<Arc<Provider>>) -> Json<Value> {
    let changes = provider.changes();
    Json(json!({ "granted": changes.granted_refreshes, "refused": changes.refused_refreshes }))
}
