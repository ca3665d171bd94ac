//! A route's keys and a person's facts as text: keys as one would write them, facts as one would say them.

use crate::domain::account::{AccountKind, Home, Membership};
use crate::domain::decision::Judged;
use crate::domain::guid::Guid;
use crate::domain::made_up::SOME_TENANT;
use crate::domain::policy::Check;
use crate::domain::principal::{Groups, Principal};
use crate::domain::route::{AccountKinds, BearerRequirements, Guests, Matcher, Requirements, Route};
use crate::domain::rules::Rules;

/// Longer lists are cut.
const MOST_SHOWN: usize = 3;

/// What a route matches, as it could stand in the file.
pub(super) fn matched(matcher: &Matcher) -> String {
    let host = matcher.host.as_ref().map(|host| format!("host = \"{host}\""));
    let path = matcher.path.as_ref().map(|path| format!("path = \"{}\"", path.as_str()));
    let methods = (!matcher.methods.is_empty()).then(|| format!("methods = {}", list(matcher.methods.iter().map(http::Method::as_str))));
    let parts: Vec<_> = [host, path, methods].into_iter().flatten().collect();
    if parts.is_empty() { "every host, path and method".to_owned() } else { parts.join(", ") }
}

/// What a check reads, as it could stand in the file; `None` where there is nothing to check.
pub(super) fn key(check: Check, rules: &Rules, route: &Route) -> Option<String> {
    let wanted = route.access.stated()?;
    match check {
        Check::Kind => Some(format!("accounts = {}", kinds(wanted.kinds))),
        Check::Authority => Some(format!("authorities = {}", list(wanted.authorities.iter().map(|name| name.as_str())))),
        Check::Tenant => (!wanted.tenants.is_empty()).then(|| format!("tenants = {}", tenants(wanted, rules))),
        Check::Membership => wanted.kinds.contains(AccountKind::Work).then(|| format!("guests = \"{}\"", guests(wanted.guests))),
        Check::Groups => groups(wanted),
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

fn groups(wanted: &Requirements) -> Option<String> {
    let groups = (!wanted.groups.is_empty()).then(|| {
        let ids: Vec<_> = wanted.groups.iter().map(|group| shortened(group)).collect();
        format!("groups = {}", list(ids.iter().map(String::as_str)))
    });
    let roles = (!wanted.roles.is_empty()).then(|| format!("roles = {}", list(wanted.roles.iter().map(|role| &**role))));
    match (groups, roles) {
        (Some(groups), Some(roles)) => Some(format!("{groups} or {roles}")),
        (one, other) => one.or(other),
    }
}

/// The start of an object id tells one from another well enough.
fn shortened(group: &str) -> String {
    match Guid::parse(group) {
        Ok(_) => format!("{}…", &group[..8]),
        Err(_) => group.to_owned(),
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

/// What a check sees of a person. `principal` knows more than what is kept of a decision.
pub(super) fn fact(check: Check, rules: &Rules, who: &Judged, principal: Option<&Principal>) -> Option<String> {
    match check {
        Check::Kind => Some(format!("{} account", who.kind.as_str())),
        Check::Authority => Some(format!("signed in at \"{}\"", who.authority)),
        Check::Tenant | Check::Membership if who.kind != AccountKind::Work => Some("work accounts only".to_owned()),
        Check::Tenant => who.tenant.map(|id| match rules.tenant(id) {
            Some(tenant) => format!("of {}", tenant.name),
            None if id == SOME_TENANT => "of a tenant that is not named here".to_owned(),
            None => format!("of the tenant {id}"),
        }),
        Check::Membership => Some(match (who.membership, who.home) {
            (Membership::Member, _) => "member".to_owned(),
            (Membership::Guest, home) => format!("guest, {}", lives(home)),
            (Membership::Unknown, home) => format!("member or guest is not known, {}", lives(home)),
        }),
        Check::Groups => principal.map(|principal| match &principal.groups {
            Groups::Listed(groups) => format!("in {}, with {}", counted(groups.len(), "group"), counted(principal.roles.len(), "role")),
            Groups::Overage => "in too many groups for a token".to_owned(),
            Groups::Asked { about, member_of } => {
                format!("in too many groups for a token; asked about {}, in {}", counted(about.len(), "group"), member_of.len())
            }
        }),
        Check::Bearer => None,
    }
}

const fn lives(home: Home) -> &'static str {
    match home {
        Home::EmailCode => "signs in with codes by e-mail",
        Home::OtherTenant => "at home in another organisation",
        Home::Personal => "at home in a personal account",
        Home::Social => "at home at a social provider",
        Home::ThisTenant => "at home in this organisation",
        Home::Unknown => "home not known",
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
