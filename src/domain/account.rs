//! What kind of account somebody has, whether they belong to the tenant that vouches for them, and where their
//! identity lives. Three facts, three types, one pure [`classify`].
//!
//! The platform's facts behind the rules: `tid` names the tenant that issued the token, `idp` the provider that
//! authenticated the person, `acct` (an optional claim) says member or guest and nothing about personal or work.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::guid::{Guid, NotAGuid};
pub use again::classify_again;

mod again;

/// The tenant that issued a token (`tid`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TenantId(Guid);

impl TenantId {
    /// The tenant that issues every personal Microsoft account's tokens, in every cloud that has personal accounts.
    pub const CONSUMERS: Self = match Guid::parse("9188040d-6c67-4c5b-b112-36a304b66dad") {
        Ok(guid) => Self(guid),
        Err(_) => panic!("a GUID literal, evaluated at compile time"),
    };

    /// Reads a tenant id; a domain name is not one.
    ///
    /// # Errors
    /// [`NotAGuid`] for everything but the hyphenated form.
    pub const fn parse(text: &str) -> Result<Self, NotAGuid> {
        match Guid::parse(text) {
            Ok(guid) => Ok(Self(guid)),
            Err(error) => Err(error),
        }
    }
}

impl TenantId {
    /// Hands on the text that is shown.
    pub fn with_text<T>(self, then: impl FnOnce(&str) -> T) -> T {
        self.0.with_text(then)
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TenantId({})", self.0)
    }
}

/// The kind of account that signed in. Matched without a wildcard everywhere: a fourth kind must break the build in
/// every place that cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum AccountKind {
    /// Issued by an Azure AD B2C or External ID tenant, or by an authority declared `kind = "customer"`.
    Customer,
    /// Issued by the Microsoft-account tenant, or by an authority declared `kind = "personal"`.
    Personal,
    /// Issued by an organisation's tenant, or by an authority declared `kind = "work"`.
    Work,
}

impl AccountKind {
    /// Every kind, in the order pages and tables show them.
    pub const ALL: [Self; 3] = [Self::Work, Self::Personal, Self::Customer];

    /// The word for it in TOML, headers, logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Personal => "personal",
            Self::Work => "work",
        }
    }

    /// The kind of this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Whether a work account belongs to the tenant that issued its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Membership {
    /// Invited from elsewhere.
    Guest,
    /// One of the tenant's own.
    Member,
    /// The token does not say, and nothing else does.
    Unknown,
}

impl Membership {
    /// Every membership, the most usual first.
    pub const ALL: [Self; 3] = [Self::Member, Self::Guest, Self::Unknown];

    /// The word for it in TOML, headers and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Member => "member",
            Self::Unknown => "unknown",
        }
    }

    /// The membership of this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|membership| membership.as_str() == word)
    }
}

/// Where a person's identity lives: whose password they typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Home {
    /// A code sent by e-mail; no account anywhere.
    EmailCode,
    /// Another organisation's tenant.
    OtherTenant,
    /// A personal Microsoft account, perhaps inside an organisation's tenant.
    Personal,
    /// Google, Facebook, Apple and the like.
    Social,
    /// The tenant that issued the token.
    ThisTenant,
    /// Not told, or a provider we do not know (a partner's SAML federation, for one).
    Unknown,
}

impl Home {
    /// Every home, the most usual first.
    pub const ALL: [Self; 6] = [Self::ThisTenant, Self::OtherTenant, Self::Personal, Self::Social, Self::EmailCode, Self::Unknown];

    /// The word for it in TOML, headers and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EmailCode => "email_code",
            Self::OtherTenant => "other_tenant",
            Self::Personal => "personal",
            Self::Social => "social",
            Self::ThisTenant => "this_tenant",
            Self::Unknown => "unknown",
        }
    }

    /// The home of this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|home| home.as_str() == word)
    }
}

/// What the `acct` claim said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acct {
    /// 1
    Guest,
    /// 0
    Member,
    /// Not in the token.
    Absent,
    /// There, but neither 0 nor 1.
    Unreadable,
}

/// Whether an authority can only ever speak for one tenant (or one issuer).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pinning {
    /// `organizations` and other templated issuers.
    ManyTenants,
    /// One exact issuer.
    OneIssuer,
}

/// The validated facts that say what account this is. Nothing here may come from the browser.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// What the authority is declared to issue.
    pub declared: AccountKind,
    /// Whether the authority speaks for one issuer only.
    pub pinning: Pinning,
    /// `iss`, already validated.
    pub issuer: &'a str,
    /// `tid`, already validated; `None` at providers that have no tenants.
    pub tenant: Option<TenantId>,
    /// `idp`.
    pub identity_provider: Option<&'a str>,
    /// `acct`.
    pub acct: Acct,
    /// `utid` of `client_info`, taken from the token endpoint's own answer.
    pub home_tenant: Option<TenantId>,
}

