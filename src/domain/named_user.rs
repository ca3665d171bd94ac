//! People as logs name them in full, read from what somebody typed: `oid@tid`, or `sub@host`. An address is neither, and
//! must not pass for one: an order about it would mean nobody, and look as if it had been carried out.

use std::fmt;

use super::account::TenantId;
use super::authority::ExpectedIssuer;
use super::guid::Guid;
use super::principal::UserId;

/// The longest such text, in bytes: a `sub` has at most 255 (OpenID Connect Core §2), as has a host name.
pub const LONGEST: usize = 512;

/// Somebody, by their identifiers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedUser {
    /// `oid@tid`
    Directory {
        /// `oid`, which is a GUID where there are tenants.
        object: String,
        /// `tid`
        tenant: TenantId,
    },
    /// `sub@host`
    Subject {
        /// `sub`
        subject: String,
        /// The host of the issuer.
        host: String,
    },
}

/// The text names nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a user is named by identifiers: oid@tid, or sub@host with the issuer's host")]
pub struct NotAUser;

impl NamedUser {
    /// Reads a name, which becomes the text that sessions hold: GUIDs and hosts have one spelling.
    ///
    /// # Errors
    /// [`NotAUser`]
    pub fn parse(text: &str) -> Result<Self, NotAUser> {
        let is_plain = text.len() <= LONGEST && !text.contains(char::is_control);
        // A `sub` may hold an @, what stands behind it may not.
        let (who, place) = text.rsplit_once('@').filter(|(who, place)| is_plain && !who.is_empty() && !place.is_empty()).ok_or(NotAUser)?;
        Ok(match TenantId::parse(place) {
            Ok(tenant) => Self::Directory { object: Guid::parse(who).map_err(|_| NotAUser)?.to_string(), tenant },
            Err(_) => Self::Subject { subject: who.to_owned(), host: place.to_ascii_lowercase() },
        })
    }

    /// Whether any of these can have issued such an identifier. Of `sub@host` the host tells; a tenant may be anybody's.
    #[must_use]
    pub fn may_be_of<'i>(&self, issuers: impl IntoIterator<Item = &'i ExpectedIssuer>) -> bool {
        match self {
            Self::Directory { .. } => true,
            Self::Subject { host, .. } => issuers.into_iter().any(|issuer| host_of(some_issuer(issuer)).as_deref() == Some(host)),
        }
    }

    /// The whole identifier. Of `sub@host` only if no more than one of these issuers is meant, and its text is known.
    #[must_use]
    pub fn id<'a>(&'a self, issuers: impl IntoIterator<Item = &'a ExpectedIssuer>) -> Option<UserId<'a>> {
        match self {
            Self::Directory { object, tenant } => Some(UserId::Directory { tenant: *tenant, object }),
            Self::Subject { subject, host } => {
                let mut there = issuers.into_iter().filter(|issuer| host_of(some_issuer(issuer)).as_deref() == Some(host));
                match there.next()? {
                    first @ ExpectedIssuer::Exact(issuer) => {
                        there.all(|other| other == first).then_some(UserId::Subject { issuer, subject })
                    }
                    // Their issuers have a tenant in them, which nothing here tells.
                    ExpectedIssuer::Consumers { .. }
                    | ExpectedIssuer::Organizations { .. }
                    | ExpectedIssuer::Tenant { .. }
                    | ExpectedIssuer::TenantOfDomain { .. }
                    | ExpectedIssuer::Template { .. } => None,
                }
            }
        }
    }
}

/// A text that begins as the issuer does.
fn some_issuer(issuer: &ExpectedIssuer) -> &str {
    match issuer {
        ExpectedIssuer::Consumers { origin }
        | ExpectedIssuer::Organizations { origin }
        | ExpectedIssuer::Tenant { origin, .. }
        | ExpectedIssuer::TenantOfDomain { origin, .. } => origin,
        ExpectedIssuer::Template { prefix, .. } => prefix,
        ExpectedIssuer::Exact(issuer) => issuer,
    }
}

fn host_of(issuer: &str) -> Option<String> {
    url::Url::parse(issuer).ok()?.host_str().map(str::to_owned)
}

/// As [`UserId`] is written.
impl fmt::Display for NamedUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory { object, tenant } => write!(f, "{object}@{tenant}"),
            Self::Subject { subject, host } => write!(f, "{subject}@{host}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OBJECT: &str = "ada00000-0000-4000-8000-000000000001";
    const TENANT: &str = "3a0c0000-0000-4000-8000-0000000000aa";

    fn issuers() -> [ExpectedIssuer; 4] {
        let read = |text| ExpectedIssuer::parse(text).expect("an issuer");
        [
            read("https://login.microsoftonline.com/organizations/v2.0"),
            read("https://idp.example:8443/realms/one"),
            read("https://keycloak.example/realms/one"),
            read("https://keycloak.example/realms/two"),
        ]
    }

    #[test]
    fn a_name_is_read_as_sessions_spell_it() {
        for (typed, expected) in [
            (format!("{OBJECT}@{TENANT}"), format!("{OBJECT}@{TENANT}")),
            (format!("{OBJECT}@{TENANT}").to_uppercase(), format!("{OBJECT}@{TENANT}")),
            ("Sub-1@IdP.example".into(), "Sub-1@idp.example".into()),
            ("a@b@idp.example".into(), "a@b@idp.example".into()),
        ] {
            assert_eq!(NamedUser::parse(&typed).map(|user| user.to_string()).as_deref(), Ok(&*expected), "{typed}");
        }
        for wrong in [
            "",
            "ada",
            "@",
            "ada@",
            "@idp.example",
            "a\n@idp.example",
            "a\u{7f}@idp.example",
            &format!("{}@b", "a".repeat(LONGEST)),
            &format!("ada@{TENANT}"),
            &format!("ada@contoso.example@{TENANT}"),
        ] {
            assert_eq!(NamedUser::parse(wrong), Err(NotAUser), "{wrong:?}");
        }
    }

    #[test]
    fn an_address_is_nobodys_name() {
        for (typed, expected) in [
            ("ada@contoso.example", false),
            ("ada@microsoftonline.com", false),
            ("ada@idp.example", true),
            ("ada@login.microsoftonline.com", true),
            (&format!("{OBJECT}@{TENANT}"), true),
        ] {
            let user = NamedUser::parse(typed).expect("a name in form");
            assert_eq!(user.may_be_of(&issuers()), expected, "{typed}");
        }
    }

    #[test]
    fn a_host_that_several_issuers_share_leaves_open_who_is_meant() {
        let id = |typed: &str| {
            let user = NamedUser::parse(typed).expect("a name");
            user.id(&issuers()).map(|id| format!("{id:?}"))
        };
        let found = id("ada@idp.example").expect("one issuer");
        assert!(found.contains("https://idp.example:8443/realms/one"), "{found}");
        assert!(id(&format!("{OBJECT}@{TENANT}")).is_some());
        for open in ["ada@keycloak.example", "ada@login.microsoftonline.com", "ada@contoso.example"] {
            assert_eq!(id(open), None, "{open}");
        }
    }
}
