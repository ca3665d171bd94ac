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
    /// Appends the fact about this person; `None`, whatever was written by then, if it is not known or has no honest
    /// form as a header value.
    pub(super) fn write(self, who: &Principal, out: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::Authority => append(who.authority.as_str(), out),
            Self::Email => append(exact(who.verified_email.as_deref()?)?, out),
            Self::Groups => append_list(who.groups.known(), out)?,
            Self::Home => append(who.home.as_str(), out),
            Self::Issuer => append(exact(&who.issuer)?, out),
            Self::Kind => append(who.kind.as_str(), out),
            Self::Membership => append(who.membership.as_str(), out),
            Self::Name => append(&shown(who.name.as_deref()?)?, out),
            Self::Object => append(exact(who.object.as_deref()?)?, out),
            Self::PreferredUsername => append(&shown(who.preferred_username.as_deref()?)?, out),
            Self::Roles => append_list(&who.roles, out)?,
            Self::Subject => append(exact(&who.subject)?, out),
            Self::Tenant => who.tenant?.with_text(|tenant| append(tenant, out)),
        }
        Some(())
    }
}

/// Appends under which name an app should keep this person: `{oid}@{tid}`, or `{sub}@{issuer host}`. As [`Fact::write`].
pub(super) fn write_user(who: &Principal, out: &mut Vec<u8>) -> Option<()> {
    match who.id() {
        UserId::Directory { tenant, object } => {
            append(exact(object)?, out);
            out.push(b'@');
            tenant.with_text(|tenant| append(tenant, out));
        }
        UserId::Subject { issuer, subject } => {
            append(exact(subject)?, out);
            out.push(b'@');
            append(url::Url::parse(issuer).ok()?.host_str()?, out);
        }
    }
    Some(())
}

fn append(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(text.as_bytes());
}

/// A value that identifies: as it is or not at all. Space at its ends would be lost on the way (RFC 9110 §5.5).
fn exact(text: &str) -> Option<&str> {
    // Folds instead of stopping early: the compiler then checks many bytes at once.
    let is_plain = || text.bytes().fold(true, |plain, byte| plain & (b' '..0x7f).contains(&byte));
    let is_clean = || is_plain() || !text.chars().any(char::is_control);
    (!text.is_empty() && text.trim() == text && is_clean()).then_some(text)
}

/// A value for showing: without its control characters.
fn shown(text: &str) -> Option<Cow<'_, str>> {
    if let Some(text) = exact(text) {
        return Some(Cow::Borrowed(text));
    }
    let plain: String = text.chars().filter(|character| !character.is_control()).collect();
    let plain = plain.trim();
    (!plain.is_empty()).then(|| Cow::Owned(plain.to_owned()))
}

/// Values with commas between them. One with a comma inside would read as two: then there is no list.
fn append_list(values: &[Arc<str>], out: &mut Vec<u8>) -> Option<()> {
    let (first, rest) = values.split_first()?;
    append(member(first)?, out);
    for value in rest {
        out.push(b',');
        append(member(value)?, out);
    }
    Some(())
}

fn member(value: &str) -> Option<&str> {
    exact(value).filter(|value| !value.contains(','))
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
