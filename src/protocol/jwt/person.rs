//! From judged claims to a [`Principal`]. Lenient where providers vary, and never in anybody's favour: what cannot be
//! read counts as not said, and where "not said" would open a door, as unknown.

use std::sync::Arc;

use serde_json::Value;

use super::checks::Issued;
use super::claims::Claims;
use crate::domain::account::{self, AccountKind, Acct, Evidence, Pinning, TenantId};
use crate::domain::authority::AuthorityName;
use crate::domain::principal::{Groups, Principal};

/// The longest name that is kept, in bytes.
const LONGEST_NAME: usize = 256;

/// The longest opaque sign-out hint, in bytes.
const LONGEST_HINT: usize = 1024;

/// The most groups, and the most roles.
const MOST_LISTED: usize = 1000;

/// What is known apart from the claims.
#[derive(Debug, Clone, Copy)]
pub(in crate::protocol) struct Source<'a> {
    pub(in crate::protocol) authority: &'a AuthorityName,
    pub(in crate::protocol) kind: AccountKind,
    pub(in crate::protocol) pinning: Pinning,
    pub(in crate::protocol) home_tenant: Option<TenantId>,
}

/// Builds the person.
pub(in crate::protocol) fn principal(
    source: Source<'_>,
    issued: Issued<'_>,
    (subject, object): (&str, Option<&str>),
    claims: &Claims,
) -> Principal {
    let account = account::classify(&Evidence {
        declared: source.kind,
        pinning: source.pinning,
        issuer: issued.issuer,
        tenant: issued.tenant,
        identity_provider: identity_provider(claims),
        acct: acct(claims.acct.as_ref()),
        home_tenant: source.home_tenant,
    });
    Principal {
        authority: source.authority.clone(),
        issuer: issued.issuer.into(),
        subject: subject.into(),
        tenant: issued.tenant,
        object: object.map(Arc::from),
        kind: account.kind,
        membership: account.membership,
        home: account.home,
        name: shown(claims.name.as_ref()),
        preferred_username: shown(claims.preferred_username.as_ref()),
        verified_email: verified_email(claims),
        groups: groups(claims),
        roles: listed(claims.roles.as_ref()).unwrap_or_default(),
    }
}

/// The opaque `login_hint` claim.
pub(in crate::protocol) fn sign_out_hint(claims: &Claims) -> Option<String> {
    let hint = text(claims.login_hint.as_ref())?;
    (hint.len() <= LONGEST_HINT && !hint.chars().any(char::is_control)).then(|| hint.to_owned())
}

/// `sid` (OpenID Connect Front-Channel Logout 1.0 §3). Never shortened: a part of it is another session's.
pub(in crate::protocol) fn provider_session(claims: &Claims) -> Option<Arc<str>> {
    text(claims.sid.as_ref()).filter(|sid| is_provider_session(sid)).map(Arc::from)
}

/// Whether a text can be a `sid`.
pub(in crate::protocol) fn is_provider_session(sid: &str) -> bool {
    (1..=LONGEST_NAME).contains(&sid.len()) && !sid.chars().any(char::is_control)
}

/// An `idp` that is there but no text names a provider that we do not know; it does not name the issuer.
fn identity_provider(claims: &Claims) -> Option<&str> {
    claims.idp.as_ref().map(|provider| provider.as_str().unwrap_or_default())
}

/// Seen as a number and as a text.
fn acct(claim: Option<&Value>) -> Acct {
    match claim {
        None => Acct::Absent,
        Some(value) if value.as_u64() == Some(0) || value.as_str() == Some("0") => Acct::Member,
        Some(value) if value.as_u64() == Some(1) || value.as_str() == Some("1") => Acct::Guest,
        Some(_) => Acct::Unreadable,
    }
}

/// A name for pages: no control characters, none that turn the direction of what follows, and cut to size.
fn shown(claim: Option<&Value>) -> Option<Arc<str>> {
    let turns = |c: char| matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut name: String = text(claim)?.chars().filter(|c| !c.is_control() && !turns(*c)).collect();
    name.truncate(name.floor_char_boundary(LONGEST_NAME));
    let name = name.trim();
    (!name.is_empty()).then(|| name.into())
}

/// Only an address that the issuer vouches for: `email_verified` (OpenID Connect Core §5.1), or Microsoft's statement
/// that the owner of the address's domain verified it. It is not repaired: a changed address is another one.
fn verified_email(claims: &Claims) -> Option<Arc<str>> {
    let says_true = |value: &Value| value.as_bool() == Some(true) || value.as_str() == Some("true");
    let says_one = |value: &Value| value.as_u64() == Some(1) || value.as_str() == Some("1");
    let by_provider = claims.email_verified.as_ref().is_some_and(says_true);
    let by_domain_owner = claims.xms_edov.as_ref().is_some_and(|value| says_true(value) || says_one(value));
    // Whoever says expressly that it is not verified is believed, whatever else the token says.
    let denied = claims.email_verified.as_ref().is_some_and(|value| !says_true(value));
    if denied || !(by_provider || by_domain_owner) {
        return None;
    }
    let email = text(claims.email.as_ref())?;
    let plain = email.len() <= LONGEST_NAME && !email.chars().any(|c| c.is_control() || c.is_whitespace());
    (plain && email.contains('@')).then(|| email.into())
}

/// The finding that the list is incomplete outweighs whatever is listed.
fn groups(claims: &Claims) -> Groups {
    let elsewhere = claims.claim_names.as_ref().and_then(Value::as_object).is_some_and(|names| names.contains_key("groups"));
    let left_out = claims.hasgroups.as_ref().is_some_and(|value| value.as_bool() == Some(true) || value.as_str() == Some("true"));
    if elsewhere || left_out {
        return Groups::Overage;
    }
    listed(claims.groups.as_ref()).map_or(Groups::Overage, Groups::Listed)
}

/// A list of texts, or one text alone. `None` if there are too many; entries that are no texts, or too long, are left
/// out and never shortened: a part of a group's name is another group's.
fn listed(claim: Option<&Value>) -> Option<Vec<Arc<str>>> {
    let entries = match claim {
        Some(Value::Array(entries)) => entries.as_slice(),
        Some(one @ Value::String(_)) => std::slice::from_ref(one),
        _ => &[],
    };
    if entries.len() > MOST_LISTED {
        return None;
    }
    let fits = |entry: &&str| (1..=LONGEST_NAME).contains(&entry.len()) && !entry.chars().any(char::is_control);
    Some(entries.iter().filter_map(Value::as_str).filter(fits).map(Arc::from).collect())
}

fn text(claim: Option<&Value>) -> Option<&str> {
    claim.and_then(Value::as_str)
}
