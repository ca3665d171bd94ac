//! A route for tests that are about something else: what they do not say is as a configuration that leaves it out has it.

use std::sync::Arc;

use super::{Access, AccountKinds, Guests, HeaderRules, Matcher, Position, Requirements, Route, RouteName, Timeouts, Unauthenticated};
use crate::domain::account::AccountKind;
use crate::domain::authority::AuthorityName;
use crate::domain::destination::{Destination, Forward, Upstream, UpstreamScheme, Upstreams};
use crate::domain::written::RouteKeys;

/// Leads to one app.
pub(crate) fn route(name: &str, matcher: Matcher, access: Access) -> Route {
    Route {
        name: RouteName::new(name),
        position: Position { line: 1, column: 1 },
        matcher,
        access,
        unauthenticated: Unauthenticated::Auto,
        bearer: None,
        destination: Destination::One(app()),
        headers: HeaderRules::default(),
        timeouts: Timeouts::default(),
        strip_prefix: None,
        max_body: None,
        websocket: true,
        written: RouteKeys::default(),
    }
}

/// An app that nobody asks anything.
pub(crate) fn app() -> Forward {
    Forward::Upstream(Arc::new(Upstreams::one(Upstream::at(UpstreamScheme::Http, "app", 80))))
}

/// A work account of any organisation's member.
pub(crate) fn work_only() -> Requirements {
    Requirements {
        kinds: AccountKinds::default().with(AccountKind::Work),
        authorities: vec![AuthorityName::work()],
        tenants: vec![],
        guests: Guests::Deny,
        groups: vec![],
        roles: vec![],
    }
}
