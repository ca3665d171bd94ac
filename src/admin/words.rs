//! Routes in words: what they match, whom they admit, where they forward.

use crate::domain::account::AccountKind;
use crate::domain::destination::Destination;
use crate::domain::route::{Access, BearerRequirements, Guests, Matcher, Requirements, Route};
use crate::domain::rules::Rules;

/// `GET, POST orders.example.com/finance/**`
pub(super) fn matched(matcher: &Matcher) -> String {
    let methods: Vec<_> = matcher.methods.iter().map(http::Method::as_str).collect();
    let path = matcher.path.as_ref().map_or("/**", |pattern| pattern.as_str());
    let methods = if methods.is_empty() { String::new() } else { format!("{} ", methods.join(", ")) };
    format!("{methods}{}{path}", matcher.host.as_deref().unwrap_or_default())
}

/// Whom a route admits, a sentence fragment each.
pub(super) fn admitted(route: &Route, rules: &Rules) -> Vec<String> {
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
    let kinds: Vec<_> = wanted.kinds.iter().map(AccountKind::as_str).collect();
    let mut words = vec![format!("{} accounts", enumerated(&kinds))];
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

/// `a, b and c`
fn enumerated(words: &[&str]) -> String {
    match words {
        [first @ .., second_last, last] => {
            first.iter().map(|word| format!("{word}, ")).chain([format!("{second_last} and {last}")]).collect()
        }
        few => few.concat(),
    }
}

fn bearer_words(bearer: &BearerRequirements) -> String {
    let scopes = if bearer.scopes.is_empty() { String::new() } else { format!(" with {}", bearer.scopes.join(" ")) };
    format!("also by access tokens for {}{scopes}", bearer.audiences.join(" or "))
}

/// Where a route forwards, by kind if that makes a difference.
pub(super) fn destinations(destination: &Destination) -> Vec<String> {
    match destination {
        Destination::One(forward) => vec![forward.to_string()],
        Destination::ByKind { work, personal, customer } => {
            let places = [(AccountKind::Work, work), (AccountKind::Personal, personal), (AccountKind::Customer, customer)];
            let places = places.into_iter().filter_map(|(kind, forward)| Some((kind, forward.as_ref()?)));
            places.map(|(kind, forward)| format!("{}: {forward}", kind.as_str())).collect()
        }
    }
}
