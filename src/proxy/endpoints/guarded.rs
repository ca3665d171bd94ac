//! Which route a sign-in is for: its return target's, if somebody has to be signed in there; otherwise one of its origin that
//! takes what is signed in with.

use crate::domain::account::AccountKind;
use crate::domain::authority::AuthorityName;
use crate::domain::origin::Origin;
use crate::domain::return_to::ReturnTo;
use crate::domain::route::{Requirements, Route};
use crate::domain::rules::Rules;
use crate::domain::target::Target;

/// What somebody wants to sign in with, as far as they have said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Means<'a> {
    /// Nothing yet.
    Any,
    /// An account at this authority.
    At(&'a AuthorityName),
    /// An account of this kind.
    Of(AccountKind),
}

/// The route that asks for a sign-in, and what it asks for.
pub(super) type Guarded<'a> = (&'a Route, &'a Requirements);

/// The route that a target leads to, if it is guarded. Our own pages belong to no route, whatever the routes match.
pub(super) fn at<'a>(rules: &'a Rules, target: &ReturnTo) -> Option<Guarded<'a>> {
    let target = Target::parse(target.origin().authority(), target.path_and_query()).ok()?;
    if rules.is_own(target.path()) {
        return None;
    }
    rules.routes.find(&target, &http::Method::GET).ok().and_then(guarded)
}

/// The route for a sign-in that is to end at `target`. Whoever signs in without going anywhere guarded wants to be signed in
/// for something: the first route that takes it, or the first that there is, which then says why it does not.
pub(super) fn route_for<'a>(rules: &'a Rules, target: &ReturnTo, means: Means<'_>) -> Option<Guarded<'a>> {
    let elsewhere = || of_origin(rules, target.origin()).find(|(_, wanted)| takes(rules, wanted, means));
    at(rules, target).or_else(elsewhere).or_else(|| of_origin(rules, target.origin()).next())
}

/// Whether some route of the origin takes it.
pub(super) fn is_taken(rules: &Rules, origin: &Origin, means: Means<'_>) -> bool {
    of_origin(rules, origin).any(|(_, wanted)| takes(rules, wanted, means))
}

fn takes(rules: &Rules, wanted: &Requirements, means: Means<'_>) -> bool {
    match means {
        Means::Any => true,
        Means::At(name) => {
            wanted.authorities.contains(name) && rules.authority(name).is_some_and(|authority| wanted.kinds.contains(authority.kind))
        }
        Means::Of(kind) => rules.directory.authority_of_kind(kind, wanted).is_some(),
    }
}

fn of_origin<'a>(rules: &'a Rules, origin: &Origin) -> impl Iterator<Item = Guarded<'a>> {
    let host = Target::parse(origin.authority(), "/").ok().map(|target| target.host().to_owned());
    let routes = rules.routes.routes().iter();
    routes.filter(move |route| route.matcher.host.is_none() || route.matcher.host == host).filter_map(guarded)
}

fn guarded(route: &Route) -> Option<Guarded<'_>> {
    route.access.requirements().map(|wanted| (route, wanted))
}
