//! `--as`: a made-up person in one argument, `kind=work,tenant=contoso,membership=guest,groups=a+b`. The words are those
//! of `[[tests]]`.

use std::sync::Arc;

use crate::config::problem::did_you_mean;
use crate::domain::account::{AccountKind, Home, Membership, TenantId};
use crate::domain::authority::ExpectedIssuer;
use crate::domain::guid::Guid;
use crate::domain::made_up::{Bearer, MadeUp, Someone};
use crate::domain::principal::Groups;
use crate::domain::realm::KnownAuthority;
use crate::domain::rules::Rules;

/// In the order in which they are told.
const KEYS: [&str; 10] = ["kind", "email", "tenant", "membership", "home", "groups", "roles", "authority", "audiences", "scopes"];

/// The word for a list of groups that is too long for a token.
const OVERAGE: &str = "overage";

/// Reads the argument; names are those of the configuration.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub(super) fn read(text: &str, rules: &Rules) -> Result<Someone, String> {
    if text == "nobody" {
        return Ok(Someone::Nobody);
    }
    let given = pairs(text)?;
    let value = |key: &str| given.iter().find(|(known, _)| *known == key).map(|(_, value)| *value);
    let kind = value("kind").ok_or("say which kind of account: kind=work, kind=personal or kind=customer; or nobody")?;
    let kind = word("kind", kind, AccountKind::ALL, AccountKind::as_str)?;
    check_idle(kind, &given)?;
    let authority = value("authority").map(|name| authority(name, kind, rules)).transpose()?;
    let audiences = value("audiences").map(list);
    let scopes = value("scopes").map(list);
    if scopes.is_some() && audiences.is_none() {
        return Err("scopes belong to an access token: say for whom it is issued, with audiences=…".into());
    }
    // Whoever comes from a tenant's own authority comes from this tenant.
    let tenant = value("tenant").map(|name| tenant(name, rules)).transpose()?.or_else(|| authority.and_then(pinned_tenant));
    Ok(Someone::Person(MadeUp {
        kind,
        email: value("email").map(str::to_owned),
        tenant,
        membership: value("membership").map(|text| word("membership", text, Membership::ALL, Membership::as_str)).transpose()?,
        home: value("home").map(|text| word("home", text, Home::ALL, Home::as_str)).transpose()?,
        groups: value("groups").map_or(Groups::Listed(Vec::new()), groups),
        roles: value("roles").map(list).unwrap_or_default().into_iter().map(Arc::from).collect(),
        authority: authority.map(|authority| authority.name.clone()),
        bearer: audiences.map(|audiences| Bearer { audiences, scopes: scopes.unwrap_or_default() }),
    }))
}

fn pairs(text: &str) -> Result<Vec<(&str, &str)>, String> {
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    for part in text.split(',') {
        let (key, value) = part.split_once('=').map(|(key, value)| (key.trim(), value.trim())).ok_or_else(|| {
            let otherwise = "expected key=value pairs with commas between them, like kind=work,tenant=contoso";
            format!("`{part}`: {}", did_you_mean(part, ["nobody"], otherwise))
        })?;
        if !KEYS.contains(&key) {
            let known = format!("expected one of {}", KEYS.join(", "));
            return Err(format!("unknown key `{key}`: {}", did_you_mean(key, KEYS, &known)));
        }
        if value.is_empty() {
            return Err(format!("`{key}` has no value"));
        }
        if pairs.iter().any(|(known, _)| *known == key) {
            return Err(format!("`{key}` is there twice"));
        }
        pairs.push((key, value));
    }
    Ok(pairs)
}

fn word<T: Copy, const N: usize>(key: &str, text: &str, all: [T; N], as_str: fn(T) -> &'static str) -> Result<T, String> {
    let known = all.map(as_str);
    all.into_iter().find(|value| as_str(*value) == text).ok_or_else(|| {
        let expected = format!("expected one of {}", known.join(", "));
        format!("unknown value `{text}` for `{key}`: {}", did_you_mean(text, known, &expected))
    })
}

/// Refuses what is not about accounts of this kind.
fn check_idle(kind: AccountKind, given: &[(&str, &str)]) -> Result<(), String> {
    let (idle, why): (&[&str], _) = match kind {
        AccountKind::Customer => (&["membership"], "customers are neither members nor guests"),
        AccountKind::Personal => (&["tenant", "membership", "home"], "personal accounts belong to no organisation"),
        AccountKind::Work => (&[], ""),
    };
    match given.iter().find(|(key, _)| idle.contains(key)) {
        Some((key, _)) => Err(format!("`{key}` has no effect on a {} account: {why}", kind.as_str())),
        None => Ok(()),
    }
}

fn tenant(name: &str, rules: &Rules) -> Result<TenantId, String> {
    match (rules.tenants.iter().find(|tenant| tenant.key == name), TenantId::parse(name)) {
        (Some(tenant), _) => Ok(tenant.id),
        (None, Ok(TenantId::CONSUMERS)) => Err("the tenant of personal accounts is no organisation: say kind=personal".into()),
        (None, Ok(id)) => Ok(id),
        (None, Err(_)) => {
            let known = rules.tenants.iter().map(|tenant| tenant.key.as_str());
            let otherwise = format!("expected a tenant's id, or one of [tenants] in {}", rules.file_name);
            Err(format!("unknown tenant `{name}`: {}", did_you_mean(name, known, &otherwise)))
        }
    }
}

fn authority<'r>(name: &str, kind: AccountKind, rules: &'r Rules) -> Result<&'r KnownAuthority, String> {
    let known = &rules.directory.authorities;
    match known.iter().find(|authority| authority.name.as_str() == name) {
        Some(authority) if authority.kind != kind => {
            Err(format!("the authority `{name}` issues {} accounts and no {} ones", authority.kind.as_str(), kind.as_str()))
        }
        Some(authority) => Ok(authority),
        None => {
            let names: Vec<_> = known.iter().map(|authority| authority.name.as_str()).collect();
            let otherwise = format!("the routes of {} use {}", rules.file_name, names.join(", "));
            Err(format!("unknown authority `{name}`: {}", did_you_mean(name, names, &otherwise)))
        }
    }
}

fn pinned_tenant(authority: &KnownAuthority) -> Option<TenantId> {
    if let ExpectedIssuer::Tenant { tenant, .. } = authority.issuer { Some(tenant) } else { None }
}

/// Object ids in their one spelling; what other providers call groups is theirs.
fn groups(text: &str) -> Groups {
    if text == OVERAGE {
        return Groups::Overage;
    }
    Groups::Listed(list(text).iter().map(|id| Guid::parse(id).map_or_else(|_| id.as_str().into(), |id| id.to_string().into())).collect())
}

fn list(text: &str) -> Vec<String> {
    text.split('+').filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
