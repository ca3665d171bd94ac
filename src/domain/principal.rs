//! The validated person. Only a judged token makes one; nothing that was typed ever does.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::account::{AccountKind, Home, Membership, TenantId};
use super::authority::AuthorityName;

/// A person, as a validated token described them. E-mail, user name and display name are for showing only: they are
/// mutable and, across tenants, unverified. [`Principal::id`] is what identifies.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// The authority that was asked and that answered.
    pub authority: AuthorityName,
    /// `iss`.
    pub issuer: Arc<str>,
    /// `sub`: meaningful only together with the issuer.
    pub subject: Arc<str>,
    /// `tid`.
    pub tenant: Option<TenantId>,
    /// `oid`, as the issuer spells it.
    pub object: Option<Arc<str>>,
    /// Personal, work or customer.
    pub kind: AccountKind,
    /// Member, guest or unknown.
    pub membership: Membership,
    /// Where the identity lives.
    pub home: Home,
    /// `name`, for showing.
    pub name: Option<Arc<str>>,
    /// `preferred_username`, for showing; may be a phone number.
    pub preferred_username: Option<Arc<str>>,
    /// `email`, only if the issuer says that it checked it.
    pub verified_email: Option<Arc<str>>,
    /// Object ids of groups, or the finding that there were too many to list.
    pub groups: Groups,
    /// App roles.
    pub roles: Vec<Arc<str>>,
}

/// The `groups` claim.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Groups {
    /// Listed in the token (perhaps none).
    Listed(Vec<Arc<str>>),
    /// The issuer left the list out because it is too long (`_claim_names`, `hasgroups`): not the same as none.
    Overage,
}

/// Who somebody is, stable over renames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UserId<'a> {
    /// (`tid`, `oid`): the same in every app of the tenant.
    Directory {
        /// `tid`
        tenant: TenantId,
        /// `oid`
        object: &'a str,
    },
    /// (`iss`, `sub`): OpenID Connect Core §5.7.
    Subject {
        /// `iss`
        issuer: &'a str,
        /// `sub`
        subject: &'a str,
    },
}

/// `oid@tid`, or `sub@host` with the host of the issuer: for logs that name people in full.
impl fmt::Display for UserId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory { tenant, object } => write!(f, "{object}@{tenant}"),
            Self::Subject { issuer, subject } => {
                let url = url::Url::parse(issuer).ok();
                write!(f, "{subject}@{}", url.as_ref().and_then(url::Url::host_str).unwrap_or(issuer))
            }
        }
    }
}

impl Principal {
    /// The key under which an app should store this person.
    #[must_use]
    pub fn id(&self) -> UserId<'_> {
        match (self.tenant, &self.object) {
            (Some(tenant), Some(object)) => UserId::Directory { tenant, object },
            _ => UserId::Subject { issuer: &self.issuer, subject: &self.subject },
        }
    }

    /// The best text to show for this person on their own pages.
    #[must_use]
    pub fn shown_name(&self) -> Option<&str> {
        self.preferred_username.as_deref().or(self.name.as_deref())
    }
}

/// Says what kind of person it is and no more: a new field must not leak into a log because it exists.
impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principal").field("authority", &self.authority).field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl fmt::Debug for Groups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listed(groups) => write!(f, "Listed({})", groups.len()),
            Self::Overage => f.write_str("Overage"),
        }
    }
}