/// The three facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// Personal, work or customer.
    pub kind: AccountKind,
    /// Member, guest or unknown.
    pub membership: Membership,
    /// Where the identity lives.
    pub home: Home,
}

/// Reads the facts out of the evidence. Total: whatever is not known is `Unknown`, never guessed.
#[must_use]
pub fn classify(evidence: &Evidence<'_>) -> Account {
    classify_by(evidence, evidence.home_tenant.map(|home| tenant_home(home, evidence.tenant)))
}

/// `told` is the home that the token endpoint itself has told.
fn classify_by(evidence: &Evidence<'_>, told: Option<Home>) -> Account {
    if evidence.tenant == Some(TenantId::CONSUMERS) {
        return Account { kind: AccountKind::Personal, membership: Membership::Unknown, home: Home::Personal };
    }
    let home = home(evidence, told);
    match evidence.declared {
        AccountKind::Customer => Account { kind: AccountKind::Customer, membership: Membership::Unknown, home },
        AccountKind::Personal => Account { kind: AccountKind::Personal, membership: Membership::Unknown, home: Home::Personal },
        AccountKind::Work => Account { kind: AccountKind::Work, membership: membership(evidence, home, told), home },
    }
}

fn home(evidence: &Evidence<'_>, told: Option<Home>) -> Home {
    let by_provider = evidence.identity_provider.map(|provider| provider_home(provider, evidence));
    match (by_provider, told) {
        // Either witness is enough for the finding that closes doors.
        (Some(Home::Personal), _) | (_, Some(Home::Personal)) => Home::Personal,
        // The issuing tenant is the weaker statement: members may carry an `idp` that names their own tenant.
        (Some(Home::ThisTenant) | None, Some(other)) => other,
        (Some(home), _) => home,
        // Silence speaks for the issuing tenant, but not of somebody who is expressly called a guest: a personal account
        // that was invited may come without `idp`.
        (None, None) => match evidence.acct {
            Acct::Absent | Acct::Member => Home::ThisTenant,
            Acct::Guest | Acct::Unreadable => Home::Unknown,
        },
    }
}

/// `idp` has been seen as a bare domain, an issuer of either version, and a federation partner's URI: tenants are
/// compared as GUIDs inside it, never as strings.
fn provider_home(provider: &str, evidence: &Evidence<'_>) -> Home {
    if provider == evidence.issuer {
        return Home::ThisTenant;
    }
    if let Some(tenant) = tenant_in(provider) {
        return tenant_home(tenant, evidence.tenant);
    }
    let host = provider.strip_prefix("https://").unwrap_or(provider).trim_end_matches('/');
    match host.to_ascii_lowercase().as_str() {
        "live.com" | "login.live.com" => Home::Personal,
        "mail" => Home::EmailCode,
        "google.com"
        | "accounts.google.com"
        | "facebook.com"
        | "www.facebook.com"
        | "appleid.apple.com"
        | "apple.com"
        | "github.com"
        | "linkedin.com"
        | "twitter.com" => Home::Social,
        _ => Home::Unknown,
    }
}

fn tenant_in(provider: &str) -> Option<TenantId> {
    provider.split('/').find_map(|segment| TenantId::parse(segment).ok())
}

fn tenant_home(home: TenantId, issuing: Option<TenantId>) -> Home {
    if home == TenantId::CONSUMERS {
        Home::Personal
    } else if Some(home) == issuing {
        Home::ThisTenant
    } else {
        Home::OtherTenant
    }
}

fn membership(evidence: &Evidence<'_>, home: Home, told: Option<Home>) -> Membership {
    match evidence.acct {
        Acct::Guest => Membership::Guest,
        Acct::Member => Membership::Member,
        Acct::Unreadable => Membership::Unknown,
        Acct::Absent => match (home, told, evidence.pinning) {
            // The token endpoint itself named this tenant as home.
            (Home::ThisTenant, Some(_), _) => Membership::Member,
            // Nothing speaks against membership, and the authority cannot speak for anybody else's tenant.
            (Home::ThisTenant, None, Pinning::OneIssuer) => Membership::Member,
            (Home::ThisTenant, None, Pinning::ManyTenants) => Membership::Unknown,
            (Home::EmailCode | Home::OtherTenant | Home::Personal | Home::Social | Home::Unknown, _, _) => Membership::Unknown,
        },
    }
}

#[cfg(test)]
mod tests;
