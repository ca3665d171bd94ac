//! The validated person. Only a judged token makes one; nothing that was typed ever does.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::account::{AccountKind, Home, Membership, TenantId};
use super::authority::AuthorityName;
use super::guid::Guid;
use super::text;

mod compact;

/// A person, as a validated token described them. E-mail, user name and display name are for showing only: they are
/// mutable and, across tenants, unverified. [`Principal::id`] is what identifies.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// The authority that was asked and that answered.
    pub authority: AuthorityName,
    /// `iss`.
    #[serde(deserialize_with = "text::shared")]
    pub issuer: Arc<str>,
    /// `sub`: meaningful only together with the issuer.
    #[serde(deserialize_with = "text::shared")]
    pub subject: Arc<str>,
    /// `tid`.
    pub tenant: Option<TenantId>,
    /// `oid`, as the issuer spells it.
    #[serde(deserialize_with = "text::shared_if_any")]
    pub object: Option<Arc<str>>,
    /// Personal, work or customer.
    pub kind: AccountKind,
    /// Member, guest or unknown.
    pub membership: Membership,
    /// Where the identity lives.
    pub home: Home,
    /// `name`, for showing.
    #[serde(deserialize_with = "text::shared_if_any")]
    pub name: Option<Arc<str>>,
    /// `preferred_username`, for showing; may be a phone number.
    #[serde(deserialize_with = "text::shared_if_any")]
    pub preferred_username: Option<Arc<str>>,
    /// `email`, only if the issuer says that it checked it.
    #[serde(deserialize_with = "text::shared_if_any")]
    pub verified_email: Option<Arc<str>>,
    /// Object ids of groups, or what is known instead, if there were too many to list.
    pub groups: Groups,
    /// App roles.
    pub roles: Vec<Arc<str>>,
}

/// The `groups` claim, and what stands in for it where the issuer left the list out because it is too long
/// (`_claim_names`, `hasgroups`): which is not the same as none.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Groups {
    /// Listed in the token (perhaps none).
    Listed(#[serde(with = "compact")] Vec<Arc<str>>),
    /// Left out, and there is nobody who could be asked.
    Overage,
    /// Left out or cut short: some groups were asked about one by one. Of all others nothing is known.
    Asked {
        /// These (perhaps none yet).
        #[serde(with = "compact")]
        about: Vec<Arc<str>>,
        /// The person is in these of them.
        #[serde(with = "compact")]
        member_of: Vec<Arc<str>>,
    },
}

impl Groups {
    /// Left out, and nothing has been asked yet.
    pub const NOT_ASKED: Self = Self::Asked { about: Vec::new(), member_of: Vec::new() };

    /// The groups that the person is known to be in.
    #[must_use]
    pub fn known(&self) -> &[Arc<str>] {
        match self {
            Self::Listed(groups) | Self::Asked { member_of: groups, .. } => groups,
            Self::Overage => &[],
        }
    }

    /// Whether it is known if the person is in this group or not.
    #[must_use]
    pub fn tell_of(&self, group: &Arc<str>) -> bool {
        match self {
            Self::Listed(_) => true,
            Self::Overage => false,
            Self::Asked { about, .. } => about.contains(group),
        }
    }
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
            // A GUID has one spelling here, as in what people type: revocations are found by this text.
            Self::Directory { tenant, object } => match Guid::parse(object) {
                Ok(object) => write!(f, "{object}@{tenant}"),
                Err(_) => write!(f, "{object}@{tenant}"),
            },
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
            Self::Asked { about, member_of } => write!(f, "Asked({} of {})", member_of.len(), about.len()),
        }
    }
}
