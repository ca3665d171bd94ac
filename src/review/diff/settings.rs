//! What becomes of a request beside being let in: changes that move nobody, and that are worth knowing of all the same.

use std::path::Path;

use super::destinations;
use crate::domain::identity_headers::Preset;
use crate::domain::prefix::Prefix;
use crate::domain::route::{Access, HeaderRules, Requirements, Route, Unauthenticated};

/// Every such change between two routes, as a phrase each; `directories` are those of their files.
pub(super) fn changes(old: &Route, new: &Route, directories: [&Path; 2]) -> Vec<String> {
    let routes = [old, new];
    let mut changes: Vec<String> = [
        told("identity headers", routes.map(|route| preset(route.headers.preset).to_owned())),
        told("strip_prefix", routes.map(|route| route.strip_prefix.as_ref().map_or("nothing", Prefix::as_str).to_owned())),
        told("unauthenticated", routes.map(|route| unauthenticated(route.unauthenticated).to_owned())),
    ]
    .into_iter()
    .flatten()
    .collect();
    changes.extend(destinations::changes(routes.map(|route| &route.destination), directories));
    if !same_headers(&old.headers, &new.headers) {
        changes.push("other headers are set or removed".into());
    }
    changes.extend(stated(&old.access, &new.access).map(ToOwned::to_owned));
    changes
}

/// What has changed, if it has.
pub(super) fn told(what: &str, [old, new]: [String; 2]) -> Option<String> {
    (old != new).then(|| format!("{what}: {old} → {new}"))
}

const fn preset(preset: Preset) -> &'static str {
    match preset {
        Preset::None => "none",
        Preset::Standard => "standard",
    }
}

const fn unauthenticated(unauthenticated: Unauthenticated) -> &'static str {
    match unauthenticated {
        Unauthenticated::Auto => "auto",
        Unauthenticated::Redirect => "redirect",
        Unauthenticated::Refuse => "401",
    }
}

fn same_headers(old: &HeaderRules, new: &HeaderRules) -> bool {
    old.set == new.set && old.remove == new.remove
}

/// What a route says of people without keeping anybody out by it.
fn stated(old: &Access, new: &Access) -> Option<&'static str> {
    let differ = |old: &Requirements, new: &Requirements, phrase| (old != new).then_some(phrase);
    match (old, new) {
        (Access::Public, Access::Optional(_)) => Some("the identity of whoever is signed in is passed on"),
        (Access::Optional(_), Access::Public) => Some("nobody's identity is passed on any more"),
        (Access::Optional(old), Access::Optional(new)) => differ(old, new, "the identity of other people is passed on"),
        (Access::Shadowed { stated: old, .. }, Access::Shadowed { stated: new, .. }) => {
            differ(old, new, "other people would be refused if it were enforced")
        }
        (Access::Required(_), Access::Shadowed { .. }) => Some("what it states is not enforced any more"),
        (Access::Shadowed { .. }, Access::Required(_)) => Some("what it states is enforced"),
        (Access::Public, Access::Public | Access::Required(_) | Access::Shadowed { .. })
        | (Access::Optional(_), Access::Required(_) | Access::Shadowed { .. })
        | (Access::Required(_), Access::Optional(_) | Access::Public | Access::Required(_))
        | (Access::Shadowed { .. }, Access::Optional(_) | Access::Public) => None,
    }
}
