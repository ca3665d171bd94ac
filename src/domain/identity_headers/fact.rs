//! The facts about a person that a header can carry, each with the name it has in a template, and the forms in which
//! they may stand in a header value.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::domain::principal::{Principal, UserId};

macro_rules! facts {
    ($($fact:ident = $name:literal,)+) => {
        /// One fact.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Fact { $($fact,)+ }

        impl Fact {
            /// All names, in the order of the documentation.
            pub(super) const NAMES: [&str; [$($name),+].len()] = [$($name),+];

            pub(super) fn named(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$fact),)+ _ => None }
            }
        }
    };
}

facts! {
    Object = "oid",
    Tenant = "tid",
    Subject = "sub",
    Issuer = "iss",
    Name = "name",
    PreferredUsername = "preferred_username",
    Email = "email",
    Kind = "kind",
    Membership = "membership",
    Home = "home",
    Groups = "groups",
    Roles = "roles",
    Authority = "authority",
}

impl Fact {
    /// The fact about this person; `None` if it is not known or has no honest form as a header value.
    pub(super) fn of(self, who: &Principal) -> Option<Cow<'_, str>> {
        match self {
            Self::Authority => Some(who.authority.as_str().into()),
            Self::Email => who.verified_email.as_deref().and_then(exact),
            Self::Groups => list(who.groups.known()),
            Self::Home => Some(who.home.as_str().into()),
            Self::Issuer => exact(&who.issuer),
            Self::Kind => Some(who.kind.as_str().into()),
            Self::Membership => Some(who.membership.as_str().into()),
            Self::Name => who.name.as_deref().and_then(shown),
            Self::Object => who.object.as_deref().and_then(exact),
            Self::PreferredUsername => who.preferred_username.as_deref().and_then(shown),
            Self::Roles => list(&who.roles),
            Self::Subject => exact(&who.subject),
            Self::Tenant => who.tenant.map(|tenant| tenant.to_string().into()),
        }
    }
}

/// Under which name an app should keep this person: `{oid}@{tid}`, or `{sub}@{issuer host}`.
pub(super) fn user(who: &Principal) -> Option<String> {
    match who.id() {
        UserId::Directory { tenant, object } => Some(format!("{}@{tenant}", exact(object)?)),
        UserId::Subject { issuer, subject } => Some(format!("{}@{}", exact(subject)?, url::Url::parse(issuer).ok()?.host_str()?)),
    }
}

/// A value that identifies: as it is or not at all. Space at its ends would be lost on the way (RFC 9110 §5.5).
fn exact(text: &str) -> Option<Cow<'_, str>> {
    (!text.is_empty() && text.trim() == text && !text.chars().any(char::is_control)).then_some(Cow::Borrowed(text))
}

/// A value for showing: without its control characters.
fn shown(text: &str) -> Option<Cow<'_, str>> {
    if let Some(text) = exact(text) {
        return Some(text);
    }
    let plain: String = text.chars().filter(|character| !character.is_control()).collect();
    let plain = plain.trim();
    (!plain.is_empty()).then(|| Cow::Owned(plain.to_owned()))
}

/// Values with commas between them. One with a comma inside would read as two: then there is no list.
fn list(values: &[Arc<str>]) -> Option<Cow<'_, str>> {
    let mut joined = String::new();
    for value in values {
        if !joined.is_empty() {
            joined.push(',');
        }
        joined.push_str(&exact(value).filter(|value| !value.contains(','))?);
    }
    (!joined.is_empty()).then_some(Cow::Owned(joined))
}

/// The names for an error message.
pub(super) struct Known;

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in Fact::NAMES.iter().enumerate() {
            write!(f, "{}{{{name}}}", if index == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}
