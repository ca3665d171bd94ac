//! A route's keys as one would write them: what they match and whom they admit, as it could stand in the file.

use super::ids::ShortIds;
use crate::domain::account::AccountKind;
use crate::domain::policy::Check;
use crate::domain::route::{AccountKinds, BearerRequirements, Guests, Matcher, Requirements, Route};
use crate::domain::rules::Rules;

/// Longer lists are cut.
const MOST_SHOWN: usize = 3;

/// What a route matches, as it could stand in the file.
pub(in crate::review) fn matched(matcher: &Matcher) -> String {
    let host = matcher.host.as_ref().map(|host| format!("host = \"{host}\""));
    let path = matcher.path.as_ref().map(|path| format!("path = \"{}\"", path.as_str()));
    let methods = (!matcher.methods.is_empty()).then(|| format!("methods = {}", list(matcher.methods.iter().map(http::Method::as_str))));
    let parts: Vec<_> = [host, path, methods].into_iter().flatten().collect();
    if parts.is_empty() { "every host, path and method".to_owned() } else { parts.join(", ") }
}

/// What a check reads, as it could stand in the file; `None` where there is nothing to check.
pub(in crate::review) fn key(check: Check, rules: &Rules, route: &Route) -> Option<String> {
    let wanted = route.access.stated()?;
    match check {
        Check::Kind => Some(format!("accounts = {}", kinds(wanted.kinds))),
        Check::Authority => Some(format!("authorities = {}", list(wanted.authorities.iter().map(|name| name.as_str())))),
        Check::Tenant => (!wanted.tenants.is_empty()).then(|| format!("tenants = {}", tenants(wanted, rules))),
        Check::Membership => wanted.kinds.contains(AccountKind::Work).then(|| format!("guests = \"{}\"", guests(wanted.guests))),
        Check::Groups => groups(wanted, rules),
        Check::Bearer => route.bearer.as_ref().map(bearer),
    }
}

fn kinds(kinds: AccountKinds) -> String {
    if kinds == AccountKinds::ANY {
        return "\"any\"".to_owned();
    }
    let words: Vec<_> = kinds.iter().map(AccountKind::as_str).collect();
    match words[..] {
        [one] => format!("\"{one}\""),
        _ => list(words.into_iter()),
    }
}

fn tenants(wanted: &Requirements, rules: &Rules) -> String {
    let names: Vec<_> =
        wanted.tenants.iter().map(|id| rules.tenant(*id).map_or_else(|| id.to_string(), |tenant| tenant.key.clone())).collect();
    list(names.iter().map(String::as_str))
}

const fn guests(guests: Guests) -> &'static str {
    match guests {
        Guests::Allow => "allow",
        Guests::Deny => "deny",
        Guests::Work => "work",
    }
}

fn groups(wanted: &Requirements, rules: &Rules) -> Option<String> {
    let groups = (!wanted.groups.is_empty()).then(|| {
        let ids = ShortIds::of([rules]);
        format!("groups = {}", list(wanted.groups.iter().map(|group| ids.shown(group))))
    });
    let roles = (!wanted.roles.is_empty()).then(|| format!("roles = {}", list(wanted.roles.iter().map(|role| &**role))));
    match (groups, roles) {
        (Some(groups), Some(roles)) => Some(format!("{groups} or {roles}")),
        (one, other) => one.or(other),
    }
}

fn bearer(wanted: &BearerRequirements) -> String {
    let mut text = format!("bearer for {}", list(wanted.audiences.iter().map(|audience| &**audience)));
    if !wanted.scopes.is_empty() {
        text.push_str(&format!(" with scopes {}", list(wanted.scopes.iter().map(|scope| &**scope))));
    }
    if !wanted.roles.is_empty() {
        text.push_str(&format!(" with roles {}", list(wanted.roles.iter().map(|role| &**role))));
    }
    text
}

fn list<'a>(words: impl Iterator<Item = &'a str> + Clone) -> String {
    let shown: Vec<_> = words.clone().take(MOST_SHOWN).map(|word| format!("\"{word}\"")).collect();
    match words.count().saturating_sub(MOST_SHOWN) {
        0 => format!("[{}]", shown.join(", ")),
        more => format!("[{}, … {more} more]", shown.join(", ")),
    }
}
