//! Routes as one would speak of them: what they match, whom they admit, where they forward.

use super::lists::listed;
use crate::domain::account::AccountKind;
use crate::domain::destination::Destination;
use crate::domain::route::{Access, BearerRequirements, Guests, Matcher, Requirements, Route};
use crate::domain::rules::Rules;

/// `GET, POST orders.example.com/finance/**`
#[must_use]
pub fn matched(matcher: &Matcher) -> String {
    let methods: Vec<_> = matcher.methods.iter().map(http::Method::as_str).collect();
    let path = matcher.path.as_ref().map_or("/**", |pattern| pattern.as_str());
    let methods = if methods.is_empty() { String::new() } else { format!("{} ", methods.join(", ")) };
    format!("{methods}{}{path}", matcher.host.as_deref().unwrap_or_default())
}

/// Whom a route admits, a sentence fragment each.
#[must_use]
pub fn admitted(route: &Route, rules: &Rules) -> Vec<String> {
    let mut words = match &route.access {
        Access::Public => return vec!["everybody; nobody is asked who they are".to_owned()],
        Access::Optional(wanted) => {
            let mut words = vec!["everybody; the app is told of".to_owned()];
            words.extend(wanted_words(wanted, rules));
            words
        }
        Access::Required(wanted) => wanted_words(wanted, rules),
        Access::Shadowed { stated, .. } => {
            let mut words = vec!["everybody who signs in; only tried:".to_owned()];
            words.extend(wanted_words(stated, rules));
            words
        }
    };
    words.extend(route.bearer.as_ref().map(bearer_words));
    words
}

fn wanted_words(wanted: &Requirements, rules: &Rules) -> Vec<String> {
    let kinds = wanted.kinds.iter().map(|kind| kind.as_str().to_owned()).collect();
    let mut words = vec![format!("{} accounts", listed(kinds, "and"))];
    if wanted.kinds.contains(AccountKind::Work) {
        let tenants: Vec<_> =
            wanted.tenants.iter().map(|id| rules.tenant(*id).map_or_else(|| id.to_string(), |known| known.name.clone())).collect();
        if !tenants.is_empty() {
            words.push(format!("of {}", tenants.join(" or ")));
        }
        words.push(
            match wanted.guests {
                Guests::Allow => "guests too",
                Guests::Deny => "no guests",
                Guests::Work => "guests from other organisations too",
            }
            .to_owned(),
        );
    }
    let either = [("group", &wanted.groups), ("role", &wanted.roles)];
    let either: Vec<_> =
        either.into_iter().filter(|(_, ids)| !ids.is_empty()).map(|(what, ids)| format!("{what} {}", ids.join(", "))).collect();
    if !either.is_empty() {
        words.push(format!("in {}", either.join(" or ")));
    }
    let authorities: Vec<_> = wanted.authorities.iter().map(|name| name.as_str()).collect();
    words.push(format!("signed in by {}", authorities.join(" or ")));
    words
}

fn bearer_words(bearer: &BearerRequirements) -> String {
    let scopes = match &*bearer.scopes {
        [] => None,
        [one] => Some(format!("scope {one}")),
        all => Some(format!("scopes {}", all.join(" and "))),
    };
    let roles = (!bearer.roles.is_empty()).then(|| format!("role {}", bearer.roles.join(" or ")));
    let with = [scopes, roles].into_iter().flatten().map(|wanted| format!(" with {wanted}"));
    format!("also by access tokens for {}{}", bearer.audiences.join(" or "), with.collect::<Vec<_>>().join(" and"))
}

/// Where a route forwards, by kind if that makes a difference.
#[must_use]
pub fn destinations(destination: &Destination) -> Vec<String> {
    match destination {
        Destination::One(forward) => vec![forward.to_string()],
        Destination::ByKind { work, personal, customer } => {
            let places = [(AccountKind::Work, work), (AccountKind::Personal, personal), (AccountKind::Customer, customer)];
            let places = places.into_iter().filter_map(|(kind, forward)| Some((kind, forward.as_ref()?)));
            places.map(|(kind, forward)| format!("{}: {forward}", kind.as_str())).collect()
        }
    }
}
