//! The comparison as JSON, for programs: version 1. Keys may be added; those that are there keep their meaning.

use serde_json::{Value, json as object};

use super::{Belonging, Belongings, Change, Crowd, Diff, Direction, Held, Means, Organisation, Organisations, Place, Token, Who};
use crate::domain::account::{AccountKind, Home, Membership};
use crate::domain::written::Fingerprint;

/// Renders it. Of people, what is `null` or missing from a list does not tell them apart.
#[must_use]
pub fn json(diff: &Diff, fingerprints: [Fingerprint; 2]) -> Value {
    let file = |at: usize| object!({ "file": diff.files[at], "fingerprint": fingerprints[at].to_string() });
    object!({
        "version": 1,
        "old": file(0),
        "new": file(1),
        "gain": diff.count(Direction::Gain),
        "lose": diff.count(Direction::Lose),
        "changes": diff.changes.iter().map(change).collect::<Vec<_>>(),
    })
}

fn change(change: &Change) -> Value {
    let direction = match change.direction {
        Direction::Gain => "gain",
        Direction::Lose => "lose",
        Direction::Change => "change",
    };
    let place = |place: &Place| object!({ "route": place.route.as_str(), "line": place.position.line, "column": place.position.column });
    object!({
        "direction": direction,
        "old": change.old.as_ref().map(place),
        "new": change.new.as_ref().map(place),
        "request": {
            "hosts": change.asked.hosts,
            "methods": change.asked.methods,
            "pattern": change.asked.pattern.as_deref().unwrap_or("/**"),
            "example": change.asked.example,
        },
        "people": who(&change.who),
        "phrase": change.phrase,
    })
}

fn who(who: &Who) -> Value {
    match who {
        Who::Crowd(crowd) => people(crowd),
        Who::Everybody(but) => object!({ "kind": "nobody", "but": but.iter().map(people).collect::<Vec<_>>() }),
        Who::Whoever => Value::Null,
    }
}

fn people(crowd: &Crowd) -> Value {
    let (is_but, organisations) = match &crowd.organisations {
        Organisations::All => ("all", &[][..]),
        Organisations::AllBut(these) => ("all_but", &these[..]),
        Organisations::These(these) => ("these", &these[..]),
    };
    let (has, belongings) = match &crowd.belongings {
        Belongings::All => ("anything", &[][..]),
        Belongings::NoneOf(these) => ("none_of", &these[..]),
        Belongings::OneOf(these) => ("one_of", &these[..]),
    };
    let groups = belongings.iter().flat_map(|belonging| if let Held::Group(groups) = &belonging.held { &groups[..] } else { &[] });
    object!({
        "kind": crowd.kind.map(AccountKind::as_str),
        "authority": crowd.realm,
        "tenant": { "which": is_but, "tenants": organisations.iter().map(organisation).collect::<Vec<_>>() },
        "membership": crowd.memberships.iter().copied().map(Membership::as_str).collect::<Vec<_>>(),
        "home": crowd.homes.iter().copied().map(Home::as_str).collect::<Vec<_>>(),
        "belonging": has,
        "groups": groups.collect::<Vec<_>>(),
        "roles": belongings.iter().flat_map(roles).collect::<Vec<_>>(),
        "session": !matches!(crowd.means, Means::Token(_)),
        "bearer": crowd.means.token().map(token),
    })
}

fn organisation(organisation: &Organisation) -> Value {
    let ids: Vec<_> = organisation.tenants.iter().map(ToString::to_string).collect();
    object!({ "ids": ids, "domain": organisation.domain })
}

fn roles(belonging: &Belonging) -> impl Iterator<Item = &str> {
    let held = if let Held::Role(roles) = &belonging.held { &roles[..] } else { &[] };
    held.iter().chain(&belonging.badge).map(|role| &**role)
}

fn token(token: &Token) -> Value {
    object!({ "audiences": token.audiences, "scopes": token.scopes, "without_scopes": token.lacks })
}
